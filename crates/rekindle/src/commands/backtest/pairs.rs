//! Which trigger of one side is which of another's.
//!
//! The same trigger id is the same trigger: it names the arming event and the step. Where ids do not agree (another
//! namespace, other event ids), those that were armed at the same time are the same, and then those of one episode in
//! their order, so that another waiting time shows as a trigger that moved and not as one new and one lost.

use super::told::Told;

/// The fired triggers of one rule and one customer, paired.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pairs<'t> {
    /// The base's and the variant's.
    pub both: Vec<(&'t Told, &'t Told)>,
    /// The base's alone.
    pub lost: Vec<&'t Told>,
    /// The variant's alone.
    pub new: Vec<&'t Told>,
}

/// Pairs what fired in the base with what fired in the variant; both in the order of their times.
pub fn pair<'t>(base: Vec<&'t Told>, variant: Vec<&'t Told>) -> Pairs<'t> {
    let mut pairs = Pairs { both: Vec::new(), lost: base, new: variant };
    let alike: [fn(&Told, &Told) -> bool; 3] = [
        |a, b| a.trigger_id == b.trigger_id,
        |a, b| a.armed_ms == b.armed_ms,
        |a, b| a.episode_id == b.episode_id,
    ];
    for is_same in alike {
        pairs.lost.retain(|&lost| {
            let Some(place) = pairs.new.iter().position(|new| is_same(lost, new)) else { return true };
            pairs.both.push((lost, pairs.new.remove(place)));
            false
        });
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::told::fixture::a_fired_cart;
    use super::*;

    fn fired(id: &str, episode: &str, armed_ms: i64, fired_ms: i64) -> Told {
        Told { trigger_id: id.into(), episode_id: episode.into(), armed_ms, fired_ms, ..a_fired_cart() }
    }

    #[test]
    fn ids_come_before_times_and_times_before_episodes() {
        let base = [fired("a", "e", 0, 10), fired("b", "e", 5, 15), fired("c", "f", 20, 30)];
        let variant = [fired("x", "e", 0, 40), fired("y", "f", 22, 62), fired("b", "e", 0, 45)];
        let pairs = pair(base.iter().collect(), variant.iter().collect());
        let both: Vec<_> =
            pairs.both.iter().map(|(a, b)| (a.trigger_id.as_str(), b.trigger_id.as_str())).collect();
        assert_eq!(both, [("b", "b"), ("a", "x"), ("c", "y")]);
        assert!(pairs.new.is_empty() && pairs.lost.is_empty());
    }

    #[test]
    fn an_episode_that_fired_more_often_on_one_side_has_the_rest_there_alone() {
        let base = [fired("a", "e", 0, 10), fired("b", "e", 20, 30)];
        let variant = [fired("b", "e", 20, 60), fired("z", "g", 90, 130)];
        let pairs = pair(base.iter().collect(), variant.iter().collect());
        let ids = |told: &[&Told]| told.iter().map(|told| told.trigger_id.to_string()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&pairs.lost), ids(&pairs.new), pairs.both.len()),
            (vec!["a".into()], vec!["z".into()], 1)
        );
    }
}
