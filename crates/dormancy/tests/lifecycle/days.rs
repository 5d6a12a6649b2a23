//! Birthday and anniversary: the right instant in the customer's own time, and once a year.

use dormancy::lifecycle::{Rules, Subject, YearlyOccasion};
use events::Span;

use crate::story::*;

const NOTHING: [&str; 0] = [];

fn birthday_with(change: impl FnOnce(&mut YearlyOccasion)) -> Rules {
    let mut rule = YearlyOccasion::default();
    change(&mut rule);
    Rules { birthday: Some(rule), ..Rules::default() }
}

fn birthday() -> Rules {
    birthday_with(|_| {})
}

fn anniversary() -> Rules {
    Rules { anniversary: Some(YearlyOccasion::default()), ..Rules::default() }
}

/// What is told up to the end to a customer who stated these facts on 1 January 2026.
fn told(rules: Rules, birthday: &str, zone: &str, end: &str) -> Vec<String> {
    let mut story = Story::with(rules);
    story.on(facts(at("2026-01-01"), Some(birthday), Some(zone))).until(at(end));
    story.told()
}

#[test]
fn it_is_nine_oclock_where_the_customer_is_in_winter_and_in_summer() {
    for (zone, winter, summer) in [
        ("America/New_York", "2026-03-05T14:00:00Z", "2026-07-05T13:00:00Z"),
        ("Asia/Seoul", "2026-03-05", "2026-07-05"),
        ("Europe/Berlin", "2026-03-05T08:00:00Z", "2026-07-05T07:00:00Z"),
        ("Asia/Kathmandu", "2026-03-05T03:15:00Z", "2026-07-05T03:15:00Z"),
    ] {
        assert_eq!(
            told(birthday(), "1990-03-05", zone, "2026-12-31"),
            [format!("birthday 2026-03-05 at {winter}")]
        );
        assert_eq!(
            told(birthday(), "--07-05", zone, "2026-12-31"),
            [format!("birthday 2026-07-05 at {summer}")]
        );
    }
}

#[test]
fn it_comes_every_year_and_names_the_year() {
    let mut story = Story::with(birthday());
    story.on(facts(at("2026-03-05T08:30:00Z"), Some("1990-03-05"), None)).until(at("2028-12-31"));
    assert_eq!(
        story.told(),
        [
            "birthday 2026-03-05 at 2026-03-05T09:00:00Z",
            "birthday 2027-03-05 at 2027-03-05T09:00:00Z",
            "birthday 2028-03-05 at 2028-03-05T09:00:00Z"
        ]
    );
    let second = &story.fired[1];
    assert_eq!((second.armed_by.as_str(), second.opened_by.as_str()), ("birthday-2027", "birthday-2027"));
    assert_eq!((second.armed_at, second.opened_at, second.due), (second.due, second.due, second.fired_at));
    let day = Subject::Day { date: "2027-03-05".to_owned(), anniversary: None, time_zone: "UTC".to_owned() };
    assert_eq!(second.subject, day);
}

#[test]
fn the_29th_of_february_is_the_28th_in_other_years() {
    assert_eq!(
        told(birthday(), "1992-02-29", "UTC", "2029-12-31"),
        [
            "birthday 2026-02-28 at 2026-02-28T09:00:00Z",
            "birthday 2027-02-28 at 2027-02-28T09:00:00Z",
            "birthday 2028-02-29 at 2028-02-29T09:00:00Z",
            "birthday 2029-02-28 at 2029-02-28T09:00:00Z"
        ]
    );
    let before = birthday_with(|rule| rule.days_before = 1);
    assert_eq!(
        told(before, "--02-29", "UTC", "2028-12-31"),
        [
            "birthday 2026-02-28 at 2026-02-27T09:00:00Z",
            "birthday 2027-02-28 at 2027-02-27T09:00:00Z",
            "birthday 2028-02-29 at 2028-02-28T09:00:00Z"
        ]
    );
}

#[test]
fn days_before_reach_into_the_year_before() {
    let rules = birthday_with(|rule| rule.days_before = 7);
    assert_eq!(
        told(rules.clone(), "--01-03", "UTC", "2027-12-31"),
        ["birthday 2027-01-03 at 2026-12-27T09:00:00Z", "birthday 2028-01-03 at 2027-12-27T09:00:00Z"]
    );
    // On 1 January it is too late to tell it a week before the 8th, at nine on that day it is not.
    assert_eq!(told(rules, "--01-08", "UTC", "2026-12-31"), ["birthday 2026-01-08 at 2026-01-01T09:00:00Z"]);
}

