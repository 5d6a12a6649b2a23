//! Support goes before advertising: nothing is sold to a customer whose ticket is open. And one intent trigger at a
//! time: what is under way is not interrupted by one of the same or a lower rank.
//!
//! Under way is a contact until it expires or the customer orders. The later steps of its own episode go on.

use crate::gates::Question;
use crate::history::Contact;
use crate::judgement::Verdict;
use crate::settings::Gate;

pub(crate) fn ask(question: &Question<'_>) -> Verdict {
    let request = question.request;
    if request.open_ticket && request.is_advertising() {
        return Verdict::stopped(Gate::Precedence, "open_ticket");
    }
    let is_under_way = |contact: &&Contact| {
        let is_valid = contact.at() <= request.at && request.at < contact.valid_until();
        is_valid && !contact.converted && contact.rank >= u32::from(request.rank)
    };
    match question.history.rivals(question.settings, request).filter(is_under_way).max_by_key(|it| it.rank) {
        Some(contact) => Verdict::stopped(Gate::Precedence, "another_intent_under_way")
            .because(contact.evidence(contact.valid_until())),
        None => Verdict::passed(Gate::Precedence, "first_in_line"),
    }
}
