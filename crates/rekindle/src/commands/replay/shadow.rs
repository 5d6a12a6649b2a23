//! Outputs of a replay as records on topics beside the live ones, for a platform's or an analyst's rehearsal.
//!
//! Must stay true: nothing is written without `--execute`; a live topic is never written to; no topic is made.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use engine::Output;
use engine::ports::NewRecord;
use events::TopicPartition;
use events::partitioner::partition_for;
use kafka::{KafkaProperties, LogSurvey, Timeouts, TopicAdmin, write_in_one_transaction};
use smol_str::{SmolStr, format_smolstr};

use super::from_log::LogArgs;
use crate::config::Config;

/// How many records one transaction holds.
const TRANSACTION_RECORDS: usize = 10_000;

/// Where outputs go, or would go.
pub struct Shadow {
    prefix: String,
    properties: KafkaProperties,
    timeouts: Timeouts,
    execute: bool,
    partitions: BTreeMap<SmolStr, u32>,
    counts: BTreeMap<SmolStr, u64>,
    pending: Vec<NewRecord>,
}

impl Shadow {
    /// Looks whether the topics can be written to; none if no prefix is given.
    ///
    /// # Errors
    /// If one of them is live or is not there, or Kafka does not answer.
    pub fn plan(args: &LogArgs, config: &Config) -> Result<Option<Self>> {
        let Some(prefix) = args.to_topic_prefix.clone() else { return Ok(None) };
        let (kafka, outputs) = (&config.settings.kafka, config.settings.triggers.output_topics());
        let topics: Vec<SmolStr> = outputs.iter().map(|topic| format_smolstr!("{prefix}{topic}")).collect();
        let live = live_topics(config);
        if let Some(topic) = topics.iter().find(|topic| live.contains(topic)) {
            bail!("`{topic}` is a live topic: choose another --to-topic-prefix, such as `shadow.`");
        }
        let admin = TopicAdmin::connect(&kafka.properties, kafka.timeouts)?;
        let missing = admin.missing(&topics)?;
        if !missing.is_empty() && args.execute {
            bail!(
                "create these topics first, with as many partitions as the live ones: {}",
                missing.join(", ")
            );
        }
        let mut shadow = Self {
            prefix,
            properties: kafka.properties.clone(),
            timeouts: kafka.timeouts,
            execute: args.execute,
            partitions: BTreeMap::new(),
            counts: BTreeMap::new(),
            pending: Vec::new(),
        };
        let survey = LogSurvey::connect(&kafka.properties)?;
        for topic in topics.into_iter().filter(|topic| !missing.contains(topic)) {
            let partitions = survey.bounds(&topic)?.len() as u32;
            shadow.partitions.insert(topic, partitions);
        }
        Ok(Some(shadow))
    }

    /// Takes an output on.
    ///
    /// # Errors
    /// If the records cannot be written.
    pub fn write(&mut self, output: &Output) -> Result<()> {
        let topic = format_smolstr!("{}{}", self.prefix, output.topic);
        *self.counts.entry(topic.clone()).or_default() += 1;
        if !self.execute {
            return Ok(());
        }
        let partitions = self.partitions.get(&topic).copied();
        let partitions =
            partitions.with_context(|| format!("nobody said how many partitions `{topic}` has"))?;
        self.pending.push(addressed(topic, output, partitions));
        match self.pending.len() < TRANSACTION_RECORDS {
            true => Ok(()),
            false => self.send(),
        }
    }

    /// Writes the rest, and says what was written or would be.
    ///
    /// # Errors
    /// If the records cannot be written, or nothing can be said.
    pub fn finish(mut self) -> Result<()> {
        self.send()?;
        let mut out = std::io::stdout().lock();
        let verb = if self.execute { "wrote" } else { "would write" };
        for (topic, count) in &self.counts {
            let missing =
                if self.partitions.contains_key(topic) { "" } else { "; the topic is not there yet" };
            writeln!(out, "{verb} {count} records to {topic}{missing}")?;
        }
        if !self.execute {
            writeln!(out, "nothing is written; --execute does it")?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        let records = std::mem::take(&mut self.pending);
        if records.is_empty() {
            return Ok(());
        }
        let writer = format!("replay-{}", std::process::id());
        write_in_one_transaction(&self.properties, &writer, records, self.timeouts)
            .context("the records cannot be written; those of earlier transactions are")
    }
}

/// Every topic of the installation that somebody relies on.
fn live_topics(config: &Config) -> Vec<SmolStr> {
    let ingest = &config.settings.ingest;
    let mut live = config.settings.triggers.output_topics();
    live.extend(ingest.raw_topics.iter().cloned());
    live.extend([&ingest.customer_events, &ingest.anonymous_events, &ingest.dead_letters].map(Clone::clone));
    live
}

fn addressed(topic: SmolStr, output: &Output, partitions: u32) -> NewRecord {
    let key = output.key.as_str().as_bytes();
    let partition = partition_for(key, partitions.max(1)) as i32;
    let headers = output.headers.iter();
    NewRecord {
        partition: TopicPartition { topic, partition },
        key: Some(Bytes::copy_from_slice(key)),
        value: Some(output.payload.clone()),
        headers: headers.map(|(name, value)| (name.clone(), Bytes::from(value.clone()))).collect(),
    }
}
