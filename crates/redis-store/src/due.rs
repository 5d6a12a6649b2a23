//! Pages of the timer index, in the order of (due, customer id), from after any entry, whether it still exists or not.
//!
//! Redis orders a sorted set by score, and equal scores by the members' bytes: the order of due entries. It seeks by
//! score or by rank, not by both score and member, so a page that begins within many entries of one score (a whole
//! segment due at midnight) needs the rank to begin at. Must stay true: all round trips for a page see one position.

use engine::ports::{DueEntry, PositionMark, ReadAt, StoreError};
use events::CustomerId;
use redis::Pipeline;

use crate::connections::Connections;
use crate::keys::TaskKeys;
use crate::reading::{Held, HeldAnswer, HeldFields, ask_for_held};
use crate::score::{score, time};

/// Entries read beyond the page, so that a few of the same score as the last one do not cost a second round trip.
const SLACK: usize = 16;

type Scored = Vec<(String, f64)>;
type Position = Option<PositionMark>;

/// A page, or the news that the position has changed since its first round trip.
enum Attempt {
    Page(ReadAt<Vec<DueEntry>>),
    PositionChanged,
}

/// At most `limit` entries after `after`.
pub async fn read_due(
    connections: &mut Connections,
    keys: &TaskKeys,
    after: Option<&DueEntry>,
    limit: usize,
) -> Result<ReadAt<Vec<DueEntry>>, StoreError> {
    let mut index = TimerIndex { connections, keys, limit };
    let Some((due, id)) = after.filter(|_| limit > 0) else { return index.first_page().await };
    // An entry lies where its score lies, which for times beyond 138 million years is the end of time.
    let stored_due = time(score(*due)).unwrap_or(*due);
    let after = (stored_due, id.clone());
    for _ in 0..index.connections.settings().attempts.max(1) {
        if let Attempt::Page(page) = index.page_after(&after).await? {
            return Ok(page);
        }
    }
    Err(StoreError::Unavailable(
        "the position changed during each attempt to read the timer index".to_owned(),
    ))
}

struct TimerIndex<'a> {
    connections: &'a mut Connections,
    keys: &'a TaskKeys,
    limit: usize,
}

impl TimerIndex<'_> {
    async fn first_page(&mut self) -> Result<ReadAt<Vec<DueEntry>>, StoreError> {
        let (mark, values) = if self.limit == 0 {
            let held: HeldAnswer = self.connections.ask_repeatedly(self.keys, &self.held()).await?;
            (Held::from(held).mark, Vec::new())
        } else {
            self.by_rank(0, self.limit).await?
        };
        Ok(ReadAt { mark, values })
    }

    async fn page_after(&mut self, after: &DueEntry) -> Result<Attempt, StoreError> {
        let mut pipeline = self.held();
        let (least, fetched) = (score(after.0), self.limit.saturating_add(SLACK));
        let (due, id) = (&self.keys.due, after.1.as_str());
        pipeline.cmd("ZRANGEBYSCORE").arg(due).arg(least).arg("+inf").arg("WITHSCORES");
        pipeline.arg("LIMIT").arg(0).arg(fetched);
        pipeline.cmd("ZCOUNT").arg(due).arg("-inf").arg(format!("({least:e}"));
        pipeline.cmd("ZSCORE").arg(due).arg(id);
        pipeline.cmd("ZRANK").arg(due).arg(id);
        type Answer = (HeldFields, u64, u64, Scored, usize, Option<f64>, Option<usize>);
        let answer: Answer = self.connections.ask_repeatedly(self.keys, &pipeline).await?;
        let (fields, records, timers, scored, below, own_score, own_rank) = answer;
        let mark = Held::from((fields, records, timers)).mark;
        let entries_stored = usize::try_from(timers).unwrap_or(usize::MAX);
        let mut entries = entries(scored)?;
        let is_last = entries.len() < fetched;
        let passed = entries.partition_point(|entry| entry <= after);
        if is_last || entries.len() - passed >= self.limit {
            entries.drain(..passed);
            entries.truncate(self.limit);
            return Ok(Attempt::Page(ReadAt { mark, values: entries }));
        }
        let rank = match own_rank.filter(|_| own_score == Some(least)) {
            Some(own_rank) => own_rank + 1,
            None if passed < fetched => below + passed,
            None => match self.rank_after(after, mark, below + passed, entries_stored).await? {
                Some(rank) => rank,
                None => return Ok(Attempt::PositionChanged),
            },
        };
        let (now, values) = self.by_rank(rank, self.limit).await?;
        if now != mark {
            return Ok(Attempt::PositionChanged);
        }
        Ok(Attempt::Page(ReadAt { mark, values }))
    }

    /// The rank of the first entry beyond `after`, between two ranks, by halving; `None` if the position changes.
    async fn rank_after(
        &mut self,
        after: &DueEntry,
        mark: Position,
        mut low: usize,
        mut high: usize,
    ) -> Result<Option<usize>, StoreError> {
        while low < high {
            let middle = low + (high - low) / 2;
            let (now, entry) = self.by_rank(middle, 1).await?;
            if now != mark {
                return Ok(None);
            }
            match entry.first() {
                Some(entry) if entry <= after => low = middle + 1,
                _ => high = middle,
            }
        }
        Ok(Some(low))
    }

    async fn by_rank(&mut self, first: usize, count: usize) -> Result<(Position, Vec<DueEntry>), StoreError> {
        let mut pipeline = self.held();
        let last = first.saturating_add(count - 1).min(i64::MAX as usize);
        pipeline.cmd("ZRANGE").arg(&self.keys.due).arg(first).arg(last).arg("WITHSCORES");
        let (fields, records, timers, scored): (_, _, _, Scored) =
            self.connections.ask_repeatedly(self.keys, &pipeline).await?;
        let held: HeldAnswer = (fields, records, timers);
        Ok((Held::from(held).mark, entries(scored)?))
    }

    fn held(&self) -> Pipeline {
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        ask_for_held(&mut pipeline, self.keys);
        pipeline
    }
}

fn entries(scored: Scored) -> Result<Vec<DueEntry>, StoreError> {
    let entry = |(id, score): (String, f64)| {
        let due = time(score)
            .ok_or_else(|| StoreError::Unavailable(format!("{score} in the timer index is no time")))?;
        Ok((due, CustomerId::new(id)))
    };
    scored.into_iter().map(entry).collect()
}
