//! The reference page says what the catalogue says.

#![allow(clippy::disallowed_methods, reason = "the page is a file")]

use std::path::Path;

#[test]
fn the_reference_page_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let page = telemetry::reference::page();
    if std::env::var_os("REKINDLE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("docs/ can be made");
        std::fs::write(&path, &page).expect("docs/metrics.md can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/metrics.md is stale: run  REKINDLE_BLESS=1 cargo test -p telemetry --test reference_page"
    );
}
