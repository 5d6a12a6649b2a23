//! Where churn risk stands for a customer, for a person to read: the score now, and when it will cross the threshold.
//!
//! The crossing is what the watch itself will find if nothing happens: its looks are gone through on a copy.

use customer::Profile;
use customer::standing::{Input, Obstacle, Standing, Waiting};
use customer::words::{ago, in_words};
use events::EventTime;

use crate::score::{Scorer, Signals};
use crate::state::{ChurnState, Settings};

const NAME: &str = "churn_risk";

/// Looks that are gone through at most: a crossing and its hold, with a midnight each while the trend still moves.
const MOST_LOOKS: usize = 400;

/// Tells whether the score stands above the threshold, or when it will.
pub fn standing(
    state: &ChurnState,
    settings: &Settings,
    profile: &Profile,
    watermark: EventTime,
) -> Standing {
    let Some(signals) = state.signals(settings, profile) else {
        let nobody = || Obstacle::missing("order_completed", "no order; the score begins with the first");
        return Standing::of(NAME, [], [], watermark, nobody);
    };
    let outlook = Outlook { state, settings, scorer: settings.scorer(), signals, watermark };
    Standing::of(NAME, outlook.waiting(), [], watermark, || outlook.obstacle())
}

/// What is known of a customer with an order when the log has been read so far.
struct Outlook<'a> {
    state: &'a ChurnState,
    settings: &'a Settings,
    scorer: Scorer,
    signals: Signals<'a>,
    watermark: EventTime,
}

/// What the watch will find.
struct Crossing {
    risen: EventTime,
    due: EventTime,
}

impl Outlook<'_> {
    /// The score has risen, and has to stay.
    fn waiting(&self) -> Option<Waiting> {
        let (rules, watch) = (&self.settings.rules, &self.state.watch);
        let risen = EventTime::from_millis(watch.risen_ms?);
        let due = watch.due_after(risen, rules);
        let enter = decimal(rules.enter);
        let order = &self.state.last_order_event;
        Some(Waiting {
            sentence: format!("The score came to {enter} at {risen}; due {due} if it stays there until then"),
            inputs: vec![
                Input::event("last_order", Some(order), self.signals.last_order),
                self.score_input(),
                Input::limit("stayed_for", in_words(rules.hold)),
            ],
            due,
            fires_at: watch.next_due().map_or(due, |look| look.max(due)),
            valid_for: self.settings.valid_for,
            armed_by: order.clone(),
            opened_by: order.clone(),
            step: self.state.told_in_silence,
        })
    }

    fn obstacle(&self) -> Obstacle {
        let (rules, watch) = (&self.settings.rules, &self.state.watch);
        let (enter, leave) = (decimal(rules.enter), decimal(rules.leave));
        let order = Input::event("last_order", Some(&self.state.last_order_event), self.signals.last_order);
        let Some(basis_points) = self.basis_points() else {
            let sentence = "there is no score: the log has not been read up to the day of the last order, or that is a \
                            hundred years ago";
            return Obstacle::missing("score", sentence).because(order);
        };
        let score = decimal(basis_points);
        let told = watch.told_ms.filter(|_| !watch.is_armed).map(EventTime::from_millis);
        let obstacle = match (told, self.crossing()) {
            (_, Some(Crossing { risen, due })) => {
                let sentence = match basis_points < rules.enter {
                    true => format!(
                        "score {score} < {enter}; crosses {enter} at {risen}, and is told at {due} if nothing happens"
                    ),
                    false => format!(
                        "score {score}, first looked at there at {risen}, and told at {due} if nothing happens"
                    ),
                };
                Obstacle::missing("score_above_threshold", sentence).until(risen)
            }
            (Some(told), None) => {
                let sentence = format!(
                    "told {}; score {score} has to come below {leave} before it is told again",
                    ago(told, self.watermark)
                );
                Obstacle::held("once_per_band", sentence)
                    .because(Input::event("told", None, told))
                    .because(Input::limit("leave", leave))
            }
            (None, None) if basis_points >= rules.enter => {
                let sentence = format!(
                    "score {score} lay above {enter} when it was first looked at: it has not risen through it"
                );
                Obstacle::held("risen_through_threshold", sentence)
            }
            (None, None) => {
                let sentence =
                    format!("score {score} < {enter}, and without an event it does not come there");
                Obstacle::missing("score_above_threshold", sentence)
            }
        };
        obstacle.because(self.score_input()).because(order)
    }

    fn basis_points(&self) -> Option<u32> {
        Some(self.scorer.score(&self.signals, self.watermark)?.basis_points())
    }

    fn score_input(&self) -> Input {
        let score = self.basis_points().map_or_else(|| "none".to_owned(), decimal);
        Input::measured("churn_score", score, decimal(self.settings.rules.enter))
    }

    /// When the score will be told of if nothing happens; `None` if it will not.
    fn crossing(&self) -> Option<Crossing> {
        let mut watch = self.state.watch;
        for _ in 0..MOST_LOOKS {
            let now = watch.next_due()?;
            if let Some(told) = watch.look(&self.settings.rules, &self.scorer, &self.signals, now) {
                return Some(Crossing { risen: told.risen, due: told.due });
            }
        }
        None
    }
}