#[test]
fn an_hour_that_daylight_saving_skips_is_the_end_of_the_gap_and_one_it_repeats_the_first_of_both() {
    let at_half_past_two = || birthday_with(|rule| rule.at = Span::from_minutes(150));
    assert_eq!(
        told(at_half_past_two(), "--03-29", "Europe/Berlin", "2027-12-31"),
        ["birthday 2026-03-29 at 2026-03-29T01:00:00Z", "birthday 2027-03-29 at 2027-03-29T00:30:00Z"]
    );
    assert_eq!(
        told(at_half_past_two(), "--10-25", "Europe/Berlin", "2026-12-31"),
        ["birthday 2026-10-25 at 2026-10-25T00:30:00Z"]
    );
    assert_eq!(
        told(at_half_past_two(), "--03-08", "America/New_York", "2026-12-31"),
        ["birthday 2026-03-08 at 2026-03-08T07:00:00Z"]
    );
}

#[test]
fn a_birthday_that_is_stated_at_the_very_moment_is_told_and_later_on_that_day_it_is_not() {
    for (stated, first) in [
        ("2026-03-05T09:00:00Z", "birthday 2026-03-05 at 2026-03-05T09:00:00Z"),
        ("2026-03-05T09:00:00.001Z", "birthday 2027-03-05 at 2027-03-05T09:00:00Z"),
    ] {
        let mut story = Story::with(birthday());
        story.on(facts(at(stated), Some("--03-05"), None)).until(at("2027-12-31"));
        assert_eq!(story.told().first().map(String::as_str), Some(first));
    }
}

#[test]
fn who_moves_is_told_by_the_new_clock_but_not_twice() {
    let mut story = Story::with(birthday());
    story.on(facts(at("2026-01-01"), Some("--03-05"), Some("Europe/Berlin")));
    story.on(facts(at("2026-03-05T08:30:00Z"), None, Some("America/New_York"))).until(at("2027-12-31"));
    assert_eq!(
        story.told(),
        ["birthday 2026-03-05 at 2026-03-05T08:00:00Z", "birthday 2027-03-05 at 2027-03-05T14:00:00Z"]
    );
}

#[test]
fn who_moves_past_the_hour_is_told_at_once_and_who_moves_past_the_day_is_not() {
    for (moved, expected) in [
        ("2026-03-05T10:00:00Z", vec!["birthday 2026-03-05 at 2026-03-05T10:00:00Z, due 2026-03-05"]),
        ("2026-03-05T14:00:00Z", vec!["birthday 2026-03-05 at 2026-03-05T14:00:00Z, due 2026-03-05"]),
    ] {
        let mut story = Story::with(birthday());
        story.on(facts(at("2026-01-01"), Some("--03-05"), Some("America/New_York")));
        story.on(facts(at(moved), None, Some("Asia/Seoul"))).until(at("2026-12-31"));
        assert_eq!(story.told(), expected);
    }
    let mut story = Story::with(birthday_with(|rule| rule.valid_for = Span::from_hours(6)));
    story.on(facts(at("2026-01-01"), Some("--03-05"), Some("America/New_York")));
    story.on(facts(at("2026-03-05T06:00:00.001Z"), None, Some("Asia/Seoul"))).until(at("2026-12-31"));
    assert_eq!(story.told(), NOTHING);
}

#[test]
fn a_birthday_that_is_corrected_is_told_by_its_new_date_and_once_a_year() {
    let mut story = Story::with(birthday());
    story.on(facts(at("2026-01-01"), Some("--03-05"), None));
    story.on(facts(at("2026-02-01"), Some("--01-15"), None)).until(at("2026-12-31"));
    assert_eq!(story.told(), NOTHING, "by then the 15th had passed");
    story.until(at("2027-01-16")).told();
    story.on(facts(at("2027-01-20"), Some("--03-05"), None)).until(at("2028-12-31"));
    assert_eq!(story.told(), ["birthday 2028-03-05 at 2028-03-05T09:00:00Z"]);
}

#[test]
fn news_that_comes_late_is_told_while_the_day_is_worth_it() {
    for (watermark, first) in [
        ("2026-03-05T12:00:00Z", "birthday 2026-03-05 at 2026-03-05T12:01:00Z, due 2026-03-05T09:00:00Z"),
        ("2026-03-06T09:00:00Z", "birthday 2026-03-05 at 2026-03-06T09:01:00Z, due 2026-03-05T09:00:00Z"),
        ("2026-03-06T09:00:00.001Z", "birthday 2027-03-05 at 2027-03-05T09:00:00Z"),
    ] {
        let mut story = Story::with(birthday());
        story
            .until(at(watermark))
            .late(facts(at("2026-03-01"), Some("--03-05"), None))
            .until(at("2027-06-01"));
        assert_eq!(story.told().first().map(String::as_str), Some(first));
    }
}

