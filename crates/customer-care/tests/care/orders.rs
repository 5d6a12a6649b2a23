use customer_care::{About, Rules, WaitedSince};
use events::Span;

use crate::story::*;

const MS: Span = Span::from_millis(1);

#[test]
fn a_review_is_asked_for_a_week_after_the_delivery() {
    let mut story = Story::new();
    story.on(at(0), ordered("o")).on(days(3), delivered("o")).until(days(10) - MS);
    assert_eq!(story.told(), Vec::<String>::new());
    story.until(days(60));
    assert_eq!(story.told(), ["review_request o 240h"]);
    let candidate = &story.candidates[0];
    assert_eq!(candidate.armed.about(), Some(About::Review { order_id: "o", since: WaitedSince::Delivery }));
    assert_eq!((candidate.armed.armed_at(), candidate.due()), (days(3), days(10)));
    assert_eq!((candidate.armed.opened_by(), candidate.armed.opened_at()), ("14-0", at(0)));
}

#[test]
fn without_a_delivery_a_review_is_asked_for_two_weeks_after_the_order() {
    let mut story = Story::new();
    story.on(at(0), ordered("o")).until(days(14));
    assert_eq!(story.told(), ["review_request o 336h"]);
    let since = WaitedSince::Order;
    assert_eq!(story.candidates[0].armed.about(), Some(About::Review { order_id: "o", since }));
    story.on(days(15), delivered("o")).until(days(60));
    assert_eq!(story.told(), Vec::<String>::new(), "once for an order");
    let mut story = Story::new();
    story.on(at(0), ordered("o")).on(days(14), delivered("o")).until(days(60));
    assert_eq!(story.told(), ["review_request o 504h"], "a delivery at that moment comes before");
}

#[test]
fn an_order_that_is_told_after_its_delivery_changes_nothing() {
    let mut story = Story::new();
    story.on(at(0), delivered("o")).on(days(1), ordered("o")).until(days(60));
    assert_eq!(story.told(), ["review_request o 168h"]);
}

#[test]
fn each_end_of_a_review_request_counts_up_to_the_very_moment() {
    for end in [reviewed(Some("o")), reviewed(None), refunded("o"), cancelled("o"), answered("csat", 2, None)]
    {
        for (moment, told) in [(days(14), vec![]), (days(14) + MS, vec!["review_request o 336h"])] {
            let mut story = Story::with(Rules { csat_low: None, ..Rules::default() });
            story
                .on(at(0), ordered("o"))
                .on(moment, end.clone())
                .on(days(20), delivered("o"))
                .until(days(60));
            assert_eq!(story.told(), told, "{end:?}");
        }
    }
    for (end, moment) in [
        (reviewed(Some("another")), days(14)),
        (answered("csat", 3, None), days(14)),
        (reviewed(None), at(0) - MS),
        (answered("csat", 1, None), at(0) - MS),
    ] {
        let mut story = Story::with(Rules { csat_low: None, ..Rules::default() });
        let mut events = [(at(0), ordered("o")), (moment, end.clone())];
        events.sort_by_key(|(at, _)| *at);
        for (at, body) in events {
            story.on(at, body);
        }
        assert_eq!(story.until(days(60)).told(), ["review_request o 336h"], "{end:?}");
    }
}

#[test]
fn who_has_an_open_ticket_is_not_asked_for_a_review() {
    for (resolved_at, told) in [(days(14), vec!["review_request o 336h"]), (days(14) + MS, vec![])] {
        let mut story = Story::new();
        story.on(at(0), ordered("o")).on(days(1), opened("a")).on(days(1), updated("a", None));
        story.on(resolved_at, resolved("a")).until(days(60));
        assert_eq!(story.told(), told);
    }
}

#[test]
fn a_delay_is_told_when_the_promised_time_has_passed() {
    let mut story = Story::with(Rules { review_request: None, ..Rules::default() });
    story.on(at(0), ordered("o")).on(at(1), promised("o", Some(days(3)))).until(days(3) - MS);
    assert_eq!(story.told(), Vec::<String>::new());
    story.until(days(30));
    assert_eq!(story.told(), ["delivery_delayed o 72h"]);
    let candidate = &story.candidates[0];
    let about = About::Delay { order_id: "o", promised_at: days(3) };
    assert_eq!(candidate.armed.about(), Some(about));
    assert_eq!((candidate.armed.armed_by.as_str(), candidate.armed.opened_by()), ("31-3600000", "14-0"));
    story.on(days(31), promised("o", Some(days(40)))).until(days(60));
    assert_eq!(story.told(), Vec::<String>::new(), "once for an order");
}

#[test]
fn a_delay_ends_with_delivery_or_cancellation_up_to_the_very_moment() {
    for end in [delivered("o"), cancelled("o")] {
        for (moment, told) in [(days(3), vec![]), (days(3) + MS, vec!["delivery_delayed o 72h"])] {
            let mut story = Story::with(Rules { review_request: None, ..Rules::default() });
            story.on(at(0), promised("o", Some(days(3)))).on(moment, end.clone());
            story.on(days(4), promised("o", Some(days(5)))).until(days(60));
            assert_eq!(story.told(), told, "{end:?}");
        }
    }
}

#[test]
fn a_promise_can_come_with_the_order_or_later_and_the_last_one_counts() {
    let rules = Rules { review_request: None, ..Rules::default() };
    let mut story = Story::with(rules.clone());
    story.on(at(0), promised("o", Some(days(3)))).on(days(1), promised("o", None));
    story.on(days(3), promised("o", Some(days(5)))).until(days(60));
    assert_eq!(
        story.told(),
        ["delivery_delayed o 120h"],
        "moved at the very moment; news without a date move nothing"
    );
    let mut story = Story::with(rules.clone());
    story.on(days(1), promised("o", Some(at(3)))).until(days(60));
    assert_eq!(story.told(), ["delivery_delayed o 24h"], "a promise that was broken before it was told");
    let mut story = Story::with(rules);
    story.on(at(0), delivered("o")).on(at(0), promised("o", Some(days(3)))).until(days(60));
    assert_eq!(story.told(), Vec::<String>::new());
}

#[test]
fn an_order_is_known_for_ninety_days_after_the_last_that_was_heard_of_it() {
    for (beyond, told) in [(Span::ZERO, vec![]), (MS, vec!["review_request o 2496h+1ms"])] {
        let mut story = Story::new();
        story.on(at(0), ordered("o"));
        story.on(days(7), promised("o", None)).until(days(96)).told();
        story.on(days(97) + beyond, delivered("o")).until(days(120));
        assert_eq!(story.told(), told);
    }
}

#[test]
fn at_most_eight_orders_are_awaited_and_what_is_over_leaves_first() {
    let mut story = Story::new();
    story.on(at(0), ordered("cancelled")).on(at(1), ordered("first")).on(at(2), cancelled("cancelled"));
    for hour in 3..10 {
        story.on(at(hour), ordered(&format!("o-{hour}")));
    }
    assert_eq!(story.state.orders.len(), 8);
    story.on(at(10), ordered("ninth"));
    assert_eq!(story.state.orders.len(), 8);
    let told = story.until(days(60)).told();
    assert_eq!(told.len(), 8);
    assert_eq!(told[0], "review_request o-3 339h");
}
