//! `rekindle bench`: every stage reads everything, and nothing of it stays on the servers.
//!
//! `REKINDLE_TEST_KAFKA` and `REKINDLE_TEST_REDIS` (host:port) name the servers; without them a test that wants them
//! says that it was skipped, and passes. What is measured is looked at for being there, and never for how much it is.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, and reads its environment"
)]

mod program;

use std::time::Duration;

use engine::ports::TaskId;
use events::TopicPartition;
use kafka::{GroupOnlooker, KafkaProperties, Removal, Timeouts, TopicAdmin};
use program::rekindle;
use redis_store::{Probe, RedisStore, Servers, Settings};
use serde_json::Value;
use smol_str::SmolStr;

/// Partitions of each topic.
const PARTITIONS: i32 = 2;
/// Of those of the whole catalogue one stands for all.
const TOPICS: [&str; 15] = [
    "clickstream",
    "purchase",
    "support",
    "profile",
    "engagement",
    "customer-events",
    "anonymous-events",
    "dead-letters",
    "cart.actions.cart-abandonment",
    "cart.actions.suppressed",
    "cart.outcomes",
    "catalogue.actions.cart-abandonment",
    "catalogue.actions.winback",
    "catalogue.actions.suppressed",
    "catalogue.outcomes",
];

struct TestServers {
    kafka: String,
    redis: String,
}

impl TestServers {
    fn for_test(test: &str) -> Option<Self> {
        let (Ok(kafka), Ok(redis)) =
            (std::env::var("REKINDLE_TEST_KAFKA"), std::env::var("REKINDLE_TEST_REDIS"))
        else {
            eprintln!("skipped: {test} wants servers in REKINDLE_TEST_KAFKA and REKINDLE_TEST_REDIS");
            return None;
        };
        Some(Self { kafka, redis: format!("redis://{redis}") })
    }

    fn bench(&self, more: &[&str]) -> program::Run {
        let partitions = format!("topics.partitions={PARTITIONS}");
        let mut args = vec!["bench", "--kafka", &self.kafka, "--redis", &self.redis, "--set", &partitions];
        args.extend(more);
        rekindle(&args)
    }

    fn properties(&self) -> KafkaProperties {
        KafkaProperties::new([("bootstrap.servers", self.kafka.as_str())]).unwrap()
    }

    fn redis_settings(&self, installation: &str) -> Settings {
        Settings::new(Servers::Standalone(self.redis.clone()), installation)
    }

    /// The topics, positions in groups, and tasks' states that an installation of the stages has there.
    fn holds(&self, installation: &str) -> (usize, usize, usize) {
        let names = TOPICS.map(|topic| SmolStr::new(format!("{installation}.{topic}")));
        let admin = TopicAdmin::connect(&self.properties(), Timeouts::default()).unwrap();
        let topics = names.len() - admin.missing(&names).unwrap().len();
        let committed = |group: &str, topic: &str| {
            let group = format!("{installation}-{group}");
            let onlooker = GroupOnlooker::connect(&self.properties(), &group, Timeouts::default()).unwrap();
            let partitions: Vec<_> = (0..PARTITIONS)
                .map(|partition| TopicPartition::new(format!("{installation}.{topic}"), partition))
                .collect();
            onlooker.committed(&partitions).unwrap().len()
        };
        let tasks = |rules: &str| {
            let store = RedisStore::open(self.redis_settings(&format!("{installation}-{rules}"))).unwrap();
            pollster::block_on(store.positions("triggers")).unwrap().len()
        };
        let positions = committed("cart-ingest", "clickstream")
            + committed("cart-triggers", "customer-events")
            + committed("catalogue-triggers", "customer-events");
        (topics, positions, tasks("cart") + tasks("catalogue"))
    }

