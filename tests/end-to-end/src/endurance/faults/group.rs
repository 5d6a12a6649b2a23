//! The group is restless: members come and go.

use std::time::{Duration, Instant};

use anyhow::bail;
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::super::Endurance;
use super::super::tally::Struck;
use crate::diary::now_ms;
use crate::installation::Installation;
use crate::{faults, metrics};

/// How long a member stays at the most that is given nothing.
const STAY: Duration = Duration::from_secs(3);
/// For each rebalance.
const PATIENCE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(50);

impl Endurance<'_, '_> {
    /// Until a process of triggers has taken part in so many rebalances.
    pub(in super::super) fn storm(&mut self, some: u32) -> anyhow::Result<Struck> {
        let busy = self.busy(|seat| seat.service == "triggers")?.min(1);
        let (group, log) = (self.installation.group("triggers"), self.installation.topic("customer-events"));
        let (before, deadline) = (self.rebalances(), Instant::now() + PATIENCE * some);
        while self.rebalances() < before + some {
            self.come_and_go(&group, &log)?;
            if Instant::now() >= deadline {
                bail!("only {} rebalances of {some}", self.rebalances() - before);
            }
        }
        let times = self.rebalances() - before;
        Ok(Struck { times, busy: times * busy, over_at: now_ms() })
    }

    /// A member joins, reads nothing of what it is given, and leaves. A coordinator gives what it left to whoever comes
    /// next, so nobody comes before somebody else has it.
    fn come_and_go(&mut self, group: &str, topic: &str) -> anyhow::Result<()> {
        let before = self.rebalances();
        let Installation { servers, protocol, .. } = self.installation;
        let consumer: BaseConsumer = faults::guest(servers, group, *protocol).create()?;
        consumer.subscribe(&[topic])?;
        let joined = Instant::now();
        while consumer.assignment()?.count() == 0 && joined.elapsed() < STAY {
            let _ = consumer.poll(POLL);
            self.crew.supervise()?;
        }
        consumer.unsubscribe();
        let left = Instant::now();
        while left.elapsed() < faults::LEAVING || (self.rebalances() == before && left.elapsed() < STAY) {
            let _ = consumer.poll(POLL);
            self.crew.supervise()?;
        }
        Ok(())
    }

    /// Of the process that has taken part in most.
    fn rebalances(&self) -> u32 {
        let seats = self.crew.seats().into_iter().filter(|seat| seat.service == "triggers");
        let of = |seat| Some(metrics::sum(&self.crew.metrics(seat).ok()?, "rekindle_rebalances_total"));
        seats.filter_map(of).fold(0.0, f64::max) as u32
    }
}
