//! The purchase log of the papers: the fits and, for each of the 2,357 customers, the probabilities and expectations
//! that were worked out independently. `README.md` beside the data says how.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may stop, and use files")]

use std::io::Read;
use std::path::{Path, PathBuf};

use churn_risk::{GammaGamma, Parameters, PurchaseHistory, PurchaseModel, Sample, Spend, Variant};

/// The data, if the environment says where it is.
fn data() -> Option<PathBuf> {
    let folder = std::env::var("REKINDLE_SHARED_DATA").ok().map(|folder| Path::new(&folder).join("cdnow"));
    if folder.is_none() {
        eprintln!("skipped: REKINDLE_SHARED_DATA does not say where the data is");
    }
    folder
}

/// A table's cells by the names of its columns.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let mut text = String::new();
        match bytes.starts_with(&[0x1f, 0x8b]) {
            true => flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap(),
            false => bytes.as_slice().read_to_string(&mut text).unwrap(),
        };
        let mut lines = text.lines();
        let header = lines.next().unwrap().split(',').map(str::to_owned).collect();
        let rows = lines.map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
        Self { header, rows }
    }

    fn column(&self, name: &str) -> Vec<f64> {
        let at = self.header.iter().position(|column| column == name).unwrap();
        self.rows.iter().map(|row| row[at]).collect()
    }

    fn histories(&self, [x, t_x, age]: [&str; 3]) -> Vec<PurchaseHistory> {
        let columns = [x, t_x, age].map(|name| self.column(name));
        let history =
            |n: usize| PurchaseHistory::new(columns[0][n] as u32, columns[1][n], columns[2][n]).unwrap();
        (0..self.rows.len()).map(history).collect()
    }
}

/// `key` of `table` in the file of known fits.
fn known(folder: &Path, table: &str, key: &str) -> f64 {
    let text = std::fs::read_to_string(folder.join("model_fits.json")).unwrap();
    let table = text.split(&format!("\"{table}\"")).nth(1).unwrap();
    let value = table.split(&format!("\"{key}\":")).nth(1).unwrap();
    value.split([',', '}']).next().unwrap().trim().parse().unwrap()
}

fn bg_nbd(r: f64, alpha: f64, a: f64, b: f64) -> PurchaseModel {
    PurchaseModel { variant: Variant::BgNbd, parameters: Parameters::new(r, alpha, a, b).unwrap() }
}

fn known_bg_nbd(folder: &Path) -> PurchaseModel {
    let [r, alpha, a, b] =
        ["r", "alpha", "a", "b"].map(|key| known(folder, "bgnbd_mle_on_published_summary", key));
    bg_nbd(r, alpha, a, b)
}

#[track_caller]
fn assert_close(found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(error <= relative, "{found} is not {expected}: {error:.1e} off");
}

const SUMMARY: [&str; 3] = ["x", "t_x", "T"];

#[test]
fn bg_nbd_is_fitted_as_published_from_the_summary_and_from_exact_weeks() {
    let Some(folder) = data() else { return };
    for (file, columns, table) in [
        ("cdnow_customers_summary_with_transactions.csv", SUMMARY, "bgnbd_mle_on_published_summary"),
        ("sample_summary_exact_weeks.csv.gz", ["x", "tx", "T"], "bgnbd_mle_on_exact_weeks"),
    ] {
        let sample = Sample::new(Table::read(&folder.join(file)).histories(columns));
        assert_eq!(sample.customers(), 2_357);
        let fitted = PurchaseModel::fit(Variant::BgNbd, &sample).unwrap();
        let found = fitted.model.parameters;
        for (key, value) in [("r", found.r()), ("alpha", found.alpha()), ("a", found.a()), ("b", found.b())] {
            assert_close(value, known(&folder, table, key), 1e-6);
        }
        assert!((fitted.log_likelihood - known(&folder, table, "LL")).abs() < 1e-6);
        // As printed in the paper.
        for (value, printed) in [
            (found.r(), 0.243),
            (found.alpha(), 4.414),
            (found.a(), 0.793),
            (found.b(), 2.426),
            (fitted.log_likelihood, -9_582.4),
        ] {
            assert_close(value, printed, 2e-3);
        }
    }
}

