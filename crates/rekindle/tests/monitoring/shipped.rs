//! What is shipped for operators, as the tests read it. The rules file has one form throughout, of which promtool knows
//! that it is YAML; here it is read by its lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// An alert of the rules file.
#[derive(Debug, Default)]
pub struct Alert {
    pub name: String,
    pub expr: String,
    pub severity: String,
    pub summary: String,
    pub description: String,
    pub runbook: String,
}

/// A query of a panel.
#[derive(Debug)]
#[allow(dead_code, reason = "where it stands is shown if it fails")]
pub struct Query {
    pub dashboard: String,
    pub panel: String,
    pub expr: String,
}

/// A file of the repository, from this crate's folder.
pub fn path(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(of)
}

pub fn file(of: &str) -> String {
    std::fs::read_to_string(path(of)).unwrap_or_else(|error| panic!("{of}: {error}"))
}

/// The alerts, in their order.
pub fn alerts() -> Vec<Alert> {
    let rules = file("deploy/prometheus/rekindle.rules.yml");
    let blocks = rules.split("\n      - alert: ").skip(1);
    blocks.map(alert).collect()
}

fn alert(block: &str) -> Alert {
    let name = block.lines().next().unwrap().trim().to_owned();
    let mut fields: BTreeMap<&str, String> = BTreeMap::new();
    let mut key = "";
    for line in block.lines().skip(1).take_while(|line| !line.starts_with("      #")) {
        let of_key = line.trim().split_once(": ").or_else(|| Some((line.trim().strip_suffix(':')?, "")));
        match of_key {
            Some((found, value)) if found.bytes().all(|b| b.is_ascii_lowercase()) => {
                key = found;
                fields.insert(key, value.trim_matches(['|', '>', '-', '"']).to_owned());
            }
            _ => fields.entry(key).or_default().push_str(&format!("{}\n", line.trim())),
        }
    }
    let mut take = |key: &str| fields.remove(key).unwrap_or_else(|| panic!("{name} has no {key}"));
    let (expr, severity, summary) = (take("expr"), take("severity"), take("summary"));
    let (description, runbook) = (take("description"), take("runbook").trim().to_owned());
    Alert { name, expr, severity, summary, description, runbook }
}

/// The pages, by their paths.
pub fn runbooks() -> BTreeMap<String, String> {
    let pages = std::fs::read_dir(path("docs/runbooks")).unwrap();
    let names = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    names.map(|name| format!("docs/runbooks/{name}")).map(|page| (page.clone(), file(&page))).collect()
}

/// The dashboards, by the names of their files.
pub fn dashboards() -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(path("deploy/grafana/dashboards")).unwrap();
    let names = files.map(|found| found.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), parse(&file(&format!("deploy/grafana/dashboards/{name}"))))).collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Every query of every panel.
pub fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for (dashboard, content) in dashboards() {
        for panel in content["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                queries.push(Query {
                    dashboard: dashboard.clone(),
                    panel: panel["title"].as_str().unwrap().to_owned(),
                    expr: target["expr"].as_str().unwrap().to_owned(),
                });
            }
        }
    }
    queries
}

/// The metrics that a text names, histograms by the name of the whole. Names of recording rules have a colon, and are not
/// among them.
pub fn metrics_in(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = text.split(|c: char| !is_part(c));
    let names = words.filter(|word| word.starts_with("rekindle_") && !word.contains(':'));
    names.map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned()).collect()
}
