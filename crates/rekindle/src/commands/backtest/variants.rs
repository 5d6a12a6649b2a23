//! Variants: what each of them sets, said in one text of the command line.
//!
//! Must stay true: variants share everything but what they set; a key that nobody reads is refused as elsewhere; how
//! rows are read is not a variant's to say, because they are read once for all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use strict_toml::{Location, Problem};

use crate::cli::ConfigArgs;
use crate::config::Config;
use crate::config::report::effective_settings;

/// Keys below which everything is about reading the rows.
const SHARED: [&str; 2] = ["ingest.", "replay."];

/// `NAME: KEY=VALUE; KEY=VALUE`, `NAME: FILE`, or `KEY=VALUE` alone, which is its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantArg {
    name: String,
    /// Takes the place of the file that --config names.
    file: Option<PathBuf>,
    /// Laid over everything else.
    assignments: Vec<String>,
}

/// Why a text is no variant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VariantError {
    /// It sets nothing.
    #[error("`{0}` changes nothing; write 'NAME: KEY=VALUE', or 'NAME: FILE.toml'")]
    Empty(String),
    /// It names two files.
    #[error("`{0}` names two files; one can take the place of --config's, further keys are set by KEY=VALUE")]
    TwoFiles(String),
}

impl FromStr for VariantArg {
    type Err = VariantError;

    fn from_str(text: &str) -> Result<Self, VariantError> {
        let text = text.trim();
        let (name, changes) = match text.split_once(':') {
            Some((name, changes)) if !name.contains('=') => (name.trim(), changes),
            _ => (text, text),
        };
        let mut variant = Self { name: name.to_owned(), file: None, assignments: Vec::new() };
        for part in changes.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            if part.contains('=') {
                variant.assignments.push(part.to_owned());
            } else if variant.file.replace(part.into()).is_some() {
                return Err(VariantError::TwoFiles(text.to_owned()));
            }
        }
        match name.is_empty() || (variant.file.is_none() && variant.assignments.is_empty()) {
            true => Err(VariantError::Empty(text.to_owned())),
            false => Ok(variant),
        }
    }
}

/// A configuration under a name.
pub struct Variant {
    /// What the report calls it.
    pub name: String,
    /// The configuration.
    pub config: Config,
    /// What it sets otherwise than the configuration.
    pub changes: Vec<Change>,
}

/// A key that two configurations have different values for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The dotted key.
    pub key: String,
    /// The configuration's value; none where the key is not there.
    pub from: Option<String>,
    /// The variant's.
    pub to: Option<String>,
}

/// The name of the configuration itself among the variants.
pub const CONFIGURATION: &str = "configuration";

/// Loads the configuration itself, first, and each variant.
///
/// # Errors
/// If one of them is not in order ([`Problem`]), two have the same name, or one says how rows are read.
pub fn load_all(
    base: &ConfigArgs,
    variants: &[VariantArg],
    load: impl Fn(&ConfigArgs) -> Result<Config, Problem>,
) -> Result<Vec<Variant>> {
    let config = load(base)?;
    let settings = settings_of(&config)?;
    let mut loaded = vec![Variant { name: CONFIGURATION.to_owned(), config, changes: Vec::new() }];
    for variant in variants {
        let name = &variant.name;
        if loaded.iter().any(|other| other.name == *name) {
            bail!("two variants are called `{name}`: the report could not tell them apart");
        }
        let mut args = base.clone();
        args.config = variant.file.clone().or(args.config);
        args.assignments.extend(variant.assignments.iter().cloned());
        let context = || format!("variant `{name}`");
        let config = load(&args).with_context(context)?;
        let changes = changes(&settings, &settings_of(&config)?);
        refuse_shared(&changes).with_context(context)?;
        loaded.push(Variant { name: name.clone(), config, changes });
    }
    Ok(loaded)
}

type Settings = BTreeMap<String, String>;

fn settings_of(config: &Config) -> Result<Settings> {
    Ok(effective_settings(config)?.into_iter().map(|setting| (setting.key, setting.value)).collect())
}

fn changes(from: &Settings, to: &Settings) -> Vec<Change> {
    let mut keys: Vec<&String> = from.keys().chain(to.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let change = |key: &String| {
        let (from, to) = (from.get(key).cloned(), to.get(key).cloned());
        (from != to).then(|| Change { key: key.clone(), from, to })
    };
    keys.into_iter().filter_map(change).collect()
}

fn refuse_shared(changes: &[Change]) -> Result<(), Problem> {
    let Some(change) = changes.iter().find(|change| SHARED.iter().any(|part| change.key.starts_with(part)))
    else {
        return Ok(());
    };
    Err(Problem {
        location: Location::Flag("--variant".to_owned()),
        key: change.key.clone(),
        message: "says how rows are read, and they are read once for all variants; give it by --set"
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> VariantArg {
        text.parse().unwrap()
    }

    #[test]
    fn a_variant_has_a_name_and_sets_keys_or_takes_a_file() {
        let variant =
            parsed("short: triggers.cart-abandonment.wait=30m; gates.enabled=[\"consent\", \"cooldown\"]");
        assert_eq!(variant.name, "short");
        let keys = ["triggers.cart-abandonment.wait=30m", "gates.enabled=[\"consent\", \"cooldown\"]"];
        assert_eq!(variant.assignments, keys);
        let file = parsed("new: deploy/new.toml; up.seed=2");
        assert_eq!((file.file, file.assignments.len()), (Some("deploy/new.toml".into()), 1));
    }

    #[test]
    fn a_key_alone_is_its_own_name() {
        let variant = parsed("redis.url=redis://h:1");
        assert_eq!((variant.name.as_str(), variant.assignments.len()), ("redis.url=redis://h:1", 1));
    }

    #[test]
    fn what_changes_nothing_is_refused() {
        for text in ["", "a", "a:", ": b=1", "a: ;"] {
            let refused = matches!(text.parse::<VariantArg>(), Err(VariantError::Empty(_)));
            // A word alone is taken for a file.
            assert_eq!(refused, text != "a", "{text}");
        }
        assert!(matches!("a: b.toml; c.toml".parse::<VariantArg>(), Err(VariantError::TwoFiles(_))));
    }
}
