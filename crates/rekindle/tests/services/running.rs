//! A process of the program that runs beside its test, and is ended with it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// A running process.
pub struct Running {
    child: Child,
    log: NamedTempFile,
}

impl Running {
    /// Starts a service on an admin port of its own.
    pub fn start(service: &str, args: &[impl AsRef<str>]) -> Self {
        let log = NamedTempFile::new().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_rekindle"))
            .arg(service)
            .args(args.iter().map(AsRef::as_ref))
            .args(["--set", "admin.address=127.0.0.1:0"])
            .env_clear()
            .stdout(Stdio::null())
            .stderr(File::create(log.path()).unwrap())
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }

    /// Status and body of a page of the admin port; 0 while nobody answers.
    pub fn get(&self, path: &str) -> (u16, String) {
        let answer = self.address().and_then(|address| {
            let mut stream = TcpStream::connect(address).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
            write!(stream, "GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").ok()?;
            let mut text = String::new();
            stream.read_to_string(&mut text).ok()?;
            Some(text)
        });
        let answer = answer.unwrap_or_default();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status.unwrap_or(0), body.to_owned())
    }

    /// Where the admin port is, once the log tells.
    pub fn address(&self) -> Option<String> {
        let log = self.log();
        let (_, after) = log.split_once("the admin port is open address=")?;
        after.lines().next().map(|address| address.trim().to_owned())
    }

    pub fn signal(&mut self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub fn exit_code(&mut self, patience: Duration) -> i32 {
        let mut code = None;
        eventually("it ends", patience, || {
            code = self.child.try_wait().unwrap();
            code.is_some()
        });
        code.unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- log of process {}\n{}", self.child.id(), self.log());
        }
    }
}

/// Waits until something holds.
pub fn eventually(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < deadline, "in time: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
