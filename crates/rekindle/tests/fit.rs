//! `rekindle fit` as its user meets it: a model comes out of enough orders, a reason out of too few.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

use std::io::Read;
use std::path::Path;

use churn_risk::Model;
use program::{Run, command, run};

fn order(customer: &str, id: usize, time: &str, total: &str) -> String {
    format!(
        r#"{{"type":"order_completed","customer_id":"{customer}","order_id":"{id}","occurred_at":"{time}","total":"{total}","currency":"USD"}}"#
    ) + "\n"
}

fn fit(input: &str, more: &[&str]) -> Run {
    let args = [&["fit", "--from-file", "-"], more].concat();
    run(&mut command(&args), input.as_bytes())
}

/// Customers who differ in how often they buy, and of whom every other stops after a while.
fn shop() -> String {
    let (mut orders, mut id) = (String::new(), 0);
    for n in 0..600_i64 {
        let (gap, day_of_last) = (5 + n * 7 % 41, if n % 2 == 0 { 400 } else { n * 13 % 180 });
        for day in (n % 60..=day_of_last.max(n % 60)).step_by(usize::try_from(gap).unwrap()) {
            id += 1;
            let at = 1_735_689_600_000 + day * 86_400_000;
            orders +=
                &order(&format!("c{n}"), id, &at.to_string(), &format!("{}.50", 10 + (n * 31 + day) % 50));
        }
    }
    orders
}

#[test]
fn enough_orders_become_a_model_file_and_the_same_one_each_time() {
    let shop = shop();
    let reversed: String = shop.lines().rev().map(|line| line.to_owned() + "\n").collect();
    let first = fit(&shop, &[]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert_eq!(fit(&reversed, &["--quiet"]).stdout, first.stdout);
    let model = Model::parse("model.toml", &first.stdout).unwrap();
    assert_eq!(model.data.customers, 600);
    assert_eq!(model.merit.customers, 600);
    assert!(model.merit.auc.unwrap() > 0.9, "{}", first.stderr);
    assert!(first.stderr.contains("MBG/NBD:     r "), "{}", first.stderr);
}

#[test]
fn the_triggers_watch_churn_by_a_fitted_model() {
    let shop = shop();
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model.toml");
    std::fs::write(&model, fit(&shop, &["--quiet"]).stdout).unwrap();
    let set = format!("triggers.churn-risk.model={}", model.display());
    let replay = |more: &[&str]| {
        let usual = ["replay", "--from-file", "-", "--quiet", "--flush-timers"];
        let off = ["--set", "gates.enabled=[]", "--set", "outcomes.enabled=false"];
        let args = [&usual[..], &off, more].concat();
        let run = run(&mut command(&args), shop.as_bytes());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    let told = replay(&["--set", &set]);
    let of = |parity: u32| {
        let customers = told.lines().map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(event["type"], "rekindle.churn_risk.fired.v1");
            event["subject"].as_str().unwrap()[1..].parse::<u32>().unwrap()
        });
        customers.filter(|customer| customer % 2 == parity).count()
    };
    // Those with odd numbers stopped within half a year, and most of them had ordered more than once.
    assert!(of(1) > 200, "{} of 300", of(1));
    assert_eq!(told, replay(&["--set", &set]), "the same bytes again");
    assert_eq!(replay(&[]), "", "without a model nobody is watched");
}

/// Customers who open a ticket order no more; the others go on.
fn troubled_shop() -> String {
    let (mut events, mut id) = (String::new(), 0);
    for n in 0..800_i64 {
        let gap = 7 + n * 7 % 31;
        let leaves_on = if n % 3 == 0 { 60 + n * 13 % 240 } else { 400 };
        let mut last = 0;
        for day in (n % 40..leaves_on).step_by(usize::try_from(gap).unwrap()) {
            id += 1;
            last = 1_735_689_600_000 + day * 86_400_000;
            events +=
                &order(&format!("c{n}"), id, &last.to_string(), &format!("{}.50", 10 + (n * 31 + day) % 50));
        }
        if leaves_on < 400 {
            let at = last + 3_600_000;
            events += &format!(
                r#"{{"type":"ticket_opened","customer_id":"c{n}","event_id":"t{n}","ticket_id":"t{n}","occurred_at":"{at}"}}"#
            );
            events += "\n";
        }
    }
    events
}

