//! The broker is killed, and a topic grows.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;

use super::super::Endurance;
use super::super::tally::Struck;
use crate::diary::now_ms;
use crate::topics;

/// How long the broker is gone, beside what it takes to start: longer than until the other has its partitions.
const GONE: Duration = Duration::from_secs(8);
/// Until a new partition is known to those who read the topic: they look every ten seconds.
const NOTICING: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(200);

impl Endurance<'_, '_> {
    /// Nothing is sent meanwhile: records that wait for the broker would be late, and what happens to late ones is another
    /// matter. What the services have on hand at the moment is another's: theirs.
    pub(in super::super) fn kill_broker(&mut self) -> anyhow::Result<Struck> {
        let busy = self.busy(|_| true)?.min(1);
        self.sending.pause();
        self.site.second.kill()?;
        self.note("kill -9 of the second broker");
        self.crew.supervise_for(GONE)?;
        self.site.second.start_again()?;
        self.site.second.await_brokers(&self.site.kafka, 2)?;
        self.note("the broker is back");
        self.sending.resume();
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    /// As producers do, the load begins to use the new partition later than its readers hear of it.
    pub(in super::super) fn add_partition(&mut self) -> anyhow::Result<Struck> {
        let busy = self.busy(|seat| seat.service == "ingest")?.min(1);
        let clicks = self.installation.topic("clickstream");
        let count = topics::ends_of(&self.installation.servers, &clicks)?.len();
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &self.installation.servers).create()?;
        let more = [NewPartitions::new(&clicks, count + 1)];
        for result in topics::wait_for(admin.create_partitions(&more, &AdminOptions::new()))? {
            result.map_err(|(_, code)| code).context("no partition could be added")?;
        }
        self.note(&format!("{clicks} has {} partitions", count + 1));
        self.await_partition(&clicks, count)?;
        self.sending.look_again();
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    /// Until a process of ingest says that it reads a partition.
    fn await_partition(&mut self, topic: &str, partition: usize) -> anyhow::Result<()> {
        let labels = [format!("topic=\"{topic}\""), format!("partition=\"{partition}\"")];
        let deadline = Instant::now() + NOTICING;
        loop {
            let pages = self.crew.seats().into_iter().filter(|seat| seat.service == "ingest");
            let mut pages = pages.filter_map(|seat| self.crew.metrics(seat).ok());
            let is_read = |page: String| {
                let mut series = crate::metrics::series(&page, "rekindle_watermark_timestamp_seconds");
                series.any(|line| labels.iter().all(|label| line.contains(label)))
            };
            if pages.any(is_read) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("nobody reads partition {partition} of {topic} after {NOTICING:?}");
            }
            self.crew.supervise_for(LOOK)?;
        }
    }
}
