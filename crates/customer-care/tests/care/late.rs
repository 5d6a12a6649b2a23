//! Events that the order had passed: they fire nothing at once, and take back what they show to be wrong.

use customer_care::{CareState, Rules};
use events::event::Body;
use events::{EventTime, Span};
use proptest::prelude::*;
use prost::Message as _;

use crate::story::*;

const MS: Span = Span::from_millis(1);

/// Fires everything up to `fired`, and then hears of `late`: what is told from there on.
fn hears(story: &mut Story, fired: EventTime, late: (EventTime, Body)) -> Vec<String> {
    story.until(fired).told();
    story.late(late.0, late.1.clone());
    let told = story.told();
    story.late(late.0 + MS, late.1);
    let again: Vec<_> = story.told().into_iter().filter(|line| line.starts_with("back")).collect();
    assert_eq!(again, Vec::<String>::new(), "once");
    told
}

#[test]
fn a_reply_in_time_that_comes_late_takes_the_alarm_back() {
    for (moment, told) in [(at(24), vec!["back support_frustration: answered_late"]), (at(24) + MS, vec![])] {
        for reply in [updated("a", Some("agent")), resolved("a")] {
            let mut story = Story::new();
            story.on(at(0), opened("a"));
            assert_eq!(hears(&mut story, days(2), (moment, reply)), told);
        }
    }
    let mut story = Story::new();
    story.on(at(0), opened("a")).until(days(2)).late(at(3), updated("a", None)).told();
    story.on(days(3), refunded("o"));
    assert_eq!(story.told(), ["support_frustration refunded 72h"], "what was taken back was no frustration");
}

#[test]
fn taking_back_an_earlier_frustration_leaves_the_one_that_holds() {
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(at(30), resolved("a")).on(at(31), answered("csat", 5, Some("a")));
    story.on(at(32), opened("b")).on(at(33), updated("b", None)).on(at(34), refunded("o"));
    assert_eq!(story.told(), ["support_frustration unanswered 24h", "support_frustration refunded 34h"]);
    story.until(at(35)).late(at(5), updated("a", None)).on(at(36), refunded("o2"));
    assert_eq!(story.told(), ["back support_frustration: answered_late"]);
}

#[test]
fn contentment_between_the_signs_takes_the_alarm_back() {
    for (moment, told) in [
        (at(10) - MS - MS, vec![]),
        (at(15), vec!["back support_frustration: content_late"]),
        (at(20) + MS, vec![]),
    ] {
        let mut story = Story::new();
        story.on(at(0), opened("a")).on(at(1), resolved("a"));
        story.on(at(10), reopened("a")).on(at(11), resolved("a")).on(at(20), reopened("a"));
        assert_eq!(story.told(), ["support_frustration reopened 20h"]);
        assert_eq!(hears(&mut story, at(30), (moment, answered("csat", 5, Some("z")))), told);
    }
}

#[test]
fn a_refund_after_the_ticket_was_resolved_was_no_sign() {
    for (moment, told) in
        [(at(5) - MS, vec!["back support_frustration: resolved_late"]), (at(5) + MS, vec![])]
    {
        let mut story = Story::new();
        story.on(at(0), opened("a")).on(at(1), updated("a", None)).on(at(5), refunded("o"));
        assert_eq!(hears(&mut story, at(6), (moment, resolved("a"))), told);
    }
}

#[test]
fn a_promoter_is_taken_back_by_an_open_ticket_and_by_a_lower_answer() {
    for (moment, late, told) in [
        (at(3), opened("a"), vec!["back nps_promoter: ticket_open_late"]),
        (at(24), opened("a"), vec!["back nps_promoter: ticket_open_late"]),
        (at(24) + MS, opened("a"), vec![]),
        (at(3), answered("nps", 8, None), vec!["back nps_promoter: rated_lower_late"]),
        (at(0) - MS, answered("nps", 8, None), vec![]),
        (at(24) + MS, answered("nps", 8, None), vec![]),
    ] {
        let mut story = Story::new();
        story.on(at(0), answered("nps", 10, None));
        assert_eq!(hears(&mut story, days(2), (moment, late)), told);
    }
}

#[test]
fn a_ticket_that_was_resolved_by_then_takes_nothing_back() {
    let mut story = Story::new();
    story.on(at(0), answered("nps", 10, None)).on(at(20), resolved("a"));
    assert_eq!(hears(&mut story, days(2), (at(3), opened("a"))), Vec::<String>::new());
}

