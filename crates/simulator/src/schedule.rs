//! The scheduler: one step at a time, chance decides who goes on and what goes wrong; then everything heals, and the
//! run goes on until nothing is left to do.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use engine::memory::TransactionState;
use engine::worker::Exit;
use events::{EventTime, Span};

use crate::actors::{Process, Service, steps};
use crate::inspector::log_partition;
use crate::plan::{INGEST, Plan, TRIGGERS};
use crate::shop::{Shop, raw_topics};
use crate::world::{CrashPoints, World};

/// How often the outputs are compared during the faulty phase, in steps.
const INSPECT_EVERY: u64 = 64;
/// After so many rounds of rest something must be wrong.
const MAX_ROUNDS: u32 = 2_000;
/// How often each worker goes on in a round of rest.
const TURNS_PER_ROUND: usize = 20;

/// A place for one worker at a time, as the configuration has it.
struct Slot {
    service: Service,
    number: usize,
    current: Option<Process>,
    /// Processes that were replaced, and do not know yet.
    zombies: Vec<Process>,
    was_replaced: bool,
    restart_at: u64,
    begun: u32,
}

/// What happens in a step.
#[derive(Clone, Copy)]
enum Happens {
    WorkerGoesOn,
    ShopProduces,
    TimePasses,
    CheckpointArrives,
    MarkerIsWritten,
    Fault,
}

/// A run.
pub struct Schedule<'a> {
    plan: &'a Plan,
    world: Rc<World>,
    shop: Shop,
    slots: Vec<Slot>,
    rollbacks_left: u32,
    crashes: CrashPoints,
}

impl<'a> Schedule<'a> {
    /// A run that has not begun.
    pub fn new(plan: &'a Plan, world: Rc<World>) -> Self {
        let slots = Service::ALL.into_iter().flat_map(|service| {
            (0..plan.workers).map(move |number| Slot {
                service,
                number,
                current: None,
                zombies: Vec::new(),
                was_replaced: false,
                restart_at: 0,
                begun: 0,
            })
        });
        Self {
            plan,
            world,
            shop: Shop::new(plan),
            slots: slots.collect(),
            rollbacks_left: plan.faults.rollbacks,
            crashes: CrashPoints::new(),
        }
    }

    /// The faulty phase, then the healing; it ends early at a violation.
    pub fn run(&mut self) {
        for _ in 0..self.plan.steps {
            let step = self.world.begin_step();
            self.step(step);
            if step.is_multiple_of(INSPECT_EVERY) {
                self.world.inspect();
            }
            if self.world.violation().is_some() {
                return;
            }
        }
        self.come_to_rest();
    }

    /// The shop, with all that it has produced.
    pub fn shop(&self) -> &Shop {
        &self.shop
    }

    /// Where workers crashed.
    pub fn into_crashes(self) -> CrashPoints {
        self.crashes
    }

    fn step(&mut self, step: u64) {
        self.restart_the_dead(step);
        match self.draw() {
            Happens::WorkerGoesOn => self.let_one_go_on(step),
            Happens::ShopProduces => self.shop.produce(&self.world),
            Happens::TimePasses => self.pass_time(),
            Happens::CheckpointArrives => self.world.storage.deliver_one(&self.world),
            Happens::MarkerIsWritten => self.write_marker(),
            Happens::Fault => self.strike(step),
        }
    }

    fn draw(&self) -> Happens {
        let world = &self.world;
        if world.dice(|dice| dice.once_in(self.plan.shop_pause)) {
            return Happens::ShopProduces;
        }
        match world.dice(|dice| dice.weighted(&[80, 8, 5, 3, 10])) {
            0 => Happens::WorkerGoesOn,
            1 => Happens::TimePasses,
            2 => Happens::CheckpointArrives,
            3 => Happens::MarkerIsWritten,
            _ => Happens::Fault,
        }
    }

    fn restart_the_dead(&mut self, step: u64) {
        for slot in &mut self.slots {
            if slot.current.is_none() && slot.restart_at <= step {
                slot.begun += 1;
                let process = Process::begin(&self.world, self.plan, slot.service, slot.number, slot.begun);
                self.world.note(&process.actor.name, || "begins");
                slot.current = Some(process);
            }
        }
    }

