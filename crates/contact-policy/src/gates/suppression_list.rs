//! Whether the customer objected to being contacted, or messages to them bounce.
//!
//! An objection concerns advertising: an order's confirmation is still wanted. A bounce concerns every message on its
//! channel, and ends with the next agreement to that channel, which stands for a new address.

use events::EventTime;

use crate::gates::Question;
use crate::judgement::{Evidence, Verdict};
use crate::settings::Gate;

pub(crate) fn ask(question: &Question<'_>) -> Verdict {
    let reach = &question.profile.reach;
    let objected = reach.iter().find_map(|reach| reach.objected_ms);
    if let Some(at_ms) = objected.filter(|_| question.request.is_advertising()) {
        let evidence = Evidence::Note { channel: None, at: EventTime::from_millis(at_ms) };
        return Verdict::stopped(Gate::SuppressionList, "objected").because(evidence);
    }
    let channel = question.channel();
    let concerns = |bounced: Option<&str>| bounced.is_none() || bounced == channel;
    let bounces = reach.iter().flat_map(|reach| &reach.bounced);
    match bounces.filter(|bounce| concerns(bounce.channel.as_deref())).max_by_key(|bounce| bounce.at_ms) {
        Some(bounce) => {
            let evidence =
                Evidence::Note { channel: bounce.channel.clone(), at: EventTime::from_millis(bounce.at_ms) };
            Verdict::stopped(Gate::SuppressionList, "bounced").because(evidence)
        }
        None => Verdict::passed(Gate::SuppressionList, "not_listed"),
    }
}
