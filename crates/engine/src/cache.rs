//! The customers a task has at hand, bounded.
//!
//! Two generations stand in for an exact least-recently-used list: who is used becomes one of the young one; when that
//! is full it becomes the old one, and whoever stayed in the old one leaves. Who is not checkpointed yet never leaves.

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
    customers: HashMap<CustomerId, (Generation, Cached<C>), RandomState>,
    /// The young one; the others are the old one.
    generation: Generation,
    capacity: usize,
    /// How many are of the young generation.
    young: usize,
    /// How many of the young ones are there only because they are not checkpointed.
    carried: usize,
}

type Generation = u64;

impl<C> CustomerCache<C> {
    /// A cache for about `capacity` customers, beside those that are not checkpointed yet.
    pub fn new(capacity: usize) -> Self {
        Self { customers: HashMap::default(), generation: 0, capacity: capacity.max(2), young: 0, carried: 0 }
    }

    /// Whether the customer is at hand.
    pub fn contains(&self, id: &str) -> bool {
        self.customers.contains_key(id)
    }

    /// The customer, who counts as used.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Cached<C>> {
        let (generation, cached) = self.customers.get_mut(id)?;
        if *generation != self.generation {
            *generation = self.generation;
            self.young += 1;
        }
        Some(cached)
    }

    /// Takes a customer in, who is not here yet.
    pub fn insert(&mut self, id: CustomerId, cached: Cached<C>) {
        self.customers.insert(id, (self.generation, cached));
        self.young += 1;
    }

    /// Makes room if there is too little, and calls `left` for each customer who leaves.
    pub fn make_room(&mut self, mut left: impl FnMut(&CustomerId, &Cached<C>)) {
        if self.young < self.capacity / 2 + self.carried {
            return;
        }
        let (was_young, is_young) = (self.generation, self.generation + 1);
        let mut carried = 0;
        self.customers.retain(|id, (generation, cached)| match cached.freshness {
            _ if *generation == was_young => true,
            Freshness::Clean => {
                left(id, cached);
                false
            }
            Freshness::InFlight | Freshness::Dirty => {
                *generation = is_young;
                carried += 1;
                true
            }
        });
        self.generation = is_young;
        (self.young, self.carried) = (carried, carried);
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
        self.customers.len()
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
