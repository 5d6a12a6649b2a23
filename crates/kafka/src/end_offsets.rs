//! [`EndOffsets`] on Kafka: evidence of how far the raw partitions reach, on a path of its own.
//!
//! Must stay true: the time is noted before a broker is asked; the ends are high watermarks, so that a transaction that
//! is still open upstream holds the evidence up; a broker that does not answer gives no evidence for its partitions, and
//! keeps the others' from nobody. Each leader is asked on a thread of its own, and which partitions there are on one
//! more: none is the worker's, and none waits for another. The clients are in no group.

mod inquiry;
mod layout;
mod leader;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use engine::ports::{Clock, EndOffsets, Evidence, LogError};
use events::TopicPartition;
use rdkafka::consumer::BaseConsumer;
use smol_str::SmolStr;

use crate::properties::KafkaProperties;
use crate::settings::{ConnectError, Timeouts};
use inquiry::Inquiry;
use layout::{Layout, Surveyor};
use leader::Leader;

/// How long a raw partition that was added may stay unknown, while a broker answers.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Asks the brokers of one cluster about all partitions of the raw topics.
pub struct KafkaEndOffsets {
    /// The threads hold it, and the last of them closes it: a close can hang.
    client: Weak<Client>,
    survey: Inquiry<()>,
    surveyed: Option<Instant>,
    layout: Layout,
    leaders: BTreeMap<i32, Inquiry<Vec<TopicPartition>>>,
    /// A question came before anything was known of who leads what.
    is_waiting_for_layout: bool,
    answer: Sender<Answer>,
    answers: Receiver<Answer>,
}

/// What all threads ask with.
struct Client {
    consumer: BaseConsumer,
    /// For the last stable offsets.
    committed_reader: BaseConsumer,
    clock: Box<dyn Clock + Send + Sync>,
    limit: Duration,
}

/// What a thread has heard.
enum Answer {
    Layout(Layout),
    Ends { leader: i32, evidence: Evidence },
}

impl KafkaEndOffsets {
    /// Starts the thread that finds the partitions. All threads end when this value is dropped.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties, or there is no thread to be had.
    pub fn connect<C: Clock + Send + Sync + 'static>(
        properties: &KafkaProperties,
        topics: Vec<SmolStr>,
        clock: C,
        timeouts: Timeouts,
    ) -> Result<Self, ConnectError> {
        let consumer = |isolation| {
            properties
                .configure(
                    &[("client.id", "rekindle-evidence")],
                    &[("isolation.level", isolation), ("allow.auto.create.topics", "false")],
                )
                .create()
        };
        let client = Arc::new(Client {
            consumer: consumer("read_uncommitted")?,
            committed_reader: consumer("read_committed")?,
            clock: Box::new(clock),
            limit: timeouts.request,
        });
        let (answer, answers) = channel();
        let (weak, layout) = (Arc::downgrade(&client), Layout::unknown(&topics));
        let mut surveyor = Surveyor::new(client, layout.clone());
        let survey =
            Inquiry::start("kafka-topics", answer.clone(), move |()| Answer::Layout(surveyor.look()))?;
        Ok(Self {
            client: weak,
            survey,
            surveyed: None,
            layout,
            leaders: BTreeMap::new(),
            is_waiting_for_layout: false,
            answer,
            answers,
        })
    }

    fn ask_for_layout(&mut self) {
        if self.surveyed.is_none_or(|surveyed| surveyed.elapsed() >= LOOK_EVERY) && self.survey.ask(()) {
            self.surveyed = Some(Instant::now());
        }
    }

    /// Asks every leader who has answered the last question.
    fn ask_leaders(&mut self) {
        let led_by = self.layout.led_by();
        self.is_waiting_for_layout = led_by.is_empty();
        self.leaders.retain(|leader, _| led_by.contains_key(leader));
        for (leader, partitions) in led_by {
            if let Some(inquiry) = self.inquiry_of(leader) {
                inquiry.ask(partitions);
            }
        }
    }

    /// The thread that asks a leader. Without one there is no evidence, until there is.
    fn inquiry_of(&mut self, leader: i32) -> Option<&mut Inquiry<Vec<TopicPartition>>> {
        if !self.leaders.contains_key(&leader) {
            let mut asked = Leader::new(self.client.upgrade()?);
            let answer = move |partitions: Vec<TopicPartition>| Answer::Ends {
                leader,
                evidence: asked.ask(&partitions),
            };
            let inquiry = Inquiry::start("kafka-evidence", self.answer.clone(), answer).ok()?;
            self.leaders.insert(leader, inquiry);
        }
        self.leaders.get_mut(&leader)
    }

    fn hear_layout(&mut self, layout: Layout) {
        self.survey.answered();
        self.layout = layout;
        if self.is_waiting_for_layout {
            self.ask_leaders();
        }
    }
}

impl EndOffsets for KafkaEndOffsets {
    fn ask(&mut self) {
        self.ask_for_layout();
        self.ask_leaders();
    }

    fn answer(&mut self) -> Option<Evidence> {
        while let Ok(answer) = self.answers.try_recv() {
            match answer {
                Answer::Layout(layout) => self.hear_layout(layout),
                Answer::Ends { leader, evidence } => {
                    if let Some(inquiry) = self.leaders.get_mut(&leader) {
                        inquiry.answered();
                    }
                    if !evidence.ends.is_empty() {
                        return Some(evidence);
                    }
                }
            }
        }
        None
    }

    fn partitions(&self) -> Result<Vec<TopicPartition>, LogError> {
        self.layout.partitions()
    }
}
