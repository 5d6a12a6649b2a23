//! Replays as their user meets them: what is counted, what is refused, and which files stop a replay.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use program::{Run, command, rekindle, run};

const GATES_OFF: [&str; 4] = ["--set", "gates.enabled=[]", "--set", "outcomes.enabled=false"];

fn replay(input: &[u8], more: &[&str]) -> Run {
    let args = [&["replay", "--from-file", "-"], GATES_OFF.as_slice(), more].concat();
    run(&mut command(&args), input)
}

/// Files that live as long as the test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name).display().to_string()
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn cart(customer: &str, time: &str) -> String {
    format!(
        r#"{{"type":"cart_item_added","customer_id":"{customer}","occurred_at":"{time}","item":{{"product_id":"p"}}}}"#
    ) + "\n"
}

const NOON: &str = "2026-01-01T12:00:00Z";

#[test]
fn every_row_ends_in_one_counted_outcome_and_refused_rows_are_written_down() {
    let folder = Folder::new();
    let input = [
        cart("c1", NOON),
        cart("c1", "2999-01-01T00:00:00Z"),
        cart("c1", "1970-01-01T00:00:00Z"),
        r#"{"type":"page_viewed","anonymous_id":"v1","occurred_at":"2026-01-01T12:00:00Z"}"#.to_owned() + "\n",
        r#"{"type":"horoscope_read","customer_id":"c1","occurred_at":"2026-01-01T12:00:00Z"}"#.to_owned() + "\n",
        r#"{"event":"Product Added","type":"track","userId":"c2","messageId":"m1","timestamp":"2026-01-01T12:00:00Z","properties":{"product_id":"p"}}"#.to_owned() + "\n",
        "{\"type\":\n".to_owned(),
        "\n".to_owned(),
        format!("{{\"type\":\"{}\"}}\n", "x".repeat(2_000_000)),
        r#"{"a":"#.repeat(100_000) + "\n",
    ]
    .concat();
    let rejects = folder.path("rejects.jsonl");
    let run = replay(input.as_bytes(), &["--flush-timers", "--rejects", rejects.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let lines: Vec<&str> = run.stderr.lines().take_while(|line| !line.starts_with("records:")).collect();
    assert_eq!(
        lines,
        [
            "rows:     10 = 2 event + 1 anonymous + 2 ignored + 5 refused",
            "            ignored blank_line: 1",
            "            ignored unknown_event_name: 1",
            "            refused before_earliest: 1",
            "            refused in_the_future: 1",
            "            refused malformed_json: 1",
            "            refused record_too_large: 1",
            "            refused too_deep: 1",
            "events:   2 = 2 applied + 0 duplicate; 10 timers fired",
            "triggers: 6",
            "            actions.cart-abandonment: 6",
        ]
    );
    assert_eq!(run.stdout.lines().count(), 6);
    let rejects = std::fs::read_to_string(rejects).unwrap();
    let first: serde_json::Value = serde_json::from_str(rejects.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["file"], &first["line"], &first["reason"]),
        (&"<stdin>".into(), &2.into(), &"in_the_future".into())
    );
    assert_eq!(rejects.lines().count(), 5);
}

#[test]
fn two_runs_plain_or_gzip_in_one_file_or_two_write_the_same_bytes() {
    let folder = Folder::new();
    let (one, two) = (cart("c1", NOON) + &cart("c2", NOON), cart("c3", "2026-01-01T11:00:00Z"));
    let whole = folder.file("whole.txt", one.clone() + &two);
    let packed = folder.file("packed.txt", gzip((one.clone() + &two).as_bytes()));
    let (one, two) = (folder.file("one", one), folder.file("two", gzip(two.as_bytes())));
    let output = |files: &[&str]| {
        let to = folder.path("triggers.jsonl");
        let args = [
            &["replay", "--flush-timers", "-q", "-o", to.to_str().unwrap()],
            GATES_OFF.as_slice(),
            &["--from-file"],
        ];
        let run = rekindle(&[args.concat().as_slice(), files].concat());
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
        std::fs::read_to_string(to).unwrap()
    };
    let expected = output(&[&whole]);
    assert_eq!(expected.lines().count(), 9);
    for files in [
        vec![whole.as_str()],
        vec![packed.as_str()],
        vec![one.as_str(), two.as_str()],
        vec![two.as_str(), one.as_str()],
    ] {
        assert_eq!(output(&files), expected);
    }
}

#[test]
fn sorting_in_files_writes_the_same_bytes_as_sorting_in_memory() {
    let events: String = (0..20_000_u64)
        .map(|n| {
            let at = 1_767_268_800_000 + n * 7_919 % 20_000 * 1_000;
            cart(&format!("c{}", n % 997), &at.to_string())
        })
        .collect();
    let in_memory = replay(events.as_bytes(), &["--flush-timers"]);
    let in_files =
        replay(events.as_bytes(), &["--flush-timers", "--set", "replay.sort_memory_bytes=1048576"]);
    assert!(in_files.stderr.contains("went through temporary files"), "{}", in_files.stderr);
    assert!(!in_memory.stderr.contains("went through temporary files"));
    assert!(in_memory.stdout.lines().count() > 997);
    assert_eq!(in_files.stdout, in_memory.stdout);
}

#[test]
fn a_setting_on_the_command_line_changes_what_would_have_been_sent() {
    let input = cart("c1", NOON) + &cart("c2", "2026-01-01T15:00:00Z");
    let fired = |more: &[&str]| replay(input.as_bytes(), more).stdout.lines().count();
    assert_eq!(fired(&[]), 0);
    assert_eq!(fired(&["--set", "triggers.cart-abandonment.wait=2h"]), 1);
    assert_eq!(fired(&["--set", "triggers.cart-abandonment.wait=3h"]), 1);
    assert_eq!(
        fired(&[
            "--set",
            "triggers.cart-abandonment.wait=3h",
            "--set",
            "triggers.cart-abandonment.enabled=false"
        ]),
        0
    );
}

#[test]
fn files_that_cannot_be_read_to_their_end_stop_the_replay_and_say_what_to_do() {
    let folder = Folder::new();
    let packed = gzip((0..5_000).map(|n| cart(&format!("c{n}"), NOON)).collect::<String>().as_bytes());
    let mut damaged = packed.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 20].fill(0xff);
    for (name, content, complaint) in [
        ("empty", Vec::new(), "empty: is empty: there is nothing to replay"),
        ("empty.gz", gzip(b""), "empty.gz: is empty: there is nothing to replay"),
        ("short", packed[..packed.len() / 2].to_vec(), "the gzip data ends too early after this line"),
        ("stub", packed[..12].to_vec(), "the gzip data ends too early after this line"),
        ("damaged", damaged, "the gzip data is damaged after this line"),
        ("table", b"a,b\n1,2\n".to_vec(), "none of its 2 rows is a JSON object; a CSV file needs --mapping"),
        ("pretty", b"[\n{\n}\n]\n".to_vec(), "none of its 4 rows is a JSON object"),
        ("zip", b"PK\x03\x04rest".to_vec(), "is a zip archive; only gzip is understood"),
        ("utf16", b"\xff\xfe{\x00}\x00".to_vec(), "is UTF-16; UTF-8 is needed"),
    ] {
        let path = folder.file(name, content);
        let output = folder.path("triggers.jsonl");
        let mut args = vec!["replay", "--from-file", &path, "--output", output.to_str().unwrap()];
        args.extend(GATES_OFF);
        let run = rekindle(&args);
        assert_eq!(run.code, 1, "{name}: {}", run.stderr);
        assert!(run.stderr.contains(complaint), "{name}: {}", run.stderr);
        assert!(!output.exists(), "{name}");
    }
}

