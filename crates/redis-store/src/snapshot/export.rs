//! Export: each partition is set aside in one transaction, and then read at leisure.
//!
//! Must stay true: what is read is a copy that nobody else writes, made together with its position; so the service may
//! run, and its checkpoints wait only for the copying of one partition. The copy ends by itself if the export is killed.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use engine::ports::{StoreError, TaskId};
use events::{CustomerId, TopicPartition};

use super::contents::SnapshotWriter;
use super::{Amount, Header, PartitionHead, Row, SnapshotError};
use crate::connections::Connections;
use crate::inspection;
use crate::keys::TaskKeys;
use crate::position::{EPOCH, NEXT, TIMERS, from_fields, least_timers};
use crate::score::time;
use crate::settings::Settings;

/// A copy that nobody reads any more goes after this long.
const COPY_LASTS: Duration = Duration::from_secs(600);
/// Customers per step of the scan, and so per frame.
const SCAN_STEP: usize = 2_000;

/// A partition that is in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Its position, and whose it was.
    pub head: PartitionHead,
    /// How much there is of it.
    pub amount: Amount,
}

/// Writes the state of all partitions of the header's service that have a position; `progress` is told how much of a
/// partition has been written.
///
/// # Errors
/// [`SnapshotError`]; what was written till then is no snapshot.
pub fn export<W: Write>(
    settings: &Settings,
    header: &Header,
    to: W,
    progress: &mut dyn FnMut(i32, Amount),
) -> Result<(W, Vec<Exported>), SnapshotError> {
    super::import::block_on(settings, async |mut connections| {
        let stored = inspection::positions(&mut connections, &header.service).await?;
        let mut writer = SnapshotWriter::begin(to, header).map_err(SnapshotError::Write)?;
        let mut exported = Vec::new();
        for stored in stored.into_iter().filter(|stored| stored.position.is_some()) {
            let log = TopicPartition::new(&header.log_topic, stored.partition);
            let task = TaskId { service: header.service.as_str().into(), partition: log };
            let keys = TaskKeys::new(&connections.settings().namespace, &task);
            let mut partition =
                Partition { connections: &mut connections, copy: keys.beside("export"), keys };
            let Some((head, timers)) = partition.set_aside(stored.partition).await? else { continue };
            writer.begin_partition(&head).map_err(SnapshotError::Write)?;
            let amount =
                partition.write_rows(&mut writer, &mut |amount| progress(head.partition, amount)).await?;
            if (amount.records, amount.timers) != (head.position.customers, timers) {
                return Err(StoreError::Unavailable(format!(
                    "partition {} was not read as it was set aside; try again",
                    head.partition
                ))
                .into());
            }
            writer.end_partition().map_err(SnapshotError::Write)?;
            partition.drop_copy().await?;
            exported.push(Exported { head, amount });
        }
        Ok((writer.finish().map_err(SnapshotError::Write)?, exported))
    })
}

struct Partition<'a> {
    connections: &'a mut Connections,
    keys: TaskKeys,
    copy: TaskKeys,
}

impl Partition<'_> {
    /// Copies records and timers, and reads the position that they belong to: one transaction. With the number of
    /// timers; nothing if the position is gone.
    async fn set_aside(&mut self, partition: i32) -> Result<Option<(PartitionHead, u64)>, SnapshotError> {
        let (keys, copy) = (&self.keys, &self.copy);
        let lasts = COPY_LASTS.as_millis() as u64;
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        // COPY of what is not there would leave the copy of an export before this one.
        pipeline.cmd("UNLINK").arg(&[&copy.state, &copy.due]).ignore();
        for (own, aside) in [(&keys.state, &copy.state), (&keys.due, &copy.due)] {
            pipeline.cmd("COPY").arg(own).arg(aside).ignore();
            pipeline.cmd("PEXPIRE").arg(aside).arg(lasts).ignore();
        }
        pipeline.cmd("HGETALL").arg(&keys.pos);
        pipeline.cmd("HLEN").arg(&keys.state).cmd("ZCARD").arg(&keys.due);
        let answer = self.connections.ask_repeatedly(keys, &pipeline).await;
        let (fields, records, timers): (BTreeMap<String, String>, u64, u64) =
            answer.map_err(|error| match error.to_string() {
                text if text.contains("unknown command") => SnapshotError::TooOld(text),
                _ => error.into(),
            })?;
        let position = from_fields(&fields).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let Some(position) = position else { return Ok(None) };
        let next = fields.get(NEXT).and_then(|next| next.parse().ok());
        if records != position.customers
            || timers < least_timers(fields.get(TIMERS).map(String::as_str), next)
        {
            return Err(StoreError::Damaged(format!(
                "partition {partition} holds {records} records and {timers} timers, which are not those of its position"
            ))
            .into());
        }
        let epoch = fields.get(EPOCH).and_then(|epoch| epoch.parse().ok()).unwrap_or(0);
        Ok(Some((PartitionHead { partition, epoch, position }, timers)))
    }

    async fn write_rows<W: Write>(
        &mut self,
        writer: &mut SnapshotWriter<W>,
        progress: &mut dyn FnMut(Amount),
    ) -> Result<Amount, SnapshotError> {
        let mut amount = Amount::default();
        let mut cursor = "0".to_owned();
        loop {
            let (next, found) = self.scan(&cursor).await?;
            if !found.is_empty() {
                let rows = self.with_timers(found).await?;
                writer.customers(&rows).map_err(SnapshotError::Write)?;
                amount.add(&rows);
                progress(amount);
            }
            if next == "0" {
                return Ok(amount);
            }
            cursor = next;
        }
    }

    async fn scan(&mut self, cursor: &str) -> Result<(String, Vec<(String, Bytes)>), StoreError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("HSCAN").arg(&self.copy.state).arg(cursor).arg("COUNT").arg(SCAN_STEP);
        let ((next, found),): ((String, Vec<(String, Bytes)>),) =
            self.connections.ask_repeatedly(&self.keys, &pipeline).await?;
        Ok((next, found))
    }

    async fn with_timers(&mut self, found: Vec<(String, Bytes)>) -> Result<Vec<Row>, StoreError> {
        let lasts = COPY_LASTS.as_millis() as u64;
        let mut pipeline = redis::pipe();
        pipeline.cmd("PEXPIRE").arg(&self.copy.state).arg(lasts).ignore();
        pipeline.cmd("PEXPIRE").arg(&self.copy.due).arg(lasts).ignore();
        let scores = pipeline.cmd("ZMSCORE").arg(&self.copy.due);
        found.iter().for_each(|(id, _)| {
            scores.arg(id);
        });
        let (scores,): (Vec<Option<f64>>,) = self.connections.ask_repeatedly(&self.keys, &pipeline).await?;
        let row = |((id, record), score): ((String, Bytes), Option<f64>)| {
            let due = score.map(|score| {
                time(score)
                    .ok_or_else(|| StoreError::Damaged(format!("{score} in the timer index is no time")))
            });
            Ok(Row { id: CustomerId::new(id), record, due: due.transpose()? })
        };
        found.into_iter().zip(scores).map(row).collect()
    }

    async fn drop_copy(&mut self) -> Result<(), StoreError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("UNLINK").arg(&[&self.copy.state, &self.copy.due]).ignore();
        self.connections.ask_repeatedly(&self.keys, &pipeline).await
    }
}
