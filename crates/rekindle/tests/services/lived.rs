//! An installation that has lived: what is found out about it afterwards does not change any more.

use std::time::Duration;

use crate::installation::Installation;
use crate::running::{Running, eventually};

const PATIENCE: Duration = Duration::from_secs(90);

/// An installation that has published its triggers, and is stopped; with those whose carts were reminded of.
pub fn lived(test: &str) -> Option<(Installation, Vec<String>)> {
    let shop = Installation::for_test(test)?;
    shop.create_topics();
    let expected = shop.produce_carts(60);
    let mut triggers = Running::start("triggers", &shop.settings());
    let mut ingest = Running::start("ingest", &shop.settings());
    eventually("all triggers are out", PATIENCE, || shop.fired().len() >= expected.len());
    for process in [&mut ingest, &mut triggers] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
    Some((shop, expected))
}
