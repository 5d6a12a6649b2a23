//! The scheduler: one step at a time, chance decides who goes on and what goes wrong; then everything heals, and the
//! run goes on until nothing is left to do.

mod rest;
mod slot;

use std::rc::Rc;

use engine::memory::TransactionState;
use events::{EventTime, Span};

use self::slot::Slot;
use crate::actors::{Process, Service};
use crate::plan::{INGEST, Logic, Plan, TRIGGERS};
use crate::shop::Shop;
use crate::world::{CrashPoints, World};

/// How often the outputs are compared during the faulty phase, in steps.
const INSPECT_EVERY: u64 = 64;

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
    /// The time at the end of the last leap of days, once everything has healed.
    leapt_to: EventTime,
    crashes: CrashPoints,
}

impl<'a> Schedule<'a> {
    /// A run that has not begun.
    pub fn new(plan: &'a Plan, world: Rc<World>) -> Self {
        let slots = Service::ALL
            .into_iter()
            .flat_map(|service| (0..plan.workers).map(move |number| Slot::new(service, number)));
        Self {
            plan,
            world,
            shop: Shop::new(plan),
            slots: slots.collect(),
            rollbacks_left: plan.faults.rollbacks,
            leapt_to: EventTime::MIN,
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
        self.slots.iter_mut().for_each(|slot| slot.restart_if_dead(&self.world, self.plan, step));
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
        let leaps_days = self.plan.logic == Logic::Catalogue;
        let by = self.world.dice(|dice| match dice.below(4) {
            _ if leaps && leaps_days && dice.once_in(2) => dice.between(3_600_000, 3 * 86_400_000),
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
}
