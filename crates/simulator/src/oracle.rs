//! What the raw input calls for, worked out naively: all of a customer's events sorted, walked through once.
//!
//! It shares no code with the triggers or the engine. It knows carts as CATALOGUE.md has them, for events that come
//! in time; of those that come late only the reader of the log can know what was fired before.

use std::collections::{BTreeMap, BTreeSet};

use events::{EventTime, Span};

use crate::shop::{Act, Happening};

/// A step of an abandoned cart: whose, and when it is due.
pub type DueStep = (String, EventTime);

/// The steps that are due for these events, if `steps` after the last change of a cart are.
pub fn due_steps(happenings: &[Happening], steps: &[Span]) -> BTreeSet<DueStep> {
    let mut by_customer: BTreeMap<&str, Vec<&Happening>> = BTreeMap::new();
    for happening in happenings {
        by_customer.entry(&happening.customer).or_default().push(happening);
    }
    let mut due = BTreeSet::new();
    for (customer, mut own) in by_customer {
        own.sort_by_key(|happening| (happening.at, order_of_kinds(happening.act), &happening.event_id));
        for (end, change) in abandonments(&own) {
            let reached =
                steps.iter().map(|step| change.at + *step).filter(|due| end.is_none_or(|end| *due < end));
            due.extend(reached.map(|at| (customer.to_owned(), at)));
        }
    }
    due
}

/// Each change of a cart that leaves something in it, with the time at which the next event ends the waiting.
fn abandonments<'a>(own: &[&'a Happening]) -> Vec<(Option<EventTime>, &'a Happening)> {
    let mut cart: BTreeMap<u8, u32> = BTreeMap::new();
    let mut waiting: Option<&Happening> = None;
    let mut found = Vec::new();
    for happening in own {
        let was_open = !cart.is_empty();
        let (ends, begins) = match happening.act {
            Act::Other => (false, false),
            Act::CheckedOut => (true, false),
            Act::Ordered => {
                cart.clear();
                (true, false)
            }
            Act::Added(product) => {
                *cart.entry(product).or_default() += 1;
                (true, true)
            }
            Act::Removed(product) => {
                if let Some(pieces) = cart.get_mut(&product) {
                    *pieces -= 1;
                }
                cart.retain(|_, pieces| *pieces > 0);
                // Taking away what is not there is still a sign of life, as long as there is a cart.
                (was_open, !cart.is_empty())
            }
        };
        if ends {
            found.extend(waiting.take().map(|change| (Some(happening.at), change)));
        }
        if begins {
            waiting = Some(happening);
        }
    }
    found.extend(waiting.map(|change| (None, change)));
    found
}

/// At equal times: adding before removing, then the checkout, then the order.
fn order_of_kinds(act: Act) -> u8 {
    match act {
        Act::Other => 0,
        Act::Added(_) => 1,
        Act::Removed(_) => 2,
        Act::CheckedOut => 3,
        Act::Ordered => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(acts: &[(i64, Act)]) -> Vec<i64> {
        let happenings: Vec<_> = acts
            .iter()
            .enumerate()
            .map(|(id, (at, act))| Happening {
                customer: "c".to_owned(),
                event_id: format!("e{id}"),
                at: EventTime::from_millis(*at),
                act: *act,
            })
            .collect();
        let steps = [Span::from_millis(100), Span::from_millis(300)];
        due_steps(&happenings, &steps).into_iter().map(|(_, at)| at.as_millis()).collect()
    }

    #[test]
    fn each_step_of_an_abandoned_cart_is_due() {
        assert_eq!(due(&[(0, Act::Added(1))]), [100, 300]);
    }

    #[test]
    fn what_comes_exactly_at_the_deadline_still_counts() {
        assert_eq!(due(&[(0, Act::Added(1)), (100, Act::Ordered)]), [0; 0]);
        assert_eq!(due(&[(0, Act::Added(1)), (101, Act::Ordered)]), [100]);
    }

    #[test]
    fn a_change_counts_anew_and_an_emptied_cart_is_none() {
        assert_eq!(due(&[(0, Act::Added(1)), (90, Act::Added(1))]), [190, 390]);
        assert_eq!(due(&[(0, Act::Added(1)), (90, Act::Removed(1))]), [0; 0]);
        assert_eq!(due(&[(0, Act::Added(1)), (90, Act::Removed(2))]), [190, 390]);
    }

    #[test]
    fn a_checkout_ends_the_waiting_until_the_cart_changes_again() {
        assert_eq!(due(&[(0, Act::Added(1)), (50, Act::CheckedOut)]), [0; 0]);
        assert_eq!(due(&[(0, Act::Added(1)), (50, Act::CheckedOut), (60, Act::Added(2))]), [160, 360]);
    }
}