#[test]
fn a_review_request_is_taken_back_by_each_of_its_ends() {
    for (late, reason) in [
        (reviewed(Some("o")), "reviewed_late"),
        (reviewed(None), "reviewed_late"),
        (refunded("o"), "order_refunded_late"),
        (cancelled("o"), "order_cancelled_late"),
        (answered("csat", 2, None), "low_csat_late"),
        (opened("a"), "ticket_open_late"),
    ] {
        for (moment, expected) in
            [(days(14), vec![format!("back review_request: {reason}")]), (days(14) + MS, vec![])]
        {
            let mut story = Story::new();
            story.on(at(0), ordered("o"));
            assert_eq!(hears(&mut story, days(15), (moment, late.clone())), expected);
        }
    }
}

#[test]
fn a_delay_is_taken_back_by_each_of_its_ends_and_by_a_promise_that_was_moved() {
    for (late, reason) in [
        (delivered("o"), "delivered_late"),
        (cancelled("o"), "order_cancelled_late"),
        (promised("o", Some(days(6))), "promise_moved_late"),
    ] {
        for (moment, expected) in
            [(days(3), vec![format!("back delivery_delayed: {reason}")]), (days(3) + MS, vec![])]
        {
            let mut story = Story::with(Rules { review_request: None, ..Rules::default() });
            story.on(at(0), promised("o", Some(days(3))));
            assert_eq!(hears(&mut story, days(4), (moment, late.clone())), expected, "{late:?}");
        }
    }
    let mut story = Story::with(Rules { review_request: None, ..Rules::default() });
    story.on(at(0), promised("o", Some(days(3)))).until(days(4)).told();
    story.late(days(2), promised("o", Some(days(6)))).until(days(60));
    assert_eq!(story.told(), ["back delivery_delayed: promise_moved_late", "delivery_delayed o 144h"]);
}

#[test]
fn a_promise_that_was_broken_by_then_as_well_takes_nothing_back() {
    let mut story = Story::with(Rules { review_request: None, ..Rules::default() });
    story.on(at(0), promised("o", Some(days(3))));
    assert_eq!(hears(&mut story, days(4), (days(1), promised("o", Some(days(3))))), Vec::<String>::new());
}

#[test]
fn a_ticket_that_is_known_late_was_answered_in_time_or_not() {
    for (moment, told) in [(at(24), vec!["back support_frustration: answered_late"]), (at(24) + MS, vec![])] {
        let mut story = Story::new();
        story.until(at(40)).late(at(0), opened("a")).until(at(41));
        assert_eq!(story.told(), ["support_frustration unanswered 40h+60000ms"]);
        assert_eq!(hears(&mut story, at(42), (moment, updated("a", None))), told);
    }
}

#[test]
fn a_late_refund_is_no_sign_if_the_ticket_turns_out_to_have_been_resolved() {
    let mut story = Story::new();
    story.on(at(0), opened("a")).on(at(1), updated("a", None)).until(at(10));
    story.late(at(5), refunded("o")).late(at(4), resolved("a")).until(at(11));
    assert_eq!(story.told(), Vec::<String>::new());
}

#[test]
fn a_late_rating_of_a_ticket_that_is_resolved_by_now_ends_frustration() {
    let mut story = Story::new();
    story
        .on(at(0), opened("a"))
        .on(at(1), updated("a", None))
        .on(at(2), refunded("o"))
        .on(at(10), resolved("a"));
    story.until(at(20)).late(at(5), answered("csat", 5, Some("a")));
    story.on(at(21), opened("b")).on(at(22), updated("b", None)).on(at(23), refunded("o2"));
    assert_eq!(story.told(), ["support_frustration refunded 2h", "support_frustration refunded 23h"]);
}

#[test]
fn a_late_sign_waits_for_what_belongs_to_it() {
    let mut story = Story::new();
    story.until(at(10)).late(at(5), answered("csat", 1, None));
    assert_eq!(story.told(), Vec::<String>::new());
    story.until(at(11));
    assert_eq!(story.told(), ["csat_low 1 10h+60000ms"]);
    assert_eq!(story.candidates[0].due(), at(5));
    story.late(at(6), followed_up(None, None));
    assert_eq!(story.told(), ["back csat_low: followed_up_late"]);

    let mut story = Story::new();
    story.until(at(10)).late(at(5), answered("csat", 1, None)).late(at(6), followed_up(None, None));
    assert_eq!(story.until(days(9)).told(), Vec::<String>::new());

    let mut story = Story::new();
    story
        .on(at(1), reopened("a"))
        .on(at(9), resolved("a"))
        .until(at(10))
        .late(at(5), reopened("a"))
        .until(at(11));
    assert_eq!(story.told(), ["support_frustration reopened 10h+60000ms"]);
    assert_eq!(story.candidates[0].due(), at(5));
}

