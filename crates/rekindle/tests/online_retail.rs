//! UCI's Online Retail through a replay: who was silent for how long, against figures and a computation that know
//! nothing of the program.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use program::{Run, command, run};
use serde_json::Value;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// 2011-12-09T00:00:00Z.
const LAST_MIDNIGHT: i64 = 1_323_388_800_000;
/// British summer time of 2011, 01:00Z on 27 March to 01:00Z on 30 October.
const SUMMER: std::ops::Range<i64> = 1_301_187_600_000..1_319_936_400_000;

/// The data, if the environment says where it is.
fn data() -> Option<PathBuf> {
    let folder = std::env::var("REKINDLE_SHARED_DATA").ok();
    let file = folder.map(|folder| Path::new(&folder).join("online_retail/online_retail.csv.gz"));
    if file.is_none() {
        eprintln!("skipped: REKINDLE_SHARED_DATA does not say where the data is");
    }
    file
}

/// What fired, by the names of what is switched on.
fn replay(file: &Path, set: &[&str]) -> Vec<Value> {
    let run = replayed(file, set);
    run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn replayed(file: &Path, set: &[&str]) -> Run {
    let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/mappings/online-retail.toml");
    let mut args = vec!["replay", "--from-file", file.to_str().unwrap()];
    args.extend(["--mapping", mapping.to_str().unwrap()]);
    // One invoice of 2011 has 533 lines.
    let off = [
        "ingest.max_items=2000",
        "gates.enabled=[]",
        "outcomes.enabled=false",
        "triggers.cart-abandonment.enabled=false",
    ];
    args.extend(off.iter().chain(set).flat_map(|set| ["--set", set]));
    let run = run(&mut command(&args), b"");
    assert_eq!(run.code, 0, "{}", run.stderr);
    run
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap()
}

fn millis(event: &Value, pointer: &str) -> i64 {
    text(event, pointer).parse::<strict_toml::Instant>().unwrap().event_time().as_millis()
}

/// The times of each customer's orders, in order; and the last event of all.
fn orders(file: &Path) -> (BTreeMap<String, Vec<i64>>, i64) {
    let gzip = flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap());
    let mut orders: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
    let mut end = i64::MIN;
    for row in csv::Reader::from_reader(gzip).records() {
        let row = row.unwrap();
        let (invoice, customer) = (&row[0], row[6].trim_end_matches(".0"));
        if customer.is_empty() || invoice.starts_with('A') {
            continue;
        }
        let at = london(&row[4]);
        end = end.max(at);
        if !invoice.starts_with('C') {
            let first =
                orders.entry(customer.to_owned()).or_default().entry(invoice.to_owned()).or_insert(at);
            *first = at.min(*first);
        }
    }
    let sorted = |invoices: BTreeMap<String, i64>| {
        let mut times: Vec<i64> = invoices.into_values().collect();
        times.sort_unstable();
        times
    };
    (orders.into_iter().map(|(customer, invoices)| (customer, sorted(invoices))).collect(), end)
}

/// A time of London's clocks, none of which lies within an hour of their change.
fn london(text: &str) -> i64 {
    let utc: strict_toml::Instant = format!("{}Z", text.replace(' ', "T")).parse().unwrap();
    let millis = utc.event_time().as_millis();
    if SUMMER.contains(&(millis - 60 * MINUTE)) { millis - 60 * MINUTE } else { millis }
}

/// What a plain count finds in the rows.
#[derive(Debug, Default)]
struct Counted {
    rows: usize,
    without_customer: usize,
    bad_debt: usize,
    /// Without a customer, and with fewer than no pieces.
    stock_corrections: usize,
    cancellations: BTreeSet<String>,
    of_customers: BTreeSet<String>,
}

fn counted(file: &Path) -> Counted {
    let gzip = flate2::read::MultiGzDecoder::new(std::fs::File::open(file).unwrap());
    let mut counted = Counted::default();
    for row in csv::Reader::from_reader(gzip).records() {
        let row = row.unwrap();
        let (invoice, is_customer) = (&row[0], !row[6].is_empty());
        let is_cancellation = invoice.starts_with('C');
        counted.rows += 1;
        counted.without_customer += usize::from(!is_customer);
        counted.bad_debt += usize::from(invoice.starts_with('A'));
        let is_negative = row[3].starts_with('-');
        counted.stock_corrections += usize::from(!is_customer && !is_cancellation && is_negative);
        if is_cancellation {
            counted.cancellations.insert(invoice.to_owned());
        }
        if is_customer {
            counted.of_customers.insert(invoice.to_owned());
        }
    }
    counted
}

