use customer_care::{About, BusinessHours, Day, FrustrationRule, Held, Rules, Sign};
use events::{EventTime, Span};

use crate::story::*;

const MS: Span = Span::from_millis(1);

fn quick(ticket: &str, story: &mut Story, hour: i64) {
    story.on(at(hour), opened(ticket)).on(at(hour + 1), resolved(ticket));
}

#[test]
fn two_reopenings_are_told_with_the_second_whichever_ticket_they_are_of() {
    let mut story = Story::new();
    quick("a", &mut story, 0);
    quick("b", &mut story, 2);
    story.on(at(10), reopened("a"));
    assert_eq!(story.told(), Vec::<String>::new());
    story.on(at(11), reopened("b"));
    assert_eq!(story.told(), ["support_frustration reopened 11h"]);
    let candidate = &story.candidates[0];
    assert_eq!(candidate.armed.armed_by, "20-39600000");
    assert_eq!((candidate.due(), candidate.fired_at, candidate.armed.armed_at()), (at(11), at(11), at(11)));
    let about = About::Frustration { sign: Sign::Reopened, ticket_id: Some("b"), order_id: None };
    assert_eq!(candidate.armed.about(), Some(about));
    assert_eq!(candidate.held, [Held { sign: Sign::Reopened, count: 2 }]);
}

#[test]
fn reopenings_and_tickets_count_within_fourteen_days_to_the_millisecond() {
    for (beyond, told) in [(Span::ZERO, vec!["support_frustration reopened 336h"]), (MS, vec![])] {
        let mut story = Story::new();
        story.on(at(0), reopened("a")).on(days(14) + beyond, reopened("a"));
        assert_eq!(story.told(), told);
    }
    for (beyond, told) in [(Span::ZERO, vec!["support_frustration many_tickets 336h"]), (MS, vec![])] {
        let mut story = Story::new();
        quick("a", &mut story, 0);
        quick("b", &mut story, 2);
        story.on(days(14) + beyond, opened("c"));
        assert_eq!(story.told(), told);
    }
}

#[test]
fn a_ticket_is_answered_in_time_up_to_the_very_end() {
    let unanswered = "support_frustration unanswered 24h";
    for (at_ms, author, told) in [
        (at(24), Some("agent"), vec![]),
        (at(24), Some("Agent"), vec![]),
        (at(24), None, vec![]),
        (at(24) + MS, Some("agent"), vec![unanswered]),
        (at(3), Some("customer"), vec![unanswered]),
        (at(3), Some("bot"), vec![unanswered]),
    ] {
        let mut story = Story::new();
        story.on(at(0), opened("a")).on(at_ms, updated("a", author)).until(at(30));
        assert_eq!(story.told(), told, "{author:?}");
    }
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(at(24), resolved("a")).on(at(30), reopened("a")).until(days(9));
    assert_eq!(story.told(), Vec::<String>::new(), "a resolution is a reply, and a first reply comes once");
}

#[test]
fn a_deadline_runs_in_business_hours() {
    let time = |text: &str| EventTime::from_millis(text.parse::<jiff::Timestamp>().unwrap().as_millisecond());
    let hours = BusinessHours {
        days: Day::WORKING.to_vec(),
        from: "09:00".parse().unwrap(),
        to: "17:00".parse().unwrap(),
        zone: "Europe/Berlin".to_owned(),
    };
    let frustration = FrustrationRule {
        reply_within: Span::from_hours(4),
        business_hours: Some(hours),
        ..FrustrationRule::default()
    };
    let rules = Rules { support_frustration: Some(frustration), ..Rules::default() };
    // Friday at 16:00 in winter time; Monday is in summer time, so 12:00 is two hours before noon UTC.
    let mut story = Story::with(rules);
    story.on(time("2026-03-27T15:00:00Z"), opened("a")).until(time("2026-04-01T00:00:00Z"));
    assert_eq!(story.candidates[0].fired_at, time("2026-03-30T10:00:00Z"));
}

#[test]
fn a_refund_frustrates_while_a_ticket_is_open() {
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(at(1), updated("a", None)).on(at(2), refunded("o"));
    assert_eq!(story.told(), ["support_frustration refunded 2h"]);
    let about = About::Frustration { sign: Sign::Refunded, ticket_id: Some("a"), order_id: Some("o") };
    assert_eq!(story.candidates[0].armed.about(), Some(about));
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(at(1), resolved("a")).on(at(2), refunded("o"));
    assert_eq!(story.told(), Vec::<String>::new());
}

