//! Whom the customer heard from: one protocol buffer message in the customer's record.
//!
//! A contact is kept as long as a cooldown or a cap may ask for it, and until its outcome is known; of more than
//! [`MAX_CONTACTS`] the oldest service message goes first, then the oldest of all, with its outcome.

use customer::{Moment, Profile};
use events::{EventTime, Span};

use crate::gates::channel;
use crate::judgement::{Evidence, Judgement};
use crate::request::{Group, Request};
use crate::settings::{FurtherSteps, Settings};

/// How many contacts are remembered; of about 80 bytes each.
pub const MAX_CONTACTS: usize = 32;

/// The contacts of one customer, in the order in which they were decided. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct History {
    /// The contacts.
    #[prost(message, repeated, tag = "1")]
    pub contacts: Vec<Contact>,
}

/// A trigger that was sent, or would have been, had the customer not been held out.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Contact {
    /// The trigger's name.
    #[prost(string, tag = "1")]
    pub trigger: String,
    /// The trigger's id, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub trigger_id: Vec<u8>,
    /// The episode's id, 16 bytes.
    #[prost(bytes = "vec", tag = "3")]
    pub episode_id: Vec<u8>,
    /// When it fired.
    #[prost(sint64, tag = "4")]
    pub at_ms: i64,
    /// How much later it may be sent: quiet hours.
    #[prost(uint64, tag = "5")]
    pub wait_ms: u64,
    /// How long after it fired it is worth sending.
    #[prost(uint64, tag = "6")]
    pub valid_ms: u64,
    /// Which wins within the group.
    #[prost(uint32, tag = "7")]
    pub rank: u32,
    /// Whether it is an intent trigger.
    #[prost(bool, tag = "8")]
    pub intent: bool,
    /// Whether it wants to sell.
    #[prost(bool, tag = "9")]
    pub advertising: bool,
    /// The channel it was meant for, where that was known.
    #[prost(string, optional, tag = "10")]
    pub channel: Option<String>,
    /// Whether the customer was left alone, to compare with.
    #[prost(bool, tag = "11")]
    pub held_out: bool,
    /// The customer's place in the draw, where there was one.
    #[prost(uint32, optional, tag = "12")]
    pub bucket: Option<u32>,
    /// When its outcome is told at the latest; none once it is told.
    #[prost(sint64, optional, tag = "13")]
    pub closes_ms: Option<i64>,
    /// Whether an order within the attribution window was told of.
    #[prost(bool, tag = "14")]
    pub converted: bool,
}

impl Contact {
    /// When it fired.
    pub fn at(&self) -> EventTime {
        EventTime::from_millis(self.at_ms)
    }

    /// From when on it may be sent.
    pub fn sends_at(&self) -> EventTime {
        self.at() + span(self.wait_ms)
    }

    /// From when on it is not worth sending.
    pub fn valid_until(&self) -> EventTime {
        self.at() + span(self.valid_ms)
    }

    pub(crate) fn evidence(&self, until: EventTime) -> Evidence {
        let trigger_id = self.trigger_id.as_slice().try_into().unwrap_or_default();
        Evidence::Contact { trigger: self.trigger.clone(), trigger_id, at: self.at(), until }
    }
}

impl History {
    /// Remembers what was decided, if it counts as a contact.
    pub fn remember(
        &mut self,
        settings: &Settings,
        request: &Request<'_>,
        judgement: &Judgement,
        (profile, moment): (&Profile, &Moment),
    ) {
        if !settings.needs_history() || !judgement.counts_as_contact() {
            return;
        }
        let is_intent = request.group == Group::Intent;
        let closes =
            settings.attribution_window(is_intent).map(|window| moment.timer_at(request.at + window));
        self.forget(settings, request.at);
        self.contacts.push(Contact {
            trigger: request.trigger.to_owned(),
            trigger_id: request.trigger_id.to_vec(),
            episode_id: request.episode_id.to_vec(),
            at_ms: request.at.as_millis(),
            wait_ms: judgement.not_before.map_or(0, |from| millis(from.since(request.at))),
            valid_ms: millis(request.valid_until.since(request.at)),
            rank: u32::from(request.rank),
            intent: is_intent,
            advertising: request.is_advertising(),
            channel: channel(settings, profile).map(str::to_owned),
            held_out: judgement.is_held_out(),
            bucket: judgement.experiment.map(|experiment| experiment.bucket),
            closes_ms: closes.map(EventTime::as_millis),
            converted: false,
        });
        if self.contacts.len() > MAX_CONTACTS {
            self.make_room();
        }
    }

    /// The trigger was taken back: it counts for nothing. What was remembered of it, if anything still was.
    pub fn cancel(&mut self, trigger_id: &[u8]) -> Option<Contact> {
        let place = self.contacts.iter().position(|contact| contact.trigger_id == trigger_id)?;
        Some(self.contacts.remove(place))
    }

    /// Drops what can matter no more at `now`.
    pub(crate) fn forget(&mut self, settings: &Settings, now: EventTime) {
        let oldest = now - settings.horizon();
        self.contacts.retain(|contact| contact.closes_ms.is_some() || contact.sends_at() >= oldest);
    }

    /// When the outcome of a contact is to be told.
    pub fn next_due(&self) -> Option<EventTime> {
        self.contacts.iter().filter_map(|contact| contact.closes_ms).min().map(EventTime::from_millis)
    }

    /// The intent contacts that an intent request competes with; none for any other request.
    pub(crate) fn rivals<'a>(
        &'a self,
        settings: &'a Settings,
        request: &'a Request<'_>,
    ) -> impl Iterator<Item = &'a Contact> {
        let is_exempt = |contact: &Contact| {
            settings.cooldown.further_steps == FurtherSteps::Exempt
                && contact.episode_id == request.episode_id
        };
        let competes = request.group == Group::Intent;
        self.contacts.iter().filter(move |contact| competes && contact.intent && !is_exempt(contact))
    }

    fn make_room(&mut self) {
        let places = 0..self.contacts.len();
        let first =
            places.min_by_key(|&place| (self.contacts[place].advertising, self.contacts[place].at_ms));
        if let Some(place) = first {
            self.contacts.remove(place);
        }
    }
}

fn span(millis: u64) -> Span {
    Span::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Spans that begin before they end.
fn millis(span: Span) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or_default()
}
