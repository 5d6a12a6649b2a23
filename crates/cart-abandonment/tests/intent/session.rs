//! `browse_abandonment` and `search_abandonment`: due an hour after the session's end, half an hour after its last event.

use crate::story::{
    DAY, HOUR, MINUTE, Story, added, checkout, ordered, page, product, refused, removed, searched, shown,
    step, viewed,
};
use cart_abandonment::intent::{About, BrowseRules, Rules, SearchRules};
use events::Body;
use events::event::{ProductViewed, Searched};

const DUE: i64 = 90 * MINUTE;

#[test]
fn two_views_in_a_session_fire_an_hour_after_its_end_and_one_does_not() {
    assert!(Story::new().at(0, viewed("a")).flush().told().is_empty());
    let mut story = Story::new();
    story.at(0, viewed("a")).at(MINUTE, viewed("a"));
    assert!(story.until(MINUTE + DUE - 1).told().is_empty());
    assert_eq!(story.until(MINUTE + DUE).told(), ["browse_abandonment of e2 at 91m"]);
    assert!(story.flush().told().is_empty());
}

#[test]
fn one_search_in_a_session_fires_an_hour_after_its_end() {
    let mut story = Story::new();
    assert!(story.at(0, searched("shoes")).until(DUE - 1).told().is_empty());
    assert_eq!(story.until(DUE).told(), ["search_abandonment of e1 at 90m"]);
    let mut without_words = Story::new();
    without_words.at(0, Body::Searched(Searched::default()));
    assert_eq!(without_words.flush().told(), ["search_abandonment of e1 at 90m"]);
}

#[test]
fn an_idle_time_longer_than_half_an_hour_parts_sessions() {
    let mut one = Story::new();
    one.at(0, viewed("a")).at(30 * MINUTE, viewed("b"));
    assert_eq!(one.flush().told(), ["browse_abandonment of e2 at 2h"]);
    let mut two = Story::new();
    assert!(two.at(0, viewed("a")).at(30 * MINUTE + 1, viewed("b")).flush().told().is_empty());
}

#[test]
fn whatever_else_the_customer_does_in_the_shop_puts_the_end_off() {
    let mut story = Story::new();
    story.at(0, viewed("a")).at(MINUTE, viewed("b")).at(20 * MINUTE, page()).at(40 * MINUTE, shown(&[]));
    assert_eq!(story.flush().told(), ["browse_abandonment of e2 at 130m"]);
}

#[test]
fn where_the_source_numbers_sessions_its_numbers_count() {
    let (a, b) = (Some("s-1"), Some("s-2"));
    let mut parted = Story::new();
    assert!(parted.at_in(a, 0, viewed("a")).at_in(b, 1, viewed("b")).flush().told().is_empty());

    let mut joined = Story::new();
    joined.at_in(a, 0, viewed("a")).at_in(a, 2 * HOUR, viewed("b"));
    assert_eq!(joined.flush().told(), ["browse_abandonment of e2 at 210m"]);

    let mut unsaid = Story::new();
    unsaid.at_in(a, 0, viewed("a")).at(30 * MINUTE, viewed("b"));
    assert_eq!(unsaid.flush().told().len(), 1);
}

#[test]
fn a_number_that_never_changes_is_not_believed_for_ever() {
    let stuck = Some("device-7");
    let mut story = Story::new();
    story.at_in(stuck, 0, added("a")).at_in(stuck, MINUTE, removed("a"));
    story.at_in(stuck, DAY, viewed("a")).at_in(stuck, DAY + 1, viewed("b"));
    assert!(story.told().is_empty(), "within a day it is the session that had a cart");
    let mut after = Story::new();
    after.at_in(stuck, 0, added("a")).at_in(stuck, MINUTE, removed("a"));
    after.at_in(stuck, DAY + 1, viewed("a")).at_in(stuck, DAY + 2, viewed("b"));
    assert_eq!(after.flush().told().len(), 1);
}

