//! What is told of the future is what comes: whatever waits first is what is written next, with the ids and the verdicts
//! that were foretold.

use std::collections::BTreeSet;

use contact_policy::ConsentDefault;
use customer::Moment;
use customer::standing::State;
use engine::fold::{Fold as _, Output};
use events::event::ProfileUpdated;
use events::{Body, CustomerId, Event, EventTime, Span};
use serde_json::Value;
use triggers::standing::Prospect;
use triggers::{Record, Settings, Standpoint, TriggerStanding, standings, structured};

use crate::care::{answered, opened, promised, resolved};
use crate::churn::watching_churn;
use crate::intent::{checkout, refused, searched, viewed};
use crate::log::{Log, added, asking_all_gates, consented, event, minute, ordered, text};
use crate::occasions::bought;
use crate::silence::DAY;

/// What is told of whoever has done nothing yet.
const LACKS: [&str; 23] = [
    "cart_abandonment: the cart holds nothing",
    "browse_abandonment: no product was viewed; 2 views in one session are needed",
    "search_abandonment: nothing was searched for",
    "checkout_abandonment: no checkout is under way",
    "payment_failed: no refused payment waits for an order",
    "cart_recovered: nothing of the family has fired within 3d without an order after it",
    "support_frustration: no reopening of 2 and no ticket of 3 within 14d, and no open ticket",
    "csat_low: no CSAT of 2 or less that is not told",
    "nps_detractor: no NPS of 6 or less that is not told",
    "nps_promoter: no NPS answer of 9 or more that is not told",
    "review_request: no order that a review could be asked of",
    "delivery_delayed: no date of delivery is promised",
    "churn_risk: no order; the score begins with the first",
    "dormancy: no order; a silence begins with the first",
    "reactivated: no order; a silence begins with the first",
    "winback: no order; it counts from the last",
    "welcome: no first order",
    "second_order_due: no first order",
    "replenishment_due: no order with a product",
    "vip_promoted: no order, and so no spend",
    "vip_slipping: no order, and so no spend",
    "birthday: no birthday known",
    "anniversary: no first order",
];

/// The whole catalogue, with every gate.
fn everything() -> Settings {
    Settings {
        care: Some(customer_care::Rules::default()),
        intent: Some(cart_abandonment::intent::Rules::default()),
        churn_risk: watching_churn().churn_risk,
        dormancy: Some(dormancy::Rules::default()),
        lifecycle: Some(dormancy::lifecycle::Rules::all()),
        ..asking_all_gates()
    }
}

fn told(settings: &Settings, record: &Record, watermark: EventTime) -> Vec<TriggerStanding> {
    let customer = CustomerId::new("customer-17");
    standings(record, Standpoint { customer: &customer, settings, watermark })
}

fn standing<'a>(told: &'a [TriggerStanding], name: &str) -> &'a TriggerStanding {
    told.iter().find(|told| told.kind.name == name).expect("it is switched on")
}

/// A customer who does a bit of everything.
fn history() -> Vec<Event> {
    let facts = ProfileUpdated {
        time_zone: Some("Europe/Berlin".into()),
        birthday: Some("1990-05-01".into()),
        ..Default::default()
    };
    let mut events = vec![
        event("00-profile", 0, Body::ProfileUpdated(facts)),
        viewed("01-view", 10, "p1"),
        viewed("02-view", 12, "p2"),
        searched("03-search", 600, "lamp"),
        added("04-cart", 3 * DAY, "p1"),
        checkout("05-checkout", 4 * DAY),
        refused("06-refused", 4 * DAY + 10),
        bought("07-order", 4 * DAY + 90, "coffee", 300),
        promised("08-promise", 4 * DAY + 91, "07-order", minute(7 * DAY)),
        answered("09-nps", 9 * DAY, "nps", 10),
        opened("10-ticket", 12 * DAY, "t-1"),
        resolved("11-resolved", 14 * DAY, "t-1"),
        answered("12-csat", 15 * DAY, "csat", 1),
        consented("13-refusal", 16 * DAY, false),
        added("14-cart", 17 * DAY, "p2"),
        consented("15-consent", 18 * DAY, true),
    ];
    let later = [40, 60, 80, 100].into_iter().enumerate();
    events.extend(later.map(|(place, day)| bought(&format!("2{place}-order"), day * DAY, "coffee", 250)));
    events.push(ordered("30-order", 101 * DAY, "o-30"));
    events
}

/// What is written next if nothing happens, and when.
fn next_outputs(log: &Log, mut record: Record) -> Option<(EventTime, Vec<Output>)> {
    let customer = CustomerId::new("customer-17");
    loop {
        let due = log.fold.next_due(&record)?;
        let moment = Moment { watermark: due, appended_at: None, settle: Span::from_secs(60), late: false };
        let mut outputs = Vec::new();
        log.fold.fire(&customer, &mut record, due, &moment, &mut outputs);
        outputs.retain(|output| output.topic != "outcomes");
        if !outputs.is_empty() {
            return Some((due, outputs));
        }
    }
}

