//! `rekindle snapshot import`.
//!
//! Must stay true: the file is read to its end once before anything is written; nothing is written while a process of
//! the service may live, nor over other state unless that is asked for.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use events::TopicPartition;
use kafka::{GroupOnlooker, LogSurvey};
use redis_store::StoredPosition;
use redis_store::snapshot::{Amount, Content, Header, Import, Imported, PartitionHead, SnapshotReader};

use super::ImportArgs;
use super::outlook::{LogState, Outlook, outlook};
use crate::commands::explain::rules_hash;
use crate::commands::table::Table;
use crate::config::Config;

/// Longer than a member's session, so that one that was just stopped is out of the group.
const BEYOND_SESSION: Duration = Duration::from_secs(5);
/// Between two looks at the group.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Shows what would be done, and does it if asked to.
pub fn run(args: &ImportArgs, config: &Config) -> Result<()> {
    let named = || format!("{}", args.file.display());
    let (header, partitions) = survey(&args.file).with_context(named)?;
    check_is_of(&header, config)?;
    let onlooker = onlooker(config)?;
    let log = log_state(config, &onlooker)?;
    let mut import = Import::begin(&config.settings.redis, header.clone())?;
    let mut out = std::io::stdout().lock();
    let refusals = show(&header, &partitions, &log, import.found(), args, config, &mut out)?;
    if !refusals.is_empty() {
        bail!("nothing was imported: {}", refusals.join("; "));
    }
    if !args.execute {
        writeln!(out, "Nothing was written; --execute does it.")?;
        return Ok(());
    }
    await_empty_group(&onlooker, args, config)?;
    if let Err(error) = write(&mut import, &args.file) {
        import.abandon();
        return Err(error).with_context(named);
    }
    let done = import.finish()?;
    let already = done.iter().filter(|(_, imported)| *imported == Imported::Already).count();
    writeln!(out, "{} partitions imported; {already} had been before.", done.len() - already)?;
    Ok(())
}

/// Reads the whole file.
fn survey(path: &Path) -> Result<(Header, Vec<(PartitionHead, Amount)>)> {
    let mut reader = SnapshotReader::begin(File::open(path)?)?;
    let (mut partitions, mut open) = (Vec::new(), None);
    loop {
        match reader.next_content()? {
            Content::Partition(head) => open = Some(head),
            Content::Customers(_) => {}
            Content::PartitionEnd(amount) => partitions.extend(open.take().map(|head| (head, amount))),
            Content::End => return Ok((reader.header().clone(), partitions)),
        }
    }
}

fn check_is_of(header: &Header, config: &Config) -> Result<()> {
    let (service, topic) =
        (config.settings.service.as_str(), config.settings.ingest.customer_events.as_str());
    if header.service != service {
        bail!("the snapshot is of the service `{}`, and this configuration's is `{service}`", header.service);
    }
    if header.log_topic != topic {
        bail!(
            "the snapshot's positions lie in the topic `{}`, and this configuration reads `{topic}`",
            header.log_topic
        );
    }
    Ok(())
}

fn onlooker(config: &Config) -> Result<GroupOnlooker> {
    let kafka = &config.settings.kafka;
    let group = kafka.group(&config.settings.service);
    Ok(GroupOnlooker::connect(&kafka.properties, &group, kafka.timeouts)?)
}

fn log_state(config: &Config, onlooker: &GroupOnlooker) -> Result<LogState> {
    let topic = &config.settings.ingest.customer_events;
    let bounds = LogSurvey::connect(&config.settings.kafka.properties)
        .and_then(|survey| survey.bounds(topic))
        .context("the log cannot be looked at")?;
    let partitions: Vec<_> = bounds.keys().cloned().collect();
    let committed = onlooker.committed(&partitions).context("the consumer group cannot be looked at")?;
    Ok(LogState { bounds, committed, rules_hash: rules_hash(config)? })
}

