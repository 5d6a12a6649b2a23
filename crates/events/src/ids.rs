//! Identifiers as types of their own, so that a customer is never passed where an event is meant.

use std::fmt;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::codec::{Fault, Wire};
use crate::view::Viewed;

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name<T = SmolStr>(T);

        impl $name {
            /// Wraps an identifier as it came; validation is the normaliser's work.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(SmolStr::new(text))
            }
        }

        impl<T: AsRef<str>> $name<T> {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                self.0.as_ref()
            }
        }

        impl<T: fmt::Display> fmt::Display for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
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

        impl<'r, T: Wire<'r>> Wire<'r> for $name<T> {
            fn write(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }

            fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
                T::read(rest).map(Self)
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

impl Viewed for AnonymousId {
    type View<'a> = AnonymousId<&'a str>;

    fn view(&self) -> AnonymousId<&str> {
        AnonymousId(&self.0)
    }
}

impl Viewed for EventId {
    type View<'a> = EventId<&'a str>;

    fn view(&self) -> EventId<&str> {
        EventId(&self.0)
    }
}

/// It stays itself: it names the state that an event is applied to, and outlives the event.
impl Viewed for CustomerId {
    type View<'a> = Self;

    fn view(&self) -> Self {
        self.clone()
    }
}
