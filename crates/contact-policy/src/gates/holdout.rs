//! A fixed share of customers is left alone, so that the others can be compared with them.
//!
//! The draw is a keyed hash (BLAKE3) of the customer's id alone: it is the same after a restart, in a replay and for
//! every trigger, and says nothing about the customer.

use events::CustomerId;

use crate::gates::Question;
use crate::judgement::{Evidence, Experiment, Verdict};
use crate::settings::Gate;

/// How many places there are in the draw.
pub const BUCKETS: u32 = 10_000;

/// Never change it: another context draws other customers.
const CONTEXT: &str = "rekindle 2026-11 holdout bucket";

/// The customer's place in the draw, 0 to 9999.
pub fn bucket(key: &str, customer_id: &CustomerId) -> u32 {
    let key = blake3::derive_key(CONTEXT, key.as_bytes());
    let hash = blake3::keyed_hash(&key, customer_id.as_str().as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    // Below 10,000; with 64 bits no place is noticeably likelier than another.
    (u64::from_le_bytes([a, b, c, d, e, f, g, h]) % u64::from(BUCKETS)) as u32
}

pub(crate) fn ask(question: &Question<'_>, experiment: &mut Option<Experiment>) -> Verdict {
    if !question.request.is_advertising() {
        return Verdict::passed(Gate::Holdout, "service_message");
    }
    let holdout = &question.settings.holdout;
    let bucket = bucket(&holdout.key, question.request.customer_id);
    let held_out = bucket < holdout.share_basis_points;
    *experiment = Some(Experiment { bucket, held_out });
    let verdict = match held_out {
        true => Verdict::stopped(Gate::Holdout, "held_out"),
        false => Verdict::passed(Gate::Holdout, "treated"),
    };
    verdict.because(Evidence::Bucket { bucket, held_out_below: holdout.share_basis_points })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_draw_never_changes() {
        // What was held out stays held out: these were computed once and are never to be computed anew.
        let drawn = ["customer-17", "a", "b"].map(|id| bucket("rekindle", &CustomerId::new(id)));
        assert_eq!(drawn, [3_104, 1_131, 305]);
    }

    #[test]
    fn every_key_draws_its_own_share() {
        let held_out = |key: &str| -> Vec<u32> {
            let ids = (0..100_000).map(|n| (n, CustomerId::new(format!("customer-{n}"))));
            ids.filter(|(_, id)| bucket(key, id) < 500).map(|(n, _)| n).collect()
        };
        let (one, other) = (held_out("one"), held_out("other"));
        // 5,000 expected, with a standard deviation of 69: five of them on either side.
        for drawn in [&one, &other] {
            assert!((4_655..=5_345).contains(&drawn.len()), "{}", drawn.len());
        }
        // Independent draws share one in twenty of 5,000: 250, with a standard deviation of 15.
        let shared = one.iter().filter(|n| other.contains(n)).count();
        assert!((170..=330).contains(&shared), "{shared}");
    }
}
