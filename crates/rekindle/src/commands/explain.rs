//! `rekindle explain`: what is known of one customer, what was sent, and what comes next. It only reads.
//!
//! Must stay true: record and position come from one state of the store (I3); where they cannot be had together,
//! nothing is explained.

mod account;
mod cart;
mod contacts;
mod profile;
mod text;
mod timers;
mod trigger;

use anyhow::{Context, Result, bail};
use clap::Args;
use engine::fold::Fold as _;
use engine::ports::{Offset, Position, PositionMark, TaskId};
use engine::stored_record::unstamp;
use events::partitioner::partition_for;
use events::{CustomerId, EventTime, TopicPartition};
use redis_store::{RedisStore, StoredCustomer, StoredPosition};
use serde::Serialize;
use triggers::{Record, Standpoint, TriggerFold, UnknownTrigger};

use crate::cli::{ConfigArgs, Format};
use crate::commands::sources::slowest;
use crate::config::Config;
use account::Account;

/// How often record and position are read again if a checkpoint came in between.
const ATTEMPTS: usize = 20;

/// `rekindle explain`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ExplainArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The customer's id as customer-events has it, ingest.id_prefix included
    #[arg(long, value_name = "ID")]
    pub customer: String,
    /// Only where this trigger stands, by its name
    #[arg(long, value_name = "NAME")]
    pub trigger: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

const EXAMPLES: &str = "\
Examples:
  rekindle explain --config deploy/rekindle.toml --customer c-001202
  rekindle explain --config deploy/rekindle.toml --customer c-001202 --trigger winback
  rekindle explain --config deploy/rekindle.toml --customer c-001202 --format json

Of each trigger that is switched on it tells whether it is waiting (what for, when it is due, what each gate would say),
fired (and can still be taken back), held (by its own rule: once per so long, one at a time) or not armed (the first
condition that fails, and when it can become true, where that is known). What it says of the future holds if nothing
happens. It shows the record as of the task's last checkpoint, which may be a few seconds old, and changes nothing. A trigger
is remembered for as long as it can be taken back; the action topics have all of them.

Exit codes: 0 done, also where there is no record; 1 Redis did not answer, no task has stored anything, or no trigger of
that name is switched on; 2 wrong usage; 78 the configuration is not in order.";

/// What is known, and as of when.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The customer's id.
    pub customer: String,
    /// The position it was read at.
    pub read_at: ReadAt,
    /// The one trigger that was asked about; none for all.
    pub trigger: Option<String>,
    /// The record; none if there is none.
    pub record: Option<KnownRecord>,
    /// What should not be so.
    pub findings: Vec<String>,
}

/// The position of the customer's task.
#[derive(Debug, Serialize)]
pub struct ReadAt {
    /// The log.
    pub topic: String,
    /// The partition in it where the customer is at home.
    pub partition: i32,
    /// The epoch of the task's owner.
    pub epoch: u64,
    /// The next offset to read: the record is the fold of everything below it.
    pub next_offset: Offset,
    /// The lowest offset that still waits for the watermark, else `next_offset`.
    pub buffered_from: Offset,
    /// The watermark.
    pub watermark: String,
    /// The source that holds it.
    pub held_by: Option<String>,
}

/// A record and when it was written.
#[derive(Debug, Serialize)]
pub struct KnownRecord {
    /// The position it was last written at.
    pub written_at: Offset,
    /// What it holds.
    #[serde(flatten)]
    pub account: Account,
}

/// Explains one customer.
///
/// # Errors
/// If Redis does not answer or holds nothing of the service, the record cannot be read, no such trigger is switched on,
/// or nothing can be printed.
pub fn run(args: &ExplainArgs, config: &Config) -> Result<()> {
    let trigger = args.trigger.as_deref();
    trigger.map_or(Ok(()), |name| check_is_on(name, &config.settings.triggers))?;
    let customer = CustomerId::new(&args.customer);
    let store = RedisStore::open(config.settings.redis.clone())?;
    let (service, log) = (&config.settings.service, &config.sections.topics.customer_events);
    let read = pollster::block_on(read(&store, service, &customer, log))?;
    let explanation = explain(&customer, trigger, &read, config)?;
    let mut out = std::io::stdout().lock();
    match args.format {
        Format::Table => text::print(&explanation, &mut out),
        Format::Json => serde_json::to_writer_pretty(&mut out, &explanation)
            .map_err(std::io::Error::from)
            .and_then(|()| std::io::Write::write_all(&mut out, b"\n")),
    }
    .context("the explanation cannot be printed")
}

