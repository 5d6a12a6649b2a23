//! The timer index: whose earliest timer is next, without holding every customer's.
//!
//! Must stay true: for each *cached* customer the index has the current entry, whenever it is due; for each other one
//! it has the store's entry if that lies at or below `loaded_through`. What lies beyond is in the store alone, and is
//! read page by page as the watermark comes near.

use std::collections::BTreeSet;

use events::{CustomerId, EventTime};

use crate::ports::DueEntry;

/// The known part of the timer index.
#[derive(Debug)]
pub struct DueIndex {
    entries: BTreeSet<DueEntry>,
    /// The store's entries up to here are known; `None` before the first page.
    loaded_through: Option<DueEntry>,
}

/// What the index knows about the next timer.
#[derive(Debug, PartialEq, Eq)]
pub enum NextDue {
    /// Nothing is due up to the watermark.
    Nothing,
    /// This one is next.
    Timer(DueEntry),
    /// The store has to be asked for entries after this one first.
    Unknown(Option<DueEntry>),
}

/// Everything the store has is known.
fn end_of_index() -> DueEntry {
    (EventTime::MAX, CustomerId::new("\u{10ffff}"))
}

impl DueIndex {
    /// An index over a store that may hold entries.
    pub fn unread() -> Self {
        Self { entries: BTreeSet::new(), loaded_through: None }
    }

    /// An index over a store that holds none.
    pub fn empty() -> Self {
        Self { entries: BTreeSet::new(), loaded_through: Some(end_of_index()) }
    }

    /// The next timer at or below `watermark`.
    pub fn next(&self, watermark: EventTime) -> NextDue {
        let first = self.entries.first().filter(|(due, _)| *due <= watermark);
        let known = match &self.loaded_through {
            None => false,
            Some(bound) => {
                bound.0 > watermark || first.is_some_and(|entry| entry <= bound) || *bound == end_of_index()
            }
        };
        match first {
            _ if !known => NextDue::Unknown(self.loaded_through.clone()),
            Some(entry) => NextDue::Timer(entry.clone()),
            None => NextDue::Nothing,
        }
    }

    /// The customers whose timers are due up to `watermark`, as far as they are known, in order.
    pub fn customers_through(&self, watermark: EventTime) -> impl Iterator<Item = &CustomerId> {
        self.entries.iter().take_while(move |(due, _)| *due <= watermark).map(|(_, id)| id)
    }

    /// How many of the known entries lie after `passed`, up to `through`.
    pub fn count_between(&self, passed: EventTime, through: EventTime) -> usize {
        let is_in = |(due, _): &&DueEntry| *due <= through;
        // No customer has an empty id, so this comes before all entries of the next millisecond.
        let first = (EventTime::from_millis(passed.as_millis().saturating_add(1)), CustomerId::new(""));
        self.entries.range(first..).take_while(is_in).count()
    }

    /// Takes in a page of the store's entries; a page shorter than `limit` is the last. Entries of customers who are
    /// cached are passed over: for them the store may be behind.
    pub fn load(&mut self, page: Vec<DueEntry>, limit: usize, is_cached: impl Fn(&CustomerId) -> bool) {
        let bound = if page.len() < limit { Some(end_of_index()) } else { page.last().cloned() };
        self.loaded_through = bound;
        self.entries.extend(page.into_iter().filter(|(_, id)| !is_cached(id)));
    }

    /// Moves a cached customer's entry.
    pub fn reschedule(&mut self, id: &CustomerId, from: Option<EventTime>, to: Option<EventTime>) {
        if from == to {
            return;
        }
        if let Some(due) = from {
            self.entries.remove(&(due, id.clone()));
        }
        if let Some(due) = to {
            self.entries.insert((due, id.clone()));
        }
    }

    /// Adds the entry of a customer who has just been cached; it may be here already.
    pub fn cache(&mut self, id: &CustomerId, due: Option<EventTime>) {
        if let Some(due) = due {
            self.entries.insert((due, id.clone()));
        }
    }

    /// Leaves the entry of a customer who leaves the cache to the store, if it lies beyond what is loaded.
    pub fn uncache(&mut self, id: &CustomerId, due: Option<EventTime>) {
        let Some(due) = due else { return };
        let entry = (due, id.clone());
        if self.loaded_through.as_ref().is_none_or(|bound| entry > *bound) {
            self.entries.remove(&entry);
        }
    }

