//! Which faults are made, how often, and in which order: fixed by the seed.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// The most processes that are killed one soon after the other.
const MOST_AT_A_TIME: u32 = 4;

/// One fault. A *slot* is a process of each service, as if on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// kill -9 of so many processes, one soon after the other.
    Kills(u32),
    /// Each process in turn is stopped as an operator would, and started again.
    Roll,
    /// kill -9 of the broker, and a restart.
    BrokerKilled,
    /// Redis is killed, and its append-only file cut to what it was a second ago.
    LastSecondLost,
    /// An older snapshot is restored under live owners.
    OlderSnapshot,
    /// `FLUSHALL`.
    Flushed,
    /// A slot cannot reach Kafka.
    CutFromKafka,
    /// A slot cannot reach Redis.
    CutFromRedis,
    /// So many rebalances, one soon after the other.
    Storm(u32),
    /// A slot sleeps through its session, and wakes up deposed.
    Asleep,
    /// Every round trip to Redis takes 200 ms.
    SlowRedis,
    /// Each connection of a slot is reset when it is a second old.
    Resets,
    /// The lines of a slot are narrow.
    Narrow,
    /// Redis cannot write its file any further.
    DiskFull,
    /// A raw topic gets a further partition.
    MorePartitions,
}

impl Fault {
    /// What it is counted as.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kills(_) => "kill -9",
            Self::Roll => "rolling SIGTERM",
            Self::BrokerKilled => "broker killed",
            Self::LastSecondLost => "Redis loses its last second",
            Self::OlderSnapshot => "older snapshot",
            Self::Flushed => "FLUSHALL",
            Self::CutFromKafka => "cut off from Kafka",
            Self::CutFromRedis => "cut off from Redis",
            Self::Storm(_) => "rebalance",
            Self::Asleep => "SIGSTOP",
            Self::SlowRedis => "slow Redis",
            Self::Resets => "connections reset",
            Self::Narrow => "narrow lines",
            Self::DiskFull => "disk full under Redis",
            Self::MorePartitions => "partition added",
        }
    }

    /// Whether it is the state that suffers: one of those that are made while a slot is cut off from Kafka, too, since
    /// the other slot has everything by then.
    fn is_of_state(self) -> bool {
        matches!(self, Self::LastSecondLost | Self::OlderSnapshot | Self::Flushed)
    }
}

/// A fault, and those that are made while it lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub fault: Fault,
    pub meanwhile: Vec<Fault>,
}

/// How much is done to the system.
#[derive(Clone, Copy, Debug)]
pub struct Dose {
    /// At least so many raw records are sent.
    pub events: usize,
    /// So many a second.
    pub rate: u64,
    /// And no longer than this.
    pub at_most: Duration,
    pub kills: u32,
    pub rolls: u32,
    pub broker_kills: u32,
    pub last_seconds: u32,
    pub snapshots: u32,
    pub flushes: u32,
    /// From Kafka and from Redis, each.
    pub cuts: u32,
    pub cut_for: Duration,
    pub rebalances: u32,
    pub sleeps: u32,
    /// Of each of what is only slow, narrow or reset.
    pub hindrances: u32,
    pub full_disks: u32,
    pub partitions_added: u32,
}

impl Dose {
    /// What every run of the tests bears.
    pub const GATE: Self = Self {
        events: 100_000,
        rate: 1_000,
        at_most: Duration::from_secs(480),
        kills: 10,
        rolls: 3,
        broker_kills: 1,
        last_seconds: 3,
        snapshots: 1,
        flushes: 1,
        cuts: 1,
        cut_for: Duration::from_secs(30),
        rebalances: 20,
        sleeps: 1,
        hindrances: 1,
        full_disks: 1,
        partitions_added: 1,
    };

    /// What hits a group, in a minute or two.
    pub const OF_GROUPS: Self = Self {
        events: 50_000,
        rate: 1_000,
        at_most: Duration::from_secs(480),
        kills: 4,
        rolls: 1,
        broker_kills: 0,
        last_seconds: 0,
        snapshots: 0,
        flushes: 0,
        cuts: 0,
        cut_for: Duration::ZERO,
        rebalances: 20,
        sleeps: 1,
        hindrances: 0,
        full_disks: 0,
        partitions_added: 1,
    };

    /// For an hour and more.
    pub const SOAK: Self = Self {
        events: 2_000_000,
        rate: 1_000,
        at_most: Duration::from_secs(3 * 3_600),
        kills: 100,
        rolls: 30,
        broker_kills: 10,
        last_seconds: 30,
        snapshots: 10,
        flushes: 3,
        cuts: 10,
        cut_for: Duration::from_secs(60),
        rebalances: 200,
        sleeps: 10,
        hindrances: 5,
        full_disks: 3,
        partitions_added: 3,
    };

