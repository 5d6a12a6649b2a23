//! Why a trigger that fired on one side did not fire on another.
//!
//! Must stay true: a reason is read off the records of that side, its settings and the events of the input, and is never
//! guessed. Where they do not say it, neither does this.

use std::collections::BTreeMap;

use events::{EventTime, Span};

use super::notes::{Seen, Wait};
use super::told::{Stage, Told};

/// The side on which the trigger did not fire.
pub struct Absent<'a> {
    /// What it told of this customer.
    pub told: &'a [&'a Told],
    /// How long after it was armed the rule is due there; none where it was never due.
    pub wait: Option<Wait>,
    /// The triggers that are switched on there, with their last step where there are several; none where nobody knows.
    pub enabled: Option<&'a Enabled>,
    /// What was due up to here is not compared.
    pub begins_after_ms: i64,
    /// Where its time ends; none where nobody knows.
    pub ends_ms: Option<i64>,
}

/// Triggers that are switched on, with their last step where the settings say which that is.
pub type Enabled = BTreeMap<String, Option<u32>>;

/// Why it did not fire there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// In snake case, the same for all triggers of which it is true.
    pub code: String,
    /// The same for people.
    pub label: String,
    /// What is particular to this one.
    pub detail: String,
}

impl Reason {
    fn new(code: impl Into<String>, label: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), label: label.into(), detail: detail.into() }
    }
}

/// Says why `fired`, which fired on the other side, did not fire on the absent one; `seen` are the customer's events in
/// their order.
pub fn why_absent(fired: &Told, absent: &Absent<'_>, seen: &[Seen]) -> Reason {
    switched_off(fired, absent)
        .or_else(|| stopped(fired, absent))
        .or_else(|| not_due(fired, absent, seen))
        .unwrap_or_else(|| not_told(fired, absent))
}

/// Nothing says it; what may have to do with it is told as what it is.
fn not_told(fired: &Told, absent: &Absent<'_>) -> Reason {
    let earlier = absent.told.iter().filter(|told| {
        told.rule == fired.rule && told.stage == Stage::Fired && told.fired_ms < fired.fired_ms
    });
    match earlier.max_by_key(|told| told.fired_ms) {
        Some(earlier) => Reason::new(
            "fired_before",
            "not due; the same rule had fired for the customer before",
            format!("it had fired at {}", moment(earlier.fired_ms)),
        ),
        None => Reason::new("not_told", "not due, and nothing recorded says why", ""),
    }
}

fn switched_off(fired: &Told, absent: &Absent<'_>) -> Option<Reason> {
    match absent.enabled?.get(fired.rule.trigger.as_str()) {
        None => Some(Reason::new("switched_off", "the trigger is switched off", "")),
        Some(Some(last)) if fired.rule.step > *last => {
            Some(Reason::new("no_such_step", "there is no such step", ""))
        }
        Some(_) => None,
    }
}

/// It was due there too, and its record says what stopped it.
fn stopped(fired: &Told, absent: &Absent<'_>) -> Option<Reason> {
    let decided = absent
        .told
        .iter()
        .filter(|told| told.rule == fired.rule && matches!(told.stage, Stage::Suppressed | Stage::Expired));
    let alike: [fn(&Told, &Told) -> bool; 3] = [
        |a, b| a.trigger_id == b.trigger_id,
        |a, b| a.armed_ms == b.armed_ms,
        |a, b| a.episode_id == b.episode_id,
    ];
    let told = alike.iter().find_map(|is_same| decided.clone().find(|told| is_same(told, fired)))?;
    let reason = told.reason.as_deref().unwrap_or("no reason given");
    let detail = match told.fired_ms == fired.fired_ms {
        true => String::new(),
        false => format!("it was due at {}", moment(told.fired_ms)),
    };
    Some(match &told.stopped_by {
        Some(gate) => {
            Reason::new(format!("gate_{gate}"), format!("stopped by the {gate} gate ({reason})"), detail)
        }
        None => Reason::new("expired", format!("expired ({reason})"), detail),
    })
}

