//! Customers in a log: told apart, but not named.
//!
//! Must stay true: without the key nobody can tell whether a guessed id is the one behind a hash. So the hash is keyed
//! (BLAKE3's keyed mode), and the key is never shown. Ids are few enough to try them all against an unkeyed hash.

use std::fmt;

/// Separates this use of a secret from every other.
const CONTEXT: &str = "rekindle 2026 customer ids in logs";

/// The key of the hashes.
#[derive(Clone)]
pub struct HashKey([u8; blake3::KEY_LEN]);

impl HashKey {
    /// From the operator's secret, so that hashes agree between processes and over restarts. It should hold at least
    /// 128 bits of chance.
    pub fn from_secret(secret: &[u8]) -> Self {
        Self(blake3::derive_key(CONTEXT, secret))
    }

    /// Of this process alone: hashes agree until it ends.
    ///
    /// # Errors
    /// If the system has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// A customer in a log: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomerHash(u64);

impl fmt::Display for CustomerHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The hash that stands for a customer id.
pub fn customer_hash(key: &HashKey, id: &str) -> CustomerHash {
    let hash = blake3::keyed_hash(&key.0, id.as_bytes());
    let first = hash.as_bytes().iter().take(8).fold(0, |bits, byte| (bits << 8) | u64::from(*byte));
    CustomerHash(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_secret_gives_one_hash_and_another_secret_another() {
        let hash = |secret: &[u8], id| customer_hash(&HashKey::from_secret(secret), id);
        assert_eq!(hash(b"secret", "c-1"), hash(b"secret", "c-1"));
        assert_ne!(hash(b"secret", "c-1"), hash(b"other", "c-1"));
        assert_ne!(hash(b"secret", "c-1"), hash(b"secret", "c-2"));
    }

    #[test]
    fn a_hash_is_sixteen_digits_and_stays_the_same_from_version_to_version() {
        let hash = customer_hash(&HashKey::from_secret(b"secret"), "c-1");
        assert_eq!(hash.to_string(), "49879d2c77e996f5");
    }

    #[test]
    fn keys_are_not_shown_and_random_ones_differ() {
        let (one, other) = (HashKey::random().unwrap(), HashKey::random().unwrap());
        assert_eq!(format!("{one:?}"), "HashKey(..)");
        assert_ne!(customer_hash(&one, "c-1"), customer_hash(&other, "c-1"));
    }
}
