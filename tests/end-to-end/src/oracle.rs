//! What the raw records call for, worked out naively: each customer's events sorted by time and walked through once.
//!
//! Must stay true: nothing here is shared with the product; trigger ids are made from their published recipe.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::raw::{Act, RawRecord};

/// The namespace of all trigger ids.
const REKINDLE: Uuid = Uuid::from_u128(0x6f0d_3c1e_52b7_4c8a_9a67_1f8e_04d2_b95c);
const TRIGGER: &str = "cart_abandonment";
/// The installation's name where none is configured.
const INSTALLATION: &str = "default";
/// A record that reached its topic later than this after it happened can be late: it is what the product waits for. A broker
/// that hangs for seconds makes such records, and what late news does to what was sent is a matter of its own.
const ON_TIME_MS: i64 = 1_000;

/// What has to come out.
#[derive(Debug, Default)]
pub struct Expected {
    /// The ids of the triggers that fire and stay.
    pub triggers: BTreeMap<Uuid, String>,
    /// The ids of those that may fire and stay, or not.
    pub optional: BTreeSet<Uuid>,
    /// How many customers there are.
    pub customers: usize,
    /// Of how many of them a record came late: each of their changes may fire and stay, or not.
    pub late: usize,
    /// Raw records that are the repetition of an earlier one.
    pub repeated: usize,
}

/// Folds the raw records; `wait_ms` after the last change of a cart its trigger is due.
pub fn expect(records: &[RawRecord], wait_ms: i64) -> Expected {
    let mut by_customer: BTreeMap<&str, Vec<Seen<'_>>> = BTreeMap::new();
    let (mut known, mut late) = (BTreeSet::new(), BTreeSet::new());
    let mut repeated = 0;
    for record in records {
        let Some(event) = &record.event else { continue };
        if !known.insert((&event.customer, &event.event_id)) {
            repeated += 1;
            continue;
        }
        if record.appended_at - event.occurred_at > ON_TIME_MS {
            late.insert(event.customer.as_str());
        }
        // What claims to have happened after it arrived is taken to have happened then.
        let at = event.occurred_at.min(record.appended_at);
        by_customer.entry(&event.customer).or_default().push(Seen {
            at,
            event_id: &event.event_id,
            act: &event.act,
        });
    }
    let customers = by_customer.len();
    let mut expected = Expected { customers, late: late.len(), repeated, ..Expected::default() };
    for (customer, mut own) in by_customer {
        if late.contains(customer) {
            expected.optional.extend(own.iter().map(|seen| trigger_id(customer, seen.event_id)));
            continue;
        }
        own.sort_by_key(|seen| (seen.at, rank(seen.act), seen.event_id));
        for arming in abandonments(&own, wait_ms) {
            expected.triggers.insert(trigger_id(customer, arming), format!("{customer} by {arming}"));
        }
    }
    expected
}

struct Seen<'a> {
    at: i64,
    event_id: &'a str,
    act: &'a Act,
}

/// The event of each change of a cart after which nothing more came until it was due.
fn abandonments<'a>(own: &[Seen<'a>], wait_ms: i64) -> Vec<&'a str> {
    let mut cart: BTreeMap<&str, i64> = BTreeMap::new();
    let mut armed: Option<(i64, &str)> = None;
    let mut found = Vec::new();
    for seen in own {
        let is_sign = match seen.act {
            Act::Other => false,
            Act::Added(product) => {
                *cart.entry(product).or_default() += 1;
                true
            }
            Act::Removed(product) => {
                let had_cart = !cart.is_empty();
                cart.entry(product).and_modify(|pieces| *pieces -= 1);
                cart.retain(|_, pieces| *pieces > 0);
                had_cart
            }
            Act::Ordered => {
                cart.clear();
                true
            }
        };
        if !is_sign {
            continue;
        }
        // What comes exactly when it is due still counts.
        found.extend(armed.take().filter(|(at, _)| at + wait_ms < seen.at).map(|(_, id)| id));
        armed = (!cart.is_empty()).then_some((seen.at, seen.event_id));
    }
    found.extend(armed.map(|(_, id)| id));
    found
}