/// It was never due there, and the events up to the time at which it would have been may say what came before.
fn not_due(fired: &Told, absent: &Absent<'_>, seen: &[Seen]) -> Option<Reason> {
    let Some(Wait::Always(wait)) = absent.wait else { return None };
    let due = fired.armed_ms.saturating_add(wait);
    if due <= absent.begins_after_ms {
        return Some(Reason::new(
            "due_before_the_beginning",
            "due before what is compared begins",
            format!("it was due at {}", moment(due)),
        ));
    }
    // What came before it fired on the other side did not end it there. An event at the very time it is due comes first.
    let after = if fired.fired_ms < due { fired.fired_ms } else { fired.armed_ms };
    let until = absent.ends_ms.map_or(due, |end| due.min(end));
    let event = seen.iter().find(|event| {
        event.at_ms > after && event.at_ms <= until && matters(fired.rule.trigger.as_str(), &event.kind())
    });
    match event {
        Some(event) => Some(came_first(fired, absent, event, due)),
        None if absent.ends_ms.is_some_and(|end| due > end) => Some(Reason::new(
            "not_due_by_the_end",
            "not due by the end of the input",
            format!("it would have been due at {}", moment(due)),
        )),
        None => None,
    }
}

fn came_first(fired: &Told, absent: &Absent<'_>, event: &Seen, due: i64) -> Reason {
    let kind = event.kind();
    let detail = format!(
        "{kind} at {}, {} after it was armed; it would have been due {}",
        moment(event.at_ms),
        lasting(event.at_ms - fired.armed_ms),
        match due - event.at_ms {
            0 => "at that very moment".to_owned(),
            left => format!("{} later", lasting(left)),
        }
    );
    if kind == "order_completed" {
        return Reason::new("ordered_before_due", "the customer ordered before it was due", detail);
    }
    let is_later = |told: &&&Told| {
        told.stage.is_decision()
            && told.rule == fired.rule
            && told.episode_id == fired.episode_id
            && told.armed_ms > fired.armed_ms
    };
    match absent.told.iter().filter(is_later).min_by_key(|told| told.armed_ms) {
        Some(later) => Reason::new(
            "armed_anew",
            format!("armed anew by {kind} before it was due"),
            format!(
                "{detail}; armed last at {}, and due at {}",
                moment(later.armed_ms),
                moment(later.fired_ms)
            ),
        ),
        None => Reason::new(format!("{kind}_before_due"), format!("{kind} came before it was due"), detail),
    }
}

/// Whether an event of this kind can end a trigger or arm it anew. That a message was sent or opened never does, and
/// looking around does nothing to a cart.
fn matters(trigger: &str, kind: &str) -> bool {
    match trigger {
        "cart_abandonment" => {
            kind.starts_with("cart_") || matches!(kind, "checkout_started" | "order_completed")
        }
        _ => !kind.starts_with("message_"),
    }
}

/// A time for people, to the second.
pub fn moment(ms: i64) -> String {
    let text = EventTime::from_millis(ms).to_string();
    text.get(..19).map_or_else(|| text.clone(), |text| format!("{}Z", text.replace('T', " ")))
}

