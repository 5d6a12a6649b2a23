//! Dormancy and the return from it through the whole service.

use dormancy::Rules;
use events::Span;
use triggers::{Settings, structured};

use crate::log::{Log, consented, minute, ordered, settings, text};

pub const DAY: i64 = 24 * 60;

pub fn watching_silence() -> Settings {
    Settings { dormancy: Some(Rules::default()), ..settings() }
}

fn told(log: &mut Log) -> Vec<String> {
    let line = |output: &engine::fold::Output| {
        let event = structured(output);
        let data = |field: &str| text(&event, &format!("/data/{field}")).to_owned();
        format!("{} {} {}", output.topic, data("stage"), data("context/dormancy/tier"))
    };
    log.written().iter().map(line).collect()
}

#[test]
fn tiers_fire_without_an_event_and_the_return_is_told() {
    let mut log = Log::new(watching_silence());
    log.event(&ordered("e1", 0, "o1"));
    assert_eq!(
        told(log.until(minute(100 * DAY))),
        [
            "actions.dormancy fired slipping",
            "actions.dormancy fired at_risk",
            "actions.dormancy fired inactive"
        ]
    );
    log.event(&ordered("e2", 120 * DAY, "o2"));
    let outputs = log.written();
    let back = structured(&outputs[0]);
    assert_eq!((outputs.len(), text(&back, "/type")), (1, "rekindle.reactivated.fired.v1"));
    let lasted = back.pointer("/data/context/dormancy/lasted_seconds").and_then(serde_json::Value::as_i64);
    assert_eq!(lasted, Some(120 * 86_400));
    assert_eq!(text(&back, "/data/why/inputs/0/event_id"), "e1");
}

#[test]
fn a_late_order_takes_back_the_tier_by_its_id() {
    let mut log = Log::new(watching_silence());
    log.event(&ordered("e1", 0, "o1"));
    let fired = structured(&log.until(minute(31 * DAY)).written()[0]);
    log.late(&ordered("e2", 29 * DAY, "o2"));
    let outputs = log.written();
    let cancelled = structured(&outputs[0]);
    assert_eq!((outputs.len(), text(&cancelled, "/type")), (1, "rekindle.dormancy.cancelled.v1"));
    assert_eq!(text(&cancelled, "/data/reason"), "active_late");
    for same in ["/triggerid", "/data/episode/id", "/data/expires_at"] {
        assert_eq!(text(&fired, same), text(&cancelled, same), "{same}");
    }
    assert_ne!(text(&fired, "/id"), text(&cancelled, "/id"));
}

#[test]
fn a_refusal_suppresses_the_tier_and_what_is_stale_expires() {
    let mut log = Log::new(watching_silence());
    log.event(&ordered("e1", 0, "o1"));
    log.event(&consented("no", 1, false));
    assert_eq!(told(log.until(minute(31 * DAY))), ["actions.suppressed suppressed slipping"]);
    log.tick(minute(62 * DAY), minute(62 * DAY) + Span::from_days(3));
    assert_eq!(told(&mut log), ["actions.suppressed expired at_risk"]);
}