/// Holds what is told at this moment against what comes; the triggers that come.
fn check(log: &Log, watermark: EventTime) -> Vec<String> {
    let Some(record) = log.record("customer-17") else { return Vec::new() };
    let told = told(log.fold.settings(), &record, watermark);
    let kinds: Vec<_> = log.fold.settings().kinds().iter().map(|kind| kind.name).collect();
    assert_eq!(told.iter().map(|told| told.kind.name).collect::<Vec<_>>(), kinds, "one entry for each");
    let Some((at, outputs)) = next_outputs(log, record) else { return Vec::new() };
    let records: Vec<_> = outputs.iter().map(structured).collect();
    let names: Vec<String> = records.iter().map(|record| text(record, "/data/trigger").to_owned()).collect();
    let foretold: Vec<_> = records.iter().map(|record| foretold(record, &told, at)).collect();
    // The gates know of each what came before it at the same moment; what is told knows of none.
    let stopped = records[0].pointer("/data/stopped_by").and_then(|gate| gate.as_str());
    if let Some(prospect) = foretold[0] {
        let by = prospect.judgement.stopped_by().map(|verdict| verdict.gate.as_str());
        assert_eq!(by, stopped, "{names:?} at {at}");
    }
    let earliest = told.iter().flat_map(|told| &told.standing.waiting).map(|wait| wait.fires_at).min();
    let is_of_churn = names == ["churn_risk"];
    assert!(is_of_churn || earliest == Some(at), "{earliest:?} was foretold, and {names:?} comes at {at}");
    names
}

/// What was foretold of this record; nothing of a score that has yet to rise.
fn foretold<'a>(record: &Value, told: &'a [TriggerStanding], at: EventTime) -> Option<&'a Prospect> {
    let name = text(record, "/data/trigger");
    let its = standing(told, name);
    if name == "churn_risk" && its.standing.waiting.is_empty() {
        let words = &its.standing.obstacle.as_ref().expect("it does not wait").sentence;
        assert!(words.contains(&format!("told at {at} if nothing happens")), "{words}");
        return None;
    }
    let mut waits = its.standing.waiting.iter().zip(&its.prospects);
    let (wait, prospect) = waits
        .find(|(_, prospect)| prospect.ids.trigger.to_string() == text(record, "/data/trigger_id"))
        .unwrap_or_else(|| panic!("{name} comes at {at} and is not foretold: {:?}", its.standing));
    assert_eq!(wait.fires_at, at, "{name}");
    assert_eq!(prospect.ids.episode.to_string(), text(record, "/data/episode/id"), "{name}");
    assert_eq!((wait.fires_at + wait.valid_for).to_string(), text(record, "/data/expires_at"), "{name}");
    assert_eq!(Some(u64::from(wait.step)), record.pointer("/data/step").and_then(Value::as_u64), "{name}");
    Some(prospect)
}

#[test]
fn whatever_is_foretold_comes_and_nothing_else() {
    let mut log = Log::new(everything());
    let mut seen = BTreeSet::new();
    for event in history() {
        log.event(&event);
        seen.extend(check(&log, event.occurred_at - Span::from_millis(1)));
        seen.extend(check(&log, event.occurred_at));
    }
    // Then nothing happens, for a year and a half.
    for hours in 0..18 * 30 {
        let watermark = minute(101 * DAY + hours * 24 * 60 + 30);
        log.until(watermark);
        seen.extend(check(&log, watermark));
    }
    for name in [
        "browse_abandonment",
        "search_abandonment",
        "cart_abandonment",
        "payment_failed",
        "welcome",
        "winback",
        "delivery_delayed",
        "nps_promoter",
        "birthday",
        "anniversary",
        "replenishment_due",
        "dormancy",
        "vip_slipping",
        "churn_risk",
        "second_order_due",
    ] {
        assert!(seen.contains(name), "{name} is never the next: {seen:?}");
    }
}

#[test]
fn a_refusal_is_foretold_as_the_gate_that_stops() {
    let mut settings = everything();
    settings.gates.consent_default = Some(ConsentDefault::Denied);
    let mut log = Log::new(settings);
    log.event(&added("e1", 0, "p1"));
    assert_eq!(check(&log, minute(0)), ["cart_abandonment"]);
    log.event(&opened("e2", 1, "t-1"));
    check(&log, minute(1));
}

#[test]
fn of_a_stranger_each_trigger_says_what_it_lacks() {
    let mut log = Log::new(everything());
    log.event(&consented("e1", 0, true));
    let record = log.record("customer-17").expect("somebody who has agreed");
    let told = told(log.fold.settings(), &record, minute(0));
    let lines: Vec<String> = told
        .iter()
        .map(|told| {
            let obstacle = told.standing.obstacle.as_ref().expect("nothing waits");
            assert_eq!(told.standing.state(), State::NotArmed, "{}", told.kind.name);
            format!("{}: {}", told.kind.name, obstacle.sentence)
        })
        .collect();
    assert_eq!(lines, LACKS);
}
