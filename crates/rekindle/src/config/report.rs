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
    flatten(&Table::try_from(&config.sections)?, &Key::default(), config, &mut settings);
    Ok(settings)
}

/// A key as complaints call it, and as TOML writes it.
#[derive(Default)]
struct Key {
    plain: String,
    toml: String,
}

impl Key {
    fn child(&self, name: &str) -> Self {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let toml = match !name.is_empty() && name.chars().all(is_bare) {
            true => name.to_owned(),
            false => Value::String(name.to_owned()).to_string(),
        };
        match self.plain.is_empty() {
            true => Self { plain: name.to_owned(), toml },
            false => Self { plain: format!("{}.{name}", self.plain), toml: format!("{}.{toml}", self.toml) },
        }
    }
}

fn flatten(table: &Table, key: &Key, config: &Config, settings: &mut Vec<EffectiveSetting>) {
    for (name, value) in table {
        let key = key.child(name);
        match value {
            Value::Table(inner) => flatten(inner, &key, config, settings),
            value => {
                let origin = config.origins.of(&key.plain);
                let origin = origin.map_or_else(|| "default".to_owned(), ToString::to_string);
                settings.push(EffectiveSetting { key: key.toml, value: value.to_string(), origin });
            }
        }
    }
}
