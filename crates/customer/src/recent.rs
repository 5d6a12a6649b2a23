//! Windows of recent ids, by which duplicates are told: bounded, oldest out first.
//!
//! Only a hash of each id is kept. Two ids of one customer collide once in about 2^64 pairs.

use xxhash_rust::xxh3::xxh3_64;

/// What stands for an id in a window.
pub fn fingerprint(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

/// Puts an id into a window of at most `bound` ids.
pub fn remember(window: &mut Vec<u64>, id: u64, bound: usize) {
    window.push(id);
    let excess = window.len().saturating_sub(bound);
    window.drain(..excess);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_id_leaves_first() {
        let mut window = Vec::new();
        for id in 1..=5 {
            remember(&mut window, id, 3);
        }
        assert_eq!(window, [3, 4, 5]);
    }

    #[test]
    fn fingerprints_never_change() {
        // Stored records hold these: another function would let every duplicate through once.
        assert_eq!(fingerprint("order-1"), xxh3_64(b"order-1"));
        assert_eq!(fingerprint(""), 0x2d06_8005_38d3_94c2);
    }
}
