//! The effective configuration as text: every key, its value, and where it was set if it was.

use serde::Serialize;
use toml::{Table, Value};

use super::Config;

/// One setting in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectiveSetting {
    /// The dotted key, ready for `--set`.
    pub key: String,
    /// Its value as TOML.
    pub value: String,
    /// Where it was set; `default` if nowhere.
    pub origin: String,
}

/// Every setting in effect, in the order of their keys.
///
/// # Errors
/// If the sections cannot be written as TOML, which would be a mistake in them.
pub fn effective_settings(config: &Config) -> Result<Vec<EffectiveSetting>, toml::ser::Error> {
    let mut settings = Vec::new();
    flatten(&Table::try_from(&config.sections)?, "", config, &mut settings);
    Ok(settings)
}

fn flatten(table: &Table, prefix: &str, config: &Config, settings: &mut Vec<EffectiveSetting>) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) => flatten(inner, &key, config, settings),
            value => {
                let origin =
                    config.origins.of(&key).map_or_else(|| "default".to_owned(), ToString::to_string);
                settings.push(EffectiveSetting { key, value: value.to_string(), origin });
            }
        }
    }
}
