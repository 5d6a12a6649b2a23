//! Which stages are measured.

use std::collections::BTreeSet;
use std::str::FromStr;

use clap::ValueEnum;

/// What can be asked for by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum StageName {
    /// The consumers that do nothing
    Bare,
    /// Raw topics to customer-events
    Ingest,
    /// The cart rule alone
    TriggersCart,
    /// Every trigger
    TriggersCatalogue,
    /// From a file
    Replay,
}

/// A comma-separated list: names of stages, `triggers` for both of them, `all`, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection(BTreeSet<StageName>);

impl Selection {
    /// Whether this stage was asked for.
    pub fn has(&self, stage: StageName) -> bool {
        self.0.contains(&stage)
    }

    /// Whether no stage was asked for.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether customer-events has to be filled, which is what ingest does.
    pub fn needs_log(&self) -> bool {
        !self.0.is_empty() && self.0 != BTreeSet::from([StageName::Replay])
    }
}

impl FromStr for Selection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let stages = text.split(',').map(|name| named(name.trim())).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(stages.into_iter().flatten().collect()))
    }
}

fn named(name: &str) -> Result<Vec<StageName>, String> {
    match name {
        "all" => Ok(StageName::value_variants().to_vec()),
        "none" => Ok(Vec::new()),
        "triggers" => Ok(vec![StageName::TriggersCart, StageName::TriggersCatalogue]),
        _ => StageName::from_str(name, false).map(|stage| vec![stage]).map_err(|_| {
            format!("`{name}` is no stage; there are bare, ingest, triggers-cart, triggers-catalogue, triggers, replay, all, none")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_selected_by_their_names() {
        let selected = |text: &str| text.parse::<Selection>().unwrap();
        let all = selected("all");
        assert!(StageName::value_variants().iter().all(|stage| all.has(*stage)));
        assert_eq!(selected("bare,ingest,triggers,replay"), all);
        assert!(selected("none").is_empty() && !selected("none").needs_log());
        let replay = selected("replay");
        assert!(replay.has(StageName::Replay) && !replay.has(StageName::Bare) && !replay.needs_log());
        assert!(selected("replay,triggers-cart").needs_log());
        assert!("bear".parse::<Selection>().unwrap_err().contains("`bear` is no stage"));
    }
}
