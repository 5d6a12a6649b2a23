//! The watch over scores against a look at every hour: who is told of, when, and who is left alone.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use churn_risk::purchase_days::Day;
use churn_risk::{
    Activity, Candidate, Parameters, PurchaseDays, PurchaseModel, Rules, Scorer, Signals, Variant,
    WatchState, Weights,
};
use events::{EventTime, Span};
use proptest::prelude::*;

const HOUR: Span = Span::from_hours(1);

fn at(day: i64) -> EventTime {
    EventTime::from_millis(0) + Span::from_days(day)
}

fn scorer() -> Scorer {
    let parameters = Parameters::new(0.525, 6.183, 0.891, 1.614).unwrap();
    let model = PurchaseModel { variant: Variant::MbgNbd, parameters };
    Scorer { model, weights: Weights::default(), horizon: Span::from_days(90), ahead: HOUR }
}

fn signals<'a>(days: &[i64], counts: &'a [u32]) -> Signals<'a> {
    let last = *days.iter().max().unwrap();
    Signals {
        purchases: PurchaseDays::of(days.iter().map(|day| Day::of(at(*day), HOUR))).unwrap(),
        last_order: at(last),
        gap: Span::from_days(20),
        activity: Activity { counts, until: Some(Day::of(at(last), HOUR)) },
        open_tickets: 0,
        reopened_tickets: 0,
        unanswered_tickets: 0,
        csat: None,
        nps: None,
        refunds: 0,
        spend: None,
    }
}

/// A regular: an order every week, and something every day.
fn regular() -> Vec<i64> {
    (0..20).map(|week| 1_000 + 7 * week).collect()
}

/// Looks when it is due, until somebody is told of or there is nothing more to look for.
fn watch(
    state: &mut WatchState,
    scorer: &Scorer,
    signals: &Signals<'_>,
    from: EventTime,
) -> (Option<(EventTime, Candidate)>, u32) {
    let (mut now, mut looks) = (from, 0);
    loop {
        looks += 1;
        if let Some(candidate) = state.look(&Rules::default(), scorer, signals, now) {
            return (Some((now, candidate)), looks);
        }
        let Some(next) = state.next_due() else { return (None, looks) };
        assert!(next > now, "the next look is later");
        now = next;
    }
}

#[test]
fn a_customer_who_falls_silent_is_told_of_a_day_after_the_crossing_and_once() {
    let (days, counts) = (regular(), [1; 63]);
    let (scorer, signals) = (scorer(), signals(&days, &counts));
    let mut state = WatchState::default();
    let (told, _) = watch(&mut state, &scorer, &signals, signals.last_order);
    let (told_at, candidate) = told.unwrap();
    assert_eq!((told_at, told_at), (candidate.due, candidate.risen + Span::from_hours(24)));
    assert!(candidate.score.basis_points() >= 6_600);
    assert_eq!(state.look(&Rules::default(), &scorer, &signals, told_at + Span::from_days(300)), None);
    assert_eq!(state.next_due(), None, "nothing to look for while the score is high");
}

#[test]
fn an_order_within_the_day_calls_it_off() {
    let counts = [1; 63];
    let mut days = regular();
    let scorer = scorer();
    let mut state = WatchState::default();
    let risen = loop {
        let signals = signals(&days, &counts);
        let now = state.next_due().unwrap_or(signals.last_order);
        assert_eq!(state.look(&Rules::default(), &scorer, &signals, now), None);
        if let Some(risen) = state.risen_ms {
            break EventTime::from_millis(risen);
        }
    };
    let day = Day::of(risen, HOUR).since(Day::of(at(0), HOUR)) + 1;
    days.push(day);
    let signals = signals(&days, &counts);
    assert_eq!(state.look(&Rules::default(), &scorer, &signals, signals.last_order), None);
    assert_eq!(state.risen_ms, None);
    assert!(state.next_due().unwrap() > signals.last_order + Span::from_hours(24));
}

#[test]
fn who_was_told_of_is_told_of_again_after_a_clearly_lower_score_and_not_within_a_month() {
    let counts = [1; 63];
    let (mut days, scorer, rules) = (regular(), scorer(), Rules::default());
    let mut state = WatchState::default();
    let first = signals(&days, &counts);
    let (told_at, _) = watch(&mut state, &scorer, &first, first.last_order).0.unwrap();

    // Between the thresholds nothing is over.
    let halfway = Rules { leave: 1, ..rules.clone() };
    let order_day = Day::of(told_at, HOUR).since(Day::of(at(0), HOUR)) + 1;
    days.push(order_day);
    let again = signals(&days, &counts);
    let mut still = state;
    assert_eq!(still.look(&halfway, &scorer, &again, again.last_order), None);
    assert!(!still.is_armed);

    // Below the lower one it is; a refund and angry tickets bring the score up at once.
    assert_eq!(state.look(&rules, &scorer, &again, again.last_order), None);
    assert!(state.is_armed && state.next_due().is_some());
    let angry =
        Signals { open_tickets: 3, unanswered_tickets: 3, csat: Some(1), nps: Some(0), refunds: 3, ..again };
    let (told_again, candidate) = watch(&mut state, &scorer, &angry, angry.last_order + HOUR).0.unwrap();
    assert_eq!(told_again, (candidate.risen + rules.hold).max(told_at + rules.not_again_within));
}