const SHOP: &str = r#"
format = "csv"
source = "shop"
default_currency = "EUR"
group_by = ["order"]

[fields]
type = { column = "kind", map = { sale = "order_completed" }, map_prefix = { back = "order_cancelled" } }
order_id = "order"
customer_id = "customer"
occurred_at = { column = "when", time = "%d.%m.%Y %H:%M", zone = "Europe/Berlin" }

[item]
product_id = "product"
quantity = { column = "pieces", default = 1 }
unit_price = "price"

[[ignore]]
reason = "gift_wrap"
column = "product"
equals = ["WRAP"]
"#;

#[test]
fn lines_of_one_order_are_one_event_and_every_row_is_counted() {
    let folder = Folder::new();
    let mapping = folder.file("shop.toml", SHOP);
    let table = "order,kind,customer,when,product,pieces,price\n\
                 o1,sale,c1,01.01.2026 12:00,p1,1,19.99\n\
                 o1,sale,c1,01.01.2026 12:00,WRAP,1,1.00\n\
                 o1,sale,c1,01.01.2026 12:00,\"p2, blue\",,5\n\
                 o2,back-9,c1,02.01.2026 12:00,p1,-1,19.99\n\
                 o3,sale,c2,not a time,p1,1,19.99\n\
                 o4,gift,c2,02.01.2026 12:00,p1,1,19.99\n\
                 o5,sale,c2,02.01.2026 12:00,p1\n";
    let run = replay(table.as_bytes(), &["--mapping", &mapping]);
    let lines: Vec<&str> = run.stderr.lines().take_while(|line| !line.starts_with("records:")).collect();
    assert_eq!(
        lines,
        [
            "rows:     7 = 3 event + 0 anonymous + 1 ignored + 3 refused",
            "            ignored gift_wrap: 1",
            "            refused bad_timestamp: 1",
            "            refused not_in_map: 1",
            "            refused wrong_cell_count: 1",
            "events:   2 = 2 applied + 0 duplicate; 0 timers fired",
            "triggers: 0",
        ]
    );
}

