//! Faults of every kind on one long load: made in an order that a seed fixes, each with a look at whether it hit a process
//! at work, and at how long it took until everything worked again.

mod faults;
mod positions;
mod pulse;
mod recovery;
mod schedule;
mod site;
mod tally;

use std::time::Duration;

use anyhow::{Context, bail};
use rand::SeedableRng;
use rand::rngs::SmallRng;

pub use positions::PositionWatch;
pub use pulse::busy;
pub use recovery::recover;
pub use schedule::{Dose, Fault, Step};
pub use site::Site;

use crate::actions::ActionReader;
use crate::crew::{Crew, Seat};
use crate::diary::now_ms;
use crate::installation::Installation;
use crate::sender::Sending;
use tally::{Struck, Tally};

const LOOK: Duration = Duration::from_millis(50);

/// A run: what it is about, and how far it has come.
pub struct Endurance<'r, 'i> {
    pub installation: &'i Installation,
    pub site: &'r mut Site,
    pub crew: &'r mut Crew<'i>,
    pub reader: &'r ActionReader,
    pub sending: &'r Sending,
    pub watch: &'r PositionWatch,
    pub dose: Dose,
    pub partitions: usize,
    pub progress: Progress,
}

/// What has happened in a run, and what its next fault hangs on.
pub struct Progress {
    tally: Tally,
    dice: SmallRng,
    /// Raised by each fault of a slot: the next one hits another.
    turn: usize,
    /// How often a slot was cut off: the next time it is by another kind of cut.
    cuts: usize,
}

impl Progress {
    /// At the beginning of a run of this seed.
    pub fn of(seed: u64) -> Self {
        let dice = SmallRng::seed_from_u64(seed ^ 0x6661_756c);
        Self { tally: Tally::default(), dice, turn: 0, cuts: 0 }
    }
}

impl Endurance<'_, '_> {
    /// Makes these faults, one after the other, and goes on until enough was sent. With what was done.
    pub fn run(mut self, steps: &[Step]) -> anyhow::Result<Tally> {
        self.recover(now_ms(), None).context("it does not begin")?;
        for step in steps {
            self.make(step).with_context(|| format!("{step:?}"))?;
        }
        while self.sending.sent() < self.dose.events {
            self.crew.supervise_for(LOOK)?;
        }
        Ok(self.progress.tally)
    }

    fn make(&mut self, step: &Step) -> anyhow::Result<()> {
        if self.sending.is_finished() {
            bail!("the load has ended before the faults");
        }
        match step.fault {
            Fault::CutFromKafka => self.cut_from_kafka(&step.meanwhile),
            fault => self.make_one(fault, None),
        }
    }

    /// Makes a fault, while a slot may be `apart`, and waits until everything works again.
    fn make_one(&mut self, fault: Fault, apart: Option<usize>) -> anyhow::Result<()> {
        let struck = self.strike(fault, apart)?;
        self.conclude(fault, &struck, apart)
    }

    fn conclude(&mut self, fault: Fault, struck: &Struck, apart: Option<usize>) -> anyhow::Result<()> {
        let recovered = self.recover(struck.over_at, apart).with_context(|| format!("after {fault:?}"))?;
        self.note(&format!(
            "{fault:?}: {} of {} at work; everything works again after {:.1} s",
            struck.busy,
            struck.times,
            recovered.as_secs_f64()
        ));
        self.progress.tally.add(fault, struck, recovered);
        self.watch.check()?;
        Ok(())
    }

    fn strike(&mut self, fault: Fault, apart: Option<usize>) -> anyhow::Result<Struck> {
        match fault {
            Fault::Kills(some) => self.kill(some),
            Fault::Roll => self.roll(),
            Fault::BrokerKilled => self.kill_broker(),
            Fault::LastSecondLost => self.lose_last_second(apart),
            Fault::OlderSnapshot => self.restore_older_snapshot(apart),
            Fault::Flushed => self.flush(apart),
            Fault::CutFromKafka => bail!("that is a step of its own"),
            Fault::CutFromRedis => self.cut_from_redis(),
            Fault::Storm(some) => self.storm(some),
            Fault::Asleep => self.put_to_sleep(),
            Fault::SlowRedis => self.slow_redis(),
            Fault::Resets => self.reset_connections(),
            Fault::Narrow => self.narrow_lines(),
            Fault::DiskFull => self.fill_disk(),
            Fault::MorePartitions => self.add_partition(),
        }
    }

    fn recover(&mut self, since: i64, apart: Option<usize>) -> anyhow::Result<Duration> {
        recovery::recover(self.crew, self.reader, self.partitions, since, apart)
    }

    /// A slot, each in turn.
    fn next_slot(&mut self) -> usize {
        self.progress.turn += 1;
        self.progress.turn % self.site.lines.len()
    }

    fn note(&self, what: &str) {
        self.installation.diary.note(what);
    }

    /// How many of these processes are at work.
    fn busy(&mut self, is_hit: impl Fn(Seat) -> bool) -> anyhow::Result<u32> {
        let busy = pulse::busy(self.crew)?;
        Ok(u32::try_from(busy.into_iter().filter(|seat| is_hit(*seat)).count())?)
    }
}
