//! `rekindle check`: is the configuration in order, and what would run?

use std::io::Write;

use anyhow::{Context, Result};

use crate::cli::Format;
use crate::config::Config;
use crate::config::report::{EffectiveSetting, effective_settings};

/// Prints the effective settings of a configuration that was found to be in order.
///
/// # Errors
/// If they cannot be printed.
pub fn run(config: &Config, format: Format, out: &mut impl Write) -> Result<()> {
    let settings = effective_settings(config).context("the settings cannot be shown")?;
    match format {
        Format::Table => print_table(&settings, out),
        Format::Json => serde_json::to_writer_pretty(&mut *out, &settings)
            .map_err(std::io::Error::from)
            .and_then(|()| out.write_all(b"\n")),
    }
    .context("the settings cannot be printed")
}

fn print_table(settings: &[EffectiveSetting], out: &mut impl Write) -> std::io::Result<()> {
    let width = settings.iter().map(|setting| setting.key.len() + setting.value.len()).max().unwrap_or(0);
    for EffectiveSetting { key, value, origin } in settings {
        let gap = width.min(60).saturating_sub(key.len() + value.len());
        writeln!(out, "{key} = {value}{:gap$}  # {origin}", "")?;
    }
    Ok(())
}