fn check_is_on(name: &str, settings: &triggers::Settings) -> Result<(), UnknownTrigger> {
    let known: Vec<&'static str> = settings.kinds().iter().map(|kind| kind.name).collect();
    match known.contains(&name) {
        true => Ok(()),
        false => Err(UnknownTrigger { name: name.to_owned(), known }),
    }
}

/// A customer's record, and the position it was read at.
struct ReadCustomer {
    partition: TopicPartition,
    epoch: u64,
    position: Position,
    stored: Option<StoredCustomer>,
}

async fn read(store: &RedisStore, service: &str, customer: &CustomerId, log: &str) -> Result<ReadCustomer> {
    for _ in 0..ATTEMPTS {
        let positions = store.positions(service).await.context("the stored positions cannot be read")?;
        let Some(log_partitions) =
            positions.iter().find_map(|stored| Some(stored.position.as_ref()?.log_partitions))
        else {
            bail!("no task has stored a position: has `rekindle triggers` run on this Redis and namespace?");
        };
        let number = partition_for(customer.as_str().as_bytes(), log_partitions.max(1)) as i32;
        let stored = positions.into_iter().find(|stored| stored.partition == number);
        let Some(StoredPosition { epoch, position: Some(position), .. }) = stored else {
            bail!("the customer's partition is {number} of {log}, and its task has stored no position yet");
        };
        let partition = TopicPartition::new(log, number);
        let task = TaskId { service: service.into(), partition: partition.clone() };
        let found =
            store.customer_record(&task, customer).await.context("the customer's record cannot be read")?;
        if found.mark == Some(PositionMark { epoch, next: position.next }) {
            return Ok(ReadCustomer { partition, epoch, position, stored: found.values });
        }
    }
    bail!("the task's position moved on {ATTEMPTS} times while the record was read; try again")
}

fn explain(
    customer: &CustomerId,
    trigger: Option<&str>,
    read: &ReadCustomer,
    config: &Config,
) -> Result<Explanation> {
    let ReadCustomer { partition, epoch, position, stored } = read;
    let mut findings = Vec::new();
    if position.rules_hash != rules_hash(config)? {
        findings.push(
            "this configuration's rules are not those that the stored state was made by; what comes next is told \
             under this configuration's"
                .to_owned(),
        );
    }
    let standpoint =
        Standpoint { customer, settings: &config.settings.triggers, watermark: position.watermark };
    let record = match stored {
        None => None,
        Some(stored) => {
            let (written_at, record) = decode(stored)?;
            findings.extend(contradictions(written_at, &record, stored.due, position));
            let mut account = Account::of(&record, standpoint);
            account.triggers.retain(|told| trigger.is_none_or(|name| told.trigger == name));
            Some(KnownRecord { written_at, account })
        }
    };
    let read_at = ReadAt {
        topic: partition.topic.to_string(),
        partition: partition.partition,
        epoch: *epoch,
        next_offset: position.next,
        buffered_from: position.buffered_from,
        watermark: position.watermark.to_string(),
        held_by: slowest(&position.sources).map(ToString::to_string),
    };
    let (customer, trigger) = (customer.to_string(), trigger.map(str::to_owned));
    Ok(Explanation { customer, read_at, trigger, record, findings })
}

/// As a worker would compute it for this configuration.
pub fn rules_hash(config: &Config) -> Result<String> {
    let fold = TriggerFold::new(config.settings.triggers.clone())?;
    Ok(format!("{} {}", fold.rules_hash(), config.settings.task.fingerprint()))
}

fn decode(stored: &StoredCustomer) -> Result<(Offset, Record)> {
    let Some((written_at, bytes)) = unstamp(&stored.record) else {
        bail!("the record in Redis is damaged: it is too short for its stamp");
    };
    match Record::read(bytes) {
        Ok(record) => Ok((written_at, record)),
        Err(problem) => bail!("the record in Redis cannot be read: {problem}"),
    }
}

/// What the engine never leaves behind.
fn contradictions(
    written_at: Offset,
    record: &Record,
    indexed: Option<EventTime>,
    position: &Position,
) -> Vec<String> {
    let mut found = Vec::new();
    if written_at > position.next {
        found.push(format!(
            "the record was written at offset {written_at}, beyond the task's position {}: the task stops when it \
             reads it",
            position.next
        ));
    }
    let due = record.next_due();
    if due != indexed {
        let word = |time: Option<EventTime>| time.map_or("no timer".to_owned(), |time| time.to_string());
        found.push(format!("the timer index says {}, the record {}", word(indexed), word(due)));
    }
    found
}
