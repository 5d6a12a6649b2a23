use customer_care::{About, Rules};
use events::Span;

use crate::story::*;

const MS: Span = Span::from_millis(1);

#[test]
fn low_scores_are_told_with_the_answer_and_expire_after_two_days() {
    let mut story = Story::new();
    story.on(at(1), answered("csat", 3, None)).on(at(2), answered("csat", 2, Some("t")));
    story.on(at(3), answered("nps", 7, None)).on(at(4), answered("nps", 6, None)).until(days(9));
    assert_eq!(story.told(), ["csat_low 2 2h", "nps_detractor 6 4h"]);
    let [csat, nps] = &story.candidates[..] else { panic!("two were told") };
    assert_eq!((csat.valid_for, nps.valid_for), (Span::from_hours(48), Span::from_hours(48)));
    assert_eq!((csat.due(), csat.armed.armed_at(), csat.armed.opened_at()), (at(2), at(2), at(2)));
    assert_eq!(csat.armed.opened_by(), csat.armed.armed_by);
    let about = About::Answer { survey: "csat", score: 2, ticket_id: Some("t") };
    assert_eq!(csat.armed.about(), Some(about));
    assert_eq!(story.state.next_due(), None);
}

#[test]
fn a_low_score_is_told_once_until_it_expires() {
    for (beyond, told) in
        [(Span::ZERO, vec!["csat_low 2 0h"]), (MS, vec!["csat_low 2 0h", "csat_low 1 48h+1ms"])]
    {
        let mut story = Story::new();
        story.on(at(0), answered("csat", 2, None)).on(at(48) + beyond, answered("csat", 1, None));
        assert_eq!(story.told(), told);
    }
}

#[test]
fn a_follow_up_ends_what_it_is_about() {
    for (survey, ticket, ends_csat, ends_nps) in [
        (None, None, true, true),
        (Some("csat"), None, true, false),
        (Some("nps"), None, false, true),
        (None, Some("t"), true, true),
        (None, Some("another"), false, true),
        (Some("csat"), Some("t"), true, false),
    ] {
        let mut story = Story::new();
        story.on(at(0), answered("csat", 2, Some("t"))).on(at(0) + MS, answered("nps", 0, None));
        story.told();
        story.on(at(1), followed_up(survey, ticket));
        story.on(at(2), answered("csat", 1, None)).on(at(3), answered("nps", 1, None));
        let mut told = Vec::new();
        told.extend(ends_csat.then_some("csat_low 1 2h"));
        told.extend(ends_nps.then_some("nps_detractor 1 3h"));
        assert_eq!(story.told(), told, "{survey:?} {ticket:?}");
    }
}

#[test]
fn a_promoter_has_a_day_for_second_thoughts() {
    let mut story = Story::new();
    story.on(at(0), answered("nps", 9, None)).until(at(24) - MS);
    assert_eq!(story.told(), Vec::<String>::new());
    story.until(at(24));
    assert_eq!(story.told(), ["nps_promoter 9 24h"]);
    assert_eq!(story.candidates[0].due(), at(24));
    story.until(days(9));
    assert_eq!(story.told(), Vec::<String>::new());

    let mut story = Story::new();
    story.on(at(0), answered("nps", 9, None)).on(at(24), answered("nps", 8, None)).until(days(9));
    assert_eq!(story.told(), Vec::<String>::new(), "the last answer counts, at the very end too");

    let mut story = Story::new();
    story.on(at(0), answered("nps", 9, None)).on(at(10), answered("nps", 10, None)).until(days(9));
    assert_eq!(story.told(), ["nps_promoter 10 34h"]);
}

#[test]
fn a_promoter_with_an_open_ticket_is_left_alone() {
    for (resolved_at, told) in [(at(24), vec!["nps_promoter 10 24h"]), (at(24) + MS, vec![])] {
        let mut story = Story::new();
        story.on(at(0), answered("nps", 10, None)).on(at(1), opened("a")).on(at(2), updated("a", None));
        story.on(resolved_at, resolved("a")).until(days(9));
        assert_eq!(story.told(), told);
    }
}

#[test]
fn each_can_be_off_by_itself() {
    let mut story = Story::with(Rules { csat_low: None, nps_promoter: None, ..Rules::default() });
    story.on(at(0), answered("csat", 1, None)).on(at(1), answered("nps", 10, None));
    story.on(at(2), answered("nps", 0, None)).until(days(9));
    assert_eq!(story.told(), ["nps_detractor 0 2h"]);
}

#[test]
fn a_trigger_that_is_switched_off_while_it_waits_says_nothing() {
    let mut story = Story::new();
    story.on(at(0), answered("nps", 10, None)).on(at(0), ordered("o"));
    story.rules = Rules { nps_promoter: None, review_request: None, ..Rules::default() };
    story.until(days(60));
    assert_eq!(story.told(), Vec::<String>::new());
    assert_eq!(story.state.next_due(), None);
}
