//! Everything that can affect what the triggers emit, checked, and with a fingerprint that covers all of it.
//!
//! A new field is part of the fingerprint by being a field; one that does not affect output does not belong here.

use contact_policy::InvalidPolicy;
use customer::{InvalidLimit, Limits};
use events::Span;
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use cart_abandonment::{InvalidRule, Rules, intent};

use crate::cloud_event;
use crate::families;
use crate::kind::{self, Kind};

/// Raised whenever the same settings and the same log give other outputs or other records than before.
pub const LOGIC_VERSION: u32 = 1;

/// The settings of the triggers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// Sets this installation's trigger ids apart from another's: letters, digits, `.`, `_` and `-`.
    pub namespace: String,
    /// Whether what is emitted is meant for customers; consumers see it in each record.
    pub mode: Mode,
    /// Stands before the name of each action topic, with a dot.
    pub actions_prefix: String,
    /// The topic of what came of triggers.
    pub outcomes_topic: String,
    /// A trigger that the log reaches later than this after its due time is recorded as expired, not sent.
    pub max_staleness: Span,
    /// What is remembered of a customer.
    pub limits: Limits,
    /// The gates.
    pub gates: contact_policy::Settings,
    /// Abandoned carts; `None` to leave them alone.
    pub cart_abandonment: Option<Rules>,
    /// What support, surveys and deliveries call for; `None` to leave it alone, and then not in the fingerprint either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care: Option<customer_care::Rules>,
    /// Intent beside the cart; `None` to leave it alone, and then not in the fingerprint either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<intent::Rules>,
    /// Customers at risk; `None` to leave them alone. Not in the fingerprint where it is off, as if it did not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub churn_risk: Option<churn_risk::Settings>,
    /// Silent customers; `None` to leave them alone, and then not in the fingerprint either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dormancy: Option<dormancy::Rules>,
    /// Occasions of a customer's life; `None` to leave them alone, and then not in the fingerprint either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<dormancy::lifecycle::Rules>,
}

/// What a run of the triggers is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Its records are meant for customers.
    Live,
    /// It repeats a stretch of the log.
    Replay,
    /// It runs beside the live one, to be compared.
    Shadow,
}

impl Default for Settings {
    /// The catalogue's numbers. The default of consent is still to be given.
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            mode: Mode::Live,
            actions_prefix: "actions".to_owned(),
            outcomes_topic: "outcomes".to_owned(),
            max_staleness: Span::from_hours(24),
            limits: Limits::default(),
            gates: contact_policy::Settings::default(),
            cart_abandonment: Some(Rules::default()),
            care: None,
            intent: None,
            churn_risk: None,
            dormancy: None,
            lifecycle: None,
        }
    }
}

impl Settings {
    /// Checks the settings.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        for (key, text) in [
            ("triggers.namespace", &self.namespace),
            ("topics.actions_prefix", &self.actions_prefix),
            ("topics.outcomes", &self.outcomes_topic),
        ] {
            if text.is_empty() || text.len() > 200 || !text.chars().all(is_plain) {
                return Err(InvalidSetting::new(key, "must be 1 to 200 of a-z, A-Z, 0-9, `.`, `_` and `-`"));
            }
        }
        if self.max_staleness <= Span::ZERO {
            return Err(InvalidSetting::new("triggers.max_staleness", "must be longer than nothing"));
        }
        self.limits.validate()?;
        self.gates.validate()?;
        if let Some(rules) = &self.cart_abandonment {
            rules.validate()?;
            if self.limits.retention < rules.forget_after {
                let problem = format!("is shorter than carts are kept ({})", rules.forget_after);
                return Err(InvalidSetting::new("triggers.retention", problem));
            }
        }
        if let Some(rules) = &self.care {
            rules.validate().map_err(families::care::invalid)?;
        }
        if let Some(rules) = &self.intent {
            rules
                .validate()
                .map_err(|error| InvalidSetting::new(format!("triggers.{}", error.key), error.problem))?;
        }
        if let Some(churn) = &self.churn_risk {
            churn.validate()?;
        }
        if let Some(rules) = &self.dormancy {
            rules.validate()?;
        }
        if let Some(rules) = &self.lifecycle {
            rules.validate().map_err(families::lifecycle::invalid)?;
        }
        Ok(())
    }

    /// The triggers that are switched on.
    pub fn kinds(&self) -> Vec<&'static Kind> {
        let mut kinds = Vec::new();
        if self.cart_abandonment.is_some() {
            kinds.push(&kind::CART_ABANDONMENT);
        }
        kinds.extend(self.intent.iter().flat_map(families::intent::kinds));
        kinds.extend(self.care.iter().flat_map(families::care::kinds));
        if self.churn_risk.is_some() {
            kinds.push(&kind::CHURN_RISK);
        }
        if self.dormancy.is_some() {
            kinds.extend([&kind::DORMANCY, &kind::REACTIVATED]);
        }
        kinds.extend(self.lifecycle.iter().flat_map(families::lifecycle::kinds));
        kinds
    }

    /// Every topic that outputs may go to.
    pub fn output_topics(&self) -> Vec<SmolStr> {
        let prefix = &self.actions_prefix;
        let own = self.kinds().into_iter().map(|kind| cloud_event::topic_of(prefix, kind.name));
        let outcomes = self.gates.attribution.iter().map(|_| SmolStr::new(&self.outcomes_topic));
        own.chain([format_smolstr!("{prefix}.suppressed")]).chain(outcomes).collect()
    }

    /// A fingerprint of everything that can affect output; the same on every platform and in every run.
    pub fn fingerprint(&self) -> String {
        format!("{:032x}", xxh3_128(&canonical(self)))
    }
}

