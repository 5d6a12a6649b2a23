//! Asking the gates.

use customer::{Consent, Profile};
use events::CustomerId;

use crate::settings::{ConsentDefault, Gate, Settings};

/// What a trigger wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Whom to contact.
    pub customer_id: &'a CustomerId,
    /// What to: `advertising` or `service`.
    pub purpose: &'a str,
}

/// What one gate says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The gate.
    pub gate: Gate,
    /// Whether it lets the request through.
    pub passed: bool,
    /// Why, as consumers see it.
    pub reason: &'static str,
    /// The statement that decided, where a statement did.
    pub evidence: Option<Consent>,
}

/// What the gates say, up to the first that stops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// One verdict for each gate that was asked, in order.
    pub verdicts: Vec<Verdict>,
}

impl Judgement {
    /// The gate that stopped the request, if one did.
    pub fn stopped_by(&self) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| !verdict.passed)
    }
}

/// Asks the enabled gates in their order, until one stops.
pub fn judge(settings: &Settings, request: &Request<'_>, profile: &Profile) -> Judgement {
    let mut verdicts = Vec::new();
    for gate in Gate::ALL.into_iter().filter(|gate| settings.enabled.contains(gate)) {
        let verdict = match gate {
            Gate::Identity => identity(settings, request, profile),
            Gate::Consent => consent(settings, request, profile),
        };
        let passed = verdict.passed;
        verdicts.push(verdict);
        if !passed {
            break;
        }
    }
    Judgement { verdicts }
}

fn identity(settings: &Settings, request: &Request<'_>, profile: &Profile) -> Verdict {
    let id = request.customer_id.as_str();
    let is_placeholder = settings.uncontactable_prefixes.iter().any(|prefix| id.starts_with(prefix.as_str()));
    let (passed, reason) = match profile.is_erased() {
        true => (false, "erased"),
        false if is_placeholder => (false, "uncontactable_id"),
        false => (true, "contactable_id"),
    };
    Verdict { gate: Gate::Identity, passed, reason, evidence: None }
}

fn consent(settings: &Settings, request: &Request<'_>, profile: &Profile) -> Verdict {
    let evidence = profile.consent(settings.consent_channel.as_deref(), request.purpose).cloned();
    let (passed, reason) = match (&evidence, settings.consent_default) {
        (Some(word), _) if word.granted => (true, "granted"),
        (Some(_), _) => (false, "denied"),
        (None, Some(ConsentDefault::Granted)) => (true, "granted_by_default"),
        // A missing default is refused by validation; doubt goes against contact.
        (None, Some(ConsentDefault::Denied) | None) => (false, "denied_by_default"),
    };
    Verdict { gate: Gate::Consent, passed, reason, evidence }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(settings: &Settings, profile: &Profile) -> Vec<(&'static str, bool)> {
        let customer_id = CustomerId::new("guest-7");
        let request = Request { customer_id: &customer_id, purpose: "advertising" };
        let judgement = judge(settings, &request, profile);
        assert_eq!(
            judgement.stopped_by().is_some(),
            judgement.verdicts.iter().any(|verdict| !verdict.passed)
        );
        judgement.verdicts.iter().map(|verdict| (verdict.reason, verdict.passed)).collect()
    }

    fn defaulting_to(default: ConsentDefault) -> Settings {
        Settings { consent_default: Some(default), ..Settings::default() }
    }

    fn stating(granted: bool) -> Profile {
        let word = Consent {
            channel: Some("email".to_owned()),
            purpose: None,
            granted,
            at_ms: 5,
            event_id: "e1".to_owned(),
        };
        Profile { consents: vec![word], ..Profile::default() }
    }

    #[test]
    fn a_statement_decides_before_the_default() {
        let granted = defaulting_to(ConsentDefault::Granted);
        let denied = defaulting_to(ConsentDefault::Denied);
        assert_eq!(reasons(&granted, &stating(false)), [("contactable_id", true), ("denied", false)]);
        assert_eq!(reasons(&denied, &stating(true)), [("contactable_id", true), ("granted", true)]);
        let silent = Profile::default();
        assert_eq!(reasons(&granted, &silent), [("contactable_id", true), ("granted_by_default", true)]);
        assert_eq!(reasons(&denied, &silent), [("contactable_id", true), ("denied_by_default", false)]);
    }

    #[test]
    fn consent_is_asked_for_the_configured_channel() {
        let sms =
            Settings { consent_channel: Some("sms".to_owned()), ..defaulting_to(ConsentDefault::Denied) };
        assert_eq!(reasons(&sms, &stating(true))[1], ("denied_by_default", false));
    }

    #[test]
    fn the_first_gate_that_stops_ends_the_asking() {
        let prefixed = Settings {
            uncontactable_prefixes: vec!["guest-".to_owned()],
            ..defaulting_to(ConsentDefault::Denied)
        };
        assert_eq!(reasons(&prefixed, &Profile::default()), [("uncontactable_id", false)]);
        let erased = Profile { erased_ms: Some(1), ..Profile::default() };
        assert_eq!(reasons(&defaulting_to(ConsentDefault::Granted), &erased), [("erased", false)]);
    }

    #[test]
    fn no_gate_enabled_lets_everything_through_and_says_nothing() {
        let off = Settings { enabled: Vec::new(), ..Settings::default() };
        assert!(reasons(&off, &stating(false)).is_empty());
    }

    #[test]
    fn gates_are_asked_in_their_own_order_however_they_are_listed() {
        let mut listed = defaulting_to(ConsentDefault::Granted);
        listed.enabled.reverse();
        assert_eq!(reasons(&listed, &Profile::default())[0].0, "contactable_id");
    }
}
