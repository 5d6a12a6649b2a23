//! A log as its worker sees it, watched: what goes through it is counted and timed, what fails is told, and a worker that
//! starts over again and again is slowed down.
//!
//! Must stay true: nothing that passes is changed; what is counted as published was in a transaction that committed.

use std::rc::Rc;
use std::time::{Duration, Instant};

use engine::memory::SystemClock;
use engine::ports::{Bounds, Clock, Log, LogError, NewRecord, Offset, Polled, PublishError};
use events::{EventTime, TopicPartition};
use smol_str::SmolStr;
use telemetry::{LogMetrics, Phase, TriggerMetrics};

use super::conditions::{Condition, Conditions};
use super::told::{self, Told};
use super::watched::Watched;

/// The pause before the second, third, ... start in a row, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// The longest where nothing has failed but partitions have changed hands: each second of it they lie idle.
const LONGEST_AFTER_REBALANCE: Duration = Duration::from_millis(500);
/// The group's generation has gone by, and with it the transaction.
const DEPOSED: &str = "deposed";
/// Neither the log nor the store has failed: what was read was not at the expected position.
const POSITION_MOVED: &str = "position_moved";
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
    watched: Rc<Watched>,
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
    /// How long to wait before a start at `now`, and `longest` at the most.
    fn pause_at(&mut self, now: Instant, longest: Duration) -> Duration {
        let was_calm = self.last.is_none_or(|last| now.duration_since(last) >= CALM + self.pause);
        self.pause = match (self.last, was_calm) {
            (None, _) => Duration::ZERO,
            (_, true) => FIRST_PAUSE,
            (_, false) => (self.pause * 2).clamp(FIRST_PAUSE, longest),
        };
        self.last = Some(now);
        self.pause
    }
}

impl<L: Log> ObservedLog<L> {
    /// Watches `log`, of which `topic` is one that is there.
    pub fn new(
        log: L,
        conditions: &Rc<Conditions>,
        watched: &Rc<Watched>,
        metrics: LogMetrics,
        topic: SmolStr,
    ) -> Self {
        let (conditions, watched) = (Rc::clone(conditions), Rc::clone(watched));
        let (probed, starts) = (Instant::now(), Starts::default());
        Self { log, conditions, watched, metrics, triggers: None, probe: topic, probed, starts }
    }

    /// Counts the trigger records that are published, too.
    pub fn counting_triggers(self, triggers: TriggerMetrics) -> Self {
        Self { triggers: Some(triggers), ..self }
    }

