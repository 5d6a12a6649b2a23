//! The gates in their order, and those that ask about the customer alone.

use contact_policy::{ConsentDefault, Evidence, Gate, Settings};
use customer::reach::{Bounce, Reach};
use customer::{Consent, Profile};
use events::EventTime;

use crate::desk::{CART, DELAY, Desk, asking, hour, statement};

fn desk(gates: &[Gate], default: ConsentDefault, profile: Profile) -> Desk {
    let settings = Settings { consent_default: Some(default), ..asking(gates) };
    let mut desk = Desk::new(settings);
    desk.profile = profile;
    desk
}

fn reasons(mut desk: Desk) -> Vec<&'static str> {
    desk.ask(CART, hour(0)).verdicts.iter().map(|verdict| verdict.reason).collect()
}

const FIRST_TWO: [Gate; 2] = [Gate::Identity, Gate::Consent];

#[test]
fn a_statement_decides_before_the_default() {
    let stating =
        |granted| Profile { consents: vec![statement("advertising", granted)], ..Profile::default() };
    use ConsentDefault::{Denied, Granted};
    assert_eq!(reasons(desk(&FIRST_TWO, Granted, stating(false))), ["contactable_id", "denied"]);
    assert_eq!(reasons(desk(&FIRST_TWO, Denied, stating(true))), ["contactable_id", "granted"]);
    assert_eq!(
        reasons(desk(&FIRST_TWO, Granted, Profile::default())),
        ["contactable_id", "granted_by_default"]
    );
    assert_eq!(
        reasons(desk(&FIRST_TWO, Denied, Profile::default())),
        ["contactable_id", "denied_by_default"]
    );
}

#[test]
fn consent_is_asked_for_the_configured_channel() {
    let word = Consent { channel: Some("email".to_owned()), ..statement("advertising", true) };
    let profile = Profile { consents: vec![word], ..Profile::default() };
    let mut desk = desk(&FIRST_TWO, ConsentDefault::Denied, profile);
    desk.settings.consent_channel = Some("sms".to_owned());
    assert_eq!(desk.says(CART, hour(0)), "denied_by_default");
    desk.settings.consent_channel = Some("email".to_owned());
    assert_eq!(desk.says(CART, hour(0)), "sent");
}

#[test]
fn the_first_gate_that_stops_ends_the_asking() {
    let mut prefixed = desk(&Gate::ALL, ConsentDefault::Denied, Profile::default());
    prefixed.settings.uncontactable_prefixes = vec!["customer-".to_owned()];
    assert_eq!(reasons(prefixed), ["uncontactable_id"]);
    let erased = Profile { erased_ms: Some(1), ..Profile::default() };
    assert_eq!(reasons(desk(&Gate::ALL, ConsentDefault::Granted, erased)), ["erased"]);
}

#[test]
fn all_eight_are_asked_in_their_order_however_they_are_listed() {
    let mut listed = Gate::ALL;
    listed.reverse();
    let mut desk = desk(&listed, ConsentDefault::Granted, Profile::default());
    let judgement = desk.ask(CART, hour(0));
    let asked: Vec<Gate> = judgement.verdicts.iter().map(|verdict| verdict.gate).collect();
    assert_eq!(asked, Gate::ALL);
    let expected = [
        "contactable_id",
        "granted_by_default",
        "not_listed",
        "first_in_line",
        "rested",
        "below_cap",
        "treated",
        "outside_quiet_hours",
    ];
    assert_eq!(judgement.verdicts.iter().map(|verdict| verdict.reason).collect::<Vec<_>>(), expected);
}

#[test]
fn no_gate_enabled_lets_everything_through_and_says_nothing() {
    let denying = Profile { consents: vec![statement("advertising", false)], ..Profile::default() };
    assert!(reasons(desk(&[], ConsentDefault::Denied, denying)).is_empty());
}

#[test]
fn an_objection_stops_advertising_and_a_bounce_stops_its_channel() {
    let at = EventTime::from_millis(7);
    let objected = Reach { objected_ms: Some(7), list_changed_ms: Some(7), ..Reach::default() };
    let profile = Profile { reach: Some(objected), ..Profile::default() };
    let mut objecting = desk(&[Gate::SuppressionList], ConsentDefault::Granted, profile);
    let judgement = objecting.ask(CART, hour(0));
    let verdict = judgement.stopped_by().expect("a verdict");
    assert_eq!(
        (verdict.reason, &verdict.evidence),
        ("objected", &Some(Evidence::Note { channel: None, at }))
    );
    assert_eq!(objecting.says(DELAY, hour(0)), "sent");

    let bounce = |channel: Option<&str>| Bounce { channel: channel.map(str::to_owned), at_ms: 7 };
    let bouncing = |bounced| {
        let reach = Some(Reach { bounced, ..Reach::default() });
        let profile = Profile { reach, ..Profile::default() };
        let mut desk = desk(&[Gate::SuppressionList], ConsentDefault::Granted, profile);
        desk.settings.consent_channel = Some("email".to_owned());
        [CART, DELAY].map(|trigger| desk.says(trigger, hour(0)))
    };
    assert_eq!(bouncing(vec![bounce(Some("email"))]), ["bounced"; 2]);
    assert_eq!(bouncing(vec![bounce(None)]), ["bounced"; 2]);
    assert_eq!(bouncing(vec![bounce(Some("sms"))]), ["sent"; 2]);
}
