//! The network between a slot and the servers.

use std::time::{Duration, Instant};

use anyhow::Context;

use super::super::Endurance;
use super::super::schedule::Fault;
use super::super::tally::Struck;
use crate::diary::now_ms;
use crate::installation::SESSION_MS;
use crate::proxy::Line;

/// The ways to be cut off, each in turn.
const CUTS: [Line; 3] = [Line::HalfOpen, Line::Silent, Line::Cut];
/// Until the group has given the partitions of a silent slot to the others, and these have begun them.
const DEPOSED: Duration = Duration::from_millis(SESSION_MS + 3_000);
/// How long a hindrance lasts.
const HINDERED: Duration = Duration::from_secs(8);
/// Each way.
const SLOW: Duration = Duration::from_millis(100);
const LIFE: Duration = Duration::from_secs(1);
/// Bytes a second: less than a slot reads of the load.
const NARROW: u32 = 64 * 1_024;

impl Endurance<'_, '_> {
    /// Cuts a slot off from Kafka; once the others have its partitions, they suffer what comes `meanwhile`.
    pub(in super::super) fn cut_from_kafka(&mut self, meanwhile: &[Fault]) -> anyhow::Result<()> {
        let (slot, line) = self.next_cut();
        let busy = self.busy(|seat| seat.slot == slot)?.min(1);
        let cut_at = Instant::now();
        self.site.lines[slot].set_kafka(line);
        self.note(&format!("the way of slot {slot} to Kafka: {line:?}"));
        self.crew.supervise_for(DEPOSED)?;
        self.recover(now_ms(), Some(slot)).context("the others do not take over")?;
        for fault in meanwhile {
            self.make_one(*fault, Some(slot))?;
        }
        self.crew.supervise_for(self.dose.cut_for.saturating_sub(cut_at.elapsed()))?;
        self.site.lines[slot].set_kafka(Line::Open);
        self.note(&format!("the way of slot {slot} to Kafka is open"));
        self.conclude(Fault::CutFromKafka, &Struck { times: 1, busy, over_at: now_ms() }, None)
    }

    pub(in super::super) fn cut_from_redis(&mut self) -> anyhow::Result<Struck> {
        let (slot, line) = self.next_cut();
        let busy = self.busy(|seat| seat.slot == slot && seat.service == "triggers")?;
        self.site.lines[slot].set_redis(line);
        self.note(&format!("the way of slot {slot} to Redis: {line:?}"));
        self.crew.supervise_for(self.dose.cut_for)?;
        self.site.lines[slot].set_redis(Line::Open);
        self.note(&format!("the way of slot {slot} to Redis is open"));
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    /// It counts as over from its beginning: all goes on meanwhile.
    pub(in super::super) fn slow_redis(&mut self) -> anyhow::Result<Struck> {
        let busy = self.busy(|seat| seat.service == "triggers")?.min(1);
        let over_at = now_ms();
        self.site.lines.iter().for_each(|lines| lines.set_redis(Line::Slow(SLOW)));
        self.note("the lines to Redis are slow");
        self.crew.supervise_for(HINDERED)?;
        self.recover(over_at, None)?;
        self.site.lines.iter().for_each(|lines| lines.set_redis(Line::Open));
        self.note("the lines to Redis are open");
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    pub(in super::super) fn reset_connections(&mut self) -> anyhow::Result<Struck> {
        self.hinder(Line::Resetting(LIFE))
    }

    pub(in super::super) fn narrow_lines(&mut self) -> anyhow::Result<Struck> {
        self.hinder(Line::Throttled(NARROW))
    }

    fn hinder(&mut self, line: Line) -> anyhow::Result<Struck> {
        let slot = self.next_slot();
        let busy = self.busy(|seat| seat.slot == slot)?.min(1);
        self.site.lines[slot].set_kafka(line);
        self.site.lines[slot].set_redis(line);
        self.note(&format!("the lines of slot {slot}: {line:?}"));
        self.crew.supervise_for(HINDERED)?;
        self.site.lines[slot].set_kafka(Line::Open);
        self.site.lines[slot].set_redis(Line::Open);
        self.note(&format!("the lines of slot {slot} are open"));
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    fn next_cut(&mut self) -> (usize, Line) {
        let slot = self.next_slot();
        self.progress.cuts += 1;
        (slot, CUTS[self.progress.cuts % CUTS.len()])
    }
}
