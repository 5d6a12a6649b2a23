//! Configuration: one TOML file, environment variables over it, `--set` over both; then everything is validated
//! before anything runs.
//!
//! What must stay true: a key that nobody reads is refused, a value without a unit is refused, and each complaint
//! names the place, the key and what is allowed.

pub mod report;
pub mod secrets;
pub mod sections;
pub mod settings;

use std::path::{Path, PathBuf};

use strict_toml::{Document, Location, Origins, Problem};

use sections::Sections;
use settings::Settings;

/// Environment variables that set keys begin like this; `__` stands between the parts of a key.
pub const ENVIRONMENT_PREFIX: &str = "REKINDLE__";

/// Tables whose names hold a hyphen, which no environment variable can.
const HYPHENATED: &[&str] = &[
    "browse-abandonment",
    "cart-abandonment",
    "cart-recovered",
    "checkout-abandonment",
    "churn-risk",
    "csat-low",
    "delivery-delayed",
    "high-value-at-risk",
    "nps-detractor",
    "nps-promoter",
    "payment-failed",
    "replenishment-due",
    "review-request",
    "search-abandonment",
    "second-order-due",
    "support-frustration",
];

/// Where a configuration comes from, weakest first.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// What a command sets before everything else.
    pub preset: Option<&'static str>,
    /// The file.
    pub file: Option<PathBuf>,
    /// The process's environment; only [`ENVIRONMENT_PREFIX`] matters.
    pub environment: Vec<(String, String)>,
    /// `key=value`, as given to `--set`.
    pub assignments: Vec<String>,
}

/// A configuration that was read and found to be in order.
#[derive(Debug)]
pub struct Config {
    /// As written, defaults filled in.
    pub sections: Sections,
    /// Where each key that was written stands.
    pub origins: Origins,
    /// What the services are built from.
    pub settings: Settings,
}

impl Config {
    /// Reads the sources, merges and validates them.
    ///
    /// # Errors
    /// At the first thing that is not in order.
    pub fn load(sources: &Sources) -> Result<Self, Problem> {
        let mut document = Document::default();
        if let Some(preset) = sources.preset {
            document.add_file("what the command presets", preset);
        }
        if let Some(path) = &sources.file {
            document.add_file(path.display().to_string(), read_file(path)?);
        }
        add_environment(&mut document, &sources.environment)?;
        for assignment in &sources.assignments {
            let key = assignment.split_once('=').map_or("", |(key, _)| key.trim());
            match secrets::may_be_secret(key) {
                true => document.set_secret_from_flag("--set", assignment)?,
                false => document.set_from_flag("--set", assignment)?,
            }
        }
        Self::read(&document)
    }

    /// Reads and validates what the sources were merged into.
    ///
    /// # Errors
    /// At the first thing that is not in order.
    pub fn read(document: &Document) -> Result<Self, Problem> {
        let (sections, origins) = document.read::<Sections>()?;
        let settings = Settings::validate(&sections, &origins)?;
        Ok(Self { sections, origins, settings })
    }
}

#[allow(clippy::disallowed_methods, reason = "the binary is where files are read")]
fn read_file(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| Problem {
        location: Location::File { name: path.display().to_string(), line: 1 },
        key: String::new(),
        message: format!("the configuration file cannot be read: {error}"),
    })
}

fn add_environment(document: &mut Document, environment: &[(String, String)]) -> Result<(), Problem> {
    let mut variables: Vec<_> =
        environment.iter().filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX)).collect();
    // The environment has no order of its own.
    variables.sort_unstable();
    for (name, value) in variables {
        document.set_from_environment(name, &key_of_variable(name), value)?;
    }
    Ok(())
}

