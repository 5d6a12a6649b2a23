//! Segment's calls (`track`, `page`, `screen`, `identify`, `alias`), translated into native records.
//!
//! The properties of a call are read only when its event name is one of ours, so that nobody's own event is refused
//! for what its properties look like. Prices are taken as the text they were written in.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::names::{Meaning, Names};
use super::native::{NativeRecord, Scalar};
use super::raw_format::refuse_json;
use super::refusal::{IgnoreReason, Refusal};
use super::segment_properties::{Properties, Traits};
use crate::event::Kind;

/// The outer part of a call.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SegmentCall<'a> {
    #[serde(borrow, rename = "type")]
    call: Option<Scalar<'a>>,
    #[serde(borrow)]
    event: Option<Scalar<'a>>,
    #[serde(borrow)]
    name: Option<Scalar<'a>>,
    #[serde(borrow, alias = "message_id")]
    message_id: Option<Scalar<'a>>,
    #[serde(borrow, alias = "user_id")]
    user_id: Option<Scalar<'a>>,
    #[serde(borrow, alias = "anonymous_id")]
    anonymous_id: Option<Scalar<'a>>,
    #[serde(borrow, alias = "previous_id")]
    previous_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    timestamp: Option<Scalar<'a>>,
    #[serde(borrow, alias = "original_timestamp")]
    original_timestamp: Option<Scalar<'a>>,
    #[serde(borrow, alias = "sent_at")]
    sent_at: Option<Scalar<'a>>,
    #[serde(borrow, alias = "received_at")]
    received_at: Option<Scalar<'a>>,
    #[serde(borrow)]
    channel: Option<Scalar<'a>>,
    #[serde(borrow)]
    properties: Option<&'a RawValue>,
    #[serde(borrow)]
    traits: Option<&'a RawValue>,
    #[serde(borrow)]
    context: Option<&'a RawValue>,
}

/// The part of `context` that is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CallContext<'a> {
    #[serde(borrow)]
    page: Option<CallPage<'a>>,
    #[serde(borrow)]
    session_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    timezone: Option<Scalar<'a>>,
    #[serde(borrow)]
    locale: Option<Scalar<'a>>,
    #[serde(borrow)]
    traits: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CallPage<'a> {
    #[serde(borrow)]
    url: Option<Scalar<'a>>,
    #[serde(borrow)]
    title: Option<Scalar<'a>>,
}

/// What tells a call from a native record.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Signs<'a> {
    #[serde(borrow, rename = "type")]
    call: Option<Scalar<'a>>,
    #[serde(borrow)]
    event: Option<Scalar<'a>>,
    #[serde(borrow, alias = "message_id")]
    message_id: Option<Scalar<'a>>,
}

/// Whether a record with this `type` is a call; no kind of the native vocabulary has such a name.
pub(super) fn is_call_type(text: &str) -> bool {
    ["track", "page", "screen", "identify", "alias", "group"].contains(&text)
}

/// Whether a record is a call: its `type` is one of Segment's, or it has none and names an event or message.
pub(super) fn looks_like_call(text: &str) -> Result<bool, Refusal> {
    let signs: Signs<'_> = serde_json::from_str(text).map_err(|error| refuse_json(&error, "the record"))?;
    Ok(match &signs.call {
        Some(Scalar::Text(call)) => is_call_type(call),
        Some(_) => false,
        None => matches!(signs.event, Some(Scalar::Text(_))) || signs.message_id.is_some(),
    })
}

impl<'a> SegmentCall<'a> {
    /// The kind that the call stands for, or why it is passed over.
    pub(super) fn meaning(&self, names: &Names) -> Result<Result<Kind, IgnoreReason>, Refusal> {
        let call = match &self.call {
            Some(Scalar::Text(call)) => call.as_ref(),
            None => "track",
            Some(_) => return Err(Refusal::wrong_type("type", "a text")),
        };
        Ok(match call {
            "track" => return self.track_meaning(names),
            "page" | "screen" => Ok(Kind::PageViewed),
            "identify" => Ok(self.identify_meaning()),
            "alias" => Ok(Kind::IdentityLinked),
            "group" => Err(IgnoreReason::UnusedEventName),
            _ => Err(IgnoreReason::UnknownEventName),
        })
    }

    fn track_meaning(&self, names: &Names) -> Result<Result<Kind, IgnoreReason>, Refusal> {
        let event = match &self.event {
            Some(Scalar::Text(event)) if !event.trim().is_empty() => event,
            Some(Scalar::Text(_)) | None => return Err(Refusal::missing("event")),
            Some(_) => return Err(Refusal::wrong_type("event", "a text")),
        };
        Ok(match names.meaning(event) {
            Some(Meaning::Kind(kind)) => Ok(kind),
            Some(Meaning::Unused) => Err(IgnoreReason::UnusedEventName),
            None => Err(IgnoreReason::UnknownEventName),
        })
    }

    /// An `identify` that tells no fact we keep still tells that visitor and customer are one.
    fn identify_meaning(&self) -> Kind {
        let told = |traits: &RawValue| Traits::read(traits).is_ok_and(|traits| traits.says_anything());
        let context = self.context().unwrap_or_default();
        let tells = self.traits.is_some_and(told) || context.traits.is_some_and(told);
        let links = self.user_id.is_some() && self.anonymous_id.is_some();
        if !tells && links { Kind::IdentityLinked } else { Kind::ProfileUpdated }
    }

    fn context(&self) -> Result<CallContext<'a>, Refusal> {
        self.context.map_or_else(|| Ok(CallContext::default()), |raw| read(raw, "`context`"))
    }

    /// The call as a native record of `kind`.
    pub(super) fn into_native(self, kind: Kind) -> Result<NativeRecord<'a>, Refusal> {
        let context = self.context()?;
        let mut record = match self.properties {
            Some(raw) => Properties::read(raw)?.into_native(kind)?,
            None => NativeRecord::default(),
        };
        let page = context.page.unwrap_or_default();
        if kind == Kind::PageViewed {
            record.title = record.title.or(self.name).or(page.title);
        }
        if kind == Kind::ProfileUpdated {
            let traits = match self.traits.or(context.traits) {
                Some(raw) => Traits::read(raw)?,
                None => Traits::default(),
            };
            traits.fill(&mut record);
            record.time_zone = record.time_zone.or(context.timezone);
            record.locale = record.locale.or(context.locale);
        }
        record.event_id = self.message_id;
        record.customer_id = self.user_id;
        let is_alias = matches!(&self.call, Some(Scalar::Text(call)) if call == "alias");
        record.anonymous_id = if is_alias { self.previous_id } else { self.anonymous_id };
        record.occurred_at =
            self.timestamp.or(self.original_timestamp).or(self.sent_at).or(self.received_at.clone());
        record.received_at = self.received_at;
        record.session_id = record.session_id.or(context.session_id);
        record.url = record.url.or(page.url);
        record.channel = self.channel;
        Ok(record)
    }
}

/// Reads a part of a call that was set aside.
pub(super) fn read<'a, T: Deserialize<'a>>(raw: &'a RawValue, what: &str) -> Result<T, Refusal> {
    serde_json::from_str(raw.get()).map_err(|error| refuse_json(&error, what))
}
