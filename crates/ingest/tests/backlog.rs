//! A backlog is read in event time, as far as one worker reads it: a short topic does not run ahead of a long one.

mod support;

use events::{EventTime, Span};
use support::{NOW, World};

const DRIFT: i64 = 10;
const MINUTES: i64 = 600;
/// A click comes every minute.
const MINUTES_PER_ORDER: i64 = 10;
/// A poll of the worker brings seven records, perhaps all of them orders, before anybody can be held back.
const MINUTES_OF_A_POLL: i64 = 7 * MINUTES_PER_ORDER;

#[test]
fn a_short_topic_waits_for_a_long_one() {
    let mut world = World::new(&[("clickstream", 1), ("purchase", 1)]);
    world.settings.max_watermark_drift = Span::from_minutes(DRIFT);
    for minute in 0..MINUTES {
        let at = NOW - Span::from_minutes(MINUTES - minute);
        let record = |kind: &str, more: &str| {
            format!(
                r#"{{"type":"{kind}","event_id":"{kind}-{minute}","customer_id":"c","occurred_at":"{at}"{more}}}"#
            )
        };
        world.send("clickstream", 0, None, Some(record("page_viewed", "").as_bytes()));
        if minute % MINUTES_PER_ORDER == 0 {
            let order = record("order_completed", r#","order_id":"o""#);
            world.send("purchase", 0, None, Some(order.as_bytes()));
        }
    }
    world.ingest();
    let times: Vec<EventTime> = world.events().iter().map(|event| event.occurred_at).collect();
    assert_eq!(times.len() as i64, MINUTES + MINUTES / MINUTES_PER_ORDER, "nobody waits for ever");
    let mut latest_before = EventTime::MIN;
    for at in times {
        let ahead = latest_before.since(at);
        assert!(ahead <= Span::from_minutes(DRIFT + MINUTES_OF_A_POLL), "{latest_before} came before {at}");
        latest_before = latest_before.max(at);
    }
}
