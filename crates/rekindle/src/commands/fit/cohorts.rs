//! Customers at cuts in time: what the score saw of each, folded from the events as the triggers fold them, and what
//! came after.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use churn_risk::{Case, ChurnState, Features, PurchaseHistory, Settings};
use customer::{Limits, Moment, Profile};
use events::view::Event;
use events::{Body, CustomerId, EventTime, Span, codec};
use replay::sorter::SortedEvents;

use super::customers::{Customers, Period};

/// At how many cuts weights are estimated, at most, and how far these lie apart: enough to see more than one season, and
/// not so near that they show the same silences again.
const MOST_CUTS: i64 = 4;
const BETWEEN_CUTS: Span = Span::from_days(30);

/// A time at which customers are looked at, and how far ahead from there.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Events up to it, itself included, are known.
    pub at: EventTime,
    /// Within this after it, orders are counted.
    pub horizon: Span,
}

/// What was seen of a customer at a cut.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What the score adds up.
    pub features: Features,
    /// The predicted value, in minor units.
    pub value: Option<i64>,
}

/// What was seen of everybody at a cut.
pub type Looks = BTreeMap<CustomerId, Look>;

/// The cuts at which weights are estimated, the latest first. What comes within the horizon after each lies in the period
/// that is fitted to, and before it as much is known; a horizon that leaves no room for that is cut to half of the period.
pub fn before(period: &Period, horizon: Span) -> Vec<Cut> {
    let half = Span::from_millis(period.until.since(period.first).as_millis() / 2);
    let horizon = horizon.min(half);
    let latest = period.until - horizon;
    let cut = |n: i64| Cut { at: latest - Span::from_millis(BETWEEN_CUTS.as_millis() * n), horizon };
    let is_late_enough = |cut: &Cut| horizon > Span::ZERO && cut.at.since(period.first) >= horizon;
    (0..MOST_CUTS).map(cut).take_while(is_late_enough).collect()
}

/// A customer as the triggers know one.
#[derive(Default)]
struct Known {
    profile: Profile,
    churn: ChurnState,
}

/// Folds the events, which lie in their order, and looks at everybody at each cut. The cuts are in any order, and so is
/// what was seen at them.
///
/// # Errors
/// If the events cannot be read back.
pub fn look(
    events: &mut SortedEvents,
    settings: &Settings,
    limits: &Limits,
    cuts: &[Cut],
) -> Result<Vec<Looks>> {
    let mut customers: BTreeMap<CustomerId, Known> = BTreeMap::new();
    let mut looks = vec![Looks::new(); cuts.len()];
    let mut to_come: Vec<usize> = (0..cuts.len()).collect();
    to_come.sort_by_key(|place| std::cmp::Reverse(cuts[*place].at));
    for event in events {
        let event = event.context("the sorted events cannot be read back")?;
        while let Some(place) = to_come.pop_if(|place| cuts[*place].at < event.occurred_at) {
            looks[place] = looks_at(&customers, settings, cuts[place]);
        }
        if to_come.is_empty() {
            break;
        }
        let event = codec::view_event(&event.record)?;
        customers.entry(event.customer_id.clone()).or_default().apply(settings, limits, &event);
    }
    for place in to_come {
        looks[place] = looks_at(&customers, settings, cuts[place]);
    }
    Ok(looks)
}

impl Known {
    /// As `triggers` does it, in time and without timers.
    fn apply(&mut self, settings: &Settings, limits: &Limits, event: &Event) {
        if self.profile.has_seen(event) {
            return;
        }
        let moment =
            Moment { watermark: event.occurred_at, appended_at: None, settle: Span::ZERO, late: false };
        let is_erased_past = self.profile.is_before_erasure(event);
        self.profile.apply(event, &moment, limits);
        match &event.body {
            _ if is_erased_past => {}
            Body::ErasureRequested(_) => self.churn = ChurnState::default(),
            _ => self.churn.apply(settings, event, &moment),
        }
    }
}

fn looks_at(customers: &BTreeMap<CustomerId, Known>, settings: &Settings, cut: Cut) -> Looks {
    let settings = Settings { horizon: cut.horizon, ..settings.clone() };
    let scorer = settings.scorer();
    let look = |(id, known): (&CustomerId, &Known)| {
        let signals = known.churn.signals(&settings, &known.profile)?;
        let features = scorer.features(&signals, cut.at)?;
        Some((id.clone(), Look { features, value: known.churn.predicted_value(&settings) }))
    };
    customers.iter().filter_map(look).collect()
}

/// Everybody who had ordered up to the cut. Who is known by purchases alone, being erased since, is scored by these.
pub fn cases(customers: &Customers, settings: &Settings, cut: Cut, looks: &Looks) -> Vec<Case> {
    let period = Period { first: EventTime::MIN, until: cut.at, judged_until: cut.at + cut.horizon };
    let weeks = cut.horizon.as_millis() as f64 / churn_risk::history::MILLIS_PER_WEEK;
    let by_purchases =
        |history: &PurchaseHistory| Features::of_purchases(settings.model.no_order_log_odds(history, weeks));
    let case = |(id, subject): (&CustomerId, churn_risk::Subject)| {
        let features = looks.get(id).map_or_else(|| by_purchases(&subject.history), |look| look.features);
        Case { subject, features }
    };
    customers.subjects(&period).into_iter().map(case).collect()
}
