//! History comes in beside the running services: it is known afterwards, and nothing fires for it.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{PATIENCE, sum_of};
use crate::installation::{Installation, added_to_cart, ordered};
use crate::program::{Run, rekindle};
use crate::running::{Running, eventually};

const CUSTOMERS: usize = 300;
const DAY: i64 = 86_400;
const WAIT: &[&str] = &["--set", "triggers.cart-abandonment.wait=5s"];

fn id(number: usize) -> String {
    format!("old-{number:03}")
}

/// A cart and an order for each customer, some weeks ago, the later ones first; half of the carts stay. The last two rows
/// are no events of anybody.
fn history() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let mut rows = Vec::new();
    for number in 0..CUSTOMERS {
        let (cart, order) = (now - (20 + number as i64 % 7) * DAY, now - 30 * DAY + number as i64);
        let order = if number % 2 == 0 { order } else { cart + 60 };
        rows.extend([
            ordered(&id(number), order),
            added_to_cart(&id(number), cart).replace("-added", "-kept"),
        ]);
    }
    rows.push("{\"cut\": ".to_owned());
    rows.push(added_to_cart("x", now).replace("\"customer_id\":\"x\"", "\"anonymous_id\":\"visitor\""));
    rows.join("\n")
}

fn command(shop: &Installation, words: &[&str]) -> Run {
    let args = words.iter().map(|&word| word.to_owned());
    rekindle(&args.chain(shop.settings_and(WAIT)).collect::<Vec<_>>())
}

#[test]
fn history_is_fed_in_once_beside_live_events_and_nothing_fires_for_it() {
    let Some(shop) = Installation::for_test("backfill") else { return };
    shop.create_topics();
    let folder = tempfile::tempdir().unwrap();
    let (file, refused) = (folder.path().join("history.jsonl"), folder.path().join("refused.jsonl"));
    fs::write(&file, history()).unwrap();
    let (file, refused) = (file.to_str().unwrap(), refused.to_str().unwrap());
    let backfill = ["ingest", "--backfill", "--from-file", file, "--rejects", refused];
    let mut ingest = Running::start("ingest", &shop.settings_and(WAIT));
    let mut triggers = Running::start("triggers", &shop.settings_and(WAIT));
    eventually("both work", PATIENCE, || ingest.get("/readyz").0 == 200 && triggers.get("/readyz").0 == 200);

    let dry = command(&shop, &backfill);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.starts_with(&format!("Would write {} events", 2 * CUSTOMERS)), "{}", dry.stdout);
    assert!(dry.stderr.contains("600 event + 1 anonymous + 0 ignored + 1 refused"), "{}", dry.stderr);
    assert!(fs::read_to_string(refused).unwrap().contains("\"line\":601"));
    assert_eq!(shop.history(), [""; 0], "a dry run writes nothing");

    let slowly = [&backfill[1..], &["--rate", "100", "--execute"], WAIT].concat();
    let mut first = Running::start("ingest", &shop.settings_and(&slowly));
    eventually("some of it is written", PATIENCE, || shop.history().len() >= 100);
    let live: Vec<String> = (0..20).map(|number| format!("live-{number:02}")).collect();
    shop.fill_carts(&live, 0);
    first.signal("KILL");
    first.exit_code(PATIENCE);
    let before = shop.history().len();
    assert!(before < 2 * CUSTOMERS, "it was killed in the middle: {before}");
    let execute = [&backfill[..], &["--rate", "100000", "--execute"]].concat();
    let second = command(&shop, &execute);
    assert_eq!(second.code, 0, "{}{}", second.stdout, second.stderr);
    let written = format!("{} events written", 2 * CUSTOMERS - shop_done(&second));
    assert!(second.stdout.starts_with(&written), "{}", second.stdout);
    let mut expected: Vec<String> =
        (0..CUSTOMERS).flat_map(|n| ["kept", "ordered"].map(|what| format!("{}-{what}", id(n)))).collect();
    expected.sort();
    assert_eq!(shop.history(), expected, "each event once, and at home");
    let third = command(&shop, &execute);
    assert!(
        third.stdout.starts_with("0 events written") && third.stdout.contains("600 were written before"),
        "{}",
        third.stdout
    );

    // What is known now counts for what happens from now on.
    shop.fill_carts(&[id(4), id(5)], 0);
    let mut told = [&live[..], &[id(4), id(5)]].concat();
    told.sort();
    eventually("live carts are told of", PATIENCE, || shop.fired().len() >= told.len());
    eventually("history is known", PATIENCE, || {
        let run = command(&shop, &["explain", "--customer", &id(0), "--format", "json"]);
        run.stdout.contains("-kept") && run.stdout.contains("\"orders\"")
    });
    let cart = command(&shop, &["explain", "--customer", &id(0)]).stdout;
    assert!(cart.contains("1 x  p-1") && cart.contains("cart_abandonment      held"), "{cart}");
    for process in [&mut triggers, &mut ingest] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
    assert_eq!(shop.fired(), told, "the living once each, and nobody for what is history");
}

#[test]
fn the_whole_catalogue_is_silent_about_history() {
    let Some(shop) = Installation::for_test("silence") else { return };
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/whole-catalogue.toml");
    let all = |words: &[&str]| {
        shop.settings_and(&[&["--config", catalogue, "--set", "engine.settle=2s"], words].concat())
    };
    let mut create = vec!["topics".to_owned(), "apply".to_owned(), "--execute".to_owned()];
    create.extend(all(&[]));
    assert_eq!(rekindle(&create).code, 0);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.jsonl");
    let file = file.to_str().unwrap();
    let made = [
        "generate",
        "--events",
        "8000",
        "--customers",
        "400",
        "--start",
        "2024-01-01T00:00:00Z",
        "--output",
        file,
    ];
    assert_eq!(rekindle(&made.map(str::to_owned)).code, 0);

    let mut ingest = Running::start("ingest", &all(&[]));
    let mut triggers = Running::start("triggers", &all(&[]));
    eventually("both work", PATIENCE, || ingest.get("/readyz").0 == 200 && triggers.get("/readyz").0 == 200);
    let mut backfill = vec!["ingest".to_owned()];
    backfill.extend(all(&["--backfill", "--from-file", file, "--rate", "100000", "--execute"]));
    let run = rekindle(&backfill);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let events = shop.history().len() as f64;
    assert!(events > 5_000.0, "{}", run.stderr);
    let metric = |name: &str| sum_of(&triggers.get("/metrics").1, name);
    eventually("all of it is known", PATIENCE, || metric("rekindle_events_total") >= events);
    // What it arms at or before now would be due `settle` after now, if it were armed.
    shop.fill_carts(&["now".to_owned()], 2_000);
    eventually("a live cart is told of", PATIENCE, || !shop.fired().is_empty());
    assert_eq!(shop.fired(), ["now"]);
    assert_eq!(metric("rekindle_triggers_total"), 1.0, "{}", triggers.get("/metrics").1);
    for process in [&mut triggers, &mut ingest] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
}

/// How many events had been written before a run, by its own word.
fn shop_done(run: &Run) -> usize {
    let told = run.stdout.split("; ").find_map(|part| part.strip_suffix(" were written before"));
    told.map_or(0, |count| count.parse().unwrap())
}
