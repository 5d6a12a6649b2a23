//! The configuration as its user meets it: shipped examples are in order, and each mistake is told with its place,
//! its key and what is allowed.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

use std::path::Path;

use program::{Run, rekindle};

/// A file of the repository, from this crate's folder.
fn shipped(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path).display().to_string()
}

#[test]
fn shipped_examples_are_in_order() {
    let config = shipped("deploy/rekindle.toml");
    let mut args = vec!["check".to_owned(), "--config".to_owned(), config];
    let mappings = std::fs::read_dir(shipped("deploy/mappings")).unwrap();
    let mappings: Vec<_> = mappings.map(|entry| entry.unwrap().path().display().to_string()).collect();
    assert!(mappings.len() >= 2);
    args.extend(mappings.into_iter().flat_map(|path| ["--mapping".to_owned(), path]));
    let run = rekindle(&args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("triggers.cart-abandonment.wait = \"4h\""), "{}", run.stdout);
}

#[test]
fn the_whole_catalogue_is_a_configuration_in_which_every_trigger_is_on() {
    let run = rekindle(&["check", "--config", &shipped("deploy/whole-catalogue.toml")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let settings = || run.stdout.lines().filter_map(|line| line.split("  # ").next()).map(str::trim_end);
    let off = settings().filter(|line| line.starts_with("triggers.") && line.ends_with(" = false"));
    // It needs a model that knows amounts, which is the shop's own.
    assert_eq!(off.collect::<Vec<_>>(), ["triggers.high-value-at-risk.enabled = false"]);
    assert!(settings().filter(|line| line.ends_with(".enabled = true")).count() >= 19, "{}", run.stdout);
}

#[test]
fn what_check_shows_is_a_configuration_that_shows_the_same() {
    let first = rekindle(&["check", "--config", &shipped("deploy/rekindle.toml")]).stdout;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &first).unwrap();
    let second = rekindle(&["check", "--config", file.path().to_str().unwrap()]).stdout;
    let settings = |text: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| line.split("  # ").next())
            .map(|line| line.trim_end().to_owned())
            .collect()
    };
    assert!(first.lines().count() > 40);
    assert_eq!(settings(&first), settings(&second));
}