    fn let_one_go_on(&mut self, step: u64) {
        let awake = |process: &Process| process.asleep_until <= step;
        let mut places = Vec::new();
        for (index, slot) in self.slots.iter().enumerate() {
            places.extend(slot.current.iter().filter(|process| awake(process)).map(|_| (index, None)));
            let zombies = slot.zombies.iter().enumerate().filter(|(_, process)| awake(process));
            places.extend(zombies.map(|(zombie, _)| (index, Some(zombie))));
        }
        if places.is_empty() {
            return;
        }
        let (index, zombie) = self.world.dice(|dice| *dice.pick(&places));
        self.slots[index].go_on(&self.world, zombie, step);
        if zombie.is_none() {
            self.strike_worker(index, step);
        }
    }

    /// A chance for a crash, and for a sleep, at the I/O point that a worker has come to. Most of its life a worker
    /// polls in vain; that is no more interesting the hundredth time.
    fn strike_worker(&mut self, index: usize, step: u64) {
        let slot = &mut self.slots[index];
        let is_idle =
            slot.current.as_ref().is_some_and(|process| process.actor.point.get().starts_with("poll"));
        if is_idle && !self.world.dice(|dice| dice.once_in(10)) {
            return;
        }
        if self.world.is_struck(|faults| faults.crash) {
            slot.crash(&self.world, &mut self.crashes, step);
        } else if self.world.is_struck(|faults| faults.sleep) {
            slot.fall_asleep(&self.world, step);
        }
    }

    fn pass_time(&self) {
        let leaps = self.world.is_struck(|faults| faults.leap);
        let by = self.world.dice(|dice| match dice.below(4) {
            _ if leaps => dice.between(2_000, 40_000),
            0 => dice.between(100, 1_000),
            _ => dice.between(1, 50),
        });
        self.world.clock.advance(Span::from_millis(by));
    }

    fn write_marker(&self) {
        let live = self.world.broker.live_transactions();
        let prepared: Vec<_> = live.iter().filter(|each| each.state == TransactionState::Prepared).collect();
        if prepared.is_empty() {
            return;
        }
        let transaction = self.world.dice(|dice| *dice.pick(&prepared));
        self.world.broker.write_marker(transaction.id, self.world.dice(|dice| dice.below(8)));
        self.world
            .note("broker", || format!("writes a marker of {}'s transaction", transaction.transactional_id));
    }

    /// A chance for each fault that strikes from outside.
    fn strike(&mut self, step: u64) {
        let slot = self.world.dice(|dice| dice.below(self.slots.len()));
        if self.world.is_struck(|faults| faults.replace) {
            self.slots[slot].replace(&self.world, step);
        }
        if self.world.is_struck(|faults| faults.reassign) {
            self.reassign();
        }
        if self.world.is_struck(|faults| faults.time_out) {
            self.time_a_transaction_out();
        }
        if self.world.is_struck(|faults| faults.grow) {
            self.shop.grow(&self.world);
        }
        if self.rollbacks_left > 0 && self.world.is_struck(|faults| faults.rollback) {
            self.rollbacks_left -= u32::from(self.world.storage.roll_back(&self.world));
        }
    }

    fn reassign(&self) {
        let group = self.world.dice(|dice| *dice.pick(&[INGEST, TRIGGERS]));
        self.world.note(group, || "partitions are dealt out anew");
        self.world.count("groups dealt out anew");
        self.world.broker.reassign(group, self.world.dice(|dice| dice.below(2)));
    }

    fn time_a_transaction_out(&self) {
        let live = self.world.broker.live_transactions();
        let open: Vec<_> = live.iter().filter(|each| each.state == TransactionState::Open).collect();
        if !open.is_empty() {
            let transaction = self.world.dice(|dice| *dice.pick(&open));
            self.world.note("broker", || format!("gives {}'s transaction up", transaction.transactional_id));
            self.world.count("transactions given up by the coordinator");
            self.world.broker.time_out(transaction.id);
        }
    }

