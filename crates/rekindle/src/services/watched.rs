//! What is seen of one worker's calls as they pass, shared by those who watch its log and its store, and by who shows it.

use std::cell::RefCell;
use std::rc::Rc;

use telemetry::{LoopTime, Phase, Registry};

use super::backlog::Backlog;
use super::takeovers::Takeovers;

/// It stays on the worker's thread.
pub struct Watched {
    /// What the worker's time goes into.
    pub time: LoopTime,
    /// What it has read, and may not have published.
    pub backlog: RefCell<Backlog>,
    /// What it has taken over.
    pub takeovers: RefCell<Takeovers>,
}

impl Watched {
    /// Of a worker that begins now, and whose own work is `work`.
    pub fn new(registry: &Registry, service: &str, work: Phase) -> Rc<Self> {
        let time = LoopTime::new(registry, service, work);
        Rc::new(Self { time, backlog: RefCell::default(), takeovers: RefCell::default() })
    }
}
