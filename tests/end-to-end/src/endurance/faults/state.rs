//! Redis forgets, goes back, and has no room.

use std::time::Duration;

use anyhow::bail;

use super::super::Endurance;
use super::super::tally::Struck;
use crate::diary::now_ms;

/// What everysec can lose.
const LAST: Duration = Duration::from_secs(1);
/// How old the snapshot is that is restored.
const OLD: Duration = Duration::from_secs(4);
/// Longer than it takes until a checkpoint is refused.
const FULL: Duration = Duration::from_secs(8);

impl Endurance<'_, '_> {
    pub(in super::super) fn lose_last_second(&mut self, apart: Option<usize>) -> anyhow::Result<Struck> {
        let busy = self.busy_with_state(apart)?;
        self.site.redis.lose(LAST, &self.installation.diary)?;
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    pub(in super::super) fn restore_older_snapshot(
        &mut self,
        apart: Option<usize>,
    ) -> anyhow::Result<Struck> {
        let snapshot = self.site.redis.snapshot()?;
        self.note(&format!("took a snapshot of {} keys", snapshot.keys()));
        self.crew.supervise_for(OLD)?;
        let busy = self.busy_with_state(apart)?;
        self.site.redis.restore(&snapshot)?;
        self.note("restored the snapshot under live owners");
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    pub(in super::super) fn flush(&mut self, apart: Option<usize>) -> anyhow::Result<Struck> {
        let busy = self.busy_with_state(apart)?;
        self.site.redis.flush()?;
        self.note("FLUSHALL");
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    pub(in super::super) fn fill_disk(&mut self) -> anyhow::Result<Struck> {
        let busy = self.busy_with_state(None)?;
        let refused = self.crew.total("rekindle_redis_errors_total");
        self.site.redis.fill_disk()?;
        self.note("redis can write no further");
        self.crew.supervise_for(FULL)?;
        if self.crew.total("rekindle_redis_errors_total") <= refused {
            bail!("Redis refused nothing, though its disk was full");
        }
        self.site.redis.free_disk()?;
        self.note("redis can write again");
        Ok(Struck { times: 1, busy, over_at: now_ms() })
    }

    /// One if anybody is at work who has state.
    fn busy_with_state(&mut self, apart: Option<usize>) -> anyhow::Result<u32> {
        Ok(self.busy(|seat| seat.service == "triggers" && Some(seat.slot) != apart)?.min(1))
    }
}
