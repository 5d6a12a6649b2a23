//! Segment's calls (`track`, `page`, `screen`, `identify`, `alias`), translated into native records.
//!
//! The properties of a call are read only when its event name is one of ours, so that nobody's own event is refused
//! for what its properties look like. Prices are taken as the text they were written in.

use serde::Deserialize;

use super::json::{self, JsonReader, Written, from_json_object};
use super::names::{Meaning, Names};
use super::native::{NativeRecord, Scalar};
use super::raw_format::refuse_json;
use super::refusal::{IgnoreReason, Refusal};
use super::segment_properties::{Properties, Traits};
use crate::event::Kind;

/// The outer part of a call.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
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
    properties: Option<Written<'a>>,
    #[serde(borrow)]
    traits: Option<Written<'a>>,
    #[serde(borrow)]
    context: Option<Written<'a>>,
}

/// The part of `context` that is used.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct CallContext<'a> {
    #[serde(borrow)]
    page: Option<CallPage<'a>>,
    #[serde(borrow)]
    session_id: Option<Scalar<'a>>,
    #[serde(borrow)]
    timezone: Option<Scalar<'a>>,
    #[serde(borrow)]
    locale: Option<Scalar<'a>>,
    #[serde(borrow)]
    traits: Option<Written<'a>>,
}

#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct CallPage<'a> {
    #[serde(borrow)]
    url: Option<Scalar<'a>>,
    #[serde(borrow)]
    title: Option<Scalar<'a>>,
}

from_json_object!(SegmentCall {
    call: ["type"],
    event: ["event"],
    name: ["name"],
    message_id: ["messageId", "message_id"],
    user_id: ["userId", "user_id"],
    anonymous_id: ["anonymousId", "anonymous_id"],
    previous_id: ["previousId", "previous_id"],
    timestamp: ["timestamp"],
    original_timestamp: ["originalTimestamp", "original_timestamp"],
    sent_at: ["sentAt", "sent_at"],
    received_at: ["receivedAt", "received_at"],
    channel: ["channel"],
    properties: ["properties"],
    traits: ["traits"],
    context: ["context"],
});

from_json_object!(CallContext {
    page: ["page"],
    session_id: ["sessionId"],
    timezone: ["timezone"],
    locale: ["locale"],
    traits: ["traits"],
});

from_json_object!(CallPage { url: ["url"], title: ["title"] });

/// What tells a call from a native record.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
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
    Ok(signs_of_call(&signs.call, &signs.event, &signs.message_id))
}

fn signs_of_call(
    call: &Option<Scalar<'_>>,
    event: &Option<Scalar<'_>>,
    message_id: &Option<Scalar<'_>>,
) -> bool {
    match call {
        Some(Scalar::Text(call)) => is_call_type(call),
        Some(_) => false,
        None => matches!(event, Some(Scalar::Text(_))) || message_id.is_some(),
    }
}

/// The call that `text` surely is, or nothing is said. Only to be fast: what is not seen to be a call here still is
/// one if [`looks_like_call`] says so.
pub(super) fn obvious_call(text: &str) -> Option<SegmentCall<'_>> {
    if !begins_like_call(&mut JsonReader::new(text))? {
        return None;
    }
    let call: SegmentCall<'_> = json::read_usual(text)?;
    signs_of_call(&call.call, &call.event, &call.message_id).then_some(call)
}

/// Whether the first telling key is one of a call's.
fn begins_like_call(reader: &mut JsonReader<'_>) -> Option<bool> {
    reader.enter_object()?;
    while let Some(key) = reader.next_key()? {
        match key {
            "type" => {
                let call = reader.optional::<Scalar<'_>>()?;
                return Some(matches!(call, Some(Scalar::Text(call)) if is_call_type(&call)));
            }
            "event_id" | "customer_id" | "occurred_at" => return Some(false),
            "anonymousId" | "context" | "event" | "integrations" | "messageId" | "properties" | "userId" => {
                return Some(true);
            }
            _ => reader.skip_value()?,
        }
    }
    Some(false)
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
        let told = |traits: Written<'_>| Traits::read(traits).is_ok_and(|traits| traits.says_anything());
        let context = self.context().unwrap_or_default();
        let tells = self.traits.is_some_and(told) || context.traits.is_some_and(told);
        let links = self.user_id.is_some() && self.anonymous_id.is_some();
        if !tells && links { Kind::IdentityLinked } else { Kind::ProfileUpdated }
    }

    fn context(&self) -> Result<CallContext<'a>, Refusal> {
        self.context.map_or_else(|| Ok(CallContext::default()), |context| json::read(context.0, "`context`"))
    }

    /// The call as a native record of `kind`.
    pub(super) fn into_native(self, kind: Kind) -> Result<NativeRecord<'a>, Refusal> {
        let context = self.context()?;
        let mut record = match self.properties {
            Some(properties) => Properties::read(properties)?.into_native(kind)?,
            None => NativeRecord::default(),
        };
        let page = context.page.unwrap_or_default();
        if kind == Kind::PageViewed {
            record.title = record.title.or(self.name).or(page.title);
        }
        if kind == Kind::ProfileUpdated {
            let traits = match self.traits.or(context.traits) {
                Some(traits) => Traits::read(traits)?,
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