#[test]
fn it_is_told_once_until_the_customer_is_content() {
    let mut story = Story::new();
    story.on(at(0), opened("a")).until(at(40));
    assert_eq!(story.told(), ["support_frustration unanswered 24h"]);
    story.on(at(41), refunded("o")).on(at(42), reopened("a")).on(at(43), reopened("a"));
    assert_eq!(story.told(), Vec::<String>::new());
    story.on(at(50), answered("csat", 4, Some("a"))).on(at(51), refunded("o2"));
    assert_eq!(story.told(), Vec::<String>::new(), "content, but the ticket is not resolved");
    story.on(at(52), resolved("a")).on(at(60), reopened("a"));
    assert_eq!(story.told(), Vec::<String>::new(), "what was before counts no more");
    story.on(at(61), reopened("a"));
    assert_eq!(story.told(), ["support_frustration reopened 61h"]);
}

#[test]
fn a_ticket_that_is_opened_once_more_is_not_rated_well_any_more() {
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(at(1), updated("a", None)).on(at(2), refunded("o"));
    story.on(at(3), answered("csat", 5, Some("a"))).on(at(4), reopened("a")).on(at(5), resolved("a"));
    story.on(at(6), opened("b")).on(at(7), updated("b", None)).on(at(8), refunded("o2"));
    assert_eq!(story.told(), ["support_frustration refunded 2h"]);
}

#[test]
fn a_score_of_three_or_about_another_open_ticket_ends_nothing() {
    for (score, ticket, told) in [
        (3, Some("a"), vec![]),
        (4, Some("b"), vec![]),
        (4, None, vec!["support_frustration refunded 41h"]),
        (4, Some("a"), vec!["support_frustration refunded 41h"]),
    ] {
        let mut story = Story::new();
        story.on(at(0), opened("a")).on(at(1), opened("b")).on(at(2), updated("b", None)).until(at(30));
        assert_eq!(story.told(), ["support_frustration unanswered 24h"]);
        story.on(at(31), resolved("a"));
        if ticket.is_none() {
            story.on(at(32), resolved("b")).on(at(33), answered("csat", score, None));
            story.on(at(34), opened("c")).on(at(35), updated("c", None));
        } else {
            story.on(at(33), answered("csat", score, ticket));
        }
        story.on(at(41), refunded("o"));
        assert_eq!(story.told(), told, "{score} {ticket:?}");
    }
}

#[test]
fn without_an_end_it_is_told_again_after_thirty_days_at_the_next_sign() {
    for (beyond, told) in [(Span::ZERO, vec![]), (MS, vec!["support_frustration refunded 721h+1ms"])] {
        let mut story = Story::new();
        story.on(at(0), opened("a")).on(at(0), updated("a", None)).on(at(1), refunded("o"));
        assert_eq!(story.told(), ["support_frustration refunded 1h"]);
        story.on(days(20), updated("a", None)).on(at(721) + beyond, refunded("o2"));
        assert_eq!(story.told(), told);
    }
}

#[test]
fn the_signs_that_hold_come_with_it() {
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(at(1), opened("b")).until(at(24)).told();
    story.on(at(26), answered("csat", 5, Some("z"))).on(at(27), refunded("o"));
    assert_eq!(story.told(), ["support_frustration unanswered 25h", "support_frustration refunded 27h"][1..]);
    let held = &story.candidates[1].held;
    let [unanswered, refund] =
        [(Sign::Unanswered, 2), (Sign::Refunded, 1)].map(|(sign, count)| Held { sign, count });
    assert_eq!(*held, [unanswered, refund]);
}

#[test]
fn a_ticket_of_which_nothing_is_heard_is_open_for_thirty_days() {
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(days(2), updated("a", Some("customer"))).until(days(32) - MS);
    assert!(story.state.has_open_ticket());
    story.until(days(32));
    assert!(!story.state.has_open_ticket());
    assert_eq!(story.state.next_due(), None);
}

#[test]
fn an_open_ticket_is_open_until_it_is_resolved_and_again_when_reopened() {
    let mut story = Story::new();
    let mut open = |hour, body| story.on(at(hour), body).state.has_open_ticket();
    assert!(!open(0, updated("a", None)));
    assert!(open(1, opened("a")));
    assert!(open(2, opened("b")));
    assert!(open(3, resolved("a")));
    assert!(!open(4, resolved("b")));
    assert!(open(5, reopened("a")));
    assert!(!open(6, resolved("a")));
    assert!(!open(7, resolved("unknown")));
    assert!(open(8, reopened("another")));
}

#[test]
fn off_it_says_nothing_and_still_knows_who_has_an_open_ticket() {
    let rules = Rules { support_frustration: None, ..Rules::default() };
    let mut story = Story::with(rules);
    story.on(at(0), opened("a")).on(at(1), reopened("a")).on(at(2), reopened("a")).until(days(2));
    assert_eq!(story.told(), Vec::<String>::new());
    assert!(story.state.has_open_ticket());
}