#[test]
fn backfilled_news_make_nothing_due_that_lies_behind() {
    for (watermark, first) in [
        ("2026-03-05T09:00:00Z", "birthday 2027-03-05 at 2027-03-05T09:00:00Z"),
        ("2026-03-05T08:59:59.999Z", "birthday 2026-03-05 at 2026-03-05T09:00:00Z"),
    ] {
        let mut story = Story::with(birthday());
        let stated = backfilled(facts(at("2026-03-01"), Some("--03-05"), None));
        story.until(at(watermark)).late(stated).until(at("2027-06-01"));
        assert_eq!(story.told().first().map(String::as_str), Some(first));
    }
}

#[test]
fn without_a_zone_that_there_is_the_configured_one_counts() {
    let rules = Rules { time_zone: "Asia/Seoul".to_owned(), ..birthday() };
    assert_eq!(told(rules, "--03-05", "Mars/Olympus", "2026-12-31"), ["birthday 2026-03-05 at 2026-03-05"]);
}

#[test]
fn a_birthday_that_is_none_is_left_alone_until_it_is_corrected() {
    let mut story = Story::with(birthday());
    for nonsense in ["1990-13-05", "--02-30", "yesterday", ""] {
        story.on(facts(at("2026-01-01"), Some(nonsense), None)).until(at("2026-06-01"));
    }
    assert_eq!((story.told(), story.state.next_due()), (vec![], None));
    story.on(facts(at("2026-06-02"), Some("1990-07-05"), None)).until(at("2026-12-31"));
    assert_eq!(story.told(), ["birthday 2026-07-05 at 2026-07-05T09:00:00Z"]);
}

#[test]
fn the_anniversary_is_the_day_of_the_first_order_where_the_customer_is() {
    let mut story = Story::with(anniversary());
    story.on(facts(at("2026-01-01"), None, Some("Asia/Seoul")));
    story.on(order(at("2026-02-28T20:00:00Z"))).on(order(at("2026-06-01"))).until(at("2028-12-31"));
    assert_eq!(
        story.told(),
        ["anniversary 2027-03-01 at 2027-03-01", "anniversary 2028-03-01 at 2028-03-01"]
    );
    let years: Vec<_> = story.fired.iter().map(|fired| fired.subject.clone()).collect();
    let Subject::Day { anniversary: Some(2), time_zone, .. } = &years[1] else { panic!("{years:?}") };
    assert_eq!(time_zone, "Asia/Seoul");
    assert_eq!(story.fired[1].armed_by, "anniversary-2028");
}

#[test]
fn the_anniversary_moves_with_the_customer() {
    for (from, to, expected) in [
        ("UTC", "Asia/Seoul", "anniversary 2027-03-01 at 2027-03-01"),
        ("Asia/Seoul", "UTC", "anniversary 2027-02-28 at 2027-02-28T09:00:00Z"),
    ] {
        let mut story = Story::with(anniversary());
        story.on(facts(at("2026-01-01"), None, Some(from))).on(order(at("2026-02-28T20:00:00Z")));
        story.on(facts(at("2026-06-01"), None, Some(to))).until(at("2027-12-31"));
        assert_eq!(story.told(), [expected]);
    }
}

#[test]
fn a_first_order_on_a_leap_day_has_its_anniversary_on_the_28th_in_other_years() {
    let mut story = Story::with(anniversary());
    story.on(order(at("2024-02-29T12:00:00Z"))).until(at("2028-12-31"));
    let days: Vec<String> = story.told().iter().map(|line| line[12..22].to_owned()).collect();
    assert_eq!(days, ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]);
}

#[test]
fn an_earlier_order_that_comes_late_moves_the_anniversary() {
    let mut story = Story::with(anniversary());
    story.on(order(at("2026-05-10"))).until(at("2026-05-12")).late(order(at("2026-05-03")));
    story.late(order(at("2026-05-04"))).until(at("2027-12-31"));
    assert_eq!(story.told(), ["anniversary 2027-05-03 at 2027-05-03T09:00:00Z"]);
}

#[test]
fn who_bought_and_stated_a_birthday_before_the_trigger_was_on_is_told_from_the_next_event_on() {
    let mut story = Story::with(Rules::default());
    story.on(order(at("2026-05-10"))).on(facts(at("2026-05-11"), Some("--06-01"), None));
    story.rules = Rules { anniversary: anniversary().anniversary, ..birthday() };
    story.until(at("2026-05-20")).on(visit(at("2026-05-21"))).until(at("2027-05-20"));
    assert_eq!(
        story.told(),
        ["birthday 2026-06-01 at 2026-06-01T09:00:00Z", "anniversary 2027-05-10 at 2027-05-10T09:00:00Z"]
    );
}

#[test]
fn more_days_before_than_when_the_timer_was_set_are_told_late_and_fewer_in_time() {
    let mut story = Story::with(birthday_with(|rule| rule.days_before = 10));
    story.on(facts(at("2026-01-01"), Some("--03-15"), None));
    story.rules = birthday();
    story.until(at("2026-12-31"));
    assert_eq!(story.told(), ["birthday 2026-03-15 at 2026-03-15T09:00:00Z"]);
}