#[test]
fn a_session_fires_once_however_long_it_goes_on() {
    let session = Some("s-1");
    let mut story = Story::new();
    story.sends = false;
    story.at_in(session, 0, searched("shoes")).at_in(session, 3 * HOUR, searched("boots"));
    story.at_in(session, 4 * HOUR, viewed("a")).at_in(session, 5 * HOUR, viewed("b"));
    assert_eq!(story.flush().told(), ["search_abandonment of e1 at 90m"]);
}

#[test]
fn cart_checkout_and_order_end_both_at_exactly_the_deadline() {
    let looks: [fn(&mut Story); 2] =
        [|story| _ = story.at(0, viewed("a")).at(0, viewed("b")), |story| _ = story.at(0, searched("shoes"))];
    let ends = [added("a"), shown(&["a"]), checkout(None), step(None, "address"), ordered()];
    // The other families have nothing to say here.
    let rules = || Rules { checkout: None, payment_failed: None, recovered: None, ..Rules::default() };
    for look in looks {
        for end in &ends {
            let mut ended = Story::with(rules());
            ended.cart_rules = None;
            look(&mut ended);
            assert!(ended.at(DUE, end.clone()).flush().told().is_empty(), "{end:?}");
            let mut too_late = Story::with(rules());
            too_late.cart_rules = None;
            look(&mut too_late);
            assert_eq!(too_late.at(DUE + 1, end.clone()).flush().told().len(), 1, "{end:?}");
        }
        let mut ended = Story::with(rules());
        look(&mut ended);
        assert!(ended.at(DUE, refused()).flush().told().is_empty());
    }
}

#[test]
fn a_session_with_a_cart_in_it_arms_nothing_even_when_it_is_emptied() {
    let mut story = Story::new();
    story.at(0, viewed("a")).at(1, added("a")).at(2, removed("a"));
    story.at(3, viewed("b")).at(4, viewed("c")).at(5, searched("shoes"));
    assert!(story.flush().told().is_empty());
}

#[test]
fn nothing_is_armed_while_the_cart_holds_something() {
    let mut story = Story::new();
    story.at(0, added("a")).until(5 * HOUR).told();
    story.at(DAY, viewed("a")).at(DAY + 1, viewed("b")).at(DAY + 2, searched("shoes"));
    assert!(story.until(2 * DAY).told().is_empty());
    story.at(3 * DAY, removed("a")).at(4 * DAY, viewed("a")).at(4 * DAY + 1, viewed("b"));
    assert_eq!(story.flush().told().len(), 1);
}

#[test]
fn views_within_ten_days_of_an_order_arm_nothing() {
    let after = |first: i64, second: i64| {
        let mut story = Story::new();
        story.at(0, ordered()).at(first, viewed("a")).at(second, viewed("b")).flush().told().len()
    };
    assert_eq!(after(10 * DAY - 1, 10 * DAY), 0);
    assert_eq!(after(10 * DAY, 10 * DAY + 1), 1, "the view that arms lies after it");
    let mut search = Story::new();
    assert_eq!(search.at(0, ordered()).at(DAY, searched("shoes")).flush().told().len(), 1);
}

#[test]
fn looked_at_products_are_sent_once_in_fourteen_days() {
    let again = |later: i64| {
        let mut story = Story::new();
        story.at(0, viewed("a")).at(0, viewed("b")).at(later, viewed("a")).at(later, viewed("b"));
        story.flush().told().len()
    };
    assert_eq!(again(14 * DAY), 1, "fourteen days apart is within fourteen days");
    assert_eq!(again(14 * DAY + 1), 2);
}

#[test]
fn searches_are_sent_once_in_seven_days() {
    let again = |later: i64| {
        let mut story = Story::new();
        story.at(0, searched("shoes")).at(later, searched("boots")).flush().told().len()
    };
    assert_eq!(again(7 * DAY), 1);
    assert_eq!(again(7 * DAY + 1), 2);
}

