//! The workers of a run: the real ones, over the faulty ports, as futures that the scheduler polls.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use engine::worker::{Exit, StopSignal};
use engine::{Fold, Worker};
use events::Span;
use events::normalise::{Normaliser, NormaliserSettings};
use ingest::IngestWorker;
use smol_str::SmolStr;
use triggers::TriggerFold;

use crate::chronicle::{Chronicle, ReferenceTask};
use crate::diary::{DIARY_TOPIC, Diary};
use crate::inspector::{Inspector, log_partition};
use crate::plan::{CUSTOMER_EVENTS, INGEST, Logic, Plan, TRIGGERS};
use crate::ports::{FaultyLog, FaultyStore, SkewedClock, UnreliableEndOffsets};
use crate::world::{Actor, World};

/// The topic of the cart's triggers.
pub const CART_TOPIC: &str = "actions.cart-abandonment";
/// The topic of what was not sent.
pub const SUPPRESSED_TOPIC: &str = "actions.suppressed";

/// A worker's life, from its start to its end.
pub type Life = Pin<Box<dyn Future<Output = Exit>>>;

/// A service that has workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Raw topics to the log.
    Ingest,
    /// The log to the action topics.
    Triggers,
}

impl Service {
    /// Both, in the order of the data.
    pub const ALL: [Self; 2] = [Self::Ingest, Self::Triggers];

    /// Its name, which is that of its consumer group, too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingest => INGEST,
            Self::Triggers => TRIGGERS,
        }
    }
}

/// Begins the life of a worker in a slot.
pub fn begin(
    world: &Rc<World>,
    plan: &Plan,
    service: Service,
    slot: usize,
    actor: &Rc<Actor>,
    stop: &StopSignal,
) -> Life {
    let topics = match service {
        Service::Ingest => world.raw_topics.clone(),
        Service::Triggers => vec![SmolStr::new_static(CUSTOMER_EVENTS)],
    };
    let log = FaultyLog::new(
        Rc::clone(world),
        Rc::clone(actor),
        service.name(),
        slot,
        topics,
        plan.max_poll_records,
    );
    match (service, plan.logic) {
        (Service::Ingest, _) => ingest_life(world, plan, actor, log, stop),
        (Service::Triggers, Logic::Diary) => {
            triggers_life(world, plan, actor, log, Diary::new(plan.wait), stop)
        }
        (Service::Triggers, Logic::Cart | Logic::Catalogue) => {
            triggers_life(world, plan, actor, log, trigger_fold(plan), stop)
        }
    }
}

fn ingest_life(world: &Rc<World>, plan: &Plan, actor: &Rc<Actor>, log: FaultyLog, stop: &StopSignal) -> Life {
    let clock = SkewedClock::new(Rc::clone(world), skew(world, plan));
    let evidence = UnreliableEndOffsets::new(Rc::clone(world), clock.clone());
    let normaliser = Normaliser::new(NormaliserSettings::default()).expect("the default settings are sound");
    let mut worker = IngestWorker::new(log, clock, evidence, normaliser, plan.ingest.clone());
    let (actor, stop) = (Rc::clone(actor), stop.clone());
    Box::pin(async move {
        let exit = worker.run(&stop, |_| ()).await;
        actor.has_stopped.set(exit != Exit::Fenced);
        exit
    })
}

/// A clock may be wrong by the grace in either direction.
fn skew(world: &World, plan: &Plan) -> Span {
    let grace = plan.ingest.grace.as_millis();
    Span::from_millis(world.dice(|dice| if dice.once_in(3) { dice.between(-grace, grace) } else { 0 }))
}

fn triggers_life<F: Fold + 'static>(
    world: &Rc<World>,
    plan: &Plan,
    actor: &Rc<Actor>,
    log: FaultyLog,
    fold: F,
    stop: &StopSignal,
) -> Life {
    let store = FaultyStore::new(Rc::clone(world), Rc::clone(actor));
    let mut worker = Worker::new(log, store, fold, plan.service.clone());
    let (world, actor, stop) = (Rc::clone(world), Rc::clone(actor), stop.clone());
    Box::pin(async move {
        let exit = worker
            .run(&stop, |worker| {
                for task in worker.tasks() {
                    world.note_progress(&task.id().partition, task.folded_to());
                }
                for (partition, halt) in worker.halted() {
                    world.accuse_of_stalling(&actor.name, format!("{partition} stands still: {halt}"));
                }
            })
            .await;
        actor.has_stopped.set(exit != Exit::Fenced);
        exit
    })
}

fn trigger_fold(plan: &Plan) -> TriggerFold {
    TriggerFold::new(plan.triggers.clone().unwrap_or_default()).expect("the settings are sound")
}

/// What should come of a plan's log.
pub fn inspector(plan: &Plan) -> Inspector {
    let chronicle = |index: usize| -> Box<dyn Chronicle> {
        match plan.logic {
            Logic::Diary => reference(plan, index, Diary::new(plan.wait)),
            Logic::Cart | Logic::Catalogue => reference(plan, index, trigger_fold(plan)),
        }
    };
    let topics = match &plan.triggers {
        None => vec![SmolStr::new_static(DIARY_TOPIC)],
        Some(settings) => settings.output_topics(),
    };
    Inspector::new((0..plan.log_partitions as usize).map(chronicle).collect(), topics, plan.punctuality)
}

fn reference<F: Fold + 'static>(plan: &Plan, index: usize, fold: F) -> Box<dyn Chronicle> {
    let settings = plan.service.task.clone();
    Box::new(ReferenceTask::new(fold, TRIGGERS, log_partition(index), settings, plan.log_partitions))
}

/// A worker that lives, or seems to.
pub struct Process {
    /// Who it is, and where it stands.
    pub actor: Rc<Actor>,
    /// Its life so far.
    pub life: Life,
    /// Asks it to stop in good order.
    pub stop: StopSignal,
    /// It does nothing before this step.
    pub asleep_until: u64,
}

impl Process {
    /// A process that begins now, the `nth` of its slot.
    pub fn begin(world: &Rc<World>, plan: &Plan, service: Service, slot: usize, nth: u32) -> Self {
        let actor = Rc::new(Actor {
            name: format!("{}-{slot}.{nth}", service.name()),
            point: Cell::new("start"),
            has_stopped: Cell::new(false),
        });
        let stop = StopSignal::default();
        let life = begin(world, plan, service, slot, &actor, &stop);
        Self { actor, life, stop, asleep_until: 0 }
    }
}