/// A length of time for people: its two largest units.
pub fn lasting(ms: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let ms = ms.abs();
    let Some(first) = UNITS.iter().position(|(length, _)| ms >= *length) else {
        return Span::from_millis(ms).to_string();
    };
    let mut parts = Vec::new();
    let mut left = ms;
    for (length, unit) in UNITS.iter().skip(first).take(2) {
        if left >= *length {
            parts.push(format!("{}{unit}", left / length));
        }
        left %= length;
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::told::fixture::a_fired_cart;
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn told(stage: Stage, armed_ms: i64, fired_ms: i64) -> Told {
        Told {
            stage,
            trigger_id: format!("armed at {armed_ms}").into(),
            armed_ms,
            fired_ms,
            summary: "Because.".to_owned(),
            ..a_fired_cart()
        }
    }

    fn seen(at_ms: i64, rank: u8) -> Seen {
        Seen { customer: "c".into(), at_ms, rank }
    }

    fn code(told_there: &[&Told], wait: Option<Wait>, ends_ms: Option<i64>, seen: &[Seen]) -> String {
        let fired = told(Stage::Fired, 0, HOUR / 2);
        let absent = Absent { told: told_there, wait, enabled: None, begins_after_ms: i64::MIN, ends_ms };
        why_absent(&fired, &absent, seen).code
    }

    const FOUR_HOURS: Option<Wait> = Some(Wait::Always(4 * HOUR));
    const VIEWED: u8 = 4;
    const ADDED: u8 = 7;
    const ORDERED: u8 = 14;

    #[test]
    fn the_record_of_the_gate_that_stopped_it_says_so() {
        let mut stopped = told(Stage::Suppressed, 0, HOUR);
        stopped.stopped_by = Some("cooldown".into());
        assert_eq!(code(&[&stopped], FOUR_HOURS, None, &[]), "gate_cooldown");
        assert_eq!(code(&[&told(Stage::Expired, 0, HOUR)], FOUR_HOURS, None, &[]), "expired");
    }

    #[test]
    fn the_first_event_that_can_end_it_is_named_and_only_within_the_wait() {
        let ordered = [seen(HOUR, VIEWED), seen(2 * HOUR, ORDERED)];
        assert_eq!(code(&[], FOUR_HOURS, None, &ordered), "ordered_before_due");
        assert_eq!(code(&[], FOUR_HOURS, None, &[seen(4 * HOUR, ORDERED)]), "ordered_before_due");
        assert_eq!(code(&[], FOUR_HOURS, None, &[seen(4 * HOUR + 1, ORDERED)]), "not_told");
        // Before it fired on the other side, where it ended nothing.
        assert_eq!(code(&[], FOUR_HOURS, None, &[seen(HOUR / 4, ORDERED)]), "not_told");
        assert_eq!(code(&[], FOUR_HOURS, None, &[seen(HOUR, VIEWED)]), "not_told");
    }

    #[test]
    fn armed_anew_is_said_only_if_a_record_bears_it_out() {
        let added = [seen(HOUR, ADDED)];
        assert_eq!(code(&[], FOUR_HOURS, None, &added), "cart_item_added_before_due");
        assert_eq!(code(&[&told(Stage::Fired, HOUR, 5 * HOUR)], FOUR_HOURS, None, &added), "armed_anew");
    }

    #[test]
    fn a_wait_that_is_not_known_or_not_always_the_same_explains_nothing() {
        let ordered = [seen(HOUR, ORDERED)];
        assert_eq!(code(&[], None, None, &ordered), "not_told");
        assert_eq!(code(&[], Some(Wait::Varies), None, &ordered), "not_told");
    }

    #[test]
    fn the_input_may_end_before_it_is_due() {
        assert_eq!(code(&[], FOUR_HOURS, Some(3 * HOUR), &[]), "not_due_by_the_end");
        assert_eq!(code(&[], FOUR_HOURS, Some(5 * HOUR), &[]), "not_told");
    }

    #[test]
    fn what_was_due_before_the_stretch_began_did_not_fire_in_it() {
        let fired = told(Stage::Fired, 0, HOUR);
        let code = |begins_after_ms| {
            let wait = Some(Wait::Always(HOUR / 2));
            let absent = Absent { told: &[], wait, enabled: None, begins_after_ms, ends_ms: None };
            why_absent(&fired, &absent, &[]).code
        };
        assert_eq!(code(HOUR / 2), "due_before_the_beginning");
        assert_eq!(code(HOUR / 2 - 1), "not_told");
    }

    #[test]
    fn what_is_switched_off_does_not_fire() {
        let fired = told(Stage::Fired, 0, HOUR);
        let code = |enabled: &Enabled| {
            let absent = Absent {
                told: &[],
                wait: None,
                enabled: Some(enabled),
                begins_after_ms: i64::MIN,
                ends_ms: None,
            };
            why_absent(&fired, &absent, &[]).code
        };
        assert_eq!(code(&Enabled::new()), "switched_off");
        assert_eq!(code(&Enabled::from([("cart_abandonment".to_owned(), Some(0))])), "not_told");
    }

    #[test]
    fn lengths_are_told_by_their_two_largest_units() {
        assert_eq!(lasting(31 * 60_000 + 19_082), "31m 19s");
        assert_eq!(lasting(-3 * HOUR), "3h");
        assert_eq!(lasting(50 * HOUR + 59_000), "2d 2h");
        assert_eq!(lasting(120), "120ms");
        assert_eq!(moment(1_659_818_148_834), "2022-08-06 20:35:48Z");
    }
}
