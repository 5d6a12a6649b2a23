//! A complaint about a configuration, in the words of the person who wrote it.

use std::fmt;

/// Where a piece of configuration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In a file.
    File {
        /// Its name as the user gave it.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// In an environment variable of this name.
    Environment(String),
    /// In a flag of the command line, which reads like this.
    Flag(String),
    /// Nowhere: it is about something that is not there.
    Missing,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(f, "{name}:{line}"),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(text) => f.write_str(text),
            Self::Missing => f.write_str("configuration"),
        }
    }
}

/// What is wrong, where, and with which key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problem {
    /// Where the offending text stands.
    pub location: Location,
    /// The dotted key it belongs to; empty if it belongs to none.
    pub key: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.location)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// Says in plain words what serde said about a document.
pub(crate) fn reword(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return reword_unknown("unknown key", rest);
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        return reword_unknown("unknown value", rest);
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        return format!("the key {rest} is missing");
    }
    message.to_owned()
}

/// `rest` is what serde says after "unknown field": the name, and the names it expected, all in backticks.
fn reword_unknown(what: &str, rest: &str) -> String {
    let mut names = rest.split('`').skip(1).step_by(2);
    let given = names.next().unwrap_or_default();
    let mut expected: Vec<&str> = names.collect();
    let Some(nearest) = nearest(given, &expected) else {
        return format!("{what} `{given}`; nothing is expected here");
    };
    expected.sort_unstable();
    format!("{what} `{given}`; the nearest is `{nearest}` (allowed: {})", expected.join(", "))
}

/// The name most like `given`.
pub fn nearest<'n>(given: &str, names: &[&'n str]) -> Option<&'n str> {
    let folded = given.to_lowercase().replace('-', "_");
    let distance = |name: &str| strsim::damerau_levenshtein(&folded, &name.replace('-', "_"));
    names.iter().copied().min_by_key(|name| (distance(name), *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_comes_with_the_nearest_one() {
        assert_eq!(
            reword("unknown field `wiat`, expected one of `steps`, `wait`, `ended_by`"),
            "unknown key `wiat`; the nearest is `wait` (allowed: ended_by, steps, wait)"
        );
        assert_eq!(
            reword("unknown field `x`, there are no fields"),
            "unknown key `x`; nothing is expected here"
        );
    }

    #[test]
    fn a_hyphen_for_an_underscore_is_a_near_miss() {
        assert_eq!(nearest("ended-by", &["ended", "ended_by"]), Some("ended_by"));
    }
}
