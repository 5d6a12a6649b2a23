//! The customers a task has at hand, bounded.
//!
//! Two generations stand in for an exact least-recently-used list: who is used moves to the young one; when that is
//! full it becomes the old one, and whoever stayed in the old one leaves. Who is not checkpointed yet never leaves.

use std::collections::HashMap;

use events::{CustomerId, EventTime};
use foldhash::fast::RandomState;

/// A customer at hand.
#[derive(Debug)]
pub struct Cached<C> {
    /// The record; `None` if the customer has none. Boxed, since a map has room for about twice as many as are in it.
    pub record: Option<Box<C>>,
    /// The record's earliest timer, as the timer index has it.
    pub due: Option<EventTime>,
    /// Whether the store has a record as of the last checkpoint sent.
    pub stored: bool,
    /// How far the record is from the store.
    pub freshness: Freshness,
    /// Whether it was read, and not used since.
    pub just_read: bool,
}

/// How far a cached record is from the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The store has it.
    Clean,
    /// A checkpoint that holds it is under way.
    InFlight,
    /// It has changed since the last checkpoint was sent.
    Dirty,
}

/// A bounded map of customers.
#[derive(Debug)]
pub struct CustomerCache<C> {
    young: HashMap<CustomerId, Cached<C>, RandomState>,
    old: HashMap<CustomerId, Cached<C>, RandomState>,
    capacity: usize,
    /// How many of the young ones are there only because they are not checkpointed.
    carried: usize,
}

impl<C> CustomerCache<C> {
    /// A cache for about `capacity` customers, beside those that are not checkpointed yet.
    pub fn new(capacity: usize) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), capacity: capacity.max(2), carried: 0 }
    }

    /// Whether the customer is at hand.
    pub fn contains(&self, id: &str) -> bool {
        self.young.contains_key(id) || self.old.contains_key(id)
    }

    /// The customer, who counts as used.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Cached<C>> {
        if !self.young.contains_key(id) {
            let (id, cached) = self.old.remove_entry(id)?;
            self.young.insert(id, cached);
        }
        self.young.get_mut(id)
    }

    /// Takes a customer in.
    pub fn insert(&mut self, id: CustomerId, cached: Cached<C>) {
        self.young.insert(id, cached);
    }

    /// Makes room if there is too little, and calls `left` for each customer who leaves.
    pub fn make_room(&mut self, mut left: impl FnMut(&CustomerId, &Cached<C>)) {
        if self.young.len() < self.capacity / 2 + self.carried {
            return;
        }
        let leaving = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        for (id, cached) in leaving {
            match cached.freshness {
                Freshness::Clean => left(&id, &cached),
                Freshness::InFlight | Freshness::Dirty => {
                    self.young.insert(id, cached);
                }
            }
        }
        self.carried = self.young.len();
    }

    /// Keeps so many from now on. Whoever is too many leaves as room is made, not at once.
    pub fn resize(&mut self, capacity: usize) {
        self.capacity = capacity.max(2);
    }

    /// How many customers are kept, beside those that are not checkpointed yet.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many customers are at hand.
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cached(freshness: Freshness) -> Cached<u8> {
        Cached { record: None, due: None, stored: false, freshness, just_read: false }
    }

    #[test]
    fn a_cache_that_is_made_smaller_shrinks_as_room_is_made() {
        let mut cache = CustomerCache::new(100);
        let take_in = |cache: &mut CustomerCache<u8>, number: usize| {
            cache.make_room(|_, _| ());
            cache.insert(CustomerId::new(format!("c-{number}")), cached(Freshness::Clean));
        };
        (0..90).for_each(|number| take_in(&mut cache, number));
        assert!(cache.len() > 50);
        cache.resize(10);
        (90..100).for_each(|number| take_in(&mut cache, number));
        assert!(cache.len() <= 10, "{}", cache.len());
    }

    #[test]
    fn who_is_used_stays_and_who_is_not_checkpointed_never_leaves() {
        let mut cache = CustomerCache::new(4);
        cache.insert("dirty".into(), cached(Freshness::Dirty));
        cache.insert("used".into(), cached(Freshness::Clean));
        cache.insert("idle".into(), cached(Freshness::Clean));
        let mut left = Vec::new();
        for n in 0..20 {
            cache.make_room(|id, _| left.push(id.to_string()));
            assert!(cache.get_mut("used").is_some());
            cache.insert(CustomerId::new(format!("other-{n}")), cached(Freshness::Clean));
            assert!(cache.len() <= 8);
        }
        assert!(left.contains(&"idle".to_owned()));
        assert!(cache.contains("dirty"));
    }
}
