//! How much a side sends, what it does not send, and what followed: the same figures for every side.

use std::collections::BTreeMap;

use serde::Serialize;

use super::told::{Rule, Stage, Told};

/// What one rule comes to on one side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Volume {
    /// Triggers that were sent.
    pub fired: u64,
    /// Of these, those that were taken back.
    pub cancelled: u64,
    /// Triggers that were due, and that a gate stopped, by gate.
    pub suppressed: BTreeMap<String, u64>,
    /// Triggers that the log reached too late.
    pub expired: u64,
    /// What followed those that were sent.
    pub sent: Followed,
    /// What followed those that were not sent in order to compare.
    pub held_out: Followed,
}

/// What followed triggers within the attribution window. Those whose window is still open are in neither count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// Triggers that an order followed.
    pub converted: u64,
    /// Triggers that none followed.
    pub unconverted: u64,
    /// What the orders were worth, in minor units by currency.
    pub value_minor: BTreeMap<String, i64>,
}

impl Followed {
    /// How many windows have ended.
    pub fn closed(&self) -> u64 {
        self.converted + self.unconverted
    }

    /// The share of ended windows with an order.
    pub fn rate(&self) -> Option<f64> {
        (self.closed() > 0).then(|| self.converted as f64 / self.closed() as f64)
    }

    fn add(&mut self, other: &Self) {
        self.converted += other.converted;
        self.unconverted += other.unconverted;
        for (currency, minor) in &other.value_minor {
            *self.value_minor.entry(currency.clone()).or_default() += minor;
        }
    }
}

impl Volume {
    /// Triggers that were due and that a gate stopped.
    pub fn suppressed(&self) -> u64 {
        self.suppressed.values().sum()
    }

    /// Counts another rule in.
    pub fn add(&mut self, other: &Self) {
        self.fired += other.fired;
        self.cancelled += other.cancelled;
        self.expired += other.expired;
        for (gate, count) in &other.suppressed {
            *self.suppressed.entry(gate.clone()).or_default() += count;
        }
        self.sent.add(&other.sent);
        self.held_out.add(&other.held_out);
    }
}

/// Counts what a side told of one customer.
pub fn count(told: &[&Told], volumes: &mut BTreeMap<Rule, Volume>) {
    let mut decided: BTreeMap<&str, &Rule> = BTreeMap::new();
    let mut outcomes: BTreeMap<&str, &Told> = BTreeMap::new();
    for told in told {
        match told.stage {
            Stage::Converted | Stage::Unconverted => {
                // News of an order that came late replaces that there was none.
                let outcome = outcomes.entry(&told.trigger_id).or_insert(told);
                if told.stage == Stage::Converted && outcome.stage == Stage::Unconverted {
                    *outcome = told;
                }
                continue;
            }
            stage if stage.is_decision() => {
                decided.insert(&told.trigger_id, &told.rule);
            }
            _ => {}
        }
        let volume = volumes.entry(told.rule.clone()).or_default();
        match told.stage {
            Stage::Fired => volume.fired += 1,
            Stage::Cancelled => volume.cancelled += 1,
            Stage::Expired => volume.expired += 1,
            _ => {
                let gate = told.stopped_by.as_deref().unwrap_or("unknown").to_owned();
                *volume.suppressed.entry(gate).or_default() += 1;
            }
        }
    }
    for (trigger_id, outcome) in outcomes {
        // One whose trigger fired before the range that is compared has no rule here.
        let Some(rule) = decided.get(trigger_id) else { continue };
        let volume = volumes.entry((*rule).clone()).or_default();
        let followed = if outcome.held_out { &mut volume.held_out } else { &mut volume.sent };
        match outcome.stage {
            Stage::Converted => followed.converted += 1,
            _ => followed.unconverted += 1,
        }
        if let Some((minor, currency)) = &outcome.value {
            *followed.value_minor.entry(currency.to_string()).or_default() += minor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::told::fixture::a_fired_cart;
    use super::*;

    fn told(stage: Stage, trigger_id: &str) -> Told {
        Told { stage, trigger_id: trigger_id.into(), fired_ms: 1, ..a_fired_cart() }
    }

    #[test]
    fn an_order_that_came_late_replaces_that_there_was_none_and_strangers_do_not_count() {
        let second_step = Rule { step: 1, ..told(Stage::Fired, "").rule };
        let fired = [told(Stage::Fired, "a"), Told { rule: second_step.clone(), ..told(Stage::Fired, "b") }];
        let worth = Told { value: Some((4_200, "EUR".into())), ..told(Stage::Converted, "b") };
        let outcomes = [told(Stage::Unconverted, "a"), told(Stage::Unconverted, "b"), worth];
        let stranger = told(Stage::Converted, "fired before the range");
        let all: Vec<&Told> = fired.iter().chain(&outcomes).chain([&stranger]).collect();
        let mut volumes = BTreeMap::new();
        count(&all, &mut volumes);
        let followed = |rule: &Rule| (volumes[rule].sent.converted, volumes[rule].sent.unconverted);
        assert_eq!((followed(&fired[0].rule), followed(&second_step)), ((0, 1), (1, 0)));
        assert_eq!(volumes[&second_step].sent.value_minor["EUR"], 4_200);
        assert_eq!(volumes.len(), 2);
    }

    #[test]
    fn those_who_are_held_out_are_stopped_and_followed_apart() {
        let held_out =
            Told { held_out: true, stopped_by: Some("holdout".into()), ..told(Stage::Suppressed, "a") };
        let outcome = Told { held_out: true, ..told(Stage::Converted, "a") };
        let mut volumes = BTreeMap::new();
        count(&[&held_out, &outcome], &mut volumes);
        let volume = &volumes[&held_out.rule];
        assert_eq!((volume.fired, volume.suppressed(), volume.suppressed["holdout"]), (0, 1, 1));
        assert_eq!((volume.sent.closed(), volume.held_out.converted), (0, 1));
    }
}
