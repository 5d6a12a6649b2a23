//! From a raw record to the canonical event, whatever vocabulary and format it came in.
//!
//! Every record ends in exactly one [`Outcome`] (I6), whatever its bytes are, and the outcome depends on the record
//! and the settings alone. Nothing panics, and nothing is allocated beyond a small multiple of the record's size.

mod aftercare;
mod bodies;
mod canonical;
mod fields;
mod fingerprint;
mod instant;
mod json;
mod junk;
mod money;
mod names;
mod native;
mod raw_format;
mod refusal;
mod segment;
mod segment_properties;
mod settings;

use smol_str::SmolStr;

pub use money::{MAX_AMOUNT_MINOR, minor_unit_digits};
pub use native::{Lines, MOST_LINES, NativeItem, NativeRecord, Scalar};
pub use refusal::{IgnoreReason, Refusal, RefusalReason};
pub use settings::{FutureTimes, Limits, NormaliserSettings, SettingsError, Vocabulary};

use crate::{AnonymousEvent, Event, EventTime, Origin, codec};
use names::{Meaning, Names};
use raw_format::{RawFormat, recognise, refuse_avro};
use segment::SegmentCall;

/// A record of a raw topic, or a line of a file.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a> {
    /// Where it lies.
    pub origin: &'a Origin,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The value of its header [`SCHEMA_HEADER`](codec::SCHEMA_HEADER).
    pub schema_header: Option<&'a [u8]>,
    /// The broker's timestamp of it; for a file, the start of the run.
    pub timestamp: EventTime,
    /// Whether it is history that is fed in later.
    pub backfill: bool,
}

impl<'a> RawRecord<'a> {
    fn arrival(&self) -> Arrival<'a> {
        Arrival { origin: self.origin, timestamp: self.timestamp, backfill: self.backfill }
    }
}

/// How a record that is already taken apart came in.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Where it lies.
    pub origin: &'a Origin,
    /// The broker's timestamp of it; for a file, the start of the run.
    pub timestamp: EventTime,
    /// Whether it is history that is fed in later.
    pub backfill: bool,
}

/// How a raw record ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An event of a known customer.
    Event(Normalised<Event>),
    /// An event of a visitor who is not known.
    Anonymous(Normalised<AnonymousEvent>),
    /// Sound, and nothing to do.
    Ignored(IgnoreReason),
    /// To the dead letters.
    Refused(Refusal),
}

/// An event, and what had to be done to the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalised<E> {
    /// The event.
    pub event: Box<E>,
    /// To be counted.
    pub notes: Notes,
}

/// What had to be done to a record to make it an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// It happened in the future, and was moved back to the record's timestamp.
    pub clamped: bool,
    /// A descriptive text was too long, and was cut.
    pub text_cut: bool,
    /// An amount named no currency, and was dropped.
    pub amount_dropped: bool,
}

/// Turns raw records into canonical events.
#[derive(Clone, Debug)]
pub struct Normaliser {
    settings: NormaliserSettings,
    names: Names,
    native_source: SmolStr,
    segment_source: SmolStr,
}

impl Normaliser {
    /// A normaliser with these settings.
    ///
    /// # Errors
    /// If an alias stands for a name that is not known, or a setting is out of its range.
    pub fn new(settings: NormaliserSettings) -> Result<Self, SettingsError> {
        let mut names = Names::known();
        for (alias, name) in &settings.event_names {
            if !names.add_alias(alias, name) {
                return Err(SettingsError::UnknownEventName { alias: alias.clone(), name: name.clone() });
            }
        }
        let mut settings = settings;
        if let Some(currency) = &settings.default_currency {
            let code = money::currency_code(currency);
            settings.default_currency =
                Some(code.ok_or_else(|| SettingsError::BadCurrency(currency.clone()))?);
        }
        if settings.limits.items > MOST_LINES {
            return Err(SettingsError::TooManyItems(settings.limits.items));
        }
        let source = |vocabulary| settings.source.clone().unwrap_or(SmolStr::new_static(vocabulary));
        let (native_source, segment_source) = (source("native"), source("segment"));
        Ok(Self { settings, names, native_source, segment_source })
    }

    /// Normalises a raw record.
    pub fn normalise(&self, raw: &RawRecord<'_>) -> Outcome {
        let Some(value) = raw.value else { return Outcome::Ignored(IgnoreReason::Tombstone) };
        let outcome = match recognise(value, raw.schema_header, &self.settings.limits) {
            Ok(RawFormat::Avro(schema, body)) => codec::from_avro(schema, body)
                .map_err(|error| refuse_avro(&error))
                .and_then(|record| self.native(&record, &raw.arrival())),
            Ok(RawFormat::Json(text)) => self.json(text, raw),
            Err(refusal) => Err(refusal),
        };
        outcome.unwrap_or_else(Outcome::Refused)
    }

    /// Normalises a record whose fields are already apart, such as a row of a CSV file.
    pub fn normalise_native(&self, record: &NativeRecord<'_>, arrival: &Arrival<'_>) -> Outcome {
        self.native(record, arrival).unwrap_or_else(Outcome::Refused)
    }

    fn json(&self, text: &str, raw: &RawRecord<'_>) -> Result<Outcome, Refusal> {
        let configured = self.settings.vocabularies.get(raw.origin.topic.as_str()).copied();
        match configured.unwrap_or_default() {
            Vocabulary::Native => self.native(&read_native(text)?, &raw.arrival()),
            Vocabulary::Segment => self.segment(json::read(text, "the call")?, &raw.arrival()),
            Vocabulary::Auto => self.recognised(text, &raw.arrival()),
        }
    }

    /// Most records say by their `type` alone which vocabulary they are in, so they are read as native ones first.
    fn recognised(&self, text: &str, arrival: &Arrival<'_>) -> Result<Outcome, Refusal> {
        if let Some(call) = segment::obvious_call(text) {
            return self.segment(call, arrival);
        }
        let native = read_native(text);
        let kind = native.as_ref().ok().and_then(|record| record.kind.as_ref());
        let is_call = match kind {
            Some(Scalar::Text(kind)) => segment::is_call_type(kind),
            Some(_) => false,
            None => segment::looks_like_call(text)?,
        };
        if is_call {
            self.segment(json::read(text, "the call")?, arrival)
        } else {
            self.native(&native?, arrival)
        }
    }

    fn native(&self, record: &NativeRecord<'_>, arrival: &Arrival<'_>) -> Result<Outcome, Refusal> {
        let name = match &record.kind {
            Some(Scalar::Text(name)) if !name.is_empty() => name,
            Some(Scalar::Text(_)) | None => return Err(Refusal::missing("type")),
            Some(_) => return Err(Refusal::wrong_type("type", "a text")),
        };
        match self.names.meaning(name) {
            Some(Meaning::Kind(kind)) => {
                canonical::canonicalise(kind, record, arrival, &self.native_source, &self.settings)
            }
            Some(Meaning::Unused) => Ok(Outcome::Ignored(IgnoreReason::UnusedEventName)),
            None => Ok(Outcome::Ignored(IgnoreReason::UnknownEventName)),
        }
    }

    fn segment(&self, call: SegmentCall<'_>, arrival: &Arrival<'_>) -> Result<Outcome, Refusal> {
        match call.meaning(&self.names)? {
            Ok(kind) => {
                let record = call.into_native(kind)?;
                canonical::canonicalise(kind, &record, arrival, &self.segment_source, &self.settings)
            }
            Err(reason) => Ok(Outcome::Ignored(reason)),
        }
    }
}

fn read_native(text: &str) -> Result<NativeRecord<'_>, Refusal> {
    json::read(text, "the record")
}
