//! The tools of whoever runs an installation, on real servers: dead letters, the doctor, the view of running services.
//!
//! `REKINDLE_TEST_KAFKA` and `REKINDLE_TEST_REDIS` (host:port) name them; without them a test says that it was
//! skipped, and passes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, and needs names of its own"
)]

#[path = "services/installation.rs"]
mod installation;
mod program;
#[path = "services/running.rs"]
mod running;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use installation::Installation;
use kafka::{DesiredTopic, KafkaProperties, PartitionGrowth, Plan, Step, Timeouts, TopicAdmin};
use program::{Run, rekindle};
use running::{Running, eventually};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// Runs a command on an installation.
fn run(shop: &Installation, command: &[&str], more: &[&str]) -> Run {
    let command = command.iter().map(|&word| word.to_owned());
    let args: Vec<String> = command.chain(shop.settings_and(more)).collect();
    rekindle(&args)
}

/// The same, for its document.
fn json(shop: &Installation, command: &[&str], more: &[&str]) -> Value {
    let run = run(shop, command, &[more, &["--format", "json"]].concat());
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{}{}", run.stdout, run.stderr))
}

/// How many dead letters of a reason there are, and how many of those were replayed.
fn count(shop: &Installation, reason: &str) -> (u64, u64) {
    let document = json(shop, &["dlq", "list"], &[]);
    let groups = document["groups"].as_array().unwrap().clone();
    let of_reason: Vec<_> = groups.iter().filter(|group| group["reason"] == reason).collect();
    let sum = |field: &str| of_reason.iter().map(|group| group[field].as_u64().unwrap()).sum();
    (sum("count"), sum("replayed"))
}

#[test]
fn dead_letters_are_listed_shown_replayed_once_and_purged() {
    let Some(shop) = Installation::for_test("dlq") else { return };
    shop.create_topics();
    shop.produce_carts(9);
    // So small a limit that nearly all of it is a dead letter.
    let small = ["--set", "ingest.max_record_bytes=20"];
    let mut ingest = Running::start("ingest", &shop.settings_and(&small));
    eventually("all is read", PATIENCE, || count(&shop, "record_too_large").0 == 13);
    ingest.signal("TERM");
    assert_eq!(ingest.exit_code(PATIENCE), 0, "{}", ingest.log());
    assert_eq!(count(&shop, "unknown_format"), (1, 0));

    let shown = json(&shop, &["dlq", "show"], &["--reason", "unknown_format"]);
    assert_eq!(shown["value"]["text"], "no JSON", "{shown}");
    assert_eq!(
        (&shown["key"]["text"], &shown["original"]["topic"]),
        (&"junk".into(), &shop.clickstream.as_str().into())
    );

    let nowhere = run(&shop, &["dlq", "show"], &["--partition", "0", "--offset", "99999"]);
    assert!(
        nowhere.code == 1 && nowhere.stderr.contains("there is no record at 0/99999"),
        "{}",
        nowhere.stderr
    );

    let select = ["--reason", "record_too_large"];
    let dry = run(&shop, &["dlq", "replay"], &select);
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert!(dry.stdout.contains("Nothing was written"), "{}", dry.stdout);
    assert_eq!(count(&shop, "record_too_large"), (13, 0), "a dry run writes nothing");
    let execute = [&select[..], &["--execute"]].concat();
    let done = json(&shop, &["dlq", "replay"], &execute);
    let replayed = done["replay"].as_object().unwrap().values().map(|count| count.as_u64().unwrap());
    assert_eq!((replayed.sum::<u64>(), &done["executed"]), (13, &true.into()), "{done}");
    assert_eq!(count(&shop, "record_too_large"), (13, 13));
    let again = json(&shop, &["dlq", "replay"], &execute);
    assert_eq!((&again["replay"], &again["replayed_before"]), (&serde_json::json!({}), &13.into()));

    // With the usual limit they are events, all but the large one, which is no JSON and dies another death.
    let mut ingest = Running::start("ingest", &shop.settings());
    eventually("they are ingested", PATIENCE, || {
        let metrics = ingest.get("/metrics").1;
        let events = metrics.lines().find(|line| line.contains("records_total{outcome=\"event\""));
        events.is_some_and(|line| line.ends_with(" 12"))
    });
    eventually("the large one is back", PATIENCE, || {
        count(&shop, "unknown_format").0 + count(&shop, "record_too_large").0 == 15
    });
    ingest.signal("TERM");
    assert_eq!(ingest.exit_code(PATIENCE), 0, "{}", ingest.log());

    let before = ["--before", "2100-01-01T00:00:00Z"];
    let dry = run(&shop, &["dlq", "purge"], &before);
    assert!(dry.stdout.contains("Nothing was deleted"), "{}{}", dry.stdout, dry.stderr);
    assert_eq!(count(&shop, "record_too_large").1, 13);
    let purged = run(&shop, &["dlq", "purge"], &[&before[..], &["--execute"]].concat());
    assert_eq!(purged.code, 0, "{}", purged.stderr);
    let left = run(&shop, &["dlq", "list"], &[]);
    assert_eq!(left.stdout, "There are no dead letters.\n");
}