#[test]
fn every_row_is_accounted_for_and_so_is_every_cancellation() {
    let Some(file) = data() else { return };
    let counted = counted(&file);
    assert_eq!((counted.rows, counted.without_customer, counted.bad_debt), (541_909, 135_080, 3));
    assert_eq!((counted.cancellations.len(), counted.stock_corrections), (3_836, 1_336));
    let known = counted.cancellations.intersection(&counted.of_customers).count();
    let anonymous = counted.without_customer - counted.bad_debt - counted.stock_corrections;
    let (orders, others) = (counted.of_customers.len() - known, counted.cancellations.len() - known);

    let summary = replayed(&file, &[]).stderr;
    let has = |line: String| assert!(summary.lines().any(|of| of == line), "{line} is not in {summary}");
    let events = counted.rows - counted.without_customer;
    has(format!("rows:     541909 = {events} event + {anonymous} anonymous + 3 ignored + 1336 refused"));
    has("            ignored bad_debt: 3".to_owned());
    has("            refused bad_quantity: 1336".to_owned());
    // The lines of one invoice stand in two places: two events with one id.
    let (all, applied) = (orders + known + 1, orders + known);
    has(format!("events:   {all} = {applied} applied + 1 duplicate; 0 timers fired"));
    has(format!("kinds:    {} order_completed, {known} order_cancelled, of known customers", orders + 1));
    let others = format!("{others} order_cancelled, of anonymous customers");
    assert!(summary.lines().any(|line| line.starts_with("kinds: ") && line.ends_with(&others)), "{summary}");
}

#[test]
fn so_many_customers_had_not_ordered_for_so_many_days() {
    let Some(file) = data() else { return };
    let (orders, _) = orders(&file);
    for (days, expected) in [(30, 2_671), (60, 1_928), (90, 1_449), (180, 858), (365, 64)] {
        let after = format!("triggers.winback.after={days}d");
        let fired = replay(&file, &["triggers.winback.enabled=true", &after]);
        let silent = fired.iter().filter(|event| {
            let last = orders[&text(event, "/subject")["uci-".len()..]].last();
            millis(event, "/time") < LAST_MIDNIGHT && last == Some(&millis(event, "/data/armed_at"))
        });
        assert_eq!(silent.count(), expected, "{days} days");
    }
}

#[test]
fn each_tier_of_dormancy_fires_where_a_plain_computation_has_it() {
    const USUAL_GAP: i64 = 30 * DAY;
    const FLOORS: [(&str, i64); 3] = [("slipping", 14 * DAY), ("at_risk", 30 * DAY), ("inactive", 90 * DAY)];
    let Some(file) = data() else { return };
    let (orders, end) = orders(&file);
    let mut expected = BTreeSet::new();
    for (customer, times) in &orders {
        for (place, at) in times.iter().enumerate() {
            let until = times.get(place + 1).copied().unwrap_or(i64::MAX);
            let gap = if place >= 2 { (at - times[0]) / place as i64 } else { USUAL_GAP };
            let gap = if gap == 0 { USUAL_GAP } else { gap };
            for (number, (tier, floor)) in (1..).zip(FLOORS) {
                let due = at + (number * gap).max(floor);
                if due < until && due <= end {
                    expected.insert((format!("uci-{customer}"), tier.to_owned(), due));
                }
            }
        }
    }
    let fired = replay(&file, &["triggers.dormancy.enabled=true"]);
    let tiers = fired.iter().filter(|event| text(event, "/type") == "rekindle.dormancy.fired.v1");
    let told: Vec<_> = tiers
        .map(|event| {
            let tier = text(event, "/data/context/dormancy/tier").to_owned();
            (text(event, "/subject").to_owned(), tier, millis(event, "/time"))
        })
        .collect();
    let count = told.len();
    let told: BTreeSet<_> = told.into_iter().collect();
    assert_eq!(told.len(), count, "none is told twice");
    let only =
        |one: &BTreeSet<_>, other: &BTreeSet<_>| one.difference(other).take(3).cloned().collect::<Vec<_>>();
    assert_eq!((only(&told, &expected), only(&expected, &told)), (vec![], vec![]));
    assert!(expected.len() > 10_000, "{}", expected.len());
}
