//! A real Prometheus that scrapes the processes each second, with the shipped alerts.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use crate::crew::free_port;
use crate::process::Process;

const STARTING: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(5);

/// The server.
pub struct Watch {
    port: u16,
    /// When it had scraped all of its targets.
    watches_since: Instant,
    _process: Process,
}

/// An alert that fires: its name, and its labels for people.
pub struct Firing {
    pub name: String,
    pub summary: String,
}

impl Watch {
    /// Whether it is installed.
    pub fn is_installed() -> bool {
        Command::new("prometheus").arg("--version").output().is_ok_and(|output| output.status.success())
    }

    /// Starts it with these rules, for these admin ports; its files are in `folder`.
    pub fn start(folder: &Path, rules: &str, targets: &[u16]) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        fs::write(folder.join("rules.yml"), rules)?;
        let targets: Vec<String> = targets.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let config = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [rules.yml]\n\
             scrape_configs: [{{job_name: rekindle, static_configs: [{{targets: {targets:?}}}]}}]\n"
        );
        fs::write(folder.join("prometheus.yml"), config)?;
        let port = free_port()?;
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", folder.join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.join("data").display()));
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        let mut process = Process::start(&mut command, &folder.join("prometheus.log"))?;
        let deadline = Instant::now() + STARTING;
        while !watches(port, targets.len()) {
            if Instant::now() >= deadline || process.ended().is_some() {
                bail!("Prometheus does not watch all of its targets\n{}", process.tail());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(Self { port, watches_since: Instant::now(), _process: process })
    }

    /// The alerts that fire.
    pub fn firing(&self) -> anyhow::Result<Vec<Firing>> {
        let answer = get(self.port, "/api/v1/alerts")?;
        let alerts = answer["data"]["alerts"].as_array().context("an answer has alerts")?.iter();
        let text =
            |alert: &Value, of: &str, key: &str| alert[of][key].as_str().unwrap_or_default().to_owned();
        let firing = alerts.filter(|alert| alert["state"] == "firing").map(|alert| Firing {
            name: text(alert, "labels", "alertname"),
            summary: text(alert, "annotations", "summary"),
        });
        Ok(firing.collect())
    }

    /// The names of the alerts that have fired at any time since it watches.
    pub fn fired(&self) -> anyhow::Result<BTreeSet<String>> {
        let seconds = self.watches_since.elapsed().as_secs().max(1);
        let found =
            query(self.port, &format!("count_over_time(ALERTS{{alertstate=\"firing\"}}[{seconds}s])"))?;
        Ok(found
            .iter()
            .filter_map(|series| Some(series["metric"]["alertname"].as_str()?.to_owned()))
            .collect())
    }

    /// The names of all alerts that it knows.
    pub fn alerts(&self) -> anyhow::Result<Vec<String>> {
        let answer = get(self.port, "/api/v1/rules?type=alert")?;
        let groups = answer["data"]["groups"].as_array().context("an answer has groups")?.iter();
        let rules = groups.flat_map(|group| group["rules"].as_array().into_iter().flatten());
        Ok(rules.filter_map(|rule| Some(rule["name"].as_str()?.to_owned())).collect())
    }
}

/// Whether all targets were scraped, and none of them is still missed: until the first scrape they all are.
fn watches(port: u16, targets: usize) -> bool {
    let up = query(port, "up == 1").is_ok_and(|up| up.len() == targets);
    up && query(port, "ALERTS").is_ok_and(|alerts| alerts.is_empty())
}

/// The series that an expression has now.
fn query(port: u16, expression: &str) -> anyhow::Result<Vec<Value>> {
    let escaped: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let mut answer = get(port, &format!("/api/v1/query?query={escaped}"))?;
    match answer["data"]["result"].take() {
        Value::Array(series) => Ok(series),
        other => bail!("an answer has results, and not {other}"),
    }
}

/// In HTTP 1.0, which has no chunks.
fn get(port: u16, path: &str) -> anyhow::Result<Value> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").context("an answer has a body")?;
    Ok(serde_json::from_str(body)?)
}
