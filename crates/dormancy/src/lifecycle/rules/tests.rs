//! What is refused, and under which name.

use super::*;

fn refused(change: impl FnOnce(&mut Rules)) -> Option<&'static str> {
    let mut rules = Rules::all();
    change(&mut rules);
    rules.validate().err().map(|error| error.key)
}

fn replenishment(intervals: &[(&str, Span)], share_percent: u32) -> Option<ReplenishmentDue> {
    let intervals = intervals.iter().map(|(id, span)| ((*id).to_owned(), *span)).collect();
    Some(ReplenishmentDue { intervals, share_percent, ..Default::default() })
}

#[test]
fn rules_that_cannot_be_meant_are_refused_by_name() {
    let (none, day) = (Span::ZERO, Span::from_days(1));
    assert_eq!(refused(|_| {}), None);
    assert_eq!(Rules::default().validate(), Ok(()));
    let winback = |after, valid_for| Some(Winback { after, valid_for });
    assert_eq!(refused(|rules| rules.winback = winback(none, day)), Some("winback.after"));
    assert_eq!(refused(|rules| rules.winback = winback(day, none)), Some("winback.valid_for"));
    let no_time = Some(Welcome { valid_for: none });
    assert_eq!(refused(|rules| rules.welcome = no_time), Some("welcome.valid_for"));
    assert_eq!(refused(|rules| rules.retract_within = Span::from_millis(-1)), Some("retract_within"));
    assert_eq!(refused(|rules| rules.time_zone = "Mars/Olympus".to_owned()), Some("time_zone"));
}

#[test]
fn bands_have_to_rise() {
    let bands = |thresholds: &[i64]| {
        let thresholds = thresholds.to_vec();
        refused(|rules| rules.bands.thresholds_minor = thresholds)
    };
    assert_eq!(bands(&[1]), None);
    for wrong in [&[][..], &[0, 1], &[2, 2], &[3, 2], &[1; 17]] {
        assert_eq!(bands(wrong), Some("bands.thresholds"), "{wrong:?}");
    }
    for wrong in ["", "eur", "EURO", "E1R"] {
        assert_eq!(refused(|rules| rules.bands.currency = wrong.to_owned()), Some("bands.currency"));
    }
}

#[test]
fn intervals_are_of_products_that_can_be_told_apart() {
    let day = Span::from_days(1);
    let of = |intervals: &[(&str, Span)], share| {
        let rule = replenishment(intervals, share);
        refused(|rules| rules.replenishment_due = rule)
    };
    assert_eq!(of(&[("p", day), (&"x".repeat(96), day)], 90), None);
    for wrong in [("", day), (&"x".repeat(97), day), ("p", Span::ZERO)] {
        assert_eq!(of(&[wrong], 90), Some("replenishment_due.intervals"));
    }
    assert_eq!(of(&[], 0), Some("replenishment_due.share_percent"));
}

#[test]
fn a_time_of_day_lies_in_the_day() {
    let with = |days_before, at| {
        let rule = Some(YearlyOccasion { days_before, at, ..Default::default() });
        refused(|rules| rules.anniversary = rule)
    };
    assert_eq!(with(90, Span::from_millis(86_399_999)), None);
    assert_eq!(with(91, Span::ZERO), Some("anniversary.days_before"));
    assert_eq!(with(0, Span::from_days(1)), Some("anniversary.at"));
    assert_eq!(with(0, Span::from_millis(-1)), Some("anniversary.at"));
}

#[test]
fn only_without_any_trigger_are_the_rules_off() {
    assert!(Rules::default().are_off());
    let on: [fn(&mut Rules); 8] = [
        |rules| rules.winback = Some(Winback::default()),
        |rules| rules.welcome = Some(Welcome::default()),
        |rules| rules.second_order_due = Some(SecondOrderDue::default()),
        |rules| rules.replenishment_due = Some(ReplenishmentDue::default()),
        |rules| rules.vip_promoted = Some(VipMove::default()),
        |rules| rules.vip_slipping = Some(VipMove::default()),
        |rules| rules.birthday = Some(YearlyOccasion::default()),
        |rules| rules.anniversary = Some(YearlyOccasion::default()),
    ];
    for switch_on in on {
        let mut rules = Rules::default();
        switch_on(&mut rules);
        assert!(!rules.are_off());
    }
}

#[test]
fn a_band_begins_at_its_threshold() {
    let bands = ValueBands::default();
    let found =
        [0, 19_999, 20_000, 49_999, 50_000, 99_999, 100_000, i64::MAX].map(|spend| bands.band_of(spend));
    assert_eq!(found, [0, 0, 1, 1, 2, 2, 3, 3]);
    assert_eq!((bands.highest(), bands.band_of(i64::MIN)), (3, 0));
}

#[test]
fn a_share_is_rounded_down_and_never_overflows() {
    let rule = ReplenishmentDue::default();
    assert_eq!(rule.share_of(Span::from_millis(101)), Span::from_millis(90));
    let most = ReplenishmentDue { share_percent: 1_000, ..rule };
    assert_eq!(most.share_of(Span::from_millis(i64::MAX)), Span::from_millis(i64::MAX));
}
