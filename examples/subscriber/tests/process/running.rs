//! The subscriber as a process, ended with its test.

use std::fs::File;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::NamedTempFile;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Running {
    child: Child,
    said: NamedTempFile,
    complained: NamedTempFile,
}

impl Running {
    pub fn start(args: &[&str]) -> Self {
        let (said, complained) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_subscriber"))
            .args(args)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(said.reopen().unwrap())
            .stderr(complained.reopen().unwrap())
            .spawn()
            .unwrap();
        Self { child, said, complained }
    }

    /// Everything it said, line by line; a line that is still being written is left out.
    fn lines(&self) -> Vec<Value> {
        let text = text(&self.said);
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Waits until it says something.
    pub fn says(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !self.lines().iter().any(&is_it) {
            assert!(Instant::now() < deadline, "not in time: {what}");
            assert_eq!(self.child.try_wait().unwrap(), None, "it ended before it said {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// kill -9; what it had said.
    pub fn kill(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.lines()
    }

    /// SIGTERM; what it has said at the end, the last line being its counts.
    pub fn stop(mut self) -> Vec<Value> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(status.success(), "{status}");
        let lines = self.lines();
        assert_eq!(lines.last().map(|line| line["did"] == "stopped"), Some(true), "{lines:?}");
        lines
    }
}

fn text(file: &NamedTempFile) -> String {
    let mut text = String::new();
    File::open(file.path()).unwrap().read_to_string(&mut text).unwrap();
    text
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- said\n{}--- complained\n{}", text(&self.said), text(&self.complained));
        }
    }
}