    /// What the bench would have done.
    fn remove(&self, installation: &str) {
        let removal = Removal::connect(&self.properties(), Timeouts::default()).unwrap();
        let groups = ["cart-ingest", "cart-triggers", "catalogue-triggers"];
        let groups = groups.map(|group| format!("{installation}-{group}"));
        let catalogue = action_topics().into_iter().map(|topic| format!("catalogue.{topic}"));
        let topics = TOPICS.map(str::to_owned).into_iter().chain(catalogue);
        let topics: Vec<_> = topics.map(|topic| format!("{installation}.{topic}")).collect();
        removal.remove_topics(&topics.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
        let patience = Duration::from_secs(30);
        removal.remove_groups(&groups.each_ref().map(String::as_str), patience).unwrap();
        let tasks: Vec<_> = (0..PARTITIONS)
            .map(|partition| TaskId {
                service: "triggers".into(),
                partition: TopicPartition::new(&topics[5], partition),
            })
            .collect();
        for rules in ["cart", "catalogue"] {
            let settings = self.redis_settings(&format!("{installation}-{rules}"));
            Probe::connect(&settings).unwrap().remove(&tasks).unwrap();
        }
    }
}

/// Every topic that some trigger has, by the schemas.
fn action_topics() -> Vec<String> {
    let folders = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas")).unwrap();
    let names = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("actions.")).collect()
}

/// The names of the installations that a run speaks of, in order.
fn installations(run: &program::Run) -> Vec<String> {
    let names = run.stderr.lines().filter_map(|line| line.strip_prefix("installed "));
    names.map(str::to_owned).collect()
}

fn count(stage: &Value, name: &str) -> u64 {
    stage["counts"][name].as_u64().unwrap_or_else(|| panic!("{name} in {stage}"))
}

fn names(run: &Value) -> Vec<&str> {
    run["stages"].as_array().unwrap().iter().map(|stage| stage["stage"].as_str().unwrap()).collect()
}

fn check_run(run: &Value, customers: u64, events: u64) {
    assert_eq!(run["customers"], customers);
    let stages = run["stages"].as_array().unwrap();
    assert_eq!(
        names(run),
        ["bare raw", "ingest", "bare customer-events", "triggers cart", "triggers catalogue", "replay"]
    );
    for stage in stages {
        // Processor time comes in ticks of 10 ms, and a short stage can end within one.
        assert!(stage["cpu_seconds"].is_f64(), "{stage}");
        for figure in ["seconds", "peak_rss_bytes"] {
            assert!(stage[figure].as_f64().is_some_and(|figure| figure > 0.0), "{figure} in {stage}");
        }
    }
    let [bare_raw, ingest, bare_log, cart, catalogue, replay] = &stages[..] else { unreachable!() };
    assert_eq!(count(bare_raw, "records"), events);
    let outcomes = ["event", "anonymous", "ignored", "dead_letter"].map(|outcome| count(ingest, outcome));
    assert_eq!(outcomes.iter().sum::<u64>(), events, "{ingest}");
    assert_eq!(outcomes[2..], [0, 0], "the shop sends nothing that cannot be used");
    for triggers in [cart, catalogue] {
        assert_eq!(
            count(bare_log, "records"),
            outcomes[0] + count(triggers, "ticks"),
            "{bare_log} {triggers}"
        );
        assert_eq!(count(triggers, "applied") + count(triggers, "duplicate"), outcomes[0], "{triggers}");
        assert_eq!(triggers["events"], outcomes[0]);
        assert!((1..=customers).contains(&count(triggers, "customers")), "{triggers}");
        for figure in ["redis_commands_per_event", "redis_bytes_per_event", "transactions_per_second"] {
            assert!(triggers[figure].as_f64().is_some_and(|figure| figure > 0.0), "{figure} in {triggers}");
        }
    }
    assert!(count(cart, "triggers") > 0 && count(replay, "triggers") > 0, "{cart} {replay}");
    assert!(count(catalogue, "triggers") > count(cart, "triggers"), "{catalogue} {cart}");
    assert_eq!(count(replay, "rows"), events);
}

