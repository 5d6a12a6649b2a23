//! The log of the process: lines on standard error, for people or for machines.
//!
//! Must stay true: a message is lower case with structured fields, holds no payload and no configuration, and a
//! customer only as [`customer_hash`]. What other crates say through `log` comes along.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

mod pseudonym;

pub use pseudonym::{CustomerHash, HashKey, customer_hash};

/// The variable that overrides the configured level.
pub const LEVEL_VARIABLE: &str = "REKINDLE_LOG";

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people; in colour on a terminal, unless `NO_COLOR` says otherwise.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Why the log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The level is no level.
    #[error(
        "{from}: `{level}` is no log level: write off, error, warn, info, debug or trace, or levels by module as in \
         `info,engine=debug`"
    )]
    Level {
        /// Where it comes from.
        from: &'static str,
        /// What stands there.
        level: String,
    },
    /// The process has a log already.
    #[error("the log is set up already")]
    Twice,
}

/// Sets the log of this process up, once. `level` is one for all, or by module as in `info,engine=debug`;
/// `REKINDLE_LOG` overrides it.
///
/// # Errors
/// See [`LogsError`].
pub fn init(level: &str, format: Format) -> Result<(), LogsError> {
    let targets = targets(level, std::env::var(LEVEL_VARIABLE).ok().as_deref())?;
    let no_color = std::env::var("NO_COLOR").ok();
    let lines = fmt::layer().with_writer(stderr);
    let layer = match format {
        Format::Text => lines.with_ansi(is_coloured(stderr().is_terminal(), no_color.as_deref())).boxed(),
        Format::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).try_init().map_err(|_| LogsError::Twice)
}

/// Whether `level` is one that [`init`] takes.
///
/// # Errors
/// [`LogsError::Level`] if it is not.
pub fn validate_level(level: &str) -> Result<(), LogsError> {
    targets(level, None).map(drop)
}

fn targets(configured: &str, variable: Option<&str>) -> Result<Targets, LogsError> {
    let (from, level) = match variable.filter(|level| !level.trim().is_empty()) {
        Some(level) => (LEVEL_VARIABLE, level),
        None => ("log level", configured),
    };
    let unreadable = || LogsError::Level { from, level: level.to_owned() };
    let parts: Vec<&str> = level.split(',').map(str::trim).collect();
    if !parts.iter().all(|part| names_a_level(part)) {
        return Err(unreadable());
    }
    parts.join(",").parse().map_err(|_| unreadable())
}

/// Stricter than the parser: it takes a word that is no level for a module's name, which would silence all others.
fn names_a_level(part: &str) -> bool {
    let level = part.split_once('=').map_or(part, |(_module, level)| level);
    LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level))
}

/// See no-color.org: set to anything but the empty text, it means none.
fn is_coloured(terminal: bool, no_color: Option<&str>) -> bool {
    terminal && no_color.is_none_or(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn a_level_holds_for_all_and_a_module_can_have_its_own() {
        let targets = targets("info, engine=debug", None).unwrap();
        assert!(targets.would_enable("kafka", &Level::INFO) && !targets.would_enable("kafka", &Level::DEBUG));
        assert!(targets.would_enable("engine::worker", &Level::DEBUG));
    }

    #[test]
    fn the_variable_wins_unless_it_is_empty() {
        let loud = targets("warn", Some("trace")).unwrap();
        assert!(loud.would_enable("kafka", &Level::TRACE));
        let quiet = targets("warn", Some("")).unwrap();
        assert!(!quiet.would_enable("kafka", &Level::INFO));
    }

    #[test]
    fn what_is_no_level_is_refused_and_its_place_named() {
        for (configured, variable, from) in [
            ("verbose", None, "log level"),
            ("", None, "log level"),
            ("info,engine=loud", None, "log level"),
            ("info,engine=", None, "log level"),
            ("info", Some("inof"), "REKINDLE_LOG"),
        ] {
            let error = targets(configured, variable).unwrap_err().to_string();
            assert!(error.starts_with(from), "{error}");
        }
    }

    #[test]
    fn colour_is_for_terminals_whose_owner_wants_it() {
        assert!(is_coloured(true, None) && is_coloured(true, Some("")));
        assert!(!is_coloured(true, Some("1")) && !is_coloured(false, None));
    }
}