#[test]
fn mbg_nbd_has_its_own_fit_from_which_every_step_leads_down() {
    let Some(folder) = data() else { return };
    let table = Table::read(&folder.join("cdnow_customers_summary_with_transactions.csv"));
    let sample = Sample::new(table.histories(SUMMARY));
    let fitted = PurchaseModel::fit(Variant::MbgNbd, &sample).unwrap();
    let Parts { r, alpha, a, b } = Parts::of(&fitted.model);
    println!("MBG/NBD: {r} {alpha} {a} {b}, ln L {}", fitted.log_likelihood);
    for step in [1e-3, -1e-3] {
        for moved in [
            [r * (1.0 + step), alpha, a, b],
            [r, alpha * (1.0 + step), a, b],
            [r, alpha, a * (1.0 + step), b],
            [r, alpha, a, b * (1.0 + step)],
        ] {
            let [r, alpha, a, b] = moved;
            let parameters = Parameters::new(r, alpha, a, b).unwrap();
            let there = PurchaseModel { variant: Variant::MbgNbd, parameters }.total_log_likelihood(&sample);
            assert!(there < fitted.log_likelihood - 1e-6, "{moved:?}: {there}");
        }
    }
}

struct Parts {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

impl Parts {
    fn of(model: &PurchaseModel) -> Self {
        let of = model.parameters;
        Self { r: of.r(), alpha: of.alpha(), a: of.a(), b: of.b() }
    }
}

#[test]
fn p_alive_and_expected_orders_of_every_customer_are_the_known_ones() {
    let Some(folder) = data() else { return };
    let table = Table::read(&folder.join("expected_values.csv.gz"));
    let histories = table.histories(SUMMARY);
    assert_eq!(histories.len(), 2_357);
    for (name, model) in [("pub", bg_nbd(0.243, 4.414, 0.793, 2.426)), ("mle", known_bg_nbd(&folder))] {
        let alive = table.column(&format!("bg_{name}_p_alive"));
        let expected = table.column(&format!("bg_{name}_exp39"));
        for (n, history) in histories.iter().enumerate() {
            // The file has ten decimals.
            assert!((model.alive(history) - alive[n]).abs() < 1e-10, "{history:?}");
            assert!((model.expected_orders(history, 39.0) - expected[n]).abs() < 1e-10, "{history:?}");
        }
    }
}

#[test]
fn the_holdout_is_foretold_as_known() {
    let Some(folder) = data() else { return };
    let table = Table::read(&folder.join("expected_values.csv.gz"));
    let model = known_bg_nbd(&folder);
    let foretold: f64 =
        table.histories(SUMMARY).iter().map(|history| model.expected_orders(history, 39.0)).sum();
    assert_close(foretold, known(&folder, "holdout", "bg_mle_expected_39w"), 1e-9);
    assert_eq!(foretold.round(), 1_653.0);
    assert_eq!(table.column("x_holdout").iter().sum::<f64>(), 1_882.0);
}

#[test]
fn gamma_gamma_is_fitted_and_applied_as_known() {
    let Some(folder) = data() else { return };
    let table = Table::read(&folder.join("cdnow_customers_summary_with_transactions.csv"));
    let of_row = |(x, mean): (f64, f64)| Spend::new(x as u32, mean);
    let pairs = || table.column("x").into_iter().zip(table.column("zbar"));
    let spends: Vec<Spend> = pairs().filter_map(of_row).collect();
    assert_eq!(spends.len() as f64, known(&folder, "gammagamma_mle", "n"));
    let fitted = GammaGamma::fit(&spends).unwrap();
    let [p, q, gamma] = ["p", "q", "v"].map(|key| known(&folder, "gammagamma_mle", key));
    assert_close(fitted.model.p(), p, 1e-6);
    assert_close(fitted.model.q(), q, 1e-6);
    assert_close(fitted.model.gamma(), gamma, 1e-6);
    assert!((fitted.log_likelihood - known(&folder, "gammagamma_mle", "LL")).abs() < 1e-6);

    let expected = Table::read(&folder.join("expected_values.csv.gz"));
    let published = GammaGamma::new(6.25, 3.74, 15.44).unwrap();
    for (name, model) in
        [("gg_pub_cond_spend", published), ("gg_mle_cond_spend", GammaGamma::new(p, q, gamma).unwrap())]
    {
        for (spend, known) in pairs().map(of_row).zip(expected.column(name)) {
            let found = match spend {
                Some(spend) => model.expected_spend(&spend),
                None => model.expected_spend_of_all().unwrap(),
            };
            assert!((found - known).abs() < 1e-9, "{spend:?}: {found} is not {known}");
        }
    }
}
