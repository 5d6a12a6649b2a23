use super::*;

fn refused(change: impl Fn(&mut Rules)) -> Option<&'static str> {
    let mut rules = Rules::default();
    change(&mut rules);
    rules.validate().err().map(|error| error.key)
}

#[test]
fn rules_that_cannot_be_meant_are_refused_by_name() {
    let browse = |change: BrowseRules| move |rules: &mut Rules| rules.browse = Some(change.clone());
    let negative = Span::from_millis(-1);
    assert_eq!(refused(|_| {}), None);
    assert_eq!(refused(|rules| *rules = Rules::off()), None);
    assert_eq!(
        refused(browse(BrowseRules { views: 0, ..Default::default() })),
        Some("browse-abandonment.views")
    );
    assert_eq!(
        refused(browse(BrowseRules { wait: Span::ZERO, ..Default::default() })),
        Some("browse-abandonment.wait")
    );
    assert_eq!(
        refused(browse(BrowseRules { once_per: negative, ..Default::default() })),
        Some("browse-abandonment.once_per")
    );
    let short = CheckoutRules { forget_after: Span::from_hours(1), ..Default::default() };
    assert_eq!(
        refused(|rules| rules.checkout = Some(short.clone())),
        Some("checkout-abandonment.forget_after")
    );
    assert_eq!(refused(|rules| rules.session_idle = Span::ZERO), Some("intent.session_idle"));
    assert_eq!(refused(|rules| rules.retract_within = negative), Some("intent.retract_within"));
    assert_eq!(refused(|rules| rules.max_products = 0), Some("intent.max_products"));
    assert_eq!(refused(|rules| rules.text_bytes = 15), Some("intent.text_bytes"));
}

#[test]
fn the_numbers_are_the_catalogues() {
    let rules = Rules::default();
    let wait = |trigger| rules.wait(trigger).map(|span| span.to_string());
    assert_eq!(wait(Trigger::CheckoutAbandonment).as_deref(), Some("1h"));
    assert_eq!(wait(Trigger::PaymentFailed).as_deref(), Some("15m"));
    assert_eq!(wait(Trigger::BrowseAbandonment).as_deref(), Some("1h"));
    assert_eq!(wait(Trigger::SearchAbandonment).as_deref(), Some("1h"));
    assert_eq!(rules.recovered.as_ref().map(|rules| rules.within), Some(Span::from_days(3)));
    assert_eq!(rules.payment_failed.as_ref().map(|rules| rules.once_per), Some(Span::from_hours(24)));
    let browse = rules.browse.clone().map(|rules| (rules.views, rules.once_per, rules.not_after_order));
    assert_eq!(browse, Some((2, Span::from_days(14), Span::from_days(10))));
    assert_eq!(rules.search.as_ref().map(|rules| rules.once_per), Some(Span::from_days(7)));
}

#[test]
fn rules_are_off_only_where_every_trigger_is() {
    assert!(Rules::off().is_off());
    assert!(!Rules::default().is_off());
    assert!(!Rules { recovered: Some(RecoveredRules::default()), ..Rules::off() }.is_off());
    assert!(!Rules { search: Some(SearchRules::default()), ..Rules::off() }.is_off());
}