/// `REKINDLE__TRIGGERS__CART_ABANDONMENT__WAIT` sets `triggers.cart-abandonment.wait`.
fn key_of_variable(name: &str) -> String {
    let parts = name.trim_start_matches(ENVIRONMENT_PREFIX).split("__").map(|part| {
        let part = part.to_lowercase();
        let hyphenated = part.replace('_', "-");
        if HYPHENATED.contains(&hyphenated.as_str()) { hyphenated } else { part }
    });
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(
        file: Option<&str>,
        environment: &[(&str, &str)],
        assignments: &[&str],
    ) -> Result<Config, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let path = file.map(|text| {
            let path = folder.path().join("rekindle.toml");
            std::fs::write(&path, text).unwrap();
            path
        });
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Config::load(&Sources {
            preset: None,
            file: path,
            environment: environment.iter().map(owned).collect(),
            assignments: assignments.iter().map(|text| (*text).to_owned()).collect(),
        })
    }

    const GATES_OFF: &str = "gates.enabled=[]";

    #[test]
    fn a_flag_beats_the_environment_and_the_environment_beats_the_file() {
        let file =
            "[triggers.cart-abandonment]\nwait = '1h'\nsteps = []\n[gates.consent]\ndefault = 'denied'\n";
        let variable = ("REKINDLE__TRIGGERS__CART_ABANDONMENT__WAIT", "2h");
        let wait = |config: Config| config.sections.triggers.cart_abandonment.wait.to_string();
        assert_eq!(wait(load(Some(file), &[], &[]).unwrap()), "1h");
        assert_eq!(wait(load(Some(file), &[variable], &[]).unwrap()), "2h");
        let flag = "triggers.cart-abandonment.wait=3h";
        assert_eq!(wait(load(Some(file), &[variable], &[flag]).unwrap()), "3h");
    }

    #[test]
    fn nothing_at_all_is_a_configuration_once_consent_is_settled() {
        assert!(load(None, &[], &[GATES_OFF]).is_ok());
        assert!(load(Some(""), &[], &["gates.consent.default=granted"]).is_ok());
        let problem = load(Some(""), &[], &[]).unwrap_err().to_string();
        assert!(problem.contains("gates.consent.default: has to be set"), "{problem}");
    }

    #[test]
    fn churn_risk_wants_a_model_that_can_be_read_and_probabilities() {
        let complaint = |assignment| load(None, &[], &[GATES_OFF, assignment]).unwrap_err().to_string();
        let missing = complaint("triggers.churn-risk.model=no/such/model.toml");
        assert!(
            missing.contains("triggers.churn-risk.model: no/such/model.toml cannot be read"),
            "{missing}"
        );
        let high = complaint("triggers.churn-risk.enter=66.0");
        assert!(high.contains("triggers.churn-risk.enter: 66 is no probability above 0"), "{high}");
    }

    #[test]
    fn churn_is_off_and_on_by_a_model_or_by_word_of_it() {
        let settings = |assignments: &[&str]| {
            let assignments = [&[GATES_OFF], assignments].concat();
            load(None, &[], &assignments).unwrap().settings.triggers.churn_risk
        };
        assert_eq!(settings(&[]), None);
        assert_eq!(settings(&["triggers.churn-risk.enabled=false"]), None);
        let built_in = settings(&["triggers.churn-risk.enabled=true"]).unwrap();
        let model = churn_risk::Model::built_in();
        assert_eq!(built_in.model, model.purchase_model().unwrap());
        assert_eq!((built_in.weights, built_in.typical_spend), (churn_risk::Weights::default(), None));
        assert_eq!(built_in.high_value, None);
        let variable = ("REKINDLE__TRIGGERS__CHURN_RISK__ENABLED", "true");
        assert!(load(None, &[variable], &[GATES_OFF]).unwrap().settings.triggers.churn_risk.is_some());
    }

    #[test]
    fn who_is_valuable_needs_a_threshold_where_the_model_has_none() {
        let on = [GATES_OFF, "triggers.high-value-at-risk.enabled=true"];
        let churn = "triggers.churn-risk.enabled=true";
        let (threshold, currency) =
            ("triggers.high-value-at-risk.threshold_minor=20000", "triggers.high-value-at-risk.currency=EUR");
        let complaint = |more: &[&str]| load(None, &[], &[&on, more].concat()).unwrap_err().to_string();
        assert!(
            complaint(&[]).contains("triggers.high-value-at-risk.enabled: churn-risk, which it is a part of")
        );
        assert!(complaint(&[churn]).contains("triggers.high-value-at-risk.currency: is needed"));
        assert!(
            complaint(&[churn, currency]).contains("triggers.high-value-at-risk.threshold_minor: is needed")
        );
        let none = "triggers.high-value-at-risk.threshold_minor=0";
        assert!(complaint(&[churn, currency, none]).contains("triggers.high-value-at-risk.threshold_minor"));
        let config = load(None, &[], &[&on[..], &[churn, currency, threshold]].concat()).unwrap();
        let rule = config.settings.triggers.churn_risk.unwrap().high_value.unwrap();
        assert_eq!(
            (rule.spend, rule.threshold_minor, rule.horizon),
            (None, 20_000, events::Span::from_days(90))
        );
    }

    #[test]
    fn a_misspelt_variable_is_refused() {
        let problem = load(None, &[("REKINDLE__TRIGERS__RETENTION", "2d")], &[GATES_OFF]).unwrap_err();
        assert!(problem.to_string().contains("the nearest is `triggers`"), "{problem}");
    }

    #[test]
    fn a_file_that_is_not_there_is_a_problem() {
        let sources = Sources { file: Some("no/such/rekindle.toml".into()), ..Sources::default() };
        assert!(Config::load(&sources).unwrap_err().to_string().contains("cannot be read"));
    }
}
