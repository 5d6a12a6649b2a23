//! Where the partitions of a log end, asked of the brokers now and then beside the work: for the lag.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use engine::ports::{EndOffsets, Evidence, LogError, Offset};
use events::TopicPartition;

use super::conditions::{Condition, Conditions};
use super::observed_log::missing_topics;

/// Between two questions about a log that nobody else asks about.
const EVERY: Duration = Duration::from_secs(5);

/// The ends that were last heard of.
pub type KnownEnds = Rc<RefCell<BTreeMap<TopicPartition, Offset>>>;

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
        self.known.borrow_mut().extend(answer.ends.clone());
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
