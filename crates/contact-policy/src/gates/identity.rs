//! Whether the customer's id is one that can be contacted.

use crate::gates::Question;
use crate::judgement::Verdict;
use crate::settings::Gate;

pub(crate) fn ask(question: &Question<'_>) -> Verdict {
    let id = question.request.customer_id.as_str();
    let prefixes = &question.settings.uncontactable_prefixes;
    if question.profile.is_erased() {
        Verdict::stopped(Gate::Identity, "erased")
    } else if prefixes.iter().any(|prefix| id.starts_with(prefix.as_str())) {
        Verdict::stopped(Gate::Identity, "uncontactable_id")
    } else {
        Verdict::passed(Gate::Identity, "contactable_id")
    }
}
