//! What a record that is about to be published tells of a trigger.

use std::borrow::Cow;

use bytes::Bytes;
use engine::ports::NewRecord;
use events::EventTime;
use serde::Deserialize;

/// How the type of a trigger that is sent ends.
const FIRED: &str = ".fired.v1";

/// Type and reason of a trigger record.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// As in `rekindle.cart_abandonment.fired.v1`.
    pub ce_type: String,
    /// The gate or the cause of what was not sent, or was taken back; the side of an outcome.
    pub reason: String,
    /// When it was due, if it fired.
    pub due: Option<EventTime>,
}

/// What a record tells, if it is about a trigger. The value is read only where there is a reason in it.
pub fn by(record: &NewRecord) -> Option<Told> {
    let header = |name: &str| record.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value);
    let ce_type = String::from_utf8_lossy(header("ce_type")?).into_owned();
    if ce_type.ends_with(FIRED) {
        // What has fired is true since it was due.
        let due = header("ce_time").and_then(time_of);
        return Some(Told { ce_type, reason: String::new(), due });
    }
    let value: Value<'_> = serde_json::from_slice(record.value.as_deref()?).unwrap_or_default();
    let word = value.stopped_by.as_deref().or(value.reason.as_deref()).or(value.side());
    Some(Told { ce_type, reason: word.unwrap_or_default().to_owned(), due: None })
}

/// What there is of a reason in a record's value. The rest is passed over: it is most of it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Value<'a> {
    #[serde(borrow)]
    stopped_by: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    converted: Option<bool>,
    experiment: Option<Experiment>,
}

#[derive(Deserialize)]
struct Experiment {
    held_out: bool,
}

impl Value<'_> {
    /// Of an outcome: whether the customer was told or held out, so that the two can be compared.
    fn side(&self) -> Option<&'static str> {
        self.converted?;
        Some(if self.experiment.as_ref()?.held_out { "held_out" } else { "sent" })
    }
}

fn time_of(text: &Bytes) -> Option<EventTime> {
    let time: strict_toml::Instant = std::str::from_utf8(text).ok()?.parse().ok()?;
    Some(time.event_time())
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::TopicPartition;

    fn record(ce_type: &str, value: &str) -> NewRecord {
        let header = |name: &str, value: &str| (name.into(), Bytes::from(value.to_owned()));
        NewRecord {
            partition: TopicPartition::new("actions.suppressed", 0),
            key: None,
            value: Some(Bytes::from(value.to_owned())),
            headers: vec![header("ce_type", ce_type), header("ce_time", "2026-03-01T10:00:00.5Z")],
        }
    }

    #[test]
    fn a_record_tells_its_type_and_why_it_was_not_sent() {
        let suppressed = "rekindle.cart_abandonment.suppressed.v1";
        let told = by(&record(suppressed, r#"{"stopped_by":"consent"}"#));
        assert_eq!(told, Some(Told { ce_type: suppressed.into(), reason: "consent".into(), due: None }));
    }

    #[test]
    fn an_outcome_tells_its_side() {
        let side = |value: &str| by(&record("rekindle.dormancy.converted.v1", value)).map(|told| told.reason);
        let of = |side: &str| Some(side.to_owned());
        assert_eq!(side(r#"{"converted":true,"experiment":{"held_out":true,"bucket":7}}"#), of("held_out"));
        assert_eq!(side(r#"{"converted":false,"experiment":{"held_out":false,"bucket":7}}"#), of("sent"));
        assert_eq!(side(r#"{"converted":true,"experiment":null}"#), of(""), "nobody was held out");
    }

    #[test]
    fn what_has_fired_tells_when_it_was_due() {
        let fired = "rekindle.cart_abandonment.fired.v1";
        let due = Some(EventTime::from_millis(1_772_359_200_500));
        assert_eq!(
            by(&record(fired, "{}")),
            Some(Told { ce_type: fired.into(), reason: String::new(), due })
        );
        let mut untimed = record(fired, "{}");
        untimed.headers.truncate(1);
        assert_eq!(by(&untimed).map(|told| told.due), Some(None));
    }
}
