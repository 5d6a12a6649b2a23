//! The rules of a plan's triggers: the cart alone, whose triggers the naive oracle foretells, or the whole catalogue.
//!
//! Spans of the catalogue are squeezed by one measure, so that months of it pass while things go wrong. What hangs on
//! the calendar cannot be squeezed: nights, midnights, birthdays, years. For that the clock leaps days.

use cart_abandonment::{OrderMatch, Rules as CartRules, intent};
use churn_risk::{Parameters, PurchaseModel, Variant, Weights};
use contact_policy::settings::{Attribution, Cooldown, FrequencyCap, Holdout};
use contact_policy::{CapWindow, ClockTime, ConsentDefault, FurtherSteps, Gate, QuietHours};
use customer::Limits;
use customer_care::{BusinessHours, Day, TimeOfDay};
use dormancy::{ActivityKind, lifecycle};
use events::Span;
use triggers::Settings;

use crate::dice::Dice;

/// The catalogue's waiting time of a cart, by which everything else is measured.
const USUAL_WAIT: Span = Span::from_hours(4);

/// How much faster a plan's customers live than the catalogue thinks.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    wait: Span,
}

impl Pace {
    /// The pace at which a cart is abandoned after `wait`.
    pub const fn of_wait(wait: Span) -> Self {
        Self { wait }
    }

    /// A span of the catalogue at this pace; a millisecond at least.
    pub fn of(self, span: Span) -> Span {
        let squeezed = i128::from(span.as_millis()) * i128::from(self.wait.as_millis())
            / i128::from(USUAL_WAIT.as_millis());
        Span::from_millis(i64::try_from(squeezed).unwrap_or(i64::MAX).max(1))
    }

    fn squeeze<'a>(self, spans: impl IntoIterator<Item = &'a mut Span>) {
        spans.into_iter().for_each(|span| *span = self.of(*span));
    }
}

/// The steps of an abandoned cart, from the last change of the cart.
pub fn steps(wait: Span) -> [Span; 2] {
    [wait, Span::from_millis(wait.as_millis() * 3)]
}

/// What the naive oracle knows of: carts, identity and consent, and no outcomes.
pub fn cart_alone(wait: Span) -> Settings {
    let [wait, further] = steps(wait);
    let gates = contact_policy::Settings {
        enabled: vec![Gate::Identity, Gate::Consent],
        consent_default: Some(ConsentDefault::Granted),
        attribution: None,
        ..contact_policy::Settings::default()
    };
    let rules = CartRules { wait, further_steps: vec![further], ..CartRules::default() };
    Settings { gates, cart_abandonment: Some(rules), ..Settings::default() }
}

/// Every family, every gate, and outcomes; in numbers that chance draws.
pub fn whole_catalogue(dice: &mut Dice, wait: Span) -> Settings {
    let pace = Pace::of_wait(wait);
    let day = Span::from_hours(24);
    Settings {
        max_staleness: *dice.pick(&[pace.of(day), day, Span::from_days(36_500)]),
        limits: Limits {
            retention: *dice.pick(&[pace.of(Span::from_days(60)), Span::from_days(400)]),
            recent_events: *dice.pick(&[2, 16]),
            ..Limits::default()
        },
        gates: gates(dice, pace),
        cart_abandonment: Some(cart(dice, pace)),
        care: Some(care(dice, pace)),
        intent: Some(beside_the_cart(pace)),
        churn_risk: Some(churn(dice, pace)),
        dormancy: Some(silence(dice, pace)),
        lifecycle: Some(occasions(dice, pace)),
        ..Settings::default()
    }
}

fn gates(dice: &mut Dice, pace: Pace) -> contact_policy::Settings {
    let denied = dice.once_in(6);
    let window = match dice.below(3) {
        0 => CapWindow::CalendarDays(dice.between(1, 7) as u32),
        1 => CapWindow::Rolling(Span::from_days(7)),
        _ => CapWindow::Rolling(pace.of(Span::from_days(7))),
    };
    let windows = match dice.below(2) {
        0 => Attribution::default(),
        _ => Attribution { intent: pace.of(Span::from_days(3)), other: pace.of(Span::from_days(5)) },
    };
    contact_policy::Settings {
        enabled: Gate::ALL.to_vec(),
        consent_default: Some(if denied { ConsentDefault::Denied } else { ConsentDefault::Granted }),
        consent_channel: dice.once_in(3).then(|| "email".to_owned()),
        uncontactable_prefixes: Vec::new(),
        cooldown: Cooldown {
            intent: pace.of(*dice.pick(&[Span::from_hours(1), Span::from_hours(48)])),
            further_steps: *dice.pick(&[FurtherSteps::Exempt, FurtherSteps::Counted]),
        },
        frequency_cap: FrequencyCap {
            window,
            in_all: *dice.pick(&[1, 5, 16]),
            per_channel: *dice.pick(&[1, 3, 16]),
        },
        holdout: Holdout { share_basis_points: *dice.pick(&[0, 500, 5_000]), key: "simulated".to_owned() },
        quiet_hours: if dice.once_in(3) { QuietHours::korea() } else { night(dice) },
        attribution: Some(windows),
    }
}

fn night(dice: &mut Dice) -> QuietHours {
    let from = dice.below(24) as u8;
    QuietHours {
        from: ClockTime::hour(from),
        to: ClockTime::hour((from + dice.between(1, 23) as u8) % 24),
        time_zone: (*dice.pick(&["UTC", "Europe/Berlin"])).to_owned(),
        service_too: dice.once_in(2),
        ..QuietHours::default()
    }
}

