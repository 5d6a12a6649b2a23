//! What a comparison notes while the runs go on: every record, every event's time and kind, and what can only be known
//! of all of them together.

use std::collections::BTreeMap;
use std::io;

use engine::Output;
use events::codec::{Peeked, peek};
use replay::sorter::SortedEvent;
use replay::{Audience, kind_name};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::spool::Spool;
use super::told::{Origin, Rule, Stage, Told};

/// An event of the input, as far as a comparison needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub customer: SmolStr,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// The kind's place in the schema.
    pub rank: u8,
}

impl Seen {
    /// The kind's name, as records of the native vocabulary have it.
    pub fn kind(&self) -> String {
        kind_name(self.rank)
    }
}

/// How long after it was armed a rule of a side is due, where that is the same each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Always(i64),
    Varies,
}

/// Everything noted.
pub struct Notes {
    pub told: Spool<Told>,
    pub seen: Spool<Seen>,
    /// By side.
    pub waits: Vec<BTreeMap<Rule, Wait>>,
    /// Times of the first and the last event.
    pub range: Option<(i64, i64)>,
    pub events: u64,
    /// The side of the first fold.
    first_run: usize,
}

impl Notes {
    /// Nothing yet, of so many sides; the folds' are those from `first_run` on.
    pub fn new(sides: usize, first_run: usize) -> Self {
        Self {
            told: Spool::new(),
            seen: Spool::new(),
            waits: vec![BTreeMap::new(); sides],
            range: None,
            events: 0,
            first_run,
        }
    }

    /// Notes a record.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn note(&mut self, told: &Told) -> io::Result<()> {
        if matches!(told.stage, Stage::Fired | Stage::Suppressed) {
            let wait = Wait::Always(told.fired_ms.saturating_sub(told.armed_ms));
            let waits = &mut self.waits[told.side];
            match waits.get_mut(&told.rule) {
                Some(known) if *known != wait => *known = Wait::Varies,
                Some(_) => {}
                None => {
                    waits.insert(told.rule.clone(), wait);
                }
            }
        }
        self.told.push(&told.customer, told)
    }
}

impl Notes {
    /// What the customer did may say why something did not fire, whenever it was.
    fn see(&mut self, event: &SortedEvent) -> io::Result<()> {
        let Peeked::Event(head) = peek(&event.record).map_err(io::Error::other)? else { return Ok(()) };
        let customer = head.customer_id(&event.record);
        let at_ms = event.occurred_at.as_millis();
        let seen = Seen { customer: SmolStr::new(customer), at_ms, rank: head.rank };
        self.seen.push(customer, &seen)
    }
}

impl Audience for Notes {
    fn event(&mut self, event: &SortedEvent) -> io::Result<()> {
        let at_ms = event.occurred_at.as_millis();
        let (first, last) = self.range.unwrap_or((at_ms, at_ms));
        self.range = Some((first.min(at_ms), last.max(at_ms)));
        self.events += 1;
        self.see(event)
    }

    fn event_before(&mut self, event: &SortedEvent) -> io::Result<()> {
        self.see(event)
    }

    fn output(&mut self, place: usize, output: &Output) -> io::Result<()> {
        match Told::read(self.first_run + place, Origin::Run, &output.payload).map_err(io::Error::other)? {
            Some(told) => self.note(&told),
            None => Ok(()),
        }
    }
}
