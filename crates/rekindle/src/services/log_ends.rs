//! Where the partitions of a log end, asked of the brokers now and then beside the work: for the lag.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use engine::ports::{EndOffsets, Evidence, LogError, Offset};
use events::TopicPartition;

use super::backlog::KnownEnd;
use super::conditions::{Condition, Conditions};
use super::observed_log::missing_topics;

/// Between two questions about a log that nobody else asks about.
const EVERY: Duration = Duration::from_secs(5);

/// What was last heard of a log's partitions.
#[derive(Debug, Default)]
pub struct Ends {
    /// Where each ends.
    pub log_ends: BTreeMap<TopicPartition, KnownEnd>,
    /// How far the last stable offset of each was before its end.
    pub unstable: BTreeMap<TopicPartition, u64>,
}

impl Ends {
    /// The offset of the partition's next record, and how many records lie beyond its last stable one.
    pub fn shown(&self, partition: &TopicPartition) -> (Option<i64>, Option<i64>) {
        let end = self.log_ends.get(partition).and_then(|known| i64::try_from(known.end).ok());
        (end, self.unstable.get(partition).and_then(|count| i64::try_from(*count).ok()))
    }

    fn hear(&mut self, answer: &Evidence) {
        let unstable = |(partition, stable): (&TopicPartition, &Offset)| {
            let end = answer.ends.get(partition)?;
            Some((partition.clone(), end.saturating_sub(*stable)))
        };
        self.unstable.extend(answer.stable_ends.iter().filter_map(unstable));
        let known = |(partition, end): (&TopicPartition, &Offset)| {
            (partition.clone(), KnownEnd { end: *end, asked_at: answer.asked_at })
        };
        self.log_ends.extend(answer.ends.iter().map(known));
    }
}

/// The ends that were last heard of.
pub type KnownEnds = Rc<RefCell<Ends>>;

/// Evidence that passes through to ingest, with its ends remembered.
pub struct ObservedEnds<E> {
    evidence: E,
    known: KnownEnds,
    /// Who is told of a topic that is gone.
    conditions: Option<Rc<Conditions>>,
}

impl<E: EndOffsets> ObservedEnds<E> {
    /// Watches `evidence`.
    pub fn new(evidence: E) -> (Self, KnownEnds) {
        let known = KnownEnds::default();
        (Self { evidence, known: Rc::clone(&known), conditions: None }, known)
    }

    /// Says so, too, when a topic is gone.
    pub fn telling(self, conditions: &Rc<Conditions>) -> Self {
        Self { conditions: Some(Rc::clone(conditions)), ..self }
    }
}

impl<E: EndOffsets> EndOffsets for ObservedEnds<E> {
    fn ask(&mut self) {
        self.evidence.ask();
    }

    fn answer(&mut self) -> Option<Evidence> {
        let answer = self.evidence.answer()?;
        self.known.borrow_mut().hear(&answer);
        Some(answer)
    }

    fn partitions(&self) -> Result<Vec<TopicPartition>, LogError> {
        let partitions = self.evidence.partitions();
        if let (Some(conditions), Err(LogError::UnknownTopic(topic))) = (&self.conditions, &partitions) {
            conditions.note_setback("topic_missing", topic);
            conditions.set(Condition::TopicMissing, missing_topics(&[topic]));
        }
        partitions
    }
}

/// Asks for the ends of a log every few seconds.
pub struct LogEnds<E> {
    evidence: ObservedEnds<E>,
    known: KnownEnds,
    asked: Option<Instant>,
}

impl<E: EndOffsets> LogEnds<E> {
    /// Nothing is known yet.
    pub fn new(evidence: E) -> Self {
        let (evidence, known) = ObservedEnds::new(evidence);
        Self { evidence, known, asked: None }
    }

    /// Takes an answer in, asks if it is time, and gives what is known.
    pub fn look(&mut self) -> &KnownEnds {
        while self.evidence.answer().is_some() {}
        if self.asked.is_none_or(|asked| asked.elapsed() >= EVERY) {
            self.asked = Some(Instant::now());
            self.evidence.ask();
        }
        &self.known
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use events::EventTime;

    #[test]
    fn what_is_unstable_is_known_until_it_is_asked_for_again() {
        let at = TopicPartition::new("purchase", 0);
        let answer = |end, stable: Option<Offset>| Evidence {
            asked_at: EventTime::MIN,
            ends: BTreeMap::from([(at.clone(), end)]),
            stable_ends: stable.map(|stable| (at.clone(), stable)).into_iter().collect(),
        };
        let mut ends = Ends::default();
        ends.hear(&answer(9, Some(5)));
        assert_eq!((ends.log_ends[&at].end, ends.unstable[&at]), (9, 4));
        ends.hear(&answer(12, None));
        assert_eq!((ends.log_ends[&at].end, ends.unstable[&at]), (12, 4));
        ends.hear(&answer(12, Some(13)));
        assert_eq!(ends.unstable[&at], 0, "it was asked later than the end");
    }
}
