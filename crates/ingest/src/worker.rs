//! The ingest worker: raw partitions shared with its peers, one transaction after the other.
//!
//! Must stay true: raw offsets move only inside the transactions that hold the records (I6); a tick is the last
//! record of its transaction and speaks only for what is written by then (I7); after an abort or a doubt, offsets,
//! watermarks and pending evidence go back to what is committed.

use std::collections::BTreeMap;

use engine::lifecycle::{Lifecycle, live};
use engine::membership::Membership;
use engine::mutants::{self, Mutant};
use engine::ports::{Clock, EndOffsets, Fetched, Log, LogError, Offset, Polled, TimestampType};
use engine::setback::Setback;
use engine::worker::{Exit, StopSignal};
use events::normalise::Normaliser;
use events::{EventTime, SourceClaim, Span, Tick, TopicPartition};

use crate::addressing::Targets;
use crate::halt::RawTopicShorter;
use crate::outcome::OutcomeCounts;
use crate::raw_watermark::RawWatermark;
use crate::settings::{Identity, Settings};
use crate::transaction::OpenTransaction;

/// A raw partition of this worker.
#[derive(Debug)]
struct Owned {
    raw: RawWatermark,
    /// The group's committed offset, as far as this worker knows.
    committed: Offset,
}

/// What became of a partition that was to be begun.
enum Begun {
    Owned(Owned),
    Halted(RawTopicShorter),
}

/// When things were done last, by the worker's clock.
#[derive(Debug)]
struct LastDone {
    published: EventTime,
    full_set: EventTime,
    asked: EventTime,
}

impl LastDone {
    const NEVER: Self = Self { published: EventTime::MIN, full_set: EventTime::MIN, asked: EventTime::MIN };
}

/// One thread of ingest, with its log, clock, and its path of evidence.
pub struct IngestWorker<L, C, E> {
    log: L,
    clock: C,
    evidence: E,
    normaliser: Normaliser,
    settings: Settings,
    targets: Option<Targets>,
    owned: BTreeMap<TopicPartition, Owned>,
    /// Partitions that stand still until a person has decided.
    halted: BTreeMap<TopicPartition, RawTopicShorter>,
    membership: Membership,
    open: OpenTransaction,
    /// Every source there was when that was last known.
    sources: Vec<TopicPartition>,
    last: LastDone,
    /// Evidence has been heard that no tick tells of yet.
    has_heard: bool,
    counts: OutcomeCounts,
    skipped_by_retention: u64,
}

impl<L: Log, C: Clock, E: EndOffsets> IngestWorker<L, C, E> {
    /// A worker that has not begun yet.
    pub fn new(log: L, clock: C, evidence: E, normaliser: Normaliser, settings: Settings) -> Self {
        Self {
            log,
            clock,
            evidence,
            normaliser,
            settings,
            targets: None,
            owned: BTreeMap::new(),
            halted: BTreeMap::new(),
            membership: Membership::default(),
            open: OpenTransaction::default(),
            sources: Vec::new(),
            last: LastDone::NEVER,
            has_heard: false,
            counts: OutcomeCounts::default(),
            skipped_by_retention: 0,
        }
    }

    /// How the raw records ended that this worker has committed.
    pub fn counts(&self) -> &OutcomeCounts {
        &self.counts
    }

    /// Raw offsets that the topics' retention took before they were read.
    pub fn skipped_by_retention(&self) -> u64 {
        self.skipped_by_retention
    }

    /// How far each raw partition of this worker is written, and its watermark.
    pub fn watermarks(&self) -> impl Iterator<Item = (&TopicPartition, Option<EventTime>)> {
        self.owned.iter().map(|(partition, owned)| (partition, owned.raw.watermark()))
    }

    /// The committed offset of each raw partition of this worker, as far as it knows.
    pub fn committed(&self) -> impl Iterator<Item = (&TopicPartition, Offset)> {
        self.owned.iter().map(|(partition, owned)| (partition, owned.committed))
    }

    /// The raw partitions that are this worker's and are not begun yet.
    pub fn waiting(&self) -> impl ExactSizeIterator<Item = &TopicPartition> {
        self.membership.waiting()
    }

    /// The raw partitions that stand still until a person has decided, and why.
    pub fn halted(&self) -> &BTreeMap<TopicPartition, RawTopicShorter> {
        &self.halted
    }

    /// Works until it is asked to stop, or fenced. `observe` sees the worker after each turn.
    pub async fn run(&mut self, stop: &StopSignal, observe: impl FnMut(&Self)) -> Exit {
        live(self, stop, observe).await
    }

