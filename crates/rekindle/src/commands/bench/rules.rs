//! The rules that the triggers are measured with.

use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::deployment::merged;
use crate::up::demonstration::SHOP_MODEL;

/// As it is delivered.
const WHOLE_CATALOGUE: &str = include_str!("../../../../../deploy/whole-catalogue.toml");
/// Carts that are soon abandoned, and nothing that could keep their triggers back.
const PROMPT: &str = "\
[triggers.cart-abandonment]
wait = \"2s\"
steps = []
[gates]
enabled = []
[outcomes]
enabled = false
";

/// One set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// The cart alone, as it is without any configuration.
    Cart,
    /// Every trigger of `deploy/whole-catalogue.toml`, with the generated shop's own model of churn.
    Catalogue,
    /// The cart alone, due after two seconds, for measurements of time.
    Prompt,
}

impl Rules {
    /// What groups, keys and topics of these rules are called by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cart => "cart",
            Self::Catalogue => "catalogue",
            Self::Prompt => "prompt",
        }
    }

    /// The rules as a configuration has them; a model that they need is written into `folder`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn settings(self, folder: &Path) -> Result<Table> {
        let text = match self {
            Self::Cart => "",
            Self::Catalogue => WHOLE_CATALOGUE,
            Self::Prompt => PROMPT,
        };
        let table = text.parse().context("the bench's rules are no TOML")?;
        match self {
            Self::Catalogue => Ok(merged(table, with_model(folder)?)),
            Self::Cart | Self::Prompt => Ok(table),
        }
    }
}

fn with_model(folder: &Path) -> Result<Table> {
    let path = folder.join("churn-model.toml");
    std::fs::write(&path, SHOP_MODEL).context("the model cannot be written")?;
    let model = Value::from(path.display().to_string());
    let churn_risk = Table::from_iter([("model".to_owned(), model)]);
    let triggers = Table::from_iter([("churn-risk".to_owned(), Value::from(churn_risk))]);
    Ok(Table::from_iter([("triggers".to_owned(), Value::from(triggers))]))
}
