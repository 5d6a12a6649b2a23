//! The vocabulary: what happened to a customer, in one canonical form, and how outside records become it.
//!
//! Pure: bytes and facts come in, values go out. Nothing here knows a clock, a broker or a file.

pub mod codec;
pub mod event;
pub mod ids;
pub mod key;
pub mod log_entry;
pub mod normalise;
pub mod partitioner;
pub mod time;
pub mod view;

pub use event::{AnonymousEvent, Body, Context, Event, Item, Money, Origin};
pub use ids::{AnonymousId, CustomerId, EventId};
pub use key::{EventKey, EventKeyRef, Frontier};
pub use log_entry::{LogEntry, SourceClaim, Tick, TopicPartition};
pub use time::{EventTime, Span};
pub use view::Viewed;
