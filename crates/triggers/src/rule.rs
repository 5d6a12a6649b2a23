//! A family's rules, as its records refer to them.

use serde::Serialize;

use crate::settings::rule_version;

/// Rules, and the version of them that records show.
#[derive(Debug)]
pub(crate) struct Rule<'a, R> {
    pub rules: &'a R,
    pub version: &'a str,
}

// Two references, whatever the rules are; derived, both would ask for rules that can be copied.
impl<R> Copy for Rule<'_, R> {}

impl<R> Clone for Rule<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

/// The versions of all rules that are switched on; empty where they are not.
#[derive(Clone, Debug)]
pub(crate) struct Version(String);

impl Version {
    pub fn of(rules: Option<&impl Serialize>) -> Self {
        Self(rules.map(rule_version).unwrap_or_default())
    }

    /// The rules with this version, which was made of them.
    pub fn of_rule<'a, R>(&'a self, rules: &'a R) -> Rule<'a, R> {
        Rule { rules, version: &self.0 }
    }
}
