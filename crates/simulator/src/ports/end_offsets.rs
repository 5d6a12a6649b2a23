//! The path of evidence, unreliable: answers come late, leave partitions out, or never come. And a clock that is not
//! quite right, within the bound that the protocol assumes.

use std::rc::Rc;

use engine::ports::{Clock, EndOffsets, Evidence, LogError};
use events::{EventTime, Span, TopicPartition};

use crate::world::World;

/// [`EndOffsets`] over the world's broker.
pub struct UnreliableEndOffsets {
    world: Rc<World>,
    clock: SkewedClock,
    asked: Option<Asked>,
}

struct Asked {
    at: EventTime,
    /// What the brokers said, unless they are still to be asked.
    answer: Option<Evidence>,
}

impl UnreliableEndOffsets {
    /// A path of evidence for a worker with that clock.
    pub fn new(world: Rc<World>, clock: SkewedClock) -> Self {
        Self { world, clock, asked: None }
    }

    fn look(&self, asked_at: EventTime) -> Evidence {
        let mut ends = self.world.broker.end_offsets(&self.world.raw_topics);
        ends.retain(|_, _| !self.world.is_struck(|faults| faults.evidence));
        Evidence { asked_at, ends, stable_ends: Default::default() }
    }
}

impl EndOffsets for UnreliableEndOffsets {
    fn ask(&mut self) {
        if self.asked.is_some() {
            return;
        }
        let at = self.clock.now();
        let at_once = self.world.dice(|dice| dice.once_in(2));
        let answer = at_once.then(|| self.look(at));
        self.asked = Some(Asked { at, answer });
    }

    fn answer(&mut self) -> Option<Evidence> {
        let asked = self.asked.take()?;
        if self.world.is_struck(|faults| faults.evidence) {
            // Either it comes later, or never.
            self.asked = self.world.dice(|dice| dice.once_in(2)).then_some(asked);
            return None;
        }
        Some(asked.answer.unwrap_or_else(|| self.look(asked.at)))
    }

    fn partitions(&self) -> Result<Vec<TopicPartition>, LogError> {
        if self.world.is_struck(|faults| faults.evidence) {
            return Err(LogError::Unavailable("no answer".to_owned()));
        }
        Ok(self.world.broker.end_offsets(&self.world.raw_topics).into_keys().collect())
    }
}

/// A worker's clock: right but for a constant.
#[derive(Clone)]
pub struct SkewedClock {
    world: Rc<World>,
    skew: Span,
}

impl SkewedClock {
    /// A clock that is ahead by `skew`, or behind if it is negative.
    pub fn new(world: Rc<World>, skew: Span) -> Self {
        Self { world, skew }
    }
}

impl Clock for SkewedClock {
    fn now(&self) -> EventTime {
        self.world.now() + self.skew
    }
}
