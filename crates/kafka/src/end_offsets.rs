//! [`EndOffsets`] on Kafka: evidence of how far the raw partitions reach, on a path of its own.
//!
//! Must stay true: the time is noted before the brokers are asked; the ends are high watermarks, so that a transaction
//! that is still open upstream holds the evidence up; a broker that does not answer gives no evidence for its
//! partitions, and keeps the others' from nobody. The consumer is neither subscribed nor in a group, and its thread is
//! not the worker's: a slow broker does not stop the worker, nor a slow worker the question.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;
use std::time::{Duration, Instant};

use engine::ports::{Clock, EndOffsets, Evidence, Offset};
use events::TopicPartition;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaResult;
use smol_str::SmolStr;

use crate::partition_lists::{list_of, offsets_of};
use crate::properties::KafkaProperties;
use crate::settings::{ConnectError, Timeouts};

/// How long a raw partition that was added may stay unknown.
const PARTITIONS_EVERY: Duration = Duration::from_secs(10);

/// Asks the brokers of one cluster about all partitions of the raw topics.
pub struct KafkaEndOffsets {
    questions: Sender<()>,
    answers: Receiver<Option<Evidence>>,
    is_asking: bool,
}

impl KafkaEndOffsets {
    /// Starts the thread that asks. It ends when this value is dropped.
    ///
    /// # Errors
    /// [`ConnectError`] if librdkafka refuses the properties, or there is no thread to be had.
    pub fn connect<C: Clock + Send + 'static>(
        properties: &KafkaProperties,
        topics: Vec<SmolStr>,
        clock: C,
        timeouts: Timeouts,
    ) -> Result<Self, ConnectError> {
        let config = properties.configure(
            &[("client.id", "rekindle-evidence")],
            &[("isolation.level", "read_uncommitted"), ("allow.auto.create.topics", "false")],
        );
        let consumer: BaseConsumer = config.create()?;
        let (questions, asked) = channel();
        let (answer, answers) = channel();
        let mut inquirer = Inquirer {
            consumer,
            clock,
            topics,
            limit: timeouts.request,
            led_by: BTreeMap::new(),
            known: None,
        };
        thread::Builder::new()
            .name("kafka-evidence".to_owned())
            .spawn(move || inquirer.serve(&asked, &answer))
            .map_err(|error| ConnectError(error.to_string()))?;
        Ok(Self { questions, answers, is_asking: false })
    }
}

impl EndOffsets for KafkaEndOffsets {
    fn ask(&mut self) {
        // A thread that has died never answers, which is no evidence.
        if !self.is_asking {
            self.is_asking = self.questions.send(()).is_ok();
        }
    }

    fn answer(&mut self) -> Option<Evidence> {
        match self.answers.try_recv() {
            Ok(answer) => {
                self.is_asking = false;
                answer
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }
}

/// The thread's side.
struct Inquirer<C> {
    consumer: BaseConsumer,
    clock: C,
    topics: Vec<SmolStr>,
    limit: Duration,
    /// The partitions by the broker that leads them, as it was when they were looked up: it only keeps calls apart.
    led_by: BTreeMap<i32, Vec<TopicPartition>>,
    /// When the partitions were looked up.
    known: Option<Instant>,
}

impl<C: Clock> Inquirer<C> {
    fn serve(&mut self, questions: &Receiver<()>, answers: &Sender<Option<Evidence>>) {
        while questions.recv().is_ok() {
            let evidence = Some(self.inquire()).filter(|evidence| !evidence.ends.is_empty());
            if answers.send(evidence).is_err() {
                return;
            }
            // Without this, librdkafka's own log lines and errors would pile up.
            self.consumer.poll(Duration::ZERO);
        }
    }

    /// Asks each leader by itself: a call fails as a whole if one of those that it goes to is silent.
    fn inquire(&mut self) -> Evidence {
        // Brokers that do not say what there is now have said it before; new partitions have to wait.
        let _ = self.look_partitions_up();
        let asked_at = self.clock.now();
        let answers = self.led_by.values().filter_map(|partitions| self.ask(partitions).ok());
        Evidence { asked_at, ends: answers.flatten().collect() }
    }

    fn ask(&self, partitions: &[TopicPartition]) -> KafkaResult<Vec<(TopicPartition, Offset)>> {
        let mut list = list_of(partitions);
        list.set_all_offsets(rdkafka::Offset::End)?;
        Ok(offsets_of(&self.consumer.offsets_for_times(list, self.limit)?))
    }

    fn look_partitions_up(&mut self) -> KafkaResult<()> {
        if self.known.is_some_and(|known| known.elapsed() < PARTITIONS_EVERY) {
            return Ok(());
        }
        let mut led_by: BTreeMap<i32, Vec<TopicPartition>> = BTreeMap::new();
        for topic in &self.topics {
            let metadata = self.consumer.fetch_metadata(Some(topic), self.limit)?;
            for found in metadata.topics().iter().filter(|found| found.name() == topic) {
                for one in found.partitions() {
                    led_by.entry(one.leader()).or_default().push(TopicPartition::new(topic, one.id()));
                }
            }
        }
        self.led_by = led_by;
        self.known = Some(Instant::now());
        Ok(())
    }
}