#[test]
fn a_later_session_takes_the_place_of_one_that_still_waits() {
    let mut story = Story::new();
    story.at(0, viewed("a")).at(0, viewed("b")).at(HOUR, viewed("c")).at(HOUR + MINUTE, viewed("d"));
    assert_eq!(story.flush().told(), ["browse_abandonment of e4 at 151m"]);
    let Some(About::Products { products, .. }) = story.last.take().map(|due| due.about) else {
        panic!("it is about products")
    };
    assert_eq!(products.len(), 2);
}

#[test]
fn a_later_session_that_makes_nothing_leaves_what_waits_as_it_is() {
    let mut story = Story::new();
    story.at(0, viewed("a")).at(0, viewed("b")).at(HOUR, viewed("c")).at(80 * MINUTE, page());
    assert_eq!(story.flush().told(), ["browse_abandonment of e2 at 90m"]);
    let Some(About::Products { products, views, last_seen }) = story.last.take().map(|due| due.about) else {
        panic!("it is about products")
    };
    assert_eq!((products.len(), views, last_seen.as_millis()), (2, 2, 0));
    assert_eq!(story.state.left, None);
}

#[test]
fn products_are_told_by_how_often_and_how_lately_they_were_viewed() {
    let mut story = Story::new();
    story.at(0, viewed("a")).at(1, viewed("b")).at(2, viewed("a")).at(3, viewed("c"));
    let mut named = product("b");
    named.name = Some("Boots".into());
    story.at(4, Body::ProductViewed(ProductViewed { item: Some(named) })).at(5, viewed("b")).flush();
    let Some(About::Products { products, views, last_seen }) = story.last.take().map(|due| due.about) else {
        panic!("it is about products")
    };
    let told: Vec<_> = products.iter().map(|seen| (seen.line.product_id.as_str(), seen.views)).collect();
    assert_eq!(told, [("b", 3), ("a", 2), ("c", 1)]);
    assert_eq!(products[0].line.name.as_deref(), Some("Boots"), "what one view did not say stays known");
    assert_eq!((views, last_seen.as_millis()), (6, 5));
}

#[test]
fn queries_are_told_the_last_first_and_each_once() {
    let mut story = Story::new();
    for (n, query) in ["shoes", "boots", " shoes ", ""].into_iter().enumerate() {
        story.at(i64::try_from(n).expect("small"), searched(query));
    }
    story.flush();
    let Some(About::Queries { queries, .. }) = story.last.take().map(|due| due.about) else {
        panic!("it is about queries")
    };
    assert_eq!(queries, ["shoes", "boots"]);
}

#[test]
fn nothing_is_remembered_beyond_its_bound() {
    let mut story = Story::with(Rules { text_bytes: 16, ..Rules::default() });
    for n in 0..40 {
        story.at(n, viewed(&format!("p{n}"))).at(n, searched(&format!("{n} {}", "long ".repeat(99))));
    }
    let session = story.state.session.clone().expect("a session");
    assert_eq!((session.products.len(), session.queries.len(), session.views), (10, 5, 40));
    assert_eq!(session.products[0].line.product_id, "p30", "the one viewed longest ago goes first");
    assert!(session.queries.iter().all(|query| query.len() <= 16));
    story.flush();
    let session = story.state.session.as_ref().expect("a session");
    assert!(session.products.is_empty() && session.queries.is_empty(), "what was told is not kept");
}

#[test]
fn each_of_both_can_be_on_alone() {
    let looks = |rules: Rules| {
        let mut story = Story::with(rules);
        story.at(0, searched("shoes")).at(1, viewed("a")).at(2, viewed("b")).flush().told()
    };
    let (browse, search) = (Some(BrowseRules::default()), Some(SearchRules::default()));
    assert_eq!(looks(Rules { browse, ..Rules::off() }), ["browse_abandonment of e3 at 5400002ms"]);
    assert_eq!(looks(Rules { search, ..Rules::off() }), ["search_abandonment of e1 at 5400002ms"]);
    assert!(looks(Rules::off()).is_empty());
}

#[test]
fn backfilled_looks_arm_nothing() {
    let mut story = Story::new();
    story.backfill = true;
    story.at(0, viewed("a")).at(1, viewed("b")).at(2, searched("shoes"));
    assert!(story.flush().told().is_empty());
}
