//! The pause between intent triggers, whatever their ranks; its end is still part of it.

use crate::gates::Question;
use crate::history::Contact;
use crate::judgement::Verdict;
use crate::settings::Gate;

pub(crate) fn ask(question: &Question<'_>) -> Verdict {
    let (request, pause) = (question.request, question.settings.cooldown.intent);
    // A trigger that late news makes true may lie before one that has fired since.
    let is_near =
        |contact: &&Contact| request.at <= contact.sends_at() + pause && contact.at() <= request.at + pause;
    match question.history.rivals(question.settings, request).filter(is_near).max_by_key(|it| it.at_ms) {
        Some(contact) => Verdict::stopped(Gate::Cooldown, "intent_within_cooldown")
            .because(contact.evidence(contact.sends_at() + pause)),
        None => Verdict::passed(Gate::Cooldown, "rested"),
    }
}
