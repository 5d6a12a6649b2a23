//! A place for a worker: its process lives, crashes, sleeps, is taken for dead and replaced, and begun anew.
//!
//! A process that was replaced does not know it, and goes on beside its successor until something tells it.

use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use engine::worker::Exit;

use crate::actors::{Process, Service};
use crate::plan::Plan;
use crate::world::{CrashPoints, World};

/// A place for one worker at a time, as the configuration has it.
pub(super) struct Slot {
    pub service: Service,
    number: usize,
    /// The process that the configuration means.
    pub current: Option<Process>,
    /// Processes that were replaced, and do not know yet.
    pub zombies: Vec<Process>,
    was_replaced: bool,
    restart_at: u64,
    begun: u32,
}

impl Slot {
    /// An empty place.
    pub fn new(service: Service, number: usize) -> Self {
        let zombies = Vec::new();
        Self { service, number, current: None, zombies, was_replaced: false, restart_at: 0, begun: 0 }
    }

    /// Begins a process where there is none, once it is time to.
    pub fn restart_if_dead(&mut self, world: &Rc<World>, plan: &Plan, step: u64) {
        if self.current.is_none() && self.restart_at <= step {
            self.begun += 1;
            let process = Process::begin(world, plan, self.service, self.number, self.begun);
            world.note(&process.actor.name, || "begins");
            self.current = Some(process);
        }
    }

    /// Lets the slot's process, or one of its zombies, go on to its next I/O point.
    pub fn go_on(&mut self, world: &World, zombie: Option<usize>, step: u64) {
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

    pub fn all_go_on(&mut self, world: &World, step: u64) {
        for zombie in (0..self.zombies.len()).rev() {
            self.go_on(world, Some(zombie), step);
        }
        self.go_on(world, None, step);
    }

    pub fn crash(&mut self, world: &World, crashes: &mut CrashPoints, step: u64) {
        let Some(process) = self.current.take() else { return };
        let point = process.actor.point.get();
        world.note(&process.actor.name, || format!("CRASHES at: {point}"));
        world.count("crashes");
        *crashes.entry((self.service.name(), point)).or_default() += 1;
        let pause = world.dice(|dice| *dice.pick(&[1, 30, 300]));
        self.restart_at = step + pause;
    }

    pub fn fall_asleep(&mut self, world: &World, step: u64) {
        if let Some(process) = &mut self.current {
            world.count("workers stopped for a while");
            process.asleep_until = step + world.dice(|dice| *dice.pick(&[20, 100, 500]));
            world.note(&process.actor.name, || {
                format!("SLEEPS at: {} until step {}", process.actor.point.get(), process.asleep_until)
            });
        }
    }

    /// The supervisor takes a sleeping process for dead.
    pub fn replace(&mut self, world: &World, step: u64) {
        if let Some(process) = self.current.take_if(|process| process.asleep_until > step) {
            world.note(&process.actor.name, || "is taken for dead, and replaced");
            world.count("workers replaced while they slept");
            self.zombies.push(process);
            self.was_replaced = true;
            self.restart_at = step;
        }
    }
}
