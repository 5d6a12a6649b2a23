//! What the customer has agreed to: per channel and purpose the last word, by event time, with its source.
//!
//! Doubt goes against contact: at equal times a refusal wins, and when the bound is reached no refusal is lost.

use events::EventTime;
use events::view::Event;

use crate::limits::Limits;
use crate::text::{bounded, bounded_id};

/// The purpose of a message that wants to sell.
pub const ADVERTISING: &str = "advertising";

/// The purpose of a message that the customer's own affair calls for: an order, a delivery, a ticket.
pub const SERVICE: &str = "service";

/// One statement of the customer.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Consent {
    /// The channel it is about; none means every channel.
    #[prost(string, optional, tag = "1")]
    pub channel: Option<String>,
    /// The purpose it is about; none means every purpose.
    #[prost(string, optional, tag = "2")]
    pub purpose: Option<String>,
    /// Whether the customer agrees.
    #[prost(bool, tag = "3")]
    pub granted: bool,
    /// When it was said, in milliseconds of event time.
    #[prost(sint64, tag = "4")]
    pub at_ms: i64,
    /// The event that said it.
    #[prost(string, tag = "5")]
    pub event_id: String,
}

/// The part of a statement that an event makes.
pub(crate) struct Wording<'a> {
    pub channel: Option<&'a str>,
    pub purpose: Option<&'a str>,
    pub granted: bool,
}

impl Consent {
    pub(crate) fn stated(event: &Event, wording: &Wording<'_>, limits: &Limits) -> Self {
        let name =
            |text: Option<&str>| text.map(|text| bounded(text, limits.text_bytes).to_ascii_lowercase());
        Self {
            channel: name(wording.channel),
            purpose: name(wording.purpose),
            granted: wording.granted,
            at_ms: event.occurred_at.as_millis(),
            event_id: bounded_id(event.event_id.as_str()),
        }
    }

    /// When it was said.
    pub fn at(&self) -> EventTime {
        EventTime::from_millis(self.at_ms)
    }

    /// Whether this statement is about everything that `other` is about.
    fn covers(&self, other: &Self) -> bool {
        let wider = |wide: &Option<String>, narrow: &Option<String>| wide.is_none() || wide == narrow;
        wider(&self.channel, &other.channel) && wider(&self.purpose, &other.purpose)
    }

    /// Whether this statement counts where both speak of the same thing.
    fn overrides(&self, other: &Self) -> bool {
        (self.at_ms, !self.granted) >= (other.at_ms, !other.granted)
    }

    fn answers(&self, channel: Option<&str>, purpose: &str) -> bool {
        let channel_fits = self.channel.is_none() || self.channel.as_deref() == channel;
        channel_fits && self.purpose.as_deref().is_none_or(|of| of == purpose)
    }
}

/// Adds a statement to those that are kept, and drops what it makes void.
pub(crate) fn state(kept: &mut Vec<Consent>, new: Consent, limits: &Limits) {
    if kept.iter().any(|old| old.covers(&new) && old.overrides(&new) && *old != new) {
        return;
    }
    kept.retain(|old| !(new.covers(old) && new.overrides(old)));
    kept.push(new);
    if kept.len() > limits.consents {
        make_room(kept);
    }
}

/// Gives up the oldest agreement; where there are only refusals, they become one refusal of everything.
fn make_room(kept: &mut Vec<Consent>) {
    let oldest_grant =
        (0..kept.len()).filter(|&place| kept[place].granted).min_by_key(|&place| kept[place].at_ms);
    if let Some(place) = oldest_grant {
        kept.remove(place);
        return;
    }
    let latest = std::mem::take(kept).into_iter().max_by_key(|refusal| refusal.at_ms);
    kept.extend(latest.map(|refusal| Consent { channel: None, purpose: None, ..refusal }));
}

/// The statement that decides whether the customer may be contacted, if there is any.
///
/// Without a channel the sender is free to choose one, so a refusal on any channel decides.
pub fn decisive<'a>(kept: &'a [Consent], channel: Option<&str>, purpose: &str) -> Option<&'a Consent> {
    if channel.is_some() {
        return last_word(kept, channel, purpose);
    }
    let words = kept.iter().filter_map(|statement| last_word(kept, statement.channel.as_deref(), purpose));
    words.max_by_key(|word| (!word.granted, word.at_ms))
}

fn last_word<'a>(kept: &'a [Consent], channel: Option<&str>, purpose: &str) -> Option<&'a Consent> {
    let words = kept.iter().filter(|statement| statement.answers(channel, purpose));
    words.max_by_key(|word| (word.at_ms, !word.granted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consent(channel: &str, purpose: &str, granted: bool, at_ms: i64) -> Consent {
        let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Consent {
            channel: name(channel),
            purpose: name(purpose),
            granted,
            at_ms,
            event_id: format!("e{at_ms}"),
        }
    }

    fn kept(statements: &[Consent]) -> Vec<Consent> {
        let mut kept = Vec::new();
        for statement in statements {
            state(&mut kept, statement.clone(), &Limits::default());
        }
        kept
    }

    fn may(kept: &[Consent], channel: &str) -> Option<bool> {
        decisive(kept, (!channel.is_empty()).then_some(channel), ADVERTISING).map(|word| word.granted)
    }

    #[test]
    fn the_last_word_by_event_time_counts_in_whatever_order_it_arrives() {
        let (yes, no) = (consent("email", ADVERTISING, true, 10), consent("email", ADVERTISING, false, 20));
        assert_eq!(may(&kept(&[yes.clone(), no.clone()]), "email"), Some(false));
        assert_eq!(may(&kept(&[no, yes]), "email"), Some(false));
    }

    #[test]
    fn at_equal_times_the_refusal_wins() {
        let (yes, no) = (consent("email", ADVERTISING, true, 10), consent("", "", false, 10));
        assert_eq!(may(&kept(&[yes.clone(), no.clone()]), "email"), Some(false));
        assert_eq!(may(&kept(&[no, yes]), "email"), Some(false));
    }

    #[test]
    fn a_statement_about_everything_replaces_older_narrow_ones() {
        let all = kept(&[
            consent("email", ADVERTISING, true, 10),
            consent("sms", "", true, 11),
            consent("", "", false, 20),
        ]);
        assert_eq!(all.len(), 1);
        assert_eq!(may(&all, "sms"), Some(false));
    }

    #[test]
    fn consent_to_service_messages_says_nothing_about_advertising() {
        assert_eq!(may(&kept(&[consent("email", "service", true, 10)]), "email"), None);
        assert_eq!(may(&kept(&[consent("sms", ADVERTISING, true, 10)]), "email"), None);
    }

    #[test]
    fn without_a_channel_any_refusal_decides() {
        let statements = [consent("sms", ADVERTISING, false, 10), consent("email", ADVERTISING, true, 20)];
        assert_eq!(may(&kept(&statements), ""), Some(false));
        assert_eq!(may(&kept(&statements[1..]), ""), Some(true));
        assert_eq!(may(&[], ""), None);
    }

    #[test]
    fn the_bound_never_loses_a_refusal() {
        let limits = Limits { consents: 3, ..Limits::default() };
        let mut kept = Vec::new();
        for (at, channel) in (0..).zip(["a", "b", "c", "d", "e", "f"]) {
            state(&mut kept, consent(channel, ADVERTISING, false, at), &limits);
            state(&mut kept, consent(channel, "service", true, at), &limits);
            assert!(kept.len() <= 3);
        }
        for channel in ["a", "b", "c", "d", "e", "f"] {
            assert_eq!(may(&kept, channel), Some(false), "{channel}");
        }
    }
}
