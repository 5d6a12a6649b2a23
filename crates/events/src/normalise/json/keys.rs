//! Finds the field that a key names without comparing it to all of them.

/// Slots of a table: a power of two, and enough for the fields of our largest record to lie far apart.
const SLOTS: usize = 256;

/// The keys of a record, hashed when the program is built.
pub(in crate::normalise) struct KeyTable<F: 'static> {
    keys: &'static [(&'static str, F)],
    /// Place in `keys` plus one; 0 is an empty slot.
    slots: [u8; SLOTS],
}

impl<F: Copy> KeyTable<F> {
    /// A table of `keys`, none of which may be empty.
    pub(in crate::normalise) const fn new(keys: &'static [(&'static str, F)]) -> Self {
        assert!(keys.len() < SLOTS / 2, "a search must end at an empty slot soon");
        let mut slots = [0; SLOTS];
        let mut place = 0;
        while place < keys.len() {
            let mut slot = hash(keys[place].0.as_bytes());
            while slots[slot] != 0 {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = place as u8 + 1;
            place += 1;
        }
        Self { keys, slots }
    }

    /// The field that `key` names.
    #[inline]
    pub(in crate::normalise) fn find(&self, key: &str) -> Option<F> {
        let mut slot = hash(key.as_bytes());
        loop {
            let place = usize::from(self.slots[slot]).checked_sub(1)?;
            let (name, field) = self.keys[place];
            if name == key {
                return Some(field);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

/// Length, both ends and the middle tell nearly all names apart.
const fn hash(key: &[u8]) -> usize {
    if key.is_empty() {
        return 0;
    }
    let (first, middle, last) = (key[0] as usize, key[key.len() / 2] as usize, key[key.len() - 1] as usize);
    (first * 5 + middle * 19 + last * 37 + key.len() * 11) % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_found_and_no_other() {
        static TABLE: KeyTable<u32> = KeyTable::new(&[("ab", 1), ("ba", 2), ("abc", 3), ("a", 4)]);
        for (key, field) in [("ab", 1), ("ba", 2), ("abc", 3), ("a", 4)] {
            assert_eq!(TABLE.find(key), Some(field));
        }
        for key in ["", "b", "AB", "abcd", "ä"] {
            assert_eq!(TABLE.find(key), None, "{key}");
        }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        static TABLE: KeyTable<u32> = KeyTable::new(&[("axb-d", 1), ("a-bxd", 2), ("aybzd", 3)]);
        assert_eq!(
            ["axb-d", "a-bxd", "aybzd", "aabad"].map(|key| TABLE.find(key)),
            [Some(1), Some(2), Some(3), None]
        );
    }
}
