//! What stands in the way of reaching a customer: an objection, or channels on which messages bounce.

use events::Body;
use events::view::Event;

use crate::consent::Consent;
use crate::limits::Limits;
use crate::text::bounded;

/// How many bounced channels are kept one by one; more become one bounce of every channel.
const MOST_CHANNELS: usize = 8;

/// What stands in the way. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Reach {
    /// When the customer was put on the list of those who are not to be contacted; none if they are not on it.
    #[prost(sint64, optional, tag = "1")]
    pub objected_ms: Option<i64>,
    /// When the customer was put on that list or taken off it the last time, so that older news changes nothing.
    #[prost(sint64, optional, tag = "2")]
    pub list_changed_ms: Option<i64>,
    /// Channels on which messages bounce for good.
    #[prost(message, repeated, tag = "3")]
    pub bounced: Vec<Bounce>,
}

/// A message bounced for good.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Bounce {
    /// The channel; none means every channel.
    #[prost(string, optional, tag = "1")]
    pub channel: Option<String>,
    /// When it bounced the last time.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
}

/// Notes what an event says about reaching the customer. A late event never undoes a later one's word.
///
/// `consents` are the customer's words, this event's included: an agreement lifts a bounce whose news comes after it.
pub(crate) fn note(reach: &mut Option<Reach>, consents: &[Consent], event: &Event, limits: &Limits) {
    let at_ms = event.occurred_at.as_millis();
    match &event.body {
        Body::MessageBounced(bounce) if bounce.permanent => {
            let channel = bounce.channel.map(|name| channel_name(name, limits));
            if !is_lifted(consents, channel.as_deref(), at_ms) {
                reach.get_or_insert_default().bounce(channel, at_ms);
            }
        }
        Body::SuppressionChanged(change) => {
            reach.get_or_insert_default().list(change.suppressed, at_ms);
        }
        // Who agrees to a channel gives an address that is worth trying again.
        Body::ConsentChanged(change) if change.granted => {
            let channel = change.channel.map(|name| channel_name(name, limits));
            reach.iter_mut().for_each(|reach| reach.agree(channel.as_deref(), at_ms));
        }
        _ => {}
    }
    reach.take_if(|reach| *reach == Reach::default());
}

/// As consent writes it.
fn channel_name(name: &str, limits: &Limits) -> String {
    bounded(name, limits.text_bytes).to_ascii_lowercase()
}

impl Reach {
    fn list(&mut self, suppressed: bool, at_ms: i64) {
        let is_newer = self.list_changed_ms.is_none_or(|known| known < at_ms);
        // At equal times the objection wins, in whatever order the two arrive.
        if is_newer || (suppressed && self.list_changed_ms == Some(at_ms)) {
            self.list_changed_ms = Some(at_ms);
            self.objected_ms = suppressed.then_some(at_ms);
        }
    }

    fn bounce(&mut self, channel: Option<String>, at_ms: i64) {
        match self.bounced.iter_mut().find(|known| known.channel == channel) {
            Some(known) => known.at_ms = known.at_ms.max(at_ms),
            None => self.bounced.push(Bounce { channel, at_ms }),
        }
        if self.bounced.len() > MOST_CHANNELS {
            let at_ms = self.bounced.drain(..).map(|bounce| bounce.at_ms).max().unwrap_or(at_ms);
            self.bounced.push(Bounce { channel: None, at_ms });
        }
        self.bounced.sort_by(|one, other| one.channel.cmp(&other.channel));
    }

    /// An agreement without a channel is about all of them.
    fn agree(&mut self, channel: Option<&str>, at_ms: i64) {
        let concerns = |bounce: &Bounce| channel.is_none() || bounce.channel.as_deref() == channel;
        self.bounced.retain(|bounce| !(concerns(bounce) && bounce.at_ms < at_ms));
    }
}

/// Whether the customer agreed to the channel after the bounce.
fn is_lifted(consents: &[Consent], channel: Option<&str>, at_ms: i64) -> bool {
    let about = |consent: &&Consent| consent.channel.is_none() || consent.channel.as_deref() == channel;
    consents.iter().filter(about).any(|consent| consent.granted && consent.at_ms > at_ms)
}

#[cfg(test)]
mod tests {
    use events::Viewed as _;
    use events::event::{ConsentChanged, MessageBounced, SuppressionChanged};

    use super::*;
    use crate::Profile;
    use crate::profile::tests::{NOW, event};

    fn bounced(channel: &str, permanent: bool) -> Body {
        let channel = (!channel.is_empty()).then(|| channel.into());
        Body::MessageBounced(MessageBounced { message_id: "m".into(), channel, permanent })
    }

    fn agreed(channel: &str) -> Body {
        let channel = (!channel.is_empty()).then(|| channel.into());
        Body::ConsentChanged(ConsentChanged { channel, purpose: None, granted: true })
    }

    fn listed(suppressed: bool) -> Body {
        Body::SuppressionChanged(SuppressionChanged { suppressed, reason: None })
    }

    /// What is noted after these bodies at these times, in this order.
    fn noted(bodies: &[(i64, Body)]) -> Option<Reach> {
        let mut profile = Profile::default();
        for (place, (at, body)) in bodies.iter().enumerate() {
            profile.apply(&event(&format!("e{place}"), *at, body.clone()).view(), &NOW, &Limits::default());
        }
        profile.reach
    }

    fn channels(reach: &Option<Reach>) -> Vec<&str> {
        let bounced = reach.iter().flat_map(|reach| &reach.bounced);
        bounced.map(|bounce| bounce.channel.as_deref().unwrap_or("every")).collect()
    }

    #[test]
    fn a_bounce_for_good_stays_until_the_channel_is_agreed_to_again() {
        assert_eq!(noted(&[(10, bounced("email", false))]), None);
        assert_eq!(channels(&noted(&[(10, bounced("EMAIL", true)), (20, agreed("sms"))])), ["email"]);
        let again = [(10, bounced("email", true)), (20, agreed("Email"))];
        assert_eq!(noted(&again), None);
        let late_bounce = [again[1].clone(), again[0].clone()];
        assert_eq!(noted(&late_bounce), None);
        assert_eq!(channels(&noted(&[(20, agreed("email")), (20, bounced("email", true))])), ["email"]);
        assert_eq!(noted(&[(10, bounced("email", true)), (20, agreed(""))]), None);
        assert_eq!(channels(&noted(&[(10, bounced("", true)), (20, agreed("email"))])), ["every"]);
    }

    #[test]
    fn the_list_keeps_the_last_word_in_whatever_order_it_arrives() {
        let objected = |bodies: &[(i64, Body)]| noted(bodies).and_then(|reach| reach.objected_ms);
        let (on, off) = ((10, listed(true)), (20, listed(false)));
        assert_eq!(objected(std::slice::from_ref(&on)), Some(10));
        assert_eq!(objected(&[on.clone(), off.clone()]), None);
        assert_eq!(objected(&[off.clone(), on]), None);
        assert_eq!(objected(&[off.clone(), (20, listed(true))]), Some(20));
        assert_eq!(objected(&[(20, listed(true)), off]), Some(20));
    }

    #[test]
    fn many_channels_become_all_of_them() {
        let many: Vec<_> = (0..9).map(|n| (n, bounced(&format!("channel-{n}"), true))).collect();
        assert_eq!(channels(&noted(&many[..8])).len(), 8);
        assert_eq!(channels(&noted(&many)), ["every"]);
    }
}