    /// No more faults: everybody wakes up, and time goes on until every raw record and every timer is worked off.
    fn come_to_rest(&mut self) {
        let outputs = self.world.inspector.borrow().outputs();
        (0..outputs).for_each(|_| self.world.count("outputs compared before the healing"));
        self.world.heal();
        self.world.note("run", || "no more faults from here on");
        let goal = self.last_timer();
        for _ in 0..MAX_ROUNDS {
            self.round();
            self.world.count("rounds of rest");
            self.world.inspect();
            if self.world.violation().is_some() {
                return;
            }
            if self.is_at_rest(goal) {
                return self.stop_all();
            }
            // A leap may not outlast a transaction, or none would ever be long enough ago.
            let leap = self.plan.transaction_timeout.as_millis() / 3;
            let is_behind = !self.is_all_read() || !self.is_all_published();
            self.world.clock.advance(Span::from_millis(if is_behind { 50 } else { leap }));
        }
        self.world.accuse_of_stalling("run", format!("does not come to rest: {}", self.what_is_left(goal)));
    }

    fn round(&mut self) {
        for _ in 0..TURNS_PER_ROUND {
            self.restart_the_dead(u64::MAX);
            self.turn();
            if self.world.violation().is_some() {
                return;
            }
        }
    }

    /// Lets the workers work off all of the log; whether they do.
    fn catch_up(&mut self) -> bool {
        for _ in 0..MAX_ROUNDS {
            self.world.take_progress();
            (0..TURNS_PER_ROUND).for_each(|_| self.turn());
            let progress = self.world.take_progress();
            let inspector = self.world.inspector.borrow();
            let mut ends = inspector.chronicles().iter().map(|chronicle| chronicle.next()).enumerate();
            if ends.all(|(index, end)| progress.get(&log_partition(index)) >= Some(&end)) {
                return true;
            }
        }
        false
    }

    /// Everybody goes on to the next I/O point.
    fn turn(&mut self) {
        let step = self.world.begin_step();
        self.world.storage.deliver_one(&self.world);
        self.write_marker();
        for slot in &mut self.slots {
            slot.all_go_on(&self.world, step);
        }
    }

    /// When the last timer is due that anything can have armed.
    fn last_timer(&self) -> EventTime {
        let [_, last] = steps(self.plan);
        let settled = self.plan.service.task.settle;
        self.world.now() + Span::from_millis(last.as_millis() + settled.as_millis())
    }

    fn is_at_rest(&self, goal: EventTime) -> bool {
        self.is_all_read() && self.has_come_to(goal) && !self.world.storage.is_busy()
    }

    /// Whether every raw record is part of a committed transaction.
    fn is_all_read(&self) -> bool {
        let broker = &self.world.broker;
        broker
            .end_offsets(&raw_topics())
            .iter()
            .all(|(partition, end)| *end == 0 || broker.committed_offset(INGEST, partition) == Some(*end))
    }

    /// Whether every record of the log is published.
    fn is_all_published(&self) -> bool {
        let inspector = self.world.inspector.borrow();
        inspector.chronicles().iter().enumerate().all(|(index, chronicle)| {
            self.world.broker.committed_offset(TRIGGERS, &log_partition(index)) >= Some(chronicle.next())
        })
    }

    /// Whether time has come to `goal` in every partition, by what is published.
    fn has_come_to(&self, goal: EventTime) -> bool {
        let inspector = self.world.inspector.borrow();
        inspector.chronicles().iter().enumerate().all(|(index, chronicle)| {
            let published = self.world.broker.committed_offset(TRIGGERS, &log_partition(index)).unwrap_or(0);
            chronicle
                .position_at(published)
                .is_some_and(|position| position.watermark >= goal && is_drained(position))
        })
    }

