//! A configuration file: what is wrong is said with the file's name; what is right says the same when it is read again
//! from what `rekindle check` prints of it.

#![no_main]

// The binary has no library that it could be taken from.
#[allow(dead_code, unexpected_cfgs, unused_imports, reason = "not all of it is used here")]
#[path = "../../../crates/rekindle/src"]
mod rekindle {
    pub mod config;
}

use config::Config;
use config::report::{EffectiveSetting, effective_settings};
use config::secrets::HIDDEN;
use libfuzzer_sys::fuzz_target;
use rekindle::config;
use strict_toml::{Document, Problem};

fuzz_target!(|text: &str| {
    match read(text) {
        Ok(config) => {
            let printed = print(&config);
            if printed.iter().any(|setting| setting.value.contains(HIDDEN)) {
                return;
            }
            let lines: Vec<_> =
                printed.iter().map(|setting| format!("{} = {}\n", setting.key, setting.value)).collect();
            let again = read(&lines.concat()).unwrap_or_else(|problem| panic!("{problem}\n{}", lines.concat()));
            let values = |settings: Vec<EffectiveSetting>| -> Vec<_> {
                settings.into_iter().map(|setting| (setting.key, setting.value)).collect()
            };
            assert_eq!(values(print(&again)), values(printed));
        }
        // What is missing stands nowhere, and has its key.
        Err(problem) => {
            assert!(!problem.key.is_empty() || problem.to_string().contains("rekindle.toml"), "{problem}");
        }
    }
});

fn read(text: &str) -> Result<Config, Problem> {
    let mut document = Document::default();
    document.add_file("rekindle.toml", text);
    Config::read(&document)
}

fn print(config: &Config) -> Vec<EffectiveSetting> {
    effective_settings(config).unwrap_or_else(|error| panic!("{error}"))
}