#[test]
fn every_stage_reads_everything_and_nothing_stays_on_the_servers() {
    let Some(servers) = TestServers::for_test("bench") else { return };
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    let run =
        servers.bench(&["--events", "3000", "--customers", "100,400", "--json", json.to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);

    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["events"], 3000);
    assert!(report["machine"]["cores"].as_u64().unwrap() > 0);
    let runs = report["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 2);
    check_run(&runs[0], 100, 3000);
    check_run(&runs[1], 400, 3000);

    let rows = run.stdout.lines().filter(|line| line.starts_with("100 ") || line.starts_with("400 "));
    assert_eq!(rows.count(), 2 * 6 + 2, "a row for each stage, and a line for each run:\n{}", run.stdout);
    let installations = installations(&run);
    assert_eq!(installations.len(), 2, "{}", run.stderr);
    for installation in &installations {
        assert_eq!(servers.holds(installation), (0, 0, 0), "{installation}");
    }
}

#[test]
fn what_is_to_be_kept_stays() {
    let Some(servers) = TestServers::for_test("bench, kept") else { return };
    let run =
        servers.bench(&["--events", "500", "--customers", "50", "--keep-topics", "--stages", "triggers"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let installation = installations(&run).remove(0);
    assert!(run.stderr.contains(&format!("{installation} is left")), "{}", run.stderr);
    let (topics, committed, tasks) = servers.holds(&installation);
    servers.remove(&installation);
    assert_eq!((topics, tasks), (TOPICS.len(), 2 * PARTITIONS as usize));
    assert!(committed > 0);
    assert_eq!(servers.holds(&installation), (0, 0, 0), "removed by hand");
}

#[test]
fn a_stage_is_measured_without_the_others() {
    let Some(servers) = TestServers::for_test("bench, one stage") else { return };
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    for (asked, measured) in [("replay", &["replay"][..]), ("triggers-cart", &["ingest", "triggers cart"])] {
        let args =
            ["--events", "500", "--customers", "50", "--stages", asked, "--json", json.to_str().unwrap()];
        let run = servers.bench(&args);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
        assert_eq!(names(&report["runs"][0]), measured);
    }
}

#[test]
fn latency_counts_every_trigger_of_its_time_and_a_take_over_every_kill() {
    let Some(servers) = TestServers::for_test("bench, latency and take-over") else { return };
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("bench.json");
    let run = servers.bench(&[
        "--stages",
        "none",
        "--latency",
        "200",
        "--latency-seconds",
        "5",
        "--take-over",
        "200",
        "--kills",
        "1",
        "--customers",
        "1000",
        "--set",
        "ingest.grace=1s",
        "--set",
        "ingest.allowed_lateness=1s",
        "--json",
        json.to_str().unwrap(),
    ]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&json).unwrap()).unwrap();
    let run = &report["runs"][0];
    assert!(run["load"].is_null() && names(run).is_empty(), "{run}");

    let latency = &run["latency"][0];
    assert_eq!(
        (&latency["rate"], &latency["hold_ms"], &latency["wait_ms"]),
        (&200.0.into(), &2001.into(), &2000.into())
    );
    let of = |name: &str| latency["latency_ms"][name].as_f64().unwrap();
    assert!(of("count") >= 1.0, "{latency}");
    let in_order = ["min", "p50", "p99", "p999", "max"].map(of);
    assert!(in_order.is_sorted(), "{latency}");
    // The load ran for 15 s, 5 s, and until the last of the triggers had come.
    assert!(latency["records"].as_u64().unwrap() >= 20 * 200, "{latency}");

    let kills = run["take_over"]["kills"].as_array().unwrap();
    assert_eq!(kills.len(), 1);
    assert!((1..PARTITIONS as u64).contains(&kills[0]["partitions_lost"].as_u64().unwrap()), "{kills:?}");
    let moments = ["noticed", "resumed", "caught_up"].map(|moment| kills[0][moment].as_f64().unwrap());
    assert!(moments[0] > 0.0 && moments.is_sorted(), "{kills:?}");
}

#[test]
fn a_bench_of_nothing_is_refused() {
    let servers = ["bench", "--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1"];
    let run = rekindle(&[&servers[..], &["--stages", "none"]].concat());
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("nothing to measure"), "{}", run.stderr);
    let run = rekindle(&[&servers[..], &["--stages", "bear"]].concat());
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("`bear` is no stage"), "{}", run.stderr);
}

#[test]
fn servers_that_do_not_answer_are_named_with_what_to_do() {
    let nobody = ["bench", "--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1"];
    let run = rekindle(&nobody);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("Redis (--redis) does not answer"), "{}", run.stderr);

    let Some(servers) = TestServers::for_test("bench, no broker") else { return };
    let run = rekindle(&["bench", "--kafka", "127.0.0.1:1", "--redis", &servers.redis]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("Kafka at 127.0.0.1:1 (--kafka)"), "{}", run.stderr);
}

#[test]
fn a_setting_that_would_lead_to_the_topics_of_others_is_refused() {
    let servers = ["bench", "--kafka", "127.0.0.1:1", "--redis", "redis://127.0.0.1:1"];
    let run = rekindle(&[&servers[..], &["--set", "topics.customer_events=customer-events"]].concat());
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("touches nothing of others"), "{}", run.stderr);
}
