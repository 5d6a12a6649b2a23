//! Where cart abandonment stands for a customer, for a person to read.

use customer::standing::{Fired, Input, Obstacle, Standing, Waiting};
use customer::words::in_words;
use events::EventTime;

use crate::intent::Trigger;
use crate::rules::Rules;
use crate::state::{CartState, FiredStep, OpenCart};

/// Tells what waits for the cart, what was sent about it, or why nothing waits.
pub fn standing(state: &CartState, rules: &Rules, watermark: EventTime) -> Standing {
    let waiting = state.open.as_ref().and_then(|cart| waiting(cart, rules));
    let fired = state.fired.iter().map(|step| fired(step, rules));
    let name = Trigger::CartAbandonment.as_str();
    Standing::of(name, waiting, fired, watermark, || obstacle(state, rules, watermark))
}

fn waiting(cart: &OpenCart, rules: &Rules) -> Option<Waiting> {
    let pending = cart.pending?;
    let changed_at = cart.last_change.at();
    let fires_at = EventTime::from_millis(pending.timer_ms);
    let due = rules.step_span(pending.step).map_or(fires_at, |span| changed_at + span);
    let sentence = format!(
        "If the cart stays as it is, step {} fires once the watermark passes {fires_at}, {} after the last change",
        pending.step,
        in_words(fires_at.since(changed_at)),
    );
    Some(Waiting {
        sentence,
        inputs: vec![
            Input::event("last_cart_change", Some(&cart.changed_by), changed_at),
            Input::limit("unchanged_for", in_words(due.since(changed_at))),
        ],
        due,
        fires_at,
        valid_for: rules.valid_for,
        armed_by: cart.changed_by.clone(),
        opened_by: cart.opened_by.clone(),
        step: pending.step,
    })
}

fn fired(step: &FiredStep, rules: &Rules) -> Fired {
    let fired_at = EventTime::from_millis(step.fired_ms);
    Fired {
        trigger_id: step.trigger_id.clone(),
        episode_id: step.episode_id.clone(),
        step: step.step,
        armed_at: step.armed.at(),
        fired_at,
        retractable_until: fired_at + rules.retract_within,
    }
}

fn obstacle(state: &CartState, rules: &Rules, watermark: EventTime) -> Obstacle {
    let Some(cart) = &state.open else {
        let empty = Obstacle::missing("cart_holds_something", "the cart holds nothing");
        return match state.cleared {
            Some(cleared) => empty.because(Input::event("cart_cleared", None, cleared.at())),
            None => empty,
        };
    };
    let changed = Input::event("last_cart_change", Some(&cart.changed_by), cart.last_change.at());
    if let Some(checkout) = cart.checkout.filter(|checkout| *checkout > cart.last_change) {
        return Obstacle::missing("no_checkout", "a checkout was started after the cart's last change")
            .because(Input::event("checkout_started", None, checkout.at()))
            .because(changed);
    }
    let last_span = rules.further_steps.last().copied().unwrap_or(rules.wait);
    if cart.last_change.at() + last_span <= watermark {
        let sentence = "the time of every step has passed; the next change of the cart begins anew";
        return Obstacle::held("steps_to_come", sentence).because(changed);
    }
    let sentence = "the cart's last change was history that was fed in later (a backfill), or a trigger that outranks \
                    the cart has spoken since; the next change begins anew";
    Obstacle::held("armed_by_last_change", sentence).because(changed)
}

#[cfg(test)]
mod tests {
    use customer::standing::State;

    use super::*;
    use crate::state::{Mark, PendingStep};

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> EventTime {
        EventTime::from_millis(hours * HOUR)
    }

    fn mark(hours: i64) -> Mark {
        Mark { at_ms: hours * HOUR, rank: 0 }
    }

    fn changed(hours: i64, pending: Option<PendingStep>) -> CartState {
        let open =
            OpenCart { last_change: mark(hours), changed_by: "e".into(), pending, ..OpenCart::default() };
        CartState { open: Some(open), ..CartState::default() }
    }

    fn told(state: &CartState, now: i64) -> (State, Option<&'static str>) {
        let standing = standing(state, &Rules::default(), at(now));
        (standing.state(), standing.obstacle.map(|obstacle| obstacle.condition))
    }

    #[test]
    fn a_pending_step_is_told_with_its_rule_and_its_timer() {
        // A late event armed it, so the timer lies after the time that the rule gives.
        let state = changed(0, Some(PendingStep { step: 0, timer_ms: 5 * HOUR }));
        let standing = standing(&state, &Rules::default(), at(1));
        let [waiting] = &standing.waiting[..] else { panic!("{standing:?}") };
        assert_eq!((waiting.due, waiting.fires_at, waiting.armed_by.as_str()), (at(4), at(5), "e"));
        assert_eq!(waiting.inputs[1].threshold.as_deref(), Some("4h"));
    }

    #[test]
    fn the_first_condition_that_fails_is_told() {
        assert_eq!(told(&CartState::default(), 0), (State::NotArmed, Some("cart_holds_something")));
        let mut left = changed(0, None);
        assert_eq!(told(&left, 1), (State::Held, Some("armed_by_last_change")));
        assert_eq!(told(&left, 72), (State::Held, Some("steps_to_come")));
        left.open.as_mut().unwrap().checkout = Some(mark(1));
        assert_eq!(told(&left, 72), (State::NotArmed, Some("no_checkout")));
    }

    #[test]
    fn what_fired_is_told_as_long_as_it_can_be_taken_back() {
        let fired = FiredStep { fired_ms: 4 * HOUR, ..FiredStep::default() };
        let state = CartState { fired: vec![fired], ..CartState::default() };
        assert_eq!(told(&state, 4 + 7 * 24).0, State::Fired);
        assert_eq!(told(&state, 5 + 7 * 24).0, State::NotArmed);
    }
}