/// Ten-thousandths as a decimal number, without what says nothing: `0.66`.
fn decimal(basis_points: u32) -> String {
    let full = format!("{}.{:04}", basis_points / 10_000, basis_points % 10_000);
    let short = full.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use customer::standing::State;
    use events::Span;

    use super::*;
    use crate::score::tests::{DAY, at, scorer};
    use crate::watch::{Rules, WatchState};
    use crate::weights::Weights;

    fn settings() -> Settings {
        Settings {
            rules: Rules::default(),
            model: scorer().model,
            weights: Weights::default(),
            horizon: Span::from_days(90),
            usual_gap: Span::from_days(30),
            ahead: Span::ZERO,
            valid_for: Span::from_days(7),
            typical_spend: None,
            high_value: None,
        }
    }

    /// A regular who ordered every week up to that day, as the state is after the last order was looked at.
    fn regular(last_day: i64) -> ChurnState {
        let mut state = ChurnState {
            first_day: last_day - 140,
            last_day,
            order_days: 21,
            last_order_event: "o-21".into(),
            last_order_ms: last_day * DAY,
            ..ChurnState::default()
        };
        state.look(&settings(), &Profile::default(), at(last_day));
        state
    }

    fn told(state: &ChurnState, now: EventTime) -> Standing {
        standing(state, &settings(), &Profile::default(), now)
    }

    #[test]
    fn the_crossing_that_is_told_is_the_one_that_comes() {
        let mut state = regular(1_000);
        let before = told(&state, at(1_001));
        let obstacle = before.obstacle.clone().unwrap();
        assert_eq!((before.state(), obstacle.condition), (State::NotArmed, "score_above_threshold"));
        let risen = obstacle.possible_from.unwrap();
        assert!(obstacle.sentence.contains(&format!("< 0.66; crosses 0.66 at {risen}")), "{obstacle:?}");

        let due = risen + Span::from_hours(24);
        while let Some(look) = state.next_due().filter(|look| *look < due) {
            assert_eq!(state.look(&settings(), &Profile::default(), look), None);
        }
        let waiting = told(&state, risen);
        assert_eq!((waiting.state(), waiting.waiting[0].due), (State::Waiting, due));
        assert!(state.look(&settings(), &Profile::default(), due).is_some());
        let held = told(&state, due + Span::from_days(1));
        assert_eq!((held.state(), held.obstacle.unwrap().condition), (State::Held, "once_per_band"));
    }

    #[test]
    fn without_an_order_or_a_rise_that_is_said() {
        let nobody = told(&ChurnState::default(), at(0));
        assert_eq!(
            (nobody.state(), nobody.obstacle.unwrap().condition),
            (State::NotArmed, "order_completed")
        );
        let unread = told(&regular(1_000), EventTime::MIN);
        assert_eq!(unread.obstacle.unwrap().condition, "score");
        // Looked at for the first time when all was over.
        let mut gone = ChurnState { watch: WatchState::default(), ..regular(1_000) };
        gone.look(&settings(), &Profile::default(), at(1_300));
        let held = told(&gone, at(1_300));
        assert_eq!(
            (held.state(), held.obstacle.unwrap().condition),
            (State::Held, "risen_through_threshold")
        );
    }

    #[test]
    fn scores_read_without_what_says_nothing() {
        assert_eq!([0, 6_600, 6_605, 10_000].map(decimal), ["0.0", "0.66", "0.6605", "1.0"]);
    }
}