#[test]
fn a_score_that_is_high_from_the_start_has_not_risen() {
    let scorer = scorer();
    let newcomer = signals(&[1_000], &[1]);
    assert!(scorer.score(&newcomer, newcomer.last_order).unwrap().basis_points() >= 6_600);
    let mut state = WatchState::default();
    assert_eq!(watch(&mut state, &scorer, &newcomer, newcomer.last_order), (None, 1));
    // Known only long after the last order, as from a backfill.
    let (days, counts) = (regular(), [1; 63]);
    let long_gone = signals(&days, &counts);
    let found =
        watch(&mut WatchState::default(), &scorer, &long_gone, long_gone.last_order + Span::from_days(300));
    assert_eq!(found, (None, 1));
}

#[test]
fn nobody_is_looked_at_every_day_for_long() {
    let counts = [3; 63];
    let days: Vec<i64> = (0..50).map(|month| 1_000 + 30 * month).collect();
    let (scorer, signals) = (scorer(), signals(&days, &counts));
    let (told, looks) = watch(&mut WatchState::default(), &scorer, &signals, signals.last_order);
    assert!(told.is_some());
    // The crossing and the hold; midnights while the score is near the threshold and the trend still moves.
    assert!(looks < 70, "{looks} looks");
}

#[test]
fn rules_that_cannot_be_meant_are_refused_by_name() {
    let refused = |rules: Rules| rules.validate().err().map(|error| error.key);
    assert_eq!(refused(Rules::default()), None);
    assert_eq!(refused(Rules { enter: 0, ..Rules::default() }), Some("enter"));
    assert_eq!(refused(Rules { leave: 6_601, ..Rules::default() }), Some("leave"));
    assert_eq!(refused(Rules { hold: Span::from_millis(-1), ..Rules::default() }), Some("hold"));
}

proptest! {
    #[test]
    fn timers_find_what_a_look_at_every_hour_finds(
        steps in proptest::collection::vec(1_i64..60, 0..8),
        counts in proptest::collection::vec(0_u32..6, 0..70),
        refunds in 0_u32..3,
    ) {
        let days: Vec<i64> = steps.iter().scan(1_000, |day, step| { *day += step; Some(*day) }).chain([1_000]).collect();
        let (scorer, rules) = (scorer(), Rules::default());
        let signals = Signals { refunds, ..signals(&days, &counts) };
        let is_high = |now| scorer.score(&signals, now).is_some_and(|score| score.basis_points() >= rules.enter);
        let (told, _) = watch(&mut WatchState::default(), &scorer, &signals, signals.last_order);
        if is_high(signals.last_order) {
            prop_assert!(told.is_none(), "it has not risen");
            return Ok(());
        }

        // The first hour after which every hour of a day was high.
        let (mut high_since, mut hour) = (None, signals.last_order);
        let end = signals.last_order + Span::from_days(1_000);
        let found = loop {
            match is_high(hour) {
                true => { high_since.get_or_insert(hour); }
                false => high_since = None,
            }
            if high_since.is_some_and(|since: EventTime| hour.since(since) >= rules.hold) || hour > end {
                break high_since;
            }
            hour = hour + HOUR;
        };
        let Some((told_at, candidate)) = told else {
            prop_assert_eq!(found, None);
            return Ok(());
        };
        prop_assert_eq!(told_at, candidate.risen + rules.hold);
        prop_assert!(is_high(candidate.risen));
        if candidate.risen > signals.last_order {
            prop_assert!(!is_high(candidate.risen - Span::from_millis(1)), "to the millisecond");
        }
        // High until it was told; afterwards it may fall, so that only an earlier stretch would have been missed.
        let hours = (0..24).map(|hour| candidate.risen + Span::from_hours(hour));
        prop_assert!(hours.into_iter().all(is_high), "it has not stayed");
        prop_assert!(found.is_none_or(|since| since >= candidate.risen), "{found:?} before {}", candidate.risen);
    }
}
