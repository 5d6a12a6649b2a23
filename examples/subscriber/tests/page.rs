//! `schemas/README.md` names everything that a subscriber can meet: each trigger with its topic, what its context holds and
//! why it is cancelled, and each gate with its reasons.

#![allow(clippy::disallowed_methods, reason = "a test of the checkout, which reads its files")]

use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The row of a table that begins with this name.
fn row(page: &str, name: &str) -> String {
    let begin = format!("| `{name}` |");
    let found = page.lines().find(|line| line.starts_with(&begin));
    found.unwrap_or_else(|| panic!("no row for {name}")).to_owned()
}

fn paths(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn every_trigger_has_a_row_with_its_context_and_its_reasons() {
    let schemas = root().join("schemas");
    let page = read(&schemas.join("README.md"));
    let mut triggers = 0;
    for folder in paths(&schemas) {
        let topic = folder.file_name().unwrap().to_str().unwrap().to_owned();
        if !topic.starts_with("actions.") || topic == "actions.suppressed" {
            continue;
        }
        let schema: Value = serde_json::from_str(&read(&folder.join("schema.json"))).unwrap();
        let properties = &schema["properties"];
        let row = row(&page, properties["trigger"]["const"].as_str().unwrap());
        assert!(row.contains(&format!("| `{topic}` |")), "{topic}");
        let context = properties["context"]["properties"].as_object().unwrap().keys().map(String::as_str);
        let reasons = properties["reason"]["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for name in context.chain(reasons) {
            assert!(row.contains(&format!("`{name}`")), "the row of {topic} lacks {name}");
        }
        triggers += 1;
    }
    assert!(triggers >= 4, "{triggers}");
}

#[test]
fn every_gate_has_a_row_with_its_reasons() {
    let page = read(&root().join("schemas/README.md"));
    for file in paths(&root().join("crates/contact-policy/src/gates")) {
        let row = row(&page, file.file_stem().unwrap().to_str().unwrap());
        let source = read(&file);
        let source = source.split("#[cfg(test)]").next().unwrap();
        // Of the texts in a gate's source those that read like names are reasons.
        let is_reason =
            |text: &&str| text.contains('_') && text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        for reason in source.split('"').skip(1).step_by(2).filter(is_reason) {
            assert!(row.contains(&format!("`{reason}`")), "{} lacks {reason}", file.display());
        }
    }
}