    /// Forgets the entries of uncached customers beyond the first `keep`, once there are more than twice as many.
    pub fn shrink(&mut self, keep: usize, is_cached: impl Fn(&CustomerId) -> bool) {
        if self.entries.len() <= keep.saturating_mul(2) {
            return;
        }
        let Some(cut) = self.entries.iter().nth(keep).cloned() else { return };
        if self.loaded_through.as_ref().is_some_and(|bound| *bound <= cut) {
            return;
        }
        let beyond = self.entries.split_off(&cut);
        self.entries.insert(cut.clone());
        self.entries.extend(beyond.into_iter().filter(|(_, id)| is_cached(id)));
        self.loaded_through = Some(cut);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> EventTime {
        EventTime::from_millis(millis)
    }

    fn entry(millis: i64, id: &str) -> DueEntry {
        (at(millis), CustomerId::new(id))
    }

    const NOBODY: fn(&CustomerId) -> bool = |_| false;

    #[test]
    fn a_cached_timer_waits_until_the_store_has_been_asked_for_earlier_ones() {
        let mut index = DueIndex::unread();
        index.reschedule(&"a".into(), None, Some(at(50)));
        assert_eq!(index.next(at(60)), NextDue::Unknown(None));
        index.load(vec![entry(10, "b"), entry(20, "c")], 2, NOBODY);
        assert_eq!(index.next(at(60)), NextDue::Timer(entry(10, "b")));
        index.reschedule(&"b".into(), Some(at(10)), None);
        index.reschedule(&"c".into(), Some(at(20)), None);
        assert_eq!(index.next(at(60)), NextDue::Unknown(Some(entry(20, "c"))));
        index.load(vec![], 2, NOBODY);
        assert_eq!(index.next(at(60)), NextDue::Timer(entry(50, "a")));
        assert_eq!(index.next(at(49)), NextDue::Nothing);
    }

    #[test]
    fn the_store_is_not_asked_while_its_known_part_reaches_beyond_the_watermark() {
        let mut index = DueIndex::unread();
        index.load(vec![entry(100, "b")], 1, NOBODY);
        assert_eq!(index.next(at(99)), NextDue::Nothing);
        assert_eq!(index.next(at(100)), NextDue::Timer(entry(100, "b")));
    }

    #[test]
    fn a_page_does_not_bring_back_what_a_cached_customer_has_left_behind() {
        let mut index = DueIndex::unread();
        index.load(vec![entry(10, "cached")], 5, |id| id.as_str() == "cached");
        assert_eq!(index.next(at(60)), NextDue::Nothing);
    }

    #[test]
    fn an_entry_beyond_the_known_part_leaves_with_its_customer() {
        let mut index = DueIndex::unread();
        index.load(vec![entry(10, "b")], 1, NOBODY);
        index.reschedule(&"a".into(), None, Some(at(50)));
        index.uncache(&"a".into(), Some(at(50)));
        assert_eq!(index.entries.len(), 1);
        assert_eq!(index.next(at(60)), NextDue::Timer(entry(10, "b")));
    }

    #[test]
    fn what_is_held_back_lies_between_the_watermark_and_the_clock() {
        let mut index = DueIndex::empty();
        for (millis, id) in [(10, "a"), (11, "b"), (20, "c"), (20, "d"), (21, "e")] {
            index.reschedule(&id.into(), None, Some(at(millis)));
        }
        assert_eq!(index.count_between(at(10), at(20)), 3);
        assert_eq!(index.count_between(at(20), at(20)), 0);
        assert_eq!(index.count_between(at(30), at(20)), 0, "the clock may be behind the log");
        assert_eq!(index.count_between(EventTime::MIN, EventTime::MAX), 5);
        assert_eq!(index.count_between(EventTime::MAX, EventTime::MAX), 0);
    }

    #[test]
    fn a_shrunk_index_asks_again_for_what_it_forgot() {
        let mut index = DueIndex::unread();
        index.load((0..10).map(|n| entry(n, "x")).collect(), 100, NOBODY);
        index.shrink(3, |_| false);
        assert!(index.entries.len() <= 4);
        for n in 0..=3 {
            assert_eq!(index.next(at(60)), NextDue::Timer(entry(n, "x")));
            index.reschedule(&"x".into(), Some(at(n)), None);
        }
        assert_eq!(index.next(at(60)), NextDue::Unknown(Some(entry(3, "x"))));
    }
}
