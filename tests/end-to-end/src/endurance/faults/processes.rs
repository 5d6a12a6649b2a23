//! Processes are killed, stopped and put to sleep.

use std::time::Duration;

use anyhow::Context;
use rand::Rng;
use rustix::process::Signal;

use super::super::tally::Struck;
use super::super::{Endurance, pulse};
use crate::crew::Seat;
use crate::diary::now_ms;
use crate::installation::SESSION_MS;
use crate::scenarios::kills;

/// How long a process may take to stop.
const STOPPING: Duration = Duration::from_secs(10);
/// Longer than the session, so that the group gives the partitions to the others.
const ASLEEP: Duration = Duration::from_millis(SESSION_MS + 2_500);

impl Endurance<'_, '_> {
    pub(in super::super) fn kill(&mut self, some: u32) -> anyhow::Result<Struck> {
        let busy = pulse::busy(self.crew)?;
        let mut victims = Vec::new();
        for kill in 0..some {
            let service = if kill % 2 == 0 { "triggers" } else { "ingest" };
            victims.extend(kills::strike(&mut self.progress.dice, self.crew, service)?);
            let pause = self.progress.dice.random_range(0..700);
            self.crew.supervise_for(Duration::from_millis(pause))?;
        }
        let hit = victims.iter().filter(|seat| busy.contains(seat)).count();
        Ok(Struck { times: u32::try_from(victims.len())?, busy: u32::try_from(hit)?, over_at: now_ms() })
    }

    pub(in super::super) fn roll(&mut self) -> anyhow::Result<Struck> {
        let (mut times, mut at_work) = (0, 0);
        for seat in self.crew.seats() {
            at_work += self.busy(|busy| busy == seat)?;
            self.crew.roll(seat, STOPPING)?;
            self.crew.await_seat(seat).context("it was stopped as an operator would")?;
            times += 1;
        }
        Ok(Struck { times, busy: at_work, over_at: now_ms() })
    }

    pub(in super::super) fn put_to_sleep(&mut self) -> anyhow::Result<Struck> {
        let slot = self.next_slot();
        let busy = self.busy(|seat| seat.slot == slot)?;
        let sleepers = ["triggers", "ingest"].map(|service| Seat { service, slot });
        for seat in sleepers {
            self.crew.signal(seat, Signal::STOP)?;
        }
        self.crew.supervise_for(ASLEEP)?;
        for seat in sleepers {
            self.crew.signal(seat, Signal::CONT)?;
        }
        Ok(Struck { times: 2, busy, over_at: now_ms() })
    }
}
