//! A log as its worker sees it, watched: what goes through it is counted, what fails is told, and a worker that starts
//! over again and again is slowed down.
//!
//! Must stay true: nothing that passes is changed; what is counted as published was in a transaction that committed.

use std::rc::Rc;
use std::time::{Duration, Instant};

use engine::ports::{Bounds, Log, LogError, NewRecord, Offset, Polled, PublishError};
use events::{EventTime, TopicPartition};
use smol_str::SmolStr;
use telemetry::{LogMetrics, TriggerMetrics};

use super::conditions::{Condition, Conditions};

/// The pause before the second, third, ... start in a row, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A worker that went on for this long was in no row.
const CALM: Duration = Duration::from_secs(30);
/// After a poll that failed.
const POLL_PAUSE: Duration = Duration::from_millis(100);
/// While it is not known whether a broker answers, one is asked this often.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// A log, watched.
pub struct ObservedLog<L> {
    log: L,
    conditions: Rc<Conditions>,
    metrics: LogMetrics,
    triggers: Option<TriggerMetrics>,
    /// A topic that is there, to ask a broker about.
    probe: SmolStr,
    probed: Instant,
    starts: Starts,
}

/// How often a worker has started lately.
#[derive(Debug, Default)]
struct Starts {
    last: Option<Instant>,
    pause: Duration,
}

impl Starts {
    /// How long to wait before a start at `now`.
    fn pause_at(&mut self, now: Instant) -> Duration {
        let was_calm = self.last.is_none_or(|last| now.duration_since(last) >= CALM + self.pause);
        self.pause = match (self.last, was_calm) {
            (None, _) => Duration::ZERO,
            (_, true) => FIRST_PAUSE,
            (_, false) => (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE),
        };
        self.last = Some(now);
        self.pause
    }
}

impl<L: Log> ObservedLog<L> {
    /// Watches `log`, of which `topic` is one that is there.
    pub fn new(log: L, conditions: &Rc<Conditions>, metrics: LogMetrics, topic: SmolStr) -> Self {
        let (conditions, probed, starts) = (Rc::clone(conditions), Instant::now(), Starts::default());
        Self { log, conditions, metrics, triggers: None, probe: topic, probed, starts }
    }

    /// Counts the trigger records that are published, too.
    pub fn counting_triggers(self, triggers: TriggerMetrics) -> Self {
        Self { triggers: Some(triggers), ..self }
    }

    /// Takes note of an answer.
    fn hear<T>(&self, answer: Result<T, LogError>) -> Result<T, LogError> {
        match &answer {
            Ok(_) => self.conditions.clear(Condition::KafkaUnavailable),
            Err(LogError::Unavailable(detail)) => {
                self.conditions.note_setback("log_unavailable", detail);
                self.conditions.set(Condition::KafkaUnavailable, detail);
            }
            Err(LogError::UnknownTopic(topic)) => {
                self.conditions.note_setback("topic_missing", topic);
                self.conditions.set(Condition::TopicMissing, missing_topics(&[topic]));
            }
            Err(LogError::Fenced) => {}
        }
        answer
    }

    /// A poll that brings nothing does not tell whether a broker would answer.
    async fn probe(&mut self) {
        if self.conditions.holds(Condition::KafkaUnavailable) && self.probed.elapsed() >= PROBE_EVERY {
            let answer = self.log.partition_count(&self.probe).await;
            self.probed = Instant::now();
            // Whatever it is, it has been told.
            let _ = self.hear(answer);
        }
    }
}

/// What to do about topics that are not there.
pub fn missing_topics(topics: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = topics.iter().map(|topic| format!("`{}`", topic.as_ref())).collect();
    format!(
        "missing: {}; `rekindle topics apply --execute` creates the topics that the configuration names",
        names.join(", ")
    )
}

impl<L: Log> Log for ObservedLog<L> {
    async fn open(&mut self) -> Result<(), LogError> {
        let pause = self.starts.pause_at(Instant::now());
        let setback = self.conditions.take_setback();
        if !pause.is_zero() {
            // Neither the log nor the store has failed: what was read was not at the expected position.
            let (reason, detail) = setback.unwrap_or(("position_moved", String::new()));
            self.metrics.started_over(reason);
            tracing::warn!(
                reason,
                detail,
                pause_ms = pause.as_millis() as u64,
                "starts over at what is committed"
            );
            self.conditions.pause(pause);
        }
        let opened = self.log.open().await;
        self.hear(opened)
    }

