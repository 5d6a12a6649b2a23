//! Identifiers as types of their own, so that a customer is never passed where an event is meant.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::codec::{Fault, Wire};

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(SmolStr);

        impl $name {
            /// Wraps an identifier as it came; validation is the normaliser's work.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(SmolStr::new(text))
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<SmolStr> for $name {
            fn from(text: SmolStr) -> Self {
                Self(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl Wire for $name {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(rest: &mut &[u8]) -> Result<Self, Fault> {
                SmolStr::read(rest).map(Self)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

string_id! {
    /// Names one customer: the key of `customer-events` and of every action topic.
    CustomerId
}
string_id! {
    /// Names a visitor who is not known as a customer yet.
    AnonymousId
}
string_id! {
    /// Names one event at its source; duplicates share it.
    EventId
}