/// The version of one trigger's rules, as its records show it.
pub(crate) fn rule_version(rules: &impl Serialize) -> String {
    format!("{:016x}", xxh3_64(&canonical(rules)))
}

fn canonical<T: Serialize>(settings: &T) -> Vec<u8> {
    // Structs only: their fields keep their order, and numbers, texts and lists can always be written.
    serde_json::to_vec(&(LOGIC_VERSION, settings)).expect("settings are plain values")
}

/// A setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidSetting {
    /// The setting's path in the configuration.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
}

impl InvalidSetting {
    pub(crate) fn new(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { key: key.into(), problem: problem.into() }
    }
}

impl From<InvalidRule> for InvalidSetting {
    fn from(error: InvalidRule) -> Self {
        Self::new(format!("triggers.cart-abandonment.{}", error.key), error.problem)
    }
}

impl From<churn_risk::InvalidRule> for InvalidSetting {
    fn from(error: churn_risk::InvalidRule) -> Self {
        Self::new(format!("triggers.churn-risk.{}", error.key), error.problem)
    }
}

impl From<dormancy::InvalidRule> for InvalidSetting {
    fn from(error: dormancy::InvalidRule) -> Self {
        Self::new(format!("triggers.dormancy.{}", error.key), error.problem)
    }
}

impl From<InvalidLimit> for InvalidSetting {
    fn from(error: InvalidLimit) -> Self {
        Self::new(format!("triggers.{}", error.key), error.problem)
    }
}

impl From<InvalidPolicy> for InvalidSetting {
    fn from(error: InvalidPolicy) -> Self {
        Self::new(error.key, error.problem)
    }
}

#[cfg(test)]
mod tests {
    use contact_policy::{CapWindow, ClockTime, ConsentDefault, FurtherSteps};

    use super::*;