    /// Normalises the fetched records of one partition into the open transaction.
    fn take(&mut self, fetched: Fetched) {
        let hold = self.settings.evidence_hold();
        let Some(owned) = self.owned.get_mut(&fetched.partition) else { return };
        if mutants::is(Mutant::EvidenceAgainstFetched) {
            owned.raw.settle(fetched.next, hold);
        }
        let written = owned.raw.written();
        for record in fetched.records.iter().filter(|record| record.offset >= written) {
            let Some(targets) = &self.targets else { return };
            let happened = self.open.take(record, &fetched.partition, &self.normaliser, targets);
            if let Some(owned) = self.owned.get_mut(&fetched.partition) {
                owned.raw.wrote_up_to(record.offset + 1, hold);
                if let (Some(happened), TimestampType::LogAppend) = (happened, record.timestamp_type) {
                    owned.raw.saw(happened.min(record.timestamp), self.settings.allowed_lateness);
                }
            }
            if self.open.since_tick >= self.settings.events_per_tick {
                let tick = Tick { claims: self.claims(), full_set: Vec::new() };
                let Some(targets) = &self.targets else { return };
                self.open.push_tick(&tick, targets);
            }
        }
        if let Some(owned) = self.owned.get_mut(&fetched.partition) {
            owned.raw.wrote_up_to(fetched.next, hold);
        }
    }

    /// Takes answers in of how far the raw partitions reach, and asks again. Nothing of it waits.
    fn hear_evidence(&mut self) {
        let hold = self.settings.evidence_hold();
        while let Some(evidence) = self.evidence.answer() {
            self.has_heard = true;
            for (partition, end) in &evidence.ends {
                if let Some(owned) = self.owned.get_mut(partition) {
                    owned.raw.heard(evidence.asked_at, *end, hold);
                }
            }
        }
        let now = self.clock.now();
        if now.since(self.last.asked) >= self.interval() {
            self.last.asked = now;
            self.evidence.ask();
        }
    }

    fn is_due_to_publish(&self) -> bool {
        if self.owned.is_empty() {
            return false;
        }
        self.open.raw_records >= self.settings.transaction_records
            || self.open.bytes >= self.settings.transaction_bytes
            || self.is_due_to_tell()
    }

    /// Each interval; and no later than evidence can be told, for it is worth the less the older it is.
    fn is_due_to_tell(&self) -> bool {
        let since = self.clock.now().since(self.last.published).as_millis();
        let interval = self.interval().as_millis();
        let is_reached = || self.owned.values().all(|owned| owned.raw.has_reached_evidence());
        since >= interval || since >= interval / 2 && self.has_heard && is_reached()
    }

    /// Under load things happen more often than at rest.
    fn interval(&self) -> Span {
        if self.open.raw_records > 0 { self.settings.tick_interval } else { self.settings.idle_tick_interval }
    }

    /// One transaction: everything gathered, the ticks that speak for it, and the raw offsets.
    async fn publish(&mut self) -> Result<(), Setback> {
        let now = self.clock.now();
        if mutants::is(Mutant::ClockWithoutEvidence) {
            let hold = self.settings.evidence_hold();
            self.owned.values_mut().for_each(|owned| owned.raw.trust_clock(now, hold));
        }
        let full_set = self.full_set_if_due(now)?;
        let tells_all = !full_set.is_empty();
        let tick = Tick { claims: self.claims(), full_set };
        let Some(targets) = &self.targets else { return Err(Setback::StartOver) };
        let mut open = std::mem::take(&mut self.open);
        if mutants::is(Mutant::TickBeforeEvents) {
            open.push_tick_first(&tick, targets);
        } else if !tick.claims.is_empty() || tells_all {
            open.push_tick(&tick, targets);
        }
        let offsets: Vec<(TopicPartition, Offset)> = self
            .owned
            .iter()
            .filter(|(_, owned)| owned.raw.written() > owned.committed)
            .map(|(partition, owned)| (partition.clone(), owned.raw.written()))
            .collect();
        if !open.records.is_empty() || !offsets.is_empty() {
            self.log.publish(open.records, &offsets).await?;
        }
        for (partition, written) in offsets {
            if let Some(owned) = self.owned.get_mut(&partition) {
                owned.committed = written;
            }
        }
        self.counts.absorb(&mut open.counts);
        self.last.published = now;
        self.has_heard = false;
        if tells_all {
            self.last.full_set = now;
        }
        Ok(())
    }

    fn claims(&self) -> Vec<SourceClaim> {
        self.owned
            .iter()
            .filter_map(|(source, owned)| {
                owned.raw.watermark().map(|watermark| SourceClaim { source: source.clone(), watermark })
            })
            .collect()
    }

    /// Every source there is, from time to time; else nothing. While no broker says, it is as it was: the set only
    /// grows, and a broker that cannot be reached is no reason to drop what is known of the others.
    fn full_set_if_due(&mut self, now: EventTime) -> Result<Vec<TopicPartition>, Setback> {
        if now.since(self.last.full_set) < self.settings.full_set_interval {
            return Ok(Vec::new());
        }
        match self.look_sources_up() {
            Ok(sources) => self.sources = sources,
            Err(LogError::Unavailable(_)) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.sources.clone())
    }