fn cart(dice: &mut Dice, pace: Pace) -> CartRules {
    let mut rules = CartRules {
        ended_by: *dice.pick(&[OrderMatch::AnyOrder, OrderMatch::SameCartOrCheckout]),
        max_remembered: *dice.pick(&[1, 8]),
        ..CartRules::default()
    };
    pace.squeeze(&mut rules.further_steps);
    pace.squeeze([&mut rules.wait, &mut rules.forget_after, &mut rules.retract_within, &mut rules.valid_for]);
    rules
}

fn beside_the_cart(pace: Pace) -> intent::Rules {
    let mut rules = intent::Rules::default();
    if let Some(rule) = &mut rules.checkout {
        pace.squeeze([&mut rule.wait, &mut rule.forget_after, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.payment_failed {
        pace.squeeze([&mut rule.wait, &mut rule.once_per, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.browse {
        pace.squeeze([&mut rule.wait, &mut rule.not_after_order, &mut rule.once_per, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.search {
        pace.squeeze([&mut rule.wait, &mut rule.once_per, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.recovered {
        pace.squeeze([&mut rule.within, &mut rule.valid_for]);
    }
    pace.squeeze([&mut rules.session_idle, &mut rules.session_max, &mut rules.retract_within]);
    rules
}

fn care(dice: &mut Dice, pace: Pace) -> customer_care::Rules {
    let mut rules = customer_care::Rules::default();
    if let Some(rule) = &mut rules.support_frustration {
        pace.squeeze([&mut rule.within, &mut rule.reply_within, &mut rule.again_after, &mut rule.valid_for]);
        rule.business_hours = dice.once_in(3).then(business_hours);
    }
    for rule in rules.csat_low.iter_mut().chain(&mut rules.nps_detractor) {
        pace.squeeze([&mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.nps_promoter {
        pace.squeeze([&mut rule.wait, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.review_request {
        pace.squeeze([&mut rule.after_delivery, &mut rule.after_order, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.delivery_delayed {
        pace.squeeze([&mut rule.valid_for]);
    }
    pace.squeeze([&mut rules.ticket_forgotten_after, &mut rules.retract_within]);
    rules
}

fn business_hours() -> BusinessHours {
    let hour = |hour: u16| TimeOfDay::from_minutes(hour * 60).expect("an hour of the day");
    BusinessHours { days: Day::WORKING.to_vec(), from: hour(9), to: hour(17), zone: "Asia/Seoul".to_owned() }
}

/// MBG/NBD of a shop whose customers come every few days, so that a week of silence is long.
fn churn(dice: &mut Dice, pace: Pace) -> churn_risk::Settings {
    let parameters = Parameters::new(1.2, 0.8, 0.9, 2.5).expect("parameters within their ranges");
    let enter = *dice.pick(&[2_000, 4_000, 6_600]);
    let mut rules = churn_risk::Rules { enter, leave: enter / 4 * 3, ..churn_risk::Rules::default() };
    pace.squeeze([&mut rules.hold, &mut rules.not_again_within]);
    churn_risk::Settings {
        rules,
        model: PurchaseModel { variant: Variant::MbgNbd, parameters },
        weights: Weights::default(),
        horizon: Span::from_days(*dice.pick(&[7, 30])),
        usual_gap: pace.of(Span::from_days(30)),
        ahead: Span::from_hours(*dice.pick(&[0, 9])),
        valid_for: pace.of(Span::from_days(7)),
        typical_spend: None,
        high_value: None,
    }
}

fn silence(dice: &mut Dice, pace: Pace) -> dormancy::Rules {
    let activity = *dice.pick(&[ActivityKind::Order, ActivityKind::Any]);
    let mut rules = dormancy::Rules { activity, ..dormancy::Rules::default() };
    pace.squeeze(&mut rules.floors);
    pace.squeeze([&mut rules.usual_gap, &mut rules.retract_within, &mut rules.valid_for]);
    rules
}

fn occasions(dice: &mut Dice, pace: Pace) -> lifecycle::Rules {
    let mut rules = lifecycle::Rules::all();
    if let Some(rule) = &mut rules.winback {
        pace.squeeze([&mut rule.after, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.second_order_due {
        pace.squeeze([&mut rule.after, &mut rule.valid_for]);
    }
    if let Some(rule) = &mut rules.replenishment_due {
        rule.intervals.insert("p0".to_owned(), pace.of(Span::from_days(10)));
        pace.squeeze([&mut rule.valid_for]);
    }
    for rule in rules.vip_promoted.iter_mut().chain(&mut rules.vip_slipping) {
        pace.squeeze([&mut rule.valid_for]);
    }
    for rule in rules.birthday.iter_mut().chain(&mut rules.anniversary) {
        rule.days_before = *dice.pick(&[0, 1]);
    }
    pace.squeeze([&mut rules.retract_within]);
    rules.time_zone = (*dice.pick(&["UTC", "America/New_York"])).to_owned();
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_catalogue_that_chance_draws_can_be_used_and_is_whole() {
        for seed in 0..200 {
            let dice = &mut Dice::seeded(seed);
            let wait = Span::from_millis(*dice.pick(&[100, 1_000, 10_000]));
            let settings = whole_catalogue(dice, wait);
            assert_eq!(settings.validate(), Ok(()));
            assert_eq!(settings.kinds().len(), 23);
            assert_eq!(settings.gates.enabled, Gate::ALL);
        }
    }
}
