//! What all actors of a run share: clock, broker, store, chance, trace, and the first violation.
//!
//! Nothing here iterates over anything unordered, and there is one thread: a seed decides everything.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use engine::memory::{BrokerSettings, ManualClock, MemoryBroker, MemoryStore};
use engine::ports::{Clock, Offset, TimestampType};
use events::{EventTime, TopicPartition};
use smol_str::SmolStr;

use crate::dice::Dice;
use crate::inspector::Inspector;
use crate::plan::{ANONYMOUS_EVENTS, CUSTOMER_EVENTS, DEAD_LETTERS, Faults, Plan};
use crate::storage::Storage;
use crate::trace::Trace;
use crate::verdict::{Invariant, Violation};

/// When a run begins; any time would do.
pub const BEGINNING: EventTime = EventTime::from_millis(1_700_000_000_000);

/// Who acts, and where it stands.
pub struct Actor {
    /// Service, slot and how many processes were there before, as in `ingest-0.2`.
    pub name: String,
    /// The I/O point that it waits at.
    pub point: Cell<&'static str>,
    /// It stopped in good order, and takes leave of its group; who crashes does not.
    pub has_stopped: Cell<bool>,
}

/// Everything that the actors of one run share.
pub struct World {
    /// Event time now.
    pub clock: ManualClock,
    /// The log.
    pub broker: MemoryBroker,
    /// The store, and what is under way to it.
    pub storage: Storage,
    /// Looks at what is committed and stored, and compares.
    pub inspector: RefCell<Inspector>,
    /// The raw topics.
    pub raw_topics: Vec<SmolStr>,
    dice: RefCell<Dice>,
    faults: Cell<Faults>,
    step: Cell<u64>,
    folded_to: RefCell<BTreeMap<TopicPartition, Offset>>,
    tally: RefCell<Tally>,
    trace: RefCell<Trace>,
    violation: RefCell<Option<Violation>>,
}

impl World {
    /// The world of a plan, before anything has happened.
    pub fn of(plan: &Plan, inspector: Inspector, trace: Trace) -> Rc<Self> {
        let clock = ManualClock::at(BEGINNING);
        let settings = BrokerSettings {
            transaction_timeout: Some(plan.transaction_timeout),
            session_timeout: Some(plan.session_timeout),
            retained_records: None,
        };
        let broker = MemoryBroker::new(Arc::new(clock.clone()), settings);
        let raw_topics = plan.ingest.raw_topics.clone();
        for ((topic, partitions), stamped) in
            raw_topics.iter().zip(plan.raw_partitions).zip(plan.raw_log_append_time)
        {
            let stamped = if stamped { TimestampType::LogAppend } else { TimestampType::Create };
            broker.create_topic(topic, partitions, stamped);
        }
        broker.create_topic(CUSTOMER_EVENTS, plan.log_partitions, TimestampType::LogAppend);
        broker.create_topic(ANONYMOUS_EVENTS, 1, TimestampType::LogAppend);
        broker.create_topic(DEAD_LETTERS, 1, TimestampType::LogAppend);
        for topic in inspector.action_topics() {
            broker.create_topic(topic, plan.action_partitions, TimestampType::LogAppend);
        }
        Rc::new(Self {
            clock,
            broker,
            storage: Storage::new(MemoryStore::new()),
            inspector: RefCell::new(inspector),
            raw_topics,
            dice: RefCell::new(Dice::seeded(plan.seed)),
            faults: Cell::new(plan.faults),
            step: Cell::new(0),
            folded_to: RefCell::default(),
            tally: RefCell::default(),
            trace: RefCell::new(trace),
            violation: RefCell::new(None),
        })
    }

    /// The time now.
    pub fn now(&self) -> EventTime {
        self.clock.now()
    }

    /// What can go wrong at this stage of the run.
    pub fn faults(&self) -> Faults {
        self.faults.get()
    }

    /// From here on nothing goes wrong any more.
    pub fn heal(&self) {
        self.faults.set(Faults::NONE);
    }

    /// Chance.
    pub fn dice<T>(&self, throw: impl FnOnce(&mut Dice) -> T) -> T {
        throw(&mut self.dice.borrow_mut())
    }

    /// Whether a fault happens that happens once in `of` chances.
    pub fn is_struck(&self, of: impl FnOnce(&Faults) -> u32) -> bool {
        let of = of(&self.faults.get());
        of > 0 && self.dice(|dice| dice.once_in(of))
    }

    /// Counts the scheduler's steps.
    pub fn begin_step(&self) -> u64 {
        self.step.set(self.step.get() + 1);
        self.step.get()
    }

    /// A worker says how far it has come.
    pub fn note_progress(&self, partition: &TopicPartition, folded_to: Offset) {
        self.folded_to.borrow_mut().insert(partition.clone(), folded_to);
    }

    /// What workers have said since the last call.
    pub fn take_progress(&self) -> BTreeMap<TopicPartition, Offset> {
        self.folded_to.take()
    }

    /// Counts something that happened.
    pub fn count(&self, what: &'static str) {
        *self.tally.borrow_mut().entry(what).or_default() += 1;
    }

    /// What has happened how often.
    pub fn take_tally(&self) -> Tally {
        self.tally.take()
    }

    /// Writes a line into the trace.
    pub fn note<W: fmt::Display>(&self, who: &str, what: impl FnOnce() -> W) {
        self.trace.borrow_mut().note(self.step.get(), self.now(), who, what);
    }

    /// Records a violation; the first one counts.
    pub fn accuse(&self, violation: Violation) {
        self.note("VERDICT", || violation.to_string());
        self.violation.borrow_mut().get_or_insert(violation);
    }

    /// Records a violation if there is one.
    pub fn judge(&self, verdict: Result<(), Violation>) {
        if let Err(violation) = verdict {
            self.accuse(violation);
        }
    }

    /// Records that somebody stopped, gave up or waits without cause.
    pub fn accuse_of_stalling(&self, who: &str, detail: impl fmt::Display) {
        self.accuse(Violation::new(Invariant::Liveness, format!("{who}: {detail}")));
    }

    /// The first violation.
    pub fn violation(&self) -> Option<Violation> {
        self.violation.borrow().clone()
    }

    /// The trace so far, which ends here.
    pub fn take_trace(&self) -> Trace {
        self.trace.take()
    }

    /// Compares what is committed by now with what should be.
    pub fn inspect(&self) {
        let verdict = self.inspector.borrow_mut().inspect(&self.broker, self.now());
        self.judge(verdict);
    }
}

/// An I/O point: the actor stands here until the scheduler lets it go on; it may crash here, or sleep.
pub async fn stand_at(actor: &Actor, point: &'static str) {
    actor.point.set(point);
    let mut waited = false;
    poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// How often what happened.
pub type Tally = BTreeMap<&'static str, u64>;

/// How many outputs there were of each trigger and stage, as in `dormancy.fired`; the diary has neither.
pub type Emitted = BTreeMap<SmolStr, u64>;

/// How often workers crashed at each I/O point, by service.
pub type CrashPoints = BTreeMap<(&'static str, &'static str), u64>;