/// At equal times: what adds, what takes away, what ends.
fn rank(act: &Act) -> u8 {
    match act {
        Act::Other => 0,
        Act::Added(_) => 1,
        Act::Removed(_) => 2,
        Act::Ordered => 3,
    }
}

/// UUIDv5 over the parts, each with its length before it.
fn trigger_id(customer: &str, arming_event: &str) -> Uuid {
    let parts = ["trigger", INSTALLATION, TRIGGER, customer, arming_event, "0"];
    let name: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
    Uuid::new_v5(&REKINDLE, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::RawEvent;

    fn armed(acts: &[(i64, Act)]) -> Vec<String> {
        let record = |(n, (at, act)): (usize, &(i64, Act))| RawRecord {
            topic: "t".to_owned(),
            partition: 0,
            offset: n as i64,
            appended_at: *at,
            event: Some(RawEvent {
                customer: "c".to_owned(),
                event_id: format!("e{n}"),
                occurred_at: *at,
                act: act.clone(),
            }),
        };
        let records: Vec<_> = acts.iter().enumerate().map(record).collect();
        let expected = expect(&records, 100);
        let mut armed: Vec<_> = expected.triggers.values().map(|why| why[5..].to_owned()).collect();
        armed.sort();
        armed
    }

    fn add(product: &str) -> Act {
        Act::Added(product.to_owned())
    }

    fn remove(product: &str) -> Act {
        Act::Removed(product.to_owned())
    }

    #[test]
    fn an_order_up_to_the_deadline_ends_the_waiting() {
        assert_eq!(armed(&[(0, add("p"))]), ["e0"]);
        assert_eq!(armed(&[(0, add("p")), (100, Act::Ordered)]), [""; 0]);
        assert_eq!(armed(&[(0, add("p")), (101, Act::Ordered)]), ["e0"]);
    }

    #[test]
    fn only_what_changes_the_cart_counts_anew() {
        assert_eq!(armed(&[(0, add("p")), (50, Act::Other)]), ["e0"]);
        assert_eq!(armed(&[(0, add("p")), (50, add("p"))]), ["e1"]);
        assert_eq!(armed(&[(0, add("p")), (50, add("q")), (60, remove("p"))]), ["e2"]);
        assert_eq!(armed(&[(0, add("p")), (50, remove("p"))]), [""; 0]);
    }

    #[test]
    fn the_order_in_which_records_arrive_does_not_matter() {
        assert_eq!(armed(&[(80, Act::Ordered), (0, add("p"))]), [""; 0]);
    }

    #[test]
    fn of_a_customer_with_late_records_nothing_has_to_come_and_each_change_may() {
        let record = |event_id: &str, occurred_at, appended_at| RawRecord {
            topic: "t".to_owned(),
            partition: 0,
            offset: 0,
            appended_at,
            event: Some(RawEvent {
                customer: "c".to_owned(),
                event_id: event_id.to_owned(),
                occurred_at,
                act: add("p"),
            }),
        };
        let on_time = expect(&[record("a", 0, ON_TIME_MS), record("b", 5_000, 5_000)], 100);
        assert_eq!((on_time.triggers.len(), on_time.optional.len(), on_time.late), (2, 0, 0));
        let late = expect(&[record("a", 0, ON_TIME_MS + 1), record("b", 5_000, 5_000)], 100);
        assert_eq!((late.triggers.len(), late.late), (0, 1));
        assert_eq!(late.optional, ["a", "b"].map(|event| trigger_id("c", event)).into());
    }

    #[test]
    fn ids_follow_the_published_recipe() {
        assert_eq!(trigger_id("c-1", "e-1").to_string(), "b15da494-dd0b-57b1-87a6-a97b9449e297");
    }
}
