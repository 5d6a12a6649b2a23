//! A stage's process: this program again, with what it takes being looked at.
//!
//! Must stay true: it has no configuration but its deployment's; it does not outlive the bench.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::deployment::Deployment;
use super::usage::Usage;

/// How long a service may take to stop: its own bound, and something for a busy machine.
const STOP_LIMIT: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);
/// How much of a log an error shows.
const LAST_LINES: usize = 15;

/// A process that is looked at.
pub struct MeasuredProcess {
    stage: &'static str,
    child: Child,
    started: Instant,
    usage: Usage,
    stdout: PathBuf,
    log: PathBuf,
}

/// How a process ended.
pub struct Ended {
    /// What it has taken.
    pub usage: Usage,
    /// What it has written to its standard output.
    pub output: String,
    /// What it has logged.
    pub log: String,
}

impl MeasuredProcess {
    /// Starts a command of this program in a deployment.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(
        stage: &'static str,
        deployment: &Deployment,
        command: &str,
        args: &[String],
    ) -> Result<Self> {
        let what = || format!("{stage} cannot be started");
        let file = |kind| deployment.path(&format!("{}.{kind}", stage.replace(' ', "-")));
        let (stdout, log) = (file("out"), file("log"));
        let mut program = Command::new(std::env::current_exe().with_context(what)?);
        program.arg(command).args(deployment.config_args()).args(args).current_dir(deployment.folder());
        // A variable meant for services in production would lead the stage to their topics.
        let names = std::env::vars_os().map(|(name, _)| name);
        names.filter(|name| name.to_string_lossy().starts_with("REKINDLE")).for_each(|name| {
            program.env_remove(name);
        });
        // Control-C is for the bench, which then ends its stages.
        program.process_group(0).stdin(Stdio::null());
        program.stdout(File::create(&stdout).with_context(what)?);
        program.stderr(File::create(&log).with_context(what)?);
        let child = program.spawn().with_context(what)?;
        Ok(Self { stage, child, started: Instant::now(), usage: Usage::default(), stdout, log })
    }

    /// Which stage it is.
    pub fn stage(&self) -> &'static str {
        self.stage
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What it has taken.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn look(&mut self) -> Result<Usage> {
        self.usage = self.usage.then(Usage::of_child(self.child.id())?);
        Ok(self.usage)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where it logs.
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// The end of its log, for an error.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        match &lines[lines.len().saturating_sub(LAST_LINES)..] {
            [] => "its log is empty".to_owned(),
            last => format!("its log ends with\n  {}", last.join("\n  ")),
        }
    }

    /// Ends it at once, as nothing but the kernel can.
    ///
    /// # Errors
    /// If it cannot be ended.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().with_context(|| format!("{} cannot be killed", self.stage))?;
        self.child.wait().map(|_| ()).with_context(|| format!("{} has no exit code", self.stage))
    }

    /// Asks it to stop.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn ask_to_stop(&mut self) -> Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("the process has no usable id")?;
        kill_process(pid, Signal::TERM).with_context(|| format!("{} cannot be asked to stop", self.stage))
    }

    /// Waits for its end, which is to come soon.
    ///
    /// # Errors
    /// If it does not end soon, or not with code 0.
    pub fn finish(mut self) -> Result<Ended> {
        let deadline = Instant::now() + STOP_LIMIT;
        while !self.look()?.has_ended {
            if Instant::now() >= deadline {
                bail!("{} did not stop within {} s; {}", self.stage, STOP_LIMIT.as_secs(), self.last_words());
            }
            std::thread::sleep(LOOK);
        }
        let status = self.child.wait().with_context(|| format!("{} has no exit code", self.stage))?;
        if !status.success() {
            bail!("{} ended with {status}; {}", self.stage, self.last_words());
        }
        let output = std::fs::read_to_string(&self.stdout);
        let output = output.with_context(|| format!("{} has no output", self.stage))?;
        Ok(Ended { usage: self.usage, output, log: self.log() })
    }
}

impl Drop for MeasuredProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
