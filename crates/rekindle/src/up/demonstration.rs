//! What `rekindle up` shows a newcomer who configured nothing: every trigger, with waits that end while somebody looks.

use anyhow::Result;
use churn_risk::Model;

use crate::config::Config;
use crate::config::settings::churn_by_model;

/// The configuration, which goes before nothing but the defaults.
pub const CONFIGURATION: &str = include_str!("demonstration.toml");
/// What `rekindle fit` made of two years of the generated shop.
pub const SHOP_MODEL: &str = include_str!("shop_model.toml");

/// Lets churn risk be watched by the shop's own model, unless another is configured.
///
/// # Errors
/// If the model cannot be used with what is configured.
pub fn watch_churn(config: &mut Config) -> Result<()> {
    if config.settings.triggers.churn_risk.is_none() {
        let model = Model::parse("the shop's model", SHOP_MODEL)?;
        let churn = churn_by_model(&config.sections.triggers, &model, &config.origins)?;
        config.settings.triggers.churn_risk = Some(churn);
        config.settings.triggers.validate()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn the_whole_catalogue_is_on() {
        let sources = Sources { preset: Some(CONFIGURATION), ..Sources::default() };
        let mut config = Config::load(&sources).expect("the demonstration is in order");
        watch_churn(&mut config).expect("so is its model");
        let names: Vec<_> = config.settings.triggers.kinds().iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), 23, "{names:?}");
    }
}