/// Runs `check` over `text` in a file, and gives the complaint with the file's name made short.
fn complaint(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rekindle.toml");
    std::fs::write(&path, text).unwrap();
    let run = rekindle(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!(run.code, 78, "{text}");
    assert_eq!(run.stdout, "");
    run.stderr.replace(path.to_str().unwrap(), "FILE").trim_end().to_owned()
}

#[test]
fn each_mistake_is_told_with_its_place_its_key_and_what_is_allowed() {
    for (text, expected) in [
        (
            "[triggers.cart-abandonment]\nwiat = \"4h\"\n",
            "rekindle: FILE:2: triggers.cart-abandonment.wiat: unknown key `wiat`; the nearest is `wait` (allowed: \
             enabled, ended_by, forget_after, max_items, max_remembered, retract_within, steps, text_bytes, valid_for, \
             wait)",
        ),
        (
            "[gates]\nenabled = []\n\n[triggers.cart_abandonment]\nwait = \"4h\"\n",
            "rekindle: FILE:4: triggers.cart_abandonment: unknown key `cart_abandonment`; the nearest is \
             `cart-abandonment` (allowed: \
             anniversary, birthday, browse-abandonment, care, cart-abandonment, cart-recovered, \
             checkout-abandonment, churn-risk, consents, csat-low, delivery-delayed, dormancy, \
             high-value-at-risk, intent, lifecycle, max_staleness, namespace, nps-detractor, nps-promoter, only, \
             payment-failed, recent_events, recent_orders, replenishment-due, retention, \
             review-request, search-abandonment, second-order-due, support-frustration, text_bytes, \
             vip, welcome, winback)",
        ),
        (
            "[triggers.cart-abandonment]\nwait = 4\n",
            "rekindle: FILE:2: triggers.cart-abandonment.wait: `4` has no unit; write \"4s\", \"4m\", \"4h\" or \"4d\"",
        ),
        (
            "[triggers.cart-abandonment]\nwait = \"4 hours\"\n",
            "rekindle: FILE:2: triggers.cart-abandonment.wait: `hours` is not a unit of time; use ms, s, m, h or d, as \
             in a duration such as \"250ms\", \"90s\", \"30m\", \"4h\" or \"30d\"",
        ),
        (
            "[triggers.cart-abandonment]\nwait = \"1h\"\nsteps = [\n  \"2h\",\n  \"90m\",\n]\n",
            "rekindle: FILE:5: triggers.cart-abandonment.steps[1]: 90m has to lie after 2h: steps count from the \
             cart's last change, as `wait` does",
        ),
        (
            "[triggers.cart-abandonment]\nended_by = \"any-order\"\n",
            "rekindle: FILE:2: triggers.cart-abandonment.ended_by: unknown value `any-order`; the nearest is \
             `any_order` (allowed: any_order, same_cart)",
        ),
        (
            "[gates]\nenabled = [\"consent\"]\n",
            "rekindle: FILE:1: gates.consent.default: has to be set to `granted` or `denied` while the consent gate is \
             enabled",
        ),
        (
            "[gates]\nenabled = [\"identity\", \"consnet\"]\n",
            "rekindle: FILE:2: gates.enabled[1]: unknown value `consnet`; the nearest is `consent` (allowed: consent, \
             cooldown, frequency-cap, holdout, identity, precedence, quiet-hours, suppression-list)",
        ),
        (
            "[gates]\nenabled = []\n[triggers]\nonly = [\"winback\"]\n",
            "rekindle: FILE:4: triggers.only: `winback` is not one of the triggers that are switched on: cart_abandonment",
        ),
        (
            "[gates.consent]\ndefault = \"granted\"\n[gates.quiet-hours]\nfrom = \"9pm\"\n",
            "rekindle: FILE:4: gates.quiet-hours.from: `9pm` is not a time of day from 00:00 to 23:59",
        ),
        (
            "[gates.consent]\ndefault = \"granted\"\n[gates.holdout]\nshare = 5.0\n",
            "rekindle: FILE:4: gates.holdout.share: is 5, and must lie between 0 and 1",
        ),
        (
            "[gates]\nenabled = []\n[engine]\nmax_buffered_records = 0\n",
            "rekindle: FILE:4: engine.max_buffered_records: 0 is too small; at least 1",
        ),
        (
            "[engine]\npublish_from = \"2026-03-01\"\n[gates]\nenabled = []\n",
            "rekindle: FILE:2: engine.publish_from: neither `now` nor `earliest` nor a time: `2026-03-01` is not a \
             time; write RFC 3339 with a zone, such as \"2026-03-01T00:00:00Z\" or \"2026-03-01T09:00:00+09:00\"",
        ),
        (
            "[ingest.topics.\"a b\"]\nvocabulary = \"native\"\n",
            "rekindle: FILE:1: ingest.topics.a b: `a b` is not the name of a topic: 1 to 249 of a-z, A-Z, 0-9, `.`, \
             `_` and `-`",
        ),
        (
            "[gates]\nenabled = []\n[ingest.event_names]\n\"Basket\" = \"Nothing Known\"\n",
            "rekindle: FILE:3: ingest.event_names: event name `Basket` is to stand for `Nothing Known`, which is no \
             known event name",
        ),
    ] {
        assert_eq!(complaint(text), expected);
    }
}

#[test]
fn mistakes_about_servers_are_told_with_their_place_and_without_secrets() {
    let gates = "[gates]\nenabled = []\n";
    for (text, expected) in [
        (
            "[kafka.properties]\n\"linger.ms\" = 5\nisolation.level = \"read_uncommitted\"\n",
            "rekindle: FILE:5: kafka.properties.isolation.level: the property `isolation.level` is not yours to set: the \
             log shows committed records only",
        ),
        (
            "[kafka.properties]\nsasl.pasword = \"hunter2\"\n",
            "rekindle: FILE:4: kafka.properties.sasl.pasword: librdkafka knows no property `sasl.pasword`, or refuses \
             its value",
        ),
        (
            "[kafka.properties]\n\"sasl.password_file\" = \"/no/such/file\"\n",
            "rekindle: FILE:4: kafka.properties.sasl.password_file: the file `/no/such/file` cannot be read: No such \
             file or directory (os error 2)",
        ),
        (
            "[kafka.properties]\n\"bootstrap.servers\" = \"b:1\"\n",
            "rekindle: FILE:4: kafka.properties.bootstrap.servers: set kafka.brokers instead",
        ),
        (
            "[kafka]\ngroup_protocol = \"consumer\"\nproperties.\"heartbeat.interval.ms\" = 500\n",
            "rekindle: FILE:5: kafka.properties.heartbeat.interval.ms: by kafka.group_protocol = \"consumer\" the brokers \
             say (group.consumer.heartbeat.interval.ms)",
        ),
        ("[kafka]\nbrokers = \"\"\n", "rekindle: FILE:4: kafka.brokers: has to name a broker, host:port"),
        (
            "[kafka]\nsession_timeout = \"2s\"\n",
            "rekindle: FILE:4: kafka.session_timeout: 2s is not between 3s and 30m",
        ),
        (
            "[kafka]\ngroup_prefix = \"a b\"\n",
            "rekindle: FILE:4: kafka.group_prefix: `a b` has to be 1 to 100 of a-z, A-Z, 0-9, `.`, `_` and `-`",
        ),
        (
            "[redis]\nurl = \"postgres://ops:hunter2@h\"\n",
            "rekindle: FILE:4: redis.url: Redis URL number 1 cannot be used: Redis URL did not parse - \
             InvalidClientConfig",
        ),
        (
            "[redis]\nurl = \"redis://h\"\ncluster = [\"redis://h\"]\n",
            "rekindle: FILE:5: redis.cluster: redis.url is set too; one of them has to go",
        ),
        (
            "[redis]\ncluster = [\"redis://h\"]\nsentinels = [\"redis://h:26379\"]\n",
            "rekindle: FILE:5: redis.sentinels: redis.cluster is set too; the nodes of a cluster tell of each other",
        ),
        (
            "[redis]\nsentinels = [\"postgres://ops:hunter2@h\"]\n",
            "rekindle: FILE:4: redis.sentinels: Redis URL number 1 cannot be used: Redis URL did not parse - \
             InvalidClientConfig",
        ),
        (
            "[redis]\nnamespce = \"x\"\n",
            "rekindle: FILE:4: redis.namespce: unknown key `namespce`; the nearest is `namespace` (allowed: attempts, \
             cluster, connection_timeout, namespace, password_file, response_timeout, root_certificates_file, \
             sentinel_master, sentinels, url, url_file)",
        ),
        (
            "[admin]\naddress = \"9464\"\n",
            "rekindle: FILE:4: admin.address: `9464` is no address such as 127.0.0.1:9464 or [::1]:9464; `off` serves \
             none",
        ),
        (
            "[log]\nlevel = \"loud\"\n",
            "rekindle: FILE:4: log.level: log level: `loud` is no log level: write off, error, warn, info, debug or \
             trace, or levels by module as in `info,engine=debug`",
        ),
    ] {
        assert_eq!(complaint(&format!("{gates}{text}")), expected);
    }
}

#[test]
fn secrets_are_read_from_files_and_shown_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("password");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let secret = secret.to_str().unwrap();
    let run = rekindle(&[
        "check",
        "--set",
        "gates.enabled=[]",
        "--redis",
        "redis://ops:hunter2@h:1",
        "--set",
        "kafka.properties.sasl.password=hunter2",
        "--set",
        &format!("kafka.properties.sasl.username_file={secret}"),
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(!run.stdout.contains("hunter2") && run.stdout.contains("redis://(hidden)@h:1"), "{}", run.stdout);
    let run = rekindle(&["check", "--set", "gates.enabled=[]", "--redis", "redis//ops:hunter2@h"]);
    assert_eq!(run.code, 78);
    assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    let twice = ["--redis", "redis://ops:other@h", "--set", &format!("redis.password_file={secret}")];
    let run = rekindle(&[&["check", "--set", "gates.enabled=[]"], &twice[..]].concat());
    assert!(run.stderr.contains("redis.password_file: a URL has a password already"), "{}", run.stderr);
}

#[test]
fn flags_and_variables_are_named_in_complaints() {
    let Run { code, stderr, .. } = rekindle(&["check", "--set", "triggers.cart-abandonment.wait=2"]);
    assert_eq!(code, 78);
    assert_eq!(
        stderr,
        "rekindle: --set triggers.cart-abandonment.wait=2: triggers.cart-abandonment.wait: `2` has no unit; write \
         \"2s\", \"2m\", \"2h\" or \"2d\"\n"
    );
    let mut command = program::command(&["check"]);
    let run = program::run(command.env("REKINDLE__GATES__ENABELD", "[]"), b"");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (
            78,
            "rekindle: environment variable REKINDLE__GATES__ENABELD: gates.enabeld: unknown key `enabeld`; the \
             nearest is `enabled` (allowed: consent, cooldown, enabled, \
             frequency-cap, holdout, identity, quiet-hours)\n"
        )
    );
}

#[test]
fn a_wrong_flag_is_wrong_usage() {
    assert_eq!(rekindle(&["check", "--confg", "x"]).code, 2);
    assert_eq!(rekindle(&["chekc"]).code, 2);
}