    fn usual() -> Settings {
        let gates =
            contact_policy::Settings { consent_default: Some(ConsentDefault::Granted), ..Default::default() };
        Settings { gates, ..Settings::default() }
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused_by_their_path() {
        let refused = |settings: Settings| settings.validate().err().map(|error| error.key);
        assert_eq!(refused(usual()), None);
        assert_eq!(refused(Settings::default()).as_deref(), Some("gates.consent.default"));
        assert_eq!(
            refused(Settings { namespace: "a b".to_owned(), ..usual() }).as_deref(),
            Some("triggers.namespace")
        );
        let no_wait = Rules { wait: Span::ZERO, ..Rules::default() };
        let settings = Settings { cart_abandonment: Some(no_wait), ..usual() };
        assert_eq!(refused(settings).as_deref(), Some("triggers.cart-abandonment.wait"));
        let limits = Limits { retention: Span::from_days(1), ..Limits::default() };
        assert_eq!(refused(Settings { limits, ..usual() }).as_deref(), Some("triggers.retention"));
    }

    #[test]
    fn every_setting_is_in_the_fingerprint() {
        let rules = |change: &dyn Fn(&mut Rules)| {
            let mut rules = Rules::default();
            change(&mut rules);
            Settings { cart_abandonment: Some(rules), ..usual() }
        };
        let gates = |change: &dyn Fn(&mut contact_policy::Settings)| {
            let mut settings = usual();
            change(&mut settings.gates);
            settings
        };
        let churn = |change: &dyn Fn(&mut churn_risk::Settings)| {
            let parameters = churn_risk::Parameters::new(0.5, 6.0, 0.8, 1.6).expect("a model");
            let mut churn = churn_risk::Settings {
                rules: churn_risk::Rules::default(),
                model: churn_risk::PurchaseModel { variant: churn_risk::Variant::MbgNbd, parameters },
                weights: churn_risk::Weights::default(),
                horizon: Span::from_days(90),
                usual_gap: Span::from_days(30),
                ahead: Span::ZERO,
                valid_for: Span::from_days(7),
            };
            change(&mut churn);
            Settings { churn_risk: Some(churn), ..usual() }
        };
        let lifecycle = |change: &dyn Fn(&mut dormancy::lifecycle::Rules)| {
            let mut rules = dormancy::lifecycle::Rules::all();
            change(&mut rules);
            Settings { lifecycle: Some(rules), ..usual() }
        };
        let mut fingerprints = vec![
            usual().fingerprint(),
            Settings { namespace: "other".to_owned(), ..usual() }.fingerprint(),
            Settings { mode: Mode::Shadow, ..usual() }.fingerprint(),
            Settings { actions_prefix: "shadow".to_owned(), ..usual() }.fingerprint(),
            Settings { outcomes_topic: "what-came".to_owned(), ..usual() }.fingerprint(),
            Settings { max_staleness: Span::from_hours(23), ..usual() }.fingerprint(),
            Settings { limits: Limits { recent_events: 17, ..Limits::default() }, ..usual() }.fingerprint(),
            Settings { cart_abandonment: None, ..usual() }.fingerprint(),
            Settings { dormancy: Some(dormancy::Rules::default()), ..usual() }.fingerprint(),
            Settings { care: Some(customer_care::Rules::default()), ..usual() }.fingerprint(),
            Settings { intent: Some(intent::Rules::default()), ..usual() }.fingerprint(),
            lifecycle(&|_| {}).fingerprint(),
            lifecycle(&|rules| rules.bands.currency = "USD".to_owned()).fingerprint(),
            churn(&|_| {}).fingerprint(),
            churn(&|churn| churn.rules.hold = Span::ZERO).fingerprint(),
            churn(&|churn| churn.weights.silence = 0.25).fingerprint(),
            churn(&|churn| churn.ahead = Span::from_hours(9)).fingerprint(),
            rules(&|rules| rules.wait = Span::from_hours(3)).fingerprint(),
            rules(&|rules| rules.further_steps.truncate(1)).fingerprint(),
            rules(&|rules| rules.ended_by = cart_abandonment::OrderMatch::SameCartOrCheckout).fingerprint(),
            gates(&|gates| gates.enabled.truncate(1)).fingerprint(),
            gates(&|gates| gates.consent_default = Some(ConsentDefault::Denied)).fingerprint(),
            gates(&|gates| gates.uncontactable_prefixes.push("guest-".to_owned())).fingerprint(),
            gates(&|gates| gates.cooldown.intent = Span::from_hours(1)).fingerprint(),
            gates(&|gates| gates.cooldown.further_steps = FurtherSteps::Counted).fingerprint(),
            gates(&|gates| gates.frequency_cap.in_all = 4).fingerprint(),
            gates(&|gates| gates.frequency_cap.window = CapWindow::CalendarDays(7)).fingerprint(),
            gates(&|gates| gates.holdout.share_basis_points = 0).fingerprint(),
            gates(&|gates| gates.holdout.key.push('2')).fingerprint(),
            gates(&|gates| gates.quiet_hours.time_zone = "Asia/Seoul".to_owned()).fingerprint(),
            gates(&|gates| gates.quiet_hours.from = ClockTime::hour(22)).fingerprint(),
            gates(&|gates| gates.attribution = None).fingerprint(),
        ];
        let count = fingerprints.len();
        fingerprints.sort();
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), count);
    }

    #[test]
    fn the_fingerprint_is_the_same_in_every_run_and_on_every_platform() {
        // Changes only together with a setting's default or LOGIC_VERSION: then stored state needs `--adopt`.
        assert_eq!(usual().fingerprint(), "4634decf4b72999d2d54ab64cbe1cf02");
    }
}