    /// Takes note of an answer, with which what was asked ends.
    fn hear<T>(&self, answer: Result<T, LogError>) -> Result<T, LogError> {
        self.watched.time.leave();
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

    fn pause(&self, length: Duration) {
        self.watched.time.enter(Phase::Idle);
        self.conditions.pause(length);
        self.watched.time.leave();
    }

    /// A poll that brings nothing does not tell whether a broker would answer.
    async fn probe(&mut self) {
        if self.conditions.holds(Condition::KafkaUnavailable) && self.probed.elapsed() >= PROBE_EVERY {
            self.watched.time.enter(Phase::Poll);
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
        let (reason, detail) = self.conditions.take_setback().unwrap_or((POSITION_MOVED, String::new()));
        let longest = match reason {
            DEPOSED | POSITION_MOVED => LONGEST_AFTER_REBALANCE,
            _ => LONGEST_PAUSE,
        };
        let pause = self.starts.pause_at(Instant::now(), longest);
        if !pause.is_zero() {
            self.metrics.started_over(reason);
            tracing::warn!(
                reason,
                detail,
                pause_ms = pause.as_millis() as u64,
                "starts over at what is committed"
            );
            self.pause(pause);
        }
        self.watched.time.enter(Phase::Publish);
        let opened = self.log.open().await;
        self.hear(opened)
    }

    async fn poll(&mut self) -> Result<Polled, LogError> {
        self.watched.time.enter(Phase::Poll);
        let polled = self.log.poll().await;
        match &polled {
            Ok(Polled::Idle) => self.watched.time.leave_as(Phase::Idle),
            _ => self.watched.time.leave(),
        }
        match &polled {
            Ok(Polled::Idle) => self.probe().await,
            Ok(Polled::Assigned(partitions)) => {
                self.metrics.rebalanced();
                self.watched.takeovers.borrow_mut().assigned(partitions);
                if !partitions.is_empty() {
                    self.conditions
                        .set(Condition::CatchingUp, "partitions were assigned, and are not begun yet");
                }
                self.conditions.joined();
                self.conditions.clear(Condition::KafkaUnavailable);
            }
            Ok(Polled::Records(fetched)) => {
                self.conditions.clear(Condition::KafkaUnavailable);
                let mut backlog = self.watched.backlog.borrow_mut();
                fetched.iter().for_each(|fetched| backlog.read(fetched));
            }
            Ok(Polled::Revoked(_) | Polled::Lost(_)) => {}
            Err(LogError::Unavailable(detail)) => {
                self.conditions.set(Condition::KafkaUnavailable, detail);
                self.pause(POLL_PAUSE);
            }
            Err(LogError::UnknownTopic(_) | LogError::Fenced) => {}
        }
        polled
    }

    async fn committed(&mut self, partition: &TopicPartition) -> Result<Option<Offset>, LogError> {
        self.watched.time.enter(Phase::Poll);
        let answer = self.log.committed(partition).await;
        if let Ok(committed) = &answer {
            self.watched.takeovers.borrow_mut().published(partition, *committed);
        }
        self.hear(answer)
    }

    async fn bounds(&mut self, partition: &TopicPartition) -> Result<Bounds, LogError> {
        self.watched.time.enter(Phase::Poll);
        let answer = self.log.bounds(partition).await;
        self.hear(answer)
    }

    async fn offset_at(&mut self, partition: &TopicPartition, time: EventTime) -> Result<Offset, LogError> {
        self.watched.time.enter(Phase::Poll);
        let answer = self.log.offset_at(partition, time).await;
        self.hear(answer)
    }

    async fn partition_count(&mut self, topic: &str) -> Result<u32, LogError> {
        self.watched.time.enter(Phase::Poll);
        let answer = self.log.partition_count(topic).await;
        self.hear(answer)
    }

    async fn start(&mut self, partition: &TopicPartition, from: Offset) -> Result<(), LogError> {
        self.watched.time.enter(Phase::Poll);
        self.watched.backlog.borrow_mut().start(partition, from);
        let answer = self.log.start(partition, from).await;
        self.hear(answer)
    }

    async fn release(&mut self, partitions: &[TopicPartition]) -> Result<(), LogError> {
        self.watched.time.enter(Phase::Poll);
        self.watched.backlog.borrow_mut().forget(partitions);
        self.watched.takeovers.borrow_mut().forget(partitions);
        let answer = self.log.release(partitions).await;
        self.hear(answer)
    }

    async fn publish(
        &mut self,
        records: Vec<NewRecord>,
        offsets: &[(TopicPartition, Offset)],
    ) -> Result<(), PublishError> {
        let told = self.triggers.as_ref().map(|_| records.iter().filter_map(told::by).collect::<Vec<_>>());
        self.watched.time.enter(Phase::Publish);
        let published = self.log.publish(records, offsets).await;
        self.watched.time.leave();
        match &published {
            Ok(()) => {
                self.metrics.transaction_committed();
                self.conditions.clear(Condition::KafkaUnavailable);
                self.conditions.clear(Condition::TopicMissing);
                if let (Some(triggers), Some(told)) = (&self.triggers, told) {
                    count(triggers, told);
                }
            }
            Err(error) => {
                let reason = match error {
                    PublishError::Aborted(_) => "aborted",
                    PublishError::Unknown(_) => "unknown",
                    PublishError::Deposed => DEPOSED,
                    PublishError::Fenced => "fenced",
                };
                self.metrics.transaction_failed(reason);
                self.conditions.note_setback(reason, error.to_string());
            }
        }
        published
    }
}

fn count(triggers: &TriggerMetrics, told: Vec<Told>) {
    let now = SystemClock.now();
    for told in told {
        triggers.count(&told.ce_type, &told.reason);
        let delay = told.due.map(|due| now.since(due).as_millis().try_into().unwrap_or(0));
        delay.into_iter().for_each(|millis| triggers.published_after(Duration::from_millis(millis)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_in_a_row_are_slowed_down_and_a_single_one_hardly() {
        let (mut starts, begin) = (Starts::default(), Instant::now());
        let pauses = [(); 4].map(|()| starts.pause_at(begin, LONGEST_PAUSE).as_millis());
        assert_eq!(pauses, [0, 100, 200, 400]);
        let long = (0..20).map(|_| starts.pause_at(begin, LONGEST_PAUSE)).max();
        assert_eq!(long, Some(LONGEST_PAUSE));
        assert_eq!(starts.pause_at(begin, LONGEST_AFTER_REBALANCE), LONGEST_AFTER_REBALANCE);
        assert_eq!(starts.pause_at(begin + Duration::from_secs(60), LONGEST_PAUSE), FIRST_PAUSE);
    }
}