    /// The path of evidence knows them: a question to the log would hold this turn up for as long as a broker is silent.
    fn look_sources_up(&self) -> Result<Vec<TopicPartition>, LogError> {
        let mut sources = self.evidence.partitions()?;
        if let (Identity::Running, Some(targets)) = (self.settings.identity, &self.targets) {
            sources.extend(targets.anonymous_events.all());
        }
        Ok(sources)
    }

    /// Begins the assigned partitions that are not read yet, until one cannot be begun for now.
    async fn begin_waiting(&mut self) -> Result<(), Setback> {
        for partition in self.membership.due() {
            match self.begin(&partition).await {
                Ok(Begun::Owned(owned)) => {
                    self.membership.begun(&partition);
                    self.owned.insert(partition, owned);
                }
                Ok(Begun::Halted(cause)) => {
                    self.membership.begun(&partition);
                    self.halted.insert(partition, cause);
                }
                Err(LogError::Fenced) => return Err(Setback::Fenced),
                Err(LogError::Unavailable(_) | LogError::UnknownTopic(_)) => {
                    self.membership.failed(&partition);
                    break;
                }
            }
        }
        Ok(())
    }

    /// Reads on where the group's last committed transaction ended, once no other can change that.
    async fn begin(&mut self, partition: &TopicPartition) -> Result<Begun, LogError> {
        let committed = self.log.committed(partition).await?;
        let bounds = self.log.bounds(partition).await?;
        if let Some(committed) = committed.filter(|committed| *committed > bounds.end) {
            return Ok(Begun::Halted(RawTopicShorter { end: bounds.end, committed }));
        }
        let from = committed.unwrap_or(bounds.start).max(bounds.start);
        self.skipped_by_retention += committed.map_or(0, |committed| from - committed);
        self.log.start(partition, from).await?;
        let raw = RawWatermark::starting_at(from);
        Ok(Begun::Owned(Owned { raw, committed: committed.unwrap_or(0) }))
    }

    /// Ends the open transaction, and lets the partitions go.
    async fn give_up(&mut self, partitions: &[TopicPartition]) -> Result<(), Setback> {
        let published = self.publish_open().await;
        self.forget(partitions);
        self.membership.release(&mut self.log, partitions).await?;
        published
    }

    async fn publish_open(&mut self) -> Result<(), Setback> {
        if self.open.raw_records > 0 { self.publish().await } else { Ok(()) }
    }

    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.owned.retain(|partition, _| !partitions.contains(partition));
        self.halted.retain(|partition, _| !partitions.contains(partition));
        self.membership.forget(partitions);
    }
}

impl<L: Log, C: Clock, E: EndOffsets> Lifecycle for IngestWorker<L, C, E> {
    /// Watermarks and evidence are dropped with what is not committed.
    async fn start_over(&mut self) -> Result<(), Setback> {
        self.membership.await_beginning(std::mem::take(&mut self.owned).into_keys());
        self.open = OpenTransaction::default();
        self.log.open().await?;
        self.targets = Some(Targets::look_up(&mut self.log, &self.settings).await?);
        Ok(())
    }

    async fn turn(&mut self) -> Result<(), Setback> {
        let polled = match self.log.poll().await {
            Err(LogError::Unavailable(_)) => Polled::Idle,
            polled => polled?,
        };
        match polled {
            Polled::Idle => self.membership.heard_nothing(),
            Polled::Records(fetched) => fetched.into_iter().for_each(|fetched| self.take(fetched)),
            Polled::Assigned(partitions) => self.membership.assigned(partitions),
            Polled::Revoked(partitions) => self.give_up(&partitions).await?,
            Polled::Lost(partitions) => {
                // What was read of them is part of the open transaction, which can no longer commit.
                self.forget(&partitions);
                self.membership.release(&mut self.log, &partitions).await?;
                return Err(Setback::StartOver);
            }
        }
        self.membership.release_rest(&mut self.log).await?;
        self.begin_waiting().await?;
        self.hear_evidence();
        if self.is_due_to_publish() {
            self.publish().await?;
        }
        Ok(())
    }

    fn membership(&mut self) -> &mut Membership {
        &mut self.membership
    }

    /// It keeps no state beside the log.
    fn is_behind(&self) -> bool {
        false
    }

    async fn leave(&mut self) -> Result<(), Setback> {
        self.publish_open().await?;
        let held = self.owned.keys().chain(self.halted.keys()).chain(self.membership.waiting());
        let partitions: Vec<_> = held.cloned().collect();
        self.forget(&partitions);
        self.membership.release(&mut self.log, &partitions).await
    }
}
