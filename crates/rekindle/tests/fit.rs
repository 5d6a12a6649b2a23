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

#[test]
fn the_papers_parameters_come_out_of_the_papers_log() {
    let Some(folder) = std::env::var("REKINDLE_SHARED_DATA").ok().filter(|folder| !folder.is_empty()) else {
        eprintln!("skipped: REKINDLE_SHARED_DATA does not say where the data is");
        return;
    };
    let file = std::fs::File::open(Path::new(&folder).join("cdnow/CDNOW_sample.txt.gz")).unwrap();
    let mut log = String::new();
    flate2::read::MultiGzDecoder::new(file).read_to_string(&mut log).unwrap();
    let orders: String = log
        .lines()
        .enumerate()
        .map(|(n, line)| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let (customer, day) = (format!("cdnow-{}", cells[1]), cells[2]);
            let time = format!("{}-{}-{}T00:00:00Z", &day[..4], &day[4..6], &day[6..]);
            order(&customer, n, &time, cells[4])
        })
        .collect();
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
