//! What a deployment may say about its raw records.

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::native::MOST_LINES;
use crate::EventTime;

/// The words that a raw topic's records are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Vocabulary {
    /// The project's own: `schemas/clickstream`, `schemas/purchase`, `schemas/support`.
    Native,
    /// Segment's calls with the e-commerce names, as RudderStack and others send them too.
    Segment,
    /// Whichever of them a record looks like.
    #[default]
    Auto,
}

/// What to do with an event that lies in the future of its record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FutureTimes {
    /// Move it back to the record's timestamp, and say so: for a broker's records, whose timestamp bounds them.
    #[default]
    Clamp,
    /// Refuse it: for files, where one wrong row would move time.
    Refuse,
}

/// Bounds on a single raw record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest record, in bytes.
    pub record_bytes: usize,
    /// Deepest nesting of JSON.
    pub depth: usize,
    /// Longest id, in bytes; a longer one refuses the record, because a cut id would name somebody else.
    pub id_bytes: usize,
    /// Longest descriptive text, in bytes; a longer one is cut.
    pub text_bytes: usize,
    /// Most lines of a cart or an order, at most 2,000; a record with more is refused, because half a cart is wrong.
    pub items: usize,
    /// Largest quantity of one line.
    pub quantity: u32,
    /// The earliest time that is believed; dates in 1970 are mistakes.
    pub earliest: EventTime,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: 1 << 20,
            depth: 64,
            id_bytes: 200,
            text_bytes: 1_024,
            items: 500,
            quantity: 1_000_000,
            // 1990-01-01T00:00:00Z
            earliest: EventTime::from_millis(631_152_000_000),
        }
    }
}

/// How raw records are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NormaliserSettings {
    /// The vocabulary of each raw topic; [`Vocabulary::Auto`] for topics that are not named.
    pub vocabularies: BTreeMap<SmolStr, Vocabulary>,
    /// The name that events carry as their source; the vocabulary's if absent.
    pub source: Option<SmolStr>,
    /// Further event names, and the known name that each stands for.
    pub event_names: BTreeMap<String, String>,
    /// Put before every customer and visitor id. It makes numbers such as `0` and `-1` ids, which without it name
    /// nobody.
    pub id_prefix: Option<SmolStr>,
    /// The currency of amounts that name none. Without it such amounts are dropped, and the event is kept.
    pub default_currency: Option<SmolStr>,
    /// What to do with times in the future.
    pub future_times: FutureTimes,
    /// Bounds.
    pub limits: Limits,
}

/// Settings that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// An alias stands for a name that is not known.
    #[error("event name `{alias}` is to stand for `{name}`, which is no known event name")]
    UnknownEventName {
        /// The further name.
        alias: String,
        /// The name it was to stand for.
        name: String,
    },
    /// The default currency is no code.
    #[error("default currency `{0}` is not three letters")]
    BadCurrency(SmolStr),
    /// More lines than are ever held.
    #[error("{0} items are more than the {MOST_LINES} that a record may have")]
    TooManyItems(usize),
}
