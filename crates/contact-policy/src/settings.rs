//! Which gates are asked, and what they need to know.

use serde::Serialize;

/// A condition of contacting a customer. The order of the variants is the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The customer's id is one that can be contacted.
    Identity,
    /// The customer agrees to the channel and the purpose.
    Consent,
}

impl Gate {
    /// Every gate, in the order in which they are asked.
    pub const ALL: [Self; 2] = [Self::Identity, Self::Consent];

    /// The gate's name in configuration and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Consent => "consent",
        }
    }

    /// The gate of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.as_str() == name)
    }
}

/// What counts for a customer who has said nothing about consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentDefault {
    /// Contact is allowed.
    Granted,
    /// Contact is not allowed.
    Denied,
}

/// The settings of the gates. All of them affect output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The gates that are asked, in whatever order they are listed; none switches them off.
    pub enabled: Vec<Gate>,
    /// What counts without a statement; has to be given where the consent gate is enabled.
    pub consent_default: Option<ConsentDefault>,
    /// The channel for which consent is asked; none leaves the choice to the sender, and any refusal stops.
    pub consent_channel: Option<String>,
    /// Ids that begin with one of these cannot be contacted.
    pub uncontactable_prefixes: Vec<String>,
}

impl Default for Settings {
    /// Every gate; `consent_default` is still to be given.
    fn default() -> Self {
        Self {
            enabled: Gate::ALL.to_vec(),
            consent_default: None,
            consent_channel: None,
            uncontactable_prefixes: Vec::new(),
        }
    }
}

impl Settings {
    /// Checks the settings.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let refuse = |key, problem: &str| Err(InvalidPolicy { key, problem: problem.to_owned() });
        let listed_twice = |(place, gate): (usize, &Gate)| self.enabled[..place].contains(gate);
        if self.enabled.iter().enumerate().any(listed_twice) {
            return refuse("gates.enabled", "lists a gate twice");
        }
        if self.enabled.contains(&Gate::Consent) && self.consent_default.is_none() {
            return refuse(
                "gates.consent.default",
                "has to be set to `granted` or `denied` while the consent gate is enabled",
            );
        }
        if self.consent_channel.as_ref().is_some_and(String::is_empty) {
            return refuse("gates.consent.channel", "is empty; leave it out to ask for every channel");
        }
        if self.uncontactable_prefixes.iter().any(String::is_empty) {
            return refuse(
                "gates.identity.uncontactable_prefixes",
                "holds an empty prefix, which every id begins with",
            );
        }
        Ok(())
    }
}

/// A setting of the gates that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidPolicy {
    /// The setting's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_found_by_their_names() {
        for gate in Gate::ALL {
            assert_eq!(Gate::named(gate.as_str()), Some(gate));
        }
        assert_eq!(Gate::named("holiday"), None);
        assert!(Gate::ALL.is_sorted());
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused_by_name() {
        let refused = |settings: Settings| settings.validate().err().map(|error| error.key);
        let usual = || Settings { consent_default: Some(ConsentDefault::Denied), ..Settings::default() };
        assert_eq!(refused(usual()), None);
        assert_eq!(refused(Settings::default()), Some("gates.consent.default"));
        assert_eq!(refused(Settings { enabled: Vec::new(), ..Settings::default() }), None);
        assert_eq!(refused(Settings { enabled: vec![Gate::Identity; 2], ..usual() }), Some("gates.enabled"));
        let empty_prefix = Settings { uncontactable_prefixes: vec![String::new()], ..usual() };
        assert_eq!(refused(empty_prefix), Some("gates.identity.uncontactable_prefixes"));
        assert_eq!(
            refused(Settings { consent_channel: Some(String::new()), ..usual() }),
            Some("gates.consent.channel")
        );
    }
}