/// The levels and texts of the findings about a subject that begins like this.
fn findings<'a>(document: &'a Value, subject: &str) -> Vec<(&'a str, &'a str)> {
    let all = document["findings"].as_array().unwrap().iter();
    let about = all.filter(|finding| finding["subject"].as_str().unwrap().starts_with(subject));
    about.map(|finding| (finding["level"].as_str().unwrap(), finding["what"].as_str().unwrap())).collect()
}

#[test]
fn running_services_are_healthy_and_top_shows_what_they_do() {
    let Some(shop) = Installation::for_test("healthy") else { return };
    shop.create_topics();
    let expected = shop.produce_carts(9);
    let mut ingest = Running::start("ingest", &shop.settings());
    let mut triggers = Running::start("triggers", &shop.settings());
    eventually("all triggers are out", PATIENCE, || shop.fired().len() >= expected.len());
    eventually("both are ready", PATIENCE, || {
        ingest.get("/readyz").0 == 200 && triggers.get("/readyz").0 == 200
    });

    let examined = run(&shop, &["doctor"], &["--format", "json"]);
    assert_eq!(examined.code, 0, "{}{}", examined.stdout, examined.stderr);
    let document: Value = serde_json::from_str(&examined.stdout).unwrap();
    assert_eq!(document["problems"], 0, "{document}");
    for subject in ["kafka", "redis", "group", "keys of", "clock of the brokers", "clock of redis"] {
        let found = findings(&document, subject);
        assert!(!found.is_empty() && found.iter().all(|(level, _)| *level == "ok"), "{subject}: {document}");
    }
    let group = findings(&document, "group");
    assert!(group.iter().all(|(_, what)| what.starts_with("1 in it")), "{group:?}");
    let keys = findings(&document, "keys of");
    assert!(keys.iter().any(|(_, what)| what.starts_with("12 of 12 newest records")), "{keys:?}");

    let (ingest_at, triggers_at) = (ingest.address().unwrap(), triggers.address().unwrap());
    let command = ["top", "--interval", "1s", "--admin", &ingest_at, "--admin", &triggers_at, "--format"];
    let shown = rekindle(&[&command[..], &["json"]].concat());
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let view: Value = serde_json::from_str(&shown.stdout).unwrap();
    let fired =
        view["triggers"].as_array().unwrap().iter().find(|count| count["outcome"] == "fired").unwrap();
    assert_eq!(
        (&fired["rule"], &fired["total"]),
        (&"cart_abandonment".into(), &(expected.len() as f64).into())
    );
    let services: Vec<_> = view["services"].as_array().unwrap().iter().map(|one| &one["service"]).collect();
    assert_eq!(services, ["ingest", "triggers"]);
    let tasks = view["partitions"].as_array().unwrap().iter().filter(|one| one["service"] == "triggers");
    assert!(tasks.clone().all(|one| one["held_by"].is_string() && one["lag_records"].is_number()), "{view}");
    assert_eq!(tasks.count(), installation::PARTITIONS as usize);
    let shown = rekindle(&[&command[..], &["table"]].concat());
    assert!(shown.stdout.contains("cart_abandonment  fired"), "{}", shown.stdout);
    assert!(!shown.stdout.contains('\x1b'), "nothing for a terminal where there is none");

    for process in [&mut ingest, &mut triggers] {
        process.signal("TERM");
        assert_eq!(process.exit_code(PATIENCE), 0, "{}", process.log());
    }
    let nobody = rekindle(&["top", "--interval", "10ms", "--admin", &ingest_at]);
    assert_eq!(nobody.code, 1, "{}", nobody.stdout);
    assert!(nobody.stdout.contains("no answer"), "{}", nobody.stdout);
}