/// Prints what would come of each partition; with what keeps the import from being done.
fn show(
    header: &Header,
    partitions: &[(PartitionHead, Amount)],
    log: &LogState,
    stored: &[StoredPosition],
    args: &ImportArgs,
    config: &Config,
    out: &mut impl Write,
) -> Result<Vec<String>> {
    writeln!(
        out,
        "Snapshot of the service `{}` in the namespace `{}`, taken at {} by release {}.\n",
        header.service, header.namespace, header.taken_at, header.release
    )?;
    let mut refusals = Vec::new();
    let mut table = Table::new(&[
        "PARTITION",
        "CUSTOMERS",
        "TIMERS",
        "POSITION",
        "LOG NEEDED FROM",
        "IN REDIS",
        "A START WOULD",
    ]);
    for (head, amount) in partitions {
        let at = TopicPartition::new(&header.log_topic, head.partition);
        let would = match outlook(&at, &head.position, log, &config.settings.worker) {
            Outlook::GoesOn { refilled, silent, ahead } => format!(
                "go on: {refilled} records refill the buffer, {silent} are read in silence, {ahead} are new"
            ),
            Outlook::WantsAdoption => "stop, unless it is told to --adopt the configured rules".to_owned(),
            Outlook::WantsOldRules => {
                "stop: other rules made it; start once with those and stop, then --adopt".to_owned()
            }
            Outlook::Refused(cause) => {
                refusals.push(format!("partition {}: {cause}", head.partition));
                "stop".to_owned()
            }
        };
        let found = stored.iter().find(|stored| stored.partition == head.partition);
        let there = match found.and_then(|found| found.position.as_ref()) {
            None => "nothing".to_owned(),
            Some(position) if *position == head.position => "the same".to_owned(),
            Some(position) => {
                if !args.replace {
                    refusals.push(format!(
                        "partition {}: Redis holds state at position {}; --replace gives it up",
                        head.partition, position.next
                    ));
                }
                format!("position {}", position.next)
            }
        };
        table.row([
            head.partition.to_string(),
            amount.records.to_string(),
            amount.timers.to_string(),
            head.position.next.to_string(),
            head.position.buffered_from.to_string(),
            there,
            would,
        ]);
    }
    writeln!(out, "{table}")?;
    let has = |number: i32| partitions.iter().any(|(head, _)| head.partition == number);
    for partition in log.bounds.keys().filter(|partition| !has(partition.partition)) {
        writeln!(out, "The snapshot has nothing of {partition}: it had no state yet, and stays as it is.")?;
    }
    Ok(refusals)
}

/// Waits until no process of the service can write any more.
fn await_empty_group(onlooker: &GroupOnlooker, args: &ImportArgs, config: &Config) -> Result<()> {
    let session = config.sections.kafka.session_timeout.span().as_millis();
    let patience = Duration::from_millis(u64::try_from(session).unwrap_or(0)) + BEYOND_SESSION;
    let deadline = Instant::now() + patience;
    let mut is_told = false;
    loop {
        let members = onlooker.members().context("the consumer group cannot be looked at")?;
        let members = still_there(members, args.stopped)?;
        if members == 0 {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!(
                "nothing was imported: the consumer group has {members} members; stop all processes of the service first"
            );
        }
        if !is_told {
            is_told = true;
            let _ = writeln!(
                std::io::stderr(),
                "the consumer group has {members} members; waiting up to {} s for their sessions to end",
                patience.as_secs()
            );
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// How many members have still to leave: as many as were counted, or as a person says where none can be.
fn still_there(counted: Option<usize>, is_said_to_be_stopped: bool) -> Result<usize> {
    match counted {
        Some(members) => Ok(members),
        None if is_said_to_be_stopped => Ok(0),
        None => bail!(
            "nothing was imported: by the group protocol `consumer` members cannot be counted; stop all processes of \
             the service, wait for group.consumer.session.timeout.ms if one was killed, and say so with --stopped"
        ),
    }
}

/// Writes everything beside the tasks' keys.
fn write(import: &mut Import, path: &Path) -> Result<()> {
    let mut reader = SnapshotReader::begin(File::open(path)?)?;
    loop {
        match reader.next_content()? {
            Content::Partition(head) => import.begin_partition(head)?,
            Content::Customers(rows) => import.customers(&rows)?,
            Content::PartitionEnd(_) => {}
            Content::End => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_says_counts_only_where_nothing_can_be_counted() {
        assert_eq!(still_there(Some(2), true).unwrap(), 2);
        assert_eq!(still_there(None, true).unwrap(), 0);
        assert!(still_there(None, false).unwrap_err().to_string().contains("--stopped"));
    }
}