    /// The steps, in an order that the seed fixes: of faults that have `only` in their names.
    pub fn schedule(&self, seed: u64, only: &str) -> Vec<Step> {
        let mut dice = SmallRng::seed_from_u64(seed ^ 0x656e_6475);
        let mut faults = self.faults(&mut dice);
        faults.retain(|fault| fault.name().contains(only));
        faults.shuffle(&mut dice);
        let (of_state, others): (Vec<_>, Vec<_>) = faults.into_iter().partition(|fault| fault.is_of_state());
        let each = of_state.len().div_ceil(self.cuts.max(1) as usize);
        spread(of_state.into(), &others, each)
    }

    fn faults(&self, dice: &mut SmallRng) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (fault, times) in [
            (Fault::Roll, self.rolls),
            (Fault::BrokerKilled, self.broker_kills),
            (Fault::LastSecondLost, self.last_seconds),
            (Fault::OlderSnapshot, self.snapshots),
            (Fault::Flushed, self.flushes),
            (Fault::CutFromKafka, self.cuts),
            (Fault::CutFromRedis, self.cuts),
            (Fault::Asleep, self.sleeps),
            (Fault::SlowRedis, self.hindrances),
            (Fault::Resets, self.hindrances),
            (Fault::Narrow, self.hindrances),
            (Fault::DiskFull, self.full_disks),
            (Fault::MorePartitions, self.partitions_added),
        ] {
            faults.extend((0..times).map(|_| fault));
        }
        let (mut kills, mut rebalances) = (self.kills, self.rebalances);
        while kills > 0 {
            let some = dice.random_range(1..=MOST_AT_A_TIME).min(kills);
            faults.push(Fault::Kills(some));
            kills -= some;
        }
        while rebalances > 0 {
            let some = rebalances.min(20);
            faults.push(Fault::Storm(some));
            rebalances -= some;
        }
        faults
    }
}

/// Gives each cut from Kafka so many of the faults of the state; what is left comes by itself.
fn spread(mut of_state: VecDeque<Fault>, others: &[Fault], each: usize) -> Vec<Step> {
    let mut steps: Vec<Step> = others
        .iter()
        .map(|fault| {
            let some = if *fault == Fault::CutFromKafka { each.min(of_state.len()) } else { 0 };
            Step { fault: *fault, meanwhile: of_state.drain(..some).collect() }
        })
        .collect();
    steps.extend(of_state.into_iter().map(|fault| Step { fault, meanwhile: Vec::new() }));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(steps: &[Step]) -> Vec<Fault> {
        let mut faults: Vec<_> =
            steps.iter().flat_map(|step| step.meanwhile.iter().copied().chain([step.fault])).collect();
        faults.sort();
        faults
    }

    #[test]
    fn a_seed_fixes_the_order_and_not_how_much() {
        for dose in [Dose::GATE, Dose::SOAK] {
            assert_eq!(dose.schedule(3, ""), dose.schedule(3, ""));
            assert_ne!(dose.schedule(3, ""), dose.schedule(4, ""));
            let kills = |seed| {
                flat(&dose.schedule(seed, ""))
                    .iter()
                    .map(|fault| match fault {
                        Fault::Kills(some) => *some,
                        _ => 0,
                    })
                    .sum::<u32>()
            };
            assert_eq!((kills(3), kills(4)), (dose.kills, dose.kills));
        }
    }

    #[test]
    fn the_doses_are_those_that_were_asked_for() {
        let count =
            |dose: Dose, fault| flat(&dose.schedule(1, "")).iter().filter(|one| **one == fault).count();
        for (fault, gate, soak) in [
            (Fault::Roll, 3, 30),
            (Fault::BrokerKilled, 1, 10),
            (Fault::LastSecondLost, 3, 30),
            (Fault::OlderSnapshot, 1, 10),
            (Fault::Flushed, 1, 3),
            (Fault::CutFromKafka, 1, 10),
            (Fault::CutFromRedis, 1, 10),
            (Fault::Storm(20), 1, 10),
            (Fault::Asleep, 1, 10),
        ] {
            assert_eq!((count(Dose::GATE, fault), count(Dose::SOAK, fault)), (gate, soak), "{fault:?}");
        }
    }

    #[test]
    fn a_kind_of_faults_can_be_had_alone() {
        let steps = Dose::GATE.schedule(1, "kill -9");
        assert!(!steps.is_empty() && steps.iter().all(|step| matches!(step.fault, Fault::Kills(_))));
    }

    #[test]
    fn only_while_a_slot_is_cut_off_from_kafka_do_others_come() {
        let steps = Dose::SOAK.schedule(1, "");
        assert!(steps.iter().all(|step| step.meanwhile.is_empty() || step.fault == Fault::CutFromKafka));
        assert!(steps.iter().any(|step| !step.meanwhile.is_empty()));
    }
}
