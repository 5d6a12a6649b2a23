//! Whether the customer agrees to the channel and the purpose.

use crate::gates::Question;
use crate::judgement::{Evidence, Verdict};
use crate::settings::{ConsentDefault, Gate};

pub(crate) fn ask(question: &Question<'_>) -> Verdict {
    let settings = question.settings;
    let channel = settings.consent_channel.as_deref();
    if let Some(word) = question.profile.consent(channel, question.request.purpose) {
        let verdict = match word.granted {
            true => Verdict::passed(Gate::Consent, "granted"),
            false => Verdict::stopped(Gate::Consent, "denied"),
        };
        return verdict.because(Evidence::Statement(word.clone()));
    }
    match settings.consent_default {
        Some(ConsentDefault::Granted) => Verdict::passed(Gate::Consent, "granted_by_default"),
        // A missing default is refused by validation; doubt goes against contact.
        Some(ConsentDefault::Denied) | None => Verdict::stopped(Gate::Consent, "denied_by_default"),
    }
}