    async fn poll(&mut self) -> Result<Polled, LogError> {
        let polled = self.log.poll().await;
        match &polled {
            Ok(Polled::Idle) => self.probe().await,
            Ok(Polled::Assigned(partitions)) => {
                self.metrics.rebalanced();
                if !partitions.is_empty() {
                    self.conditions
                        .set(Condition::CatchingUp, "partitions were assigned, and are not begun yet");
                }
                self.conditions.joined();
                self.conditions.clear(Condition::KafkaUnavailable);
            }
            Ok(Polled::Records(_)) => self.conditions.clear(Condition::KafkaUnavailable),
            Ok(Polled::Revoked(_) | Polled::Lost(_)) => {}
            Err(LogError::Unavailable(detail)) => {
                self.conditions.set(Condition::KafkaUnavailable, detail);
                self.conditions.pause(POLL_PAUSE);
            }
            Err(LogError::UnknownTopic(_) | LogError::Fenced) => {}
        }
        polled
    }

    async fn committed(&mut self, partition: &TopicPartition) -> Result<Option<Offset>, LogError> {
        let answer = self.log.committed(partition).await;
        self.hear(answer)
    }

    async fn bounds(&mut self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        let answer = self.log.bounds(partition).await;
        self.hear(answer)
    }

    async fn offset_at(&mut self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        let answer = self.log.offset_at(partition, time).await;
        self.hear(answer)
    }

    async fn partition_count(&mut self, topic: &str) -> Result<u32, LogError> {
        let answer = self.log.partition_count(topic).await;
        self.hear(answer)
    }

    async fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError> {
        let answer = self.log.start(partition, from).await;
        self.hear(answer)
    }

    async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        let answer = self.log.release(partitions).await;
        self.hear(answer)
    }

    async fn publish(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<(), PublishError> {
        let told = self.triggers.as_ref().map(|_| records.iter().filter_map(told_by).collect::<Vec<_>>());
        let published = self.log.publish(records, offsets).await;
        match &published {
            Ok(()) => {
                self.metrics.transaction_committed();
                self.conditions.clear(Condition::KafkaUnavailable);
                self.conditions.clear(Condition::TopicMissing);
                for (ce_type, reason) in told.into_iter().flatten() {
                    self.triggers.iter().for_each(|triggers| triggers.count(&ce_type, &reason));
                }
            }
            Err(error) => {
                let reason = match error {
                    PublishError::Aborted(_) => "aborted",
                    PublishError::Unknown(_) => "unknown",
                    PublishError::Deposed => "deposed",
                    PublishError::Fenced => "fenced",
                };
                self.metrics.transaction_failed(reason);
                self.conditions.note_setback(reason, error.to_string());
            }
        }
        published
    }
}

/// Type and reason of a trigger record. Only what was not sent, or was taken back, has a reason, which its value names.
fn told_by(record: &NewRecord) -> Option<(String, String)> {
    let (_, ce_type) = record.headers.iter().find(|(name, _)| name == "ce_type")?;
    let ce_type = String::from_utf8_lossy(ce_type).into_owned();
    if ce_type.ends_with(".fired.v1") {
        return Some((ce_type, String::new()));
    }
    let value: Option<serde_json::Value> = serde_json::from_slice(record.value.as_deref()?).ok();
    let word = |key: &str| Some(value.as_ref()?.get(key)?.as_str()?.to_owned());
    let reason = word("stopped_by").or_else(|| word("reason")).unwrap_or_default();
    Some((ce_type, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn starts_in_a_row_are_slowed_down_and_a_single_one_hardly() {
        let (mut starts, begin) = (Starts::default(), Instant::now());
        let millis = |pause: Duration| pause.as_millis();
        assert_eq!(millis(starts.pause_at(begin)), 0);
        assert_eq!(millis(starts.pause_at(begin)), 100);
        assert_eq!(millis(starts.pause_at(begin)), 200);
        let long = (0..20).map(|_| starts.pause_at(begin)).max();
        assert_eq!(long, Some(LONGEST_PAUSE));
        assert_eq!(millis(starts.pause_at(begin + Duration::from_secs(60))), 100);
    }

    #[test]
    fn a_record_tells_its_type_and_why_it_was_not_sent() {
        let record = |ce_type: &str, value: &str| NewRecord {
            partition: TopicPartition::new("actions.suppressed", 0),
            key: None,
            value: Some(Bytes::from(value.to_owned())),
            headers: vec![("ce_type".into(), Bytes::from(ce_type.to_owned()))],
        };
        let told = told_by(&record("rekindle.cart_abandonment.suppressed.v1", r#"{"stopped_by":"consent"}"#));
        assert_eq!(told, Some(("rekindle.cart_abandonment.suppressed.v1".into(), "consent".into())));
        let told = told_by(&record("rekindle.cart_abandonment.fired.v1", "{}"));
        assert_eq!(told, Some(("rekindle.cart_abandonment.fired.v1".into(), String::new())));
    }
}