#[test]
fn columns_that_are_missing_and_texts_that_are_not_utf8_are_told_with_their_line() {
    let folder = Folder::new();
    let mapping = folder.file("shop.toml", SHOP);
    let run = replay(b"order,kind,customer,wen,product,pieces,price\n", &["--mapping", &mapping]);
    assert_eq!(run.code, 1);
    assert_eq!(
        run.stderr,
        "rekindle: <stdin>:1: there is no column `when`; the nearest is `wen` (columns: order, kind, customer, wen, \
         product, pieces, price)\n"
    );
    let table = b"order,kind,customer,when,product,pieces,price\no1,sale,c1,01.01.2026 12:00,caf\xe9,1,1\n";
    let rejects = folder.path("rejects");
    let run = replay(table, &["--mapping", &mapping, "--rejects", rejects.to_str().unwrap()]);
    assert_eq!(run.code, 0);
    let rejects = std::fs::read_to_string(rejects).unwrap();
    assert!(rejects.contains(r#""line":2"#) && rejects.contains("encoding = \\\"latin-1\\\""), "{rejects}");
    let latin = folder.file("latin.toml", SHOP.replace("source =", "encoding = \"latin-1\"\nsource ="));
    assert!(replay(table, &["--mapping", &latin]).stderr.contains("rows:     1 = 1 event"));
    let endless = format!("order,kind,customer,when,product,pieces,price\n\"{}", "x\n".repeat(1_000_000));
    let run = replay(endless.as_bytes(), &["--mapping", &mapping]);
    assert!(
        run.stderr.starts_with("rekindle: <stdin>:2: a row of more than 1048576 bytes begins here"),
        "{}",
        run.stderr
    );
}

#[test]
fn mistakes_in_a_mapping_are_told_like_mistakes_in_the_configuration() {
    let folder = Folder::new();
    for (from, to, complaint) in [
        (
            "order_id = \"order\"",
            "oder_id = \"order\"",
            "shop.toml:9: fields.oder_id: unknown field `oder_id`; the nearest is `order_id` (allowed: type, ",
        ),
        (
            "pieces\", default",
            "pieces\", defalt",
            "shop.toml:15: item.quantity.defalt: unknown key `defalt`; the nearest is `default`",
        ),
        (
            ", zone = \"Europe/Berlin\"",
            "",
            "shop.toml:11: fields.occurred_at.time: the pattern reads no zone",
        ),
        (
            "customer_id = \"customer\"",
            "customer_id = { column = \"customer\", prefix = \"x-\" }",
            "shop.toml:10: fields.customer_id.prefix: ids of people get `id_prefix`",
        ),
        (
            "equals = [\"WRAP\"]",
            "",
            "shop.toml:18: ignore[0]: give one of equals, starts_with, empty and below",
        ),
        ("\"EUR\"", "\"Euro\"", "shop.toml:4: default_currency: `Euro` is not a currency"),
        ("occurred_at =", "received_at =", "fields: `occurred_at` has no rule"),
    ] {
        let mapping = folder.file("shop.toml", SHOP.replace(from, to));
        let run = replay(b"", &["--mapping", &mapping]);
        assert_eq!(run.code, 78, "{}", run.stderr);
        assert!(run.stderr.contains(complaint), "{complaint}\n{}", run.stderr);
    }
}

#[test]
fn json_of_ones_own_is_mapped_by_paths() {
    let folder = Folder::new();
    let mapping = folder.file(
        "own.toml",
        r#"
format = "jsonl"
source = "own"
[fields]
type = { column = "what", map = { add = "cart_item_added" } }
event_id = { join = ["meta.batch", "meta.n"], hash = true, prefix = "own-" }
customer_id = "who.id"
occurred_at = { column = "at", time = "s" }
[item]
product_id = "thing"
"#,
    );
    let input = "{\"what\":\"add\",\"who\":{\"id\":17},\"at\":1767268800.5,\"thing\":\"p\",\"meta\":{\"batch\":\"b\",\"n\":1}}\n\
                 [1]\n\
                 {\"what\":\"add\",\"at\":1767268800}\n";
    let run = replay(input.as_bytes(), &["--mapping", &mapping, "--flush-timers"]);
    assert!(
        run.stderr.starts_with("rows:     3 = 1 event + 1 anonymous + 0 ignored + 1 refused\n"),
        "{}",
        run.stderr
    );
    let first: serde_json::Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!((&first["subject"], &first["time"]), (&"17".into(), &"2026-01-01T16:00:00.500Z".into()));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let input: String = (0..3_000).map(|n| cart(&format!("c{n}"), NOON)).collect();
    let mut args = vec!["replay", "--from-file", "-", "--flush-timers"];
    args.extend(GATES_OFF);
    let mut child = command(&args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn some_of_the_triggers_can_be_replayed_as_if_the_others_were_off() {
    let rows = concat!(
        r#"{"type":"order_completed","customer_id":"c-1","occurred_at":"2026-03-01T10:00:00Z","order_id":"o-1"}"#,
        "\n",
        r#"{"type":"cart_item_added","customer_id":"c-1","occurred_at":"2026-03-02T10:00:00Z","item":{"product_id":"p"}}"#,
        "\n",
        r#"{"type":"page_viewed","customer_id":"c-2","occurred_at":"2026-06-02T10:00:00Z"}"#,
        "\n",
    );
    let on = ["--quiet", "--flush-timers", "--set", "triggers.winback.enabled=true"];
    let kinds = |more: &[&str]| {
        let run = replay(rows.as_bytes(), &[&on[..], more].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let of = |line: &str| line.split("rekindle.").nth(1).unwrap().split(".v1").next().unwrap().to_owned();
        run.stdout.lines().map(of).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(kinds(&[]).len(), 2);
    assert_eq!(kinds(&["--set", "triggers.only=[\"winback\"]"]), ["winback.fired".to_owned()].into());
}

#[test]
fn saved_events_give_the_triggers_of_the_rows_that_they_were_made_of() {
    let folder = Folder::new();
    let shop = folder.path("shop.jsonl");
    let shop = shop.to_str().unwrap();
    assert_eq!(rekindle(&["generate", "--events", "5000", "--customers", "200", "--output", shop]).code, 0);
    let saved = folder.path("events.avro");
    let saved = saved.to_str().unwrap();
    let replayed = |file: &str, more: &[&str]| {
        let args = [&["replay", "--flush-timers", "--from-file", file], GATES_OFF.as_slice(), more].concat();
        let run = rekindle(&args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        run
    };
    let of_rows = replayed(shop, &["--save-events", saved]);
    let of_saved = replayed(saved, &[]);
    assert!(of_rows.stdout.lines().count() > 20);
    assert_eq!(of_rows.stdout, of_saved.stdout);
    let zipped = folder.file("events.avro.gz", gzip(&std::fs::read(saved).unwrap()));
    assert_eq!(replayed(&zipped, &[]).stdout, of_rows.stdout);

    let whole = std::fs::read(saved).unwrap();
    let cut = folder.file("cut.avro", &whole[..whole.len() - 100]);
    let run = rekindle(&[&["replay", "--from-file", &cut], GATES_OFF.as_slice()].concat());
    assert_ne!(run.code, 0);
    assert!(run.stderr.contains("cut.avro: it is damaged after"), "{}", run.stderr);
    assert!(run.stderr.contains("it ends too early"), "{}", run.stderr);
}