    fn what_is_left(&self, goal: EventTime) -> String {
        let broker = &self.world.broker;
        let mut left = Vec::new();
        for (partition, end) in broker.end_offsets(&raw_topics()) {
            left.push(format!(
                "{partition} ends at {end}, read to {:?}",
                broker.committed_offset(INGEST, &partition)
            ));
        }
        for (index, chronicle) in self.world.inspector.borrow().chronicles().iter().enumerate() {
            let published = broker.committed_offset(TRIGGERS, &log_partition(index));
            left.push(format!(
                "{} published to {published:?}, time is {}",
                log_partition(index),
                chronicle.watermark()
            ));
        }
        format!("{}; time should be {goal}", left.join("; "))
    }

    /// One worker after the other is asked to stop, and does so in good order; the others take over what it had.
    /// (One that is stopped before it has caught up leaves the store behind what is published: that is no clean stop.)
    fn stop_all(&mut self) {
        for index in 0..self.slots.len() {
            if !self.catch_up() {
                return self.world.accuse_of_stalling("run", "what a stopped worker had is not taken over");
            }
            let Some(process) = &self.slots[index].current else { continue };
            process.stop.request();
            self.world.note(&process.actor.name, || "is asked to stop");
            for _ in 0..TURNS_PER_ROUND * 20 {
                self.turn();
                if self.slots[index].current.is_none() {
                    break;
                }
            }
            if self.slots[index].current.is_some() {
                self.world.accuse_of_stalling("run", "a worker does not stop when it is asked to");
            }
        }
    }
}

/// Whether a bound on applications has left nothing over.
fn is_drained(position: &engine::ports::Position) -> bool {
    match &position.frontier {
        events::Frontier::Through(time) => *time >= position.watermark,
        events::Frontier::After(last) => last.occurred_at > position.watermark,
    }
}

impl Slot {
    /// Lets the slot's process, or one of its zombies, go on to its next I/O point.
    fn go_on(&mut self, world: &World, zombie: Option<usize>, step: u64) {
        let process = match zombie {
            Some(zombie) => &mut self.zombies[zombie],
            None => match &mut self.current {
                Some(process) => process,
                None => return,
            },
        };
        let Poll::Ready(exit) = process.life.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
            return;
        };
        let name = process.actor.name.clone();
        world.note(&name, || format!("ends: {exit:?}"));
        match zombie {
            Some(zombie) => drop(self.zombies.remove(zombie)),
            None => {
                // A process that was taken for dead may come back, and take the slot over in its turn.
                if exit == Exit::Fenced && !self.was_replaced {
                    world.accuse_of_stalling(&name, "was fenced, though nobody has taken its slot over");
                }
                self.current = None;
                self.restart_at = step + 20;
            }
        }
    }

    fn all_go_on(&mut self, world: &World, step: u64) {
        for zombie in (0..self.zombies.len()).rev() {
            self.go_on(world, Some(zombie), step);
        }
        self.go_on(world, None, step);
    }

    fn crash(&mut self, world: &World, crashes: &mut CrashPoints, step: u64) {
        let Some(process) = self.current.take() else { return };
        let point = process.actor.point.get();
        world.note(&process.actor.name, || format!("CRASHES at: {point}"));
        world.count("crashes");
        *crashes.entry((self.service.name(), point)).or_default() += 1;
        let pause = world.dice(|dice| *dice.pick(&[1, 30, 300]));
        self.restart_at = step + pause;
    }

    fn fall_asleep(&mut self, world: &World, step: u64) {
        if let Some(process) = &mut self.current {
            world.count("workers stopped for a while");
            process.asleep_until = step + world.dice(|dice| *dice.pick(&[20, 100, 500]));
            world.note(&process.actor.name, || {
                format!("SLEEPS at: {} until step {}", process.actor.point.get(), process.asleep_until)
            });
        }
    }

    /// The supervisor takes a sleeping process for dead.
    fn replace(&mut self, world: &World, step: u64) {
        if let Some(process) = self.current.take_if(|process| process.asleep_until > step) {
            world.note(&process.actor.name, || "is taken for dead, and replaced");
            world.count("workers replaced while they slept");
            self.zombies.push(process);
            self.was_replaced = true;
            self.restart_at = step;
        }
    }
}
