//! State outlives a lost Redis and the log's retention.

use std::fs::File;
use std::path::Path;

use engine::ports::Offset;
use redis_store::snapshot::{Content, SnapshotReader};

use super::PATIENCE;
use crate::installation::Installation;
use crate::program::{Run, rekindle};
use crate::running::{Running, eventually};

const WAIT: &[&str] = &["--set", "triggers.cart-abandonment.wait=20s"];

fn snapshot(shop: &Installation, words: &[&str]) -> Run {
    let args = [&["snapshot"], words].concat().into_iter().map(str::to_owned);
    rekindle(&args.chain(shop.settings_and(WAIT)).collect::<Vec<_>>())
}

/// Of each partition in the file: N, and M.
fn positions_in(file: &Path) -> Vec<(i32, Offset, Offset)> {
    let mut reader = SnapshotReader::begin(File::open(file).unwrap()).unwrap();
    let mut positions = Vec::new();
    loop {
        match reader.next_content().unwrap() {
            Content::Partition(head) => {
                positions.push((head.partition, head.position.next, head.position.buffered_from));
            }
            Content::End => return positions,
            _ => {}
        }
    }
}

fn customers(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number:02}")).collect()
}

#[test]
fn a_lost_redis_behind_a_trimmed_log_is_restored_from_a_snapshot() {
    let Some(shop) = Installation::for_test("snapshot") else { return };
    shop.create_topics();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.snapshot");
    let path = file.to_str().unwrap();
    let mut ingest = Running::start("ingest", &shop.settings_and(WAIT));
    let mut triggers = Running::start("triggers", &shop.settings_and(WAIT));
    eventually("both work", PATIENCE, || ingest.get("/readyz").0 == 200 && triggers.get("/readyz").0 == 200);

    // Some are due at once, and fire between the snapshot and the loss; of the others some order by then.
    let (early, waiting, later) = (customers("early", 5), customers("waiting", 20), customers("later", 10));
    shop.fill_carts(&early, 19);
    shop.fill_carts(&waiting, 0);
    eventually("a snapshot beside the running services holds all customers", PATIENCE, || {
        let taken = snapshot(&shop, &["export", "--output", path]);
        taken.stdout.contains("\n25 customers of 3 partitions")
    });
    let (bought, left) = waiting.split_at(8);
    shop.order(bought);
    shop.fill_carts(&later, 0);
    eventually("the first are told", PATIENCE, || shop.fired().len() >= early.len());
    triggers.signal("KILL");
    triggers.exit_code(PATIENCE);

    shop.lose_state();
    let positions = positions_in(&file);
    shop.trim_log(&positions.iter().map(|(partition, _, needed)| (*partition, *needed)).collect::<Vec<_>>());
    let mut without = Running::start("triggers", &shop.settings_and(WAIT));
    eventually("without the state nobody goes on", PATIENCE, || {
        let told = without.get("/readyz").1;
        told.contains("retention has passed it") && told.contains("rekindle snapshot import")
    });
    without.signal("TERM");
    without.exit_code(PATIENCE);

    let dry = snapshot(&shop, &["import", path]);
    assert_eq!((dry.code, dry.stderr.as_str()), (0, ""), "{}", dry.stdout);
    assert!(dry.stdout.contains("Nothing was written") && dry.stdout.contains("go on: "), "{}", dry.stdout);
    assert_eq!(shop.positions(), [], "a dry run writes nothing");
    let done = snapshot(&shop, &["import", path, "--execute"]);
    assert_eq!(done.code, 0, "{}{}", done.stdout, done.stderr);
    assert!(done.stdout.contains("3 partitions imported"), "{}", done.stdout);
    let restored: Vec<_> =
        shop.positions().into_iter().map(|(partition, next, _)| (partition, next)).collect();
    assert_eq!(
        restored,
        positions.iter().map(|(partition, next, _)| (*partition, *next)).collect::<Vec<_>>()
    );

    let mut triggers = Running::start("triggers", &shop.settings_and(WAIT));
    let mut expected = [&early[..], left, &later].concat();
    expected.sort();
    eventually("all triggers are out", PATIENCE, || shop.fired().len() >= expected.len());
    for process in [&mut triggers, &mut ingest] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
    assert_eq!(shop.fired(), expected, "the same as without the loss, and each once");

    let kept = snapshot(&shop, &["import", path]);
    assert!(kept.code == 1 && kept.stderr.contains("--replace gives it up"), "{}", kept.stderr);
    let beyond: Vec<_> = positions.iter().map(|(partition, next, _)| (*partition, *next + 1)).collect();
    shop.trim_log(&beyond);
    let late = snapshot(&shop, &["import", path, "--replace", "--execute"]);
    assert!(late.code == 1 && late.stderr.contains("and is gone"), "{}", late.stderr);
}