#[test]
fn a_review_or_a_low_score_from_before_an_order_does_not_end_its_request() {
    for late in [reviewed(None), answered("csat", 1, None)] {
        let mut story = Story::with(Rules { csat_low: None, ..Rules::default() });
        story.on(at(5), ordered("o")).until(at(6)).late(at(4), late).until(days(60));
        assert_eq!(story.told(), ["review_request o 341h"]);
    }
}

#[test]
fn an_opening_that_comes_after_its_resolution_opens_nothing() {
    let mut story = Story::new();
    story.on(at(5), updated("a", None)).on(at(6), resolved("a")).until(at(7)).late(at(4), opened("a"));
    assert!(!story.state.has_open_ticket());
    assert_eq!(story.until(days(9)).told(), Vec::<String>::new());
}

#[test]
fn what_is_older_than_retractions_are_kept_is_not_taken_back() {
    for (age, told) in [(days(10), vec!["back delivery_delayed: delivered_late"]), (days(10) + MS, vec![])] {
        let mut story = Story::with(Rules { review_request: None, ..Rules::default() });
        story.on(at(0), promised("o", Some(days(3))));
        assert_eq!(hears(&mut story, age, (days(2), delivered("o"))), told);
    }
}

#[test]
fn backfilled_history_is_silent_and_what_is_to_come_is_told() {
    let mut story = Story::new();
    story.until(days(20));
    story.backfilled(days(1), ordered("past")).backfilled(days(10), ordered("to come"));
    story.backfilled(days(18), answered("csat", 1, None)).backfilled(days(5), opened("a"));
    story.backfilled(days(5), reopened("b")).backfilled(days(6), reopened("b"));
    story.backfilled(days(7), resolved("a")).backfilled(days(8), resolved("b")).until(days(60));
    assert_eq!(story.told(), Vec::<String>::new(), "the low score ends the request for a review");
    let mut story = Story::new();
    story.until(days(20)).backfilled(days(1), ordered("past")).backfilled(days(10), ordered("to come"));
    assert_eq!(story.until(days(60)).told(), ["review_request to come 576h"]);
}

proptest! {
    /// Whatever comes, and however late: firing ends, nothing is taken back twice, and the state stays small.
    #[test]
    fn the_state_stays_bounded_and_nothing_is_taken_back_twice(
        steps in proptest::collection::vec((0_usize..15, 0_u8..20, -300_i64..200, any::<bool>()), 1..120),
    ) {
        let mut story = Story::new();
        let mut now = 1_000;
        for (place, (kind, subject, step, backfill)) in steps.into_iter().enumerate() {
            let hour = now + step;
            let id = format!("{subject}-{}", "x".repeat(200));
            let moment = at(hour) + Span::from_millis(i64::try_from(place).unwrap());
            let bodies = [
                opened(&id), updated(&id, None), reopened(&id), resolved(&id), answered("csat", 1, Some(&id)),
                answered("csat", 5, Some(&id)), answered("nps", 10, None), answered("nps", 0, Some(&id)),
                followed_up(None, None), ordered(&id), delivered(&id), promised(&id, Some(at(hour + 30))),
                cancelled(&id), refunded(&id), reviewed(None),
            ];
            let late = at(now) >= moment;
            if !late {
                story.fire_until(moment - MS);
                now = hour;
            }
            story.watermark = at(now);
            let event = events::Event { backfill: backfill && late, ..happened(moment, bodies[kind].clone()) };
            story.apply(&event, late);
            prop_assert!(story.state.encoded_len() < 16_000, "{}", story.state.encoded_len());
            prop_assert!(story.state.tickets.len() <= 8 && story.state.orders.len() <= 8);
            prop_assert!(story.state.armed.len() <= 32 && story.state.fired.len() <= 8);
        }
        story.until(days(3_000));
        prop_assert_eq!(story.state.next_due(), None);
        let mut ids: Vec<_> = story.retractions.iter().map(|retraction| retraction.fired.trigger_id.clone()).collect();
        ids.sort();
        let all = ids.len();
        ids.dedup();
        prop_assert_eq!(ids.len(), all);
        let state: &CareState = &story.state;
        prop_assert!(!state.has_open_ticket());
    }
}