/// A Redis server of its own, which throws records away and keeps nothing.
struct CarelessRedis {
    child: Child,
    port: u16,
}

impl CarelessRedis {
    fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = ["--bind", "127.0.0.1", "--save", "", "--maxmemory-policy", "allkeys-lru", "--port"];
        let mut command = Command::new("redis-server");
        let child = command.args(settings).arg(port.to_string()).stdout(Stdio::null()).spawn().unwrap();
        eventually("redis listens", PATIENCE, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { child, port }
    }
}

impl Drop for CarelessRedis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_doctor_names_what_is_wrong_and_changes_nothing() {
    let Some(shop) = Installation::for_test("sick") else { return };
    let brokers = std::env::var("REKINDLE_TEST_KAFKA").unwrap();
    let properties = KafkaProperties::new([("bootstrap.servers", brokers)]).unwrap();
    let admin = TopicAdmin::connect(&properties, Timeouts::default()).unwrap();
    let clicks = DesiredTopic {
        name: shop.clickstream.as_str().into(),
        partitions: 2,
        replication: 1,
        growth: PartitionGrowth::Free,
        configs: [("message.timestamp.type".into(), "CreateTime".to_owned())].into(),
    };
    admin.apply(&Plan { steps: vec![Step::Create(clicks)], cautions: vec![] }, |_| {}).unwrap();
    let redis = CarelessRedis::start();
    let mut args = vec!["doctor".to_owned(), "--format".to_owned(), "json".to_owned()];
    args.extend(shop.settings());
    let url = args.iter().position(|word| word == "--redis").unwrap() + 1;
    args[url] = format!("redis://127.0.0.1:{}", redis.port);
    let mut told = String::new();
    eventually("the new topic is told of", PATIENCE, || {
        let examined = rekindle(&args);
        assert_eq!(examined.code, 1, "{}{}", examined.stdout, examined.stderr);
        told = examined.stdout;
        told.contains("CreateTime")
    });
    let document: Value = serde_json::from_str(&told).unwrap();
    let clicks = findings(&document, &format!("topic {}", shop.clickstream));
    assert!(matches!(clicks[..], [("warning", what)] if what.contains("CreateTime")), "{clicks:?}");
    let missing = document["findings"].as_array().unwrap().iter().filter(|one| one["what"] == "is missing");
    assert!(missing.count() >= 4, "the log, its neighbours and the other raw topic: {document}");
    let redis = findings(&document, "redis");
    assert!(
        redis.iter().any(|(level, what)| *level == "problem" && what.contains("allkeys-lru")),
        "{redis:?}"
    );
    assert!(
        redis.iter().any(|(level, what)| *level == "warning" && what.contains("appendonly")),
        "{redis:?}"
    );
    let advised = document["findings"].as_array().unwrap().iter().filter(|one| one["level"] != "ok");
    assert!(
        advised.clone().count() > 0 && advised.clone().all(|one| one["advice"].is_string()),
        "{document}"
    );
}

#[test]
fn servers_that_are_not_there_are_named_within_a_moment() {
    let began = Instant::now();
    let nobody = ["--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1", "--set", "gates.enabled=[]"];
    let examined = rekindle(&[&["doctor", "--set", "kafka.request_timeout=1s"][..], &nobody[..]].concat());
    assert_eq!(examined.code, 1, "{}", examined.stderr);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    for named in ["PROBLEM  kafka 127.0.0.1:1", "PROBLEM  redis 127.0.0.1:1"] {
        assert!(examined.stdout.contains(named), "{}", examined.stdout);
    }
}
