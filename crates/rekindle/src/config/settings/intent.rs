//! The rules of intent beside the cart in their crate's own types.

use cart_abandonment::intent::{
    BrowseRules, CheckoutRules, PaymentFailedRules, RecoveredRules, Rules, SearchRules,
};

use crate::config::sections::Triggers;

/// None where every trigger of the family but the cart's is switched off.
pub(super) fn rules(section: &Triggers) -> Option<Rules> {
    let (shared, checkout, payment) =
        (&section.intent, &section.checkout_abandonment, &section.payment_failed);
    let (browse, search, recovered) =
        (&section.browse_abandonment, &section.search_abandonment, &section.cart_recovered);
    let rules = Rules {
        checkout: checkout.enabled.then(|| CheckoutRules {
            wait: checkout.wait.span(),
            forget_after: checkout.forget_after.span(),
            valid_for: checkout.valid_for.span(),
        }),
        payment_failed: payment.enabled.then(|| PaymentFailedRules {
            wait: payment.wait.span(),
            once_per: payment.once_per.span(),
            valid_for: payment.valid_for.span(),
        }),
        browse: browse.enabled.then(|| BrowseRules {
            views: browse.views,
            wait: browse.wait.span(),
            not_after_order: browse.not_after_order.span(),
            once_per: browse.once_per.span(),
            valid_for: browse.valid_for.span(),
        }),
        search: search.enabled.then(|| SearchRules {
            wait: search.wait.span(),
            once_per: search.once_per.span(),
            valid_for: search.valid_for.span(),
        }),
        recovered: recovered.enabled.then(|| RecoveredRules {
            within: recovered.within.span(),
            valid_for: recovered.valid_for.span(),
        }),
        session_idle: shared.session_idle.span(),
        session_max: shared.session_max.span(),
        retract_within: shared.retract_within.span(),
        max_products: shared.max_products,
        max_queries: shared.max_queries,
        max_remembered: shared.max_remembered,
        text_bytes: shared.text_bytes,
    };
    (!rules.is_off()).then_some(rules)
}