#[test]
fn the_weights_are_estimated_where_the_files_say_something_and_stay_where_they_do_not() {
    let run = fit(&troubled_shop(), &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let model = Model::parse("model.toml", &run.stdout).unwrap();
    let (weights, judgement) = (model.weights.unwrap(), churn_risk::Weights::default());
    assert!(weights.open_ticket + weights.unanswered_ticket > 1.5, "{weights:?}");
    for (found, kept) in [
        (weights.reopened_ticket, judgement.reopened_ticket),
        (weights.csat, judgement.csat),
        (weights.nps, judgement.nps),
        (weights.refund, judgement.refund),
    ] {
        assert_eq!(found.to_bits(), kept.to_bits(), "{weights:?}");
    }
    // What came after the cuts lies before what judges.
    let data = model.weights_data.unwrap();
    let latest = data.cuts[0].event_time() + data.horizon.span();
    assert!(latest <= model.data.until.event_time());
    assert!(data.cuts.windows(2).all(|pair| pair[0] > pair[1]) && data.cuts.len() > 1, "{data:?}");
    let (score, merit) = (model.merit.score.unwrap(), &run.stderr);
    assert!(score.brier < model.merit.brier && score.auc > model.merit.auc, "{merit}");
    assert!(
        score.auc > model.merit.auc_of_rfm && score.auc > model.merit.auc_of_days_since_last_order,
        "{merit}"
    );
}

#[test]
fn the_most_valuable_tenth_is_told_of_instead() {
    let shop = shop();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.toml");
    std::fs::write(&path, fit(&shop, &["--quiet"]).stdout).unwrap();
    let set = format!("triggers.churn-risk.model={}", path.display());
    let told = |high_value: &str| {
        let high_value = format!("triggers.high-value-at-risk.enabled={high_value}");
        let args = ["replay", "--from-file", "-", "--quiet", "--flush-timers", "--set", "gates.enabled=[]"];
        let more = ["--set", "outcomes.enabled=false", "--set", &set, "--set", &high_value];
        let run = run(&mut command(&[&args[..], &more].concat()), shop.as_bytes());
        assert_eq!(run.code, 0, "{}", run.stderr);
        let record = |line: &str| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = |field: &str| event[field].as_str().unwrap().to_owned();
            ((text("subject"), text("time")), text("type"))
        };
        run.stdout.lines().map(record).collect::<std::collections::BTreeMap<_, _>>()
    };
    let (alike, apart) = (told("false"), told("true"));
    assert!(alike.keys().eq(apart.keys()), "the same customers at the same times");
    let valuable = apart.values().filter(|kind| *kind == "rekindle.high_value_at_risk.fired.v1").count();
    assert!(valuable > 5 && valuable * 4 < apart.len(), "{valuable} of {}", apart.len());
    assert!(alike.values().all(|kind| kind == "rekindle.churn_risk.fired.v1"));
}

#[test]
fn too_little_is_refused_with_its_reason() {
    let two = order("c1", 1, "2026-01-01T00:00:00Z", "1") + &order("c1", 2, "2026-06-01T00:00:00Z", "1");
    for (input, more, complaint) in [
        (two.as_str(), [].as_slice(), "1 customers are too few; at least 100 are needed"),
        (
            &two,
            &["--until", "2026-05-01T00:00:00Z"],
            "the files end at 2026-06-01T00:00:00.000Z, before the holdout",
        ),
        (&two, &["--horizon", "1000d"], "a later --until or a shorter --horizon is needed"),
        (&two, &["--band", "1"], "--band is 1, and must lie between 0 and 1"),
    ] {
        let run = fit(input, more);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{}", run.stderr);
        assert!(run.stderr.contains(complaint), "{}", run.stderr);
    }
}

/// The log of the papers as orders, if the environment says where it is.
fn papers_log() -> Option<String> {
    let Some(folder) = std::env::var("REKINDLE_SHARED_DATA").ok().filter(|folder| !folder.is_empty()) else {
        eprintln!("skipped: REKINDLE_SHARED_DATA does not say where the data is");
        return None;
    };
    let file = std::fs::File::open(Path::new(&folder).join("cdnow/CDNOW_sample.txt.gz")).unwrap();
    let mut log = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut log).unwrap();
    let orders = log.lines().enumerate().map(|(n, line)| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let (customer, day) = (format!("cdnow-{}", cells[1]), cells[2]);
        let time = format!("{}-{}-{}T00:00:00Z", &day[..4], &day[4..6], &day[6..]);
        order(&customer, n, &time, cells[4])
    });
    Some(orders.collect())
}

#[test]
fn the_model_in_the_binary_is_what_a_fit_to_the_papers_log_finds() {
    let Some(orders) = papers_log() else { return };
    let run = fit(&orders, &["--until", "1997-09-30T00:00:00Z", "--horizon", "90d"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let found = Model::parse("model.toml", &run.stdout).unwrap();
    let merit = churn_risk::Merit { score: None, days_since_last_order: None, rfm: None, ..found.merit };
    let found = Model {
        gamma_gamma: None,
        weights: None,
        weights_data: None,
        typical_spend: None,
        high_value: None,
        merit,
        ..found
    };
    assert_eq!(found, Model::built_in());
}

#[test]
fn the_papers_parameters_come_out_of_the_papers_log() {
    let Some(orders) = papers_log() else { return };
    let run = fit(&orders, &["--until", "1997-09-30T00:00:00Z", "--horizon", "273d"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let model = Model::parse("model.toml", &run.stdout).unwrap();
    let (fit, spend) = (model.bg_nbd, model.gamma_gamma.unwrap());
    for (found, known) in [
        (fit.r, 0.242_594_508),
        (fit.alpha, 4.413_601_728),
        (fit.a, 0.792_922_007),
        (fit.b, 2.425_906_946),
        (fit.log_likelihood, -9_582.429_207),
    ] {
        assert!((found / known - 1.0).abs() < 1e-6, "{found}, not {known}");
    }
    // The published summary rounds the spend.
    for (found, known) in [(spend.p, 6.2488), (spend.q, 3.7446), (spend.gamma, 15.4478)] {
        assert!((found / known - 1.0).abs() < 5e-4, "{found}, not {known}");
    }
    assert_eq!((model.data.customers, model.data.repeat_customers), (2_357, 946));
    assert_eq!(model.merit.actual_orders, 1_882);
}
