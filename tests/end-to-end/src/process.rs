//! One real process: started, signalled by its id, and listened to through its log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};

/// How many lines of a log are shown when a run fails.
const TAIL: usize = 25;

/// A process, killed when dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts the command; what it says is appended to the log.
    pub fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let errors = output.try_clone()?;
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).spawn();
        let child = child.with_context(|| format!("cannot start {:?}", command.get_program()))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        kill_process(self.id()?, signal)
            .with_context(|| format!("cannot send a signal to {}", self.child.id()))
    }

    /// Lets none of its files grow beyond so many bytes; none for no limit.
    pub fn limit_files(&self, bytes: Option<u64>) -> anyhow::Result<()> {
        prlimit(Some(self.id()?), Resource::Fsize, Rlimit { current: bytes, maximum: None })
            .with_context(|| format!("cannot limit the files of {}", self.child.id()))?;
        Ok(())
    }

    fn id(&self) -> anyhow::Result<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).context("a process has an id")
    }

    /// kill -9, and the grave.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            if let Some(status) = self.ended() {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        anyhow::bail!("it did not stop within {patience:?}\n{}", self.tail())
    }

    /// The end of its log.
    pub fn tail(&self) -> String {
        tail(&self.log)
    }
}

/// The end of a log.
pub fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    format!("--- the end of {}\n{}", log.display(), lines[lines.len().saturating_sub(TAIL)..].join("\n"))
}
