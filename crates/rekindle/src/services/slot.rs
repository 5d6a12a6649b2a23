//! The one setting that differs between the processes of a service: the slot.

use std::fmt;

use anyhow::{Context, Result};

/// A process's place in its service, the same from start to start. A process that starts in a slot fences the one that
/// had it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

impl Slot {
    /// The slot of a process that is alone.
    pub const FIRST: Self = Self(0);

    /// The slot that was asked for; else the ordinal at the end of the host's name, as a StatefulSet numbers its pods;
    /// else 0.
    ///
    /// # Errors
    /// If the ordinal is too large to be one.
    pub fn choose(asked: Option<u32>) -> Result<Self> {
        match asked {
            Some(slot) => Ok(Self(slot)),
            None => Self::of_host(std::env::var("HOSTNAME").ok().as_deref()),
        }
    }

    fn of_host(host: Option<&str>) -> Result<Self> {
        match host.and_then(ordinal) {
            None => Ok(Self(0)),
            Some(digits) => {
                let slot = digits.parse();
                slot.map(Self).with_context(|| format!("the host's ordinal {digits} is no slot; give --slot"))
            }
        }
    }

    /// The slot's name.
    pub fn name(self) -> String {
        self.0.to_string()
    }

    /// The name of the slot that one thread of the process has.
    pub fn of_thread(self, thread: u16) -> String {
        format!("{}-{thread}", self.0)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `2` of `rekindle-triggers-2`. A name that ends in digits without a hyphen before them is no such name.
fn ordinal(host: &str) -> Option<&str> {
    let (_, last) = host.rsplit_once('-')?;
    (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())).then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stateful_sets_pod_has_the_slot_of_its_ordinal() {
        for (host, slot) in [
            (Some("rekindle-triggers-12"), 12),
            (Some("3f2a9c1e77b0"), 0),
            (Some("web7"), 0),
            (Some("host-"), 0),
            (None, 0),
        ] {
            assert_eq!(Slot::of_host(host).unwrap(), Slot(slot), "{host:?}");
        }
        assert!(Slot::of_host(Some("pod-99999999999")).is_err());
    }

    #[test]
    fn what_is_asked_for_goes_before_the_host() {
        assert_eq!(Slot::choose(Some(3)).unwrap().of_thread(1), "3-1");
    }
}
