//! A Prometheus of a test's own, on a loopback port, with its data in a temporary folder.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::running::eventually;

const STARTING: Duration = Duration::from_secs(60);

/// The server, ended with its test.
pub struct Prometheus {
    child: Child,
    port: u16,
    _folder: TempDir,
}

/// Whether there is such a program; else a word about it.
pub fn is_installed(program: &str) -> bool {
    let output = Command::new(program).arg("--version").output();
    let is_there = output.is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("skipped: there is no {program}; Debian has it in the package prometheus");
    }
    is_there
}

impl Prometheus {
    /// Scrapes these admin ports each second, under the job that the rules name.
    pub fn start(rules: &Path, targets: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("prometheus.yml");
        let rules = rules.canonicalize().unwrap();
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{rules:?}]\n\
             scrape_configs: [{{job_name: rekindle, static_configs: [{{targets: {targets:?}}}]}}]\n"
        );
        std::fs::write(&config, text).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let server = Self { child, port, _folder: folder };
        eventually("Prometheus is ready", STARTING, || server.ask("vector(1)").is_ok());
        server
    }

    /// The values of a query's series.
    pub fn ask(&self, expr: &str) -> Result<Vec<String>, String> {
        let answer = self.get(&format!("/api/v1/query?query={}", encode(expr)))?;
        if answer["status"] != "success" {
            return Err(answer["error"].to_string());
        }
        let series = answer["data"]["result"].as_array().ok_or("an answer has a result")?;
        Ok(series.iter().map(|one| one["value"][1].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// Every rule that it evaluates.
    pub fn rules(&self) -> Vec<Value> {
        let answer = self.get("/api/v1/rules").unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap().iter();
        groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
    }

    /// In HTTP 1.0, which has no chunks.
    fn get(&self, path: &str) -> Result<Value, String> {
        let ask = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            write!(stream, "GET {path} HTTP/1.0\r\nhost: test\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text).map(|_| text)
        };
        let answer = ask().map_err(|error| error.to_string())?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("an answer has a body")?;
        serde_json::from_str(body).map_err(|error| format!("{error}: {body}"))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
