//! The folder of one run, and in it the list of what was done to the system and when.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// What happened in a run.
pub struct Diary {
    folder: PathBuf,
    name: String,
    began: Instant,
    file: Mutex<File>,
    is_kept: bool,
}

impl Diary {
    /// Opens the folder of a run whose name no other run has.
    pub fn begin(runs: &Path, scenario: &str, seed: u64) -> anyhow::Result<Self> {
        let name = format!("{scenario}-{seed}-{}", now_ms());
        let folder = runs.join(&name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let file = Mutex::new(File::create(folder.join("faults.log"))?);
        Ok(Self { folder, name, began: Instant::now(), file, is_kept: false })
    }

    /// The same, with a folder that stays if it is to be kept.
    pub fn kept_if(self, is_kept: bool) -> Self {
        Self { is_kept, ..self }
    }

    /// Where the run keeps its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A name for topics and namespaces that no other run uses.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Notes what was done, or seen.
    pub fn note(&self, what: &str) {
        let line = format!("{:9.3} {what}\n", self.began.elapsed().as_secs_f64());
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A diary that cannot be written must not decide the run.
        let _ = file.write_all(line.as_bytes());
    }

    /// How long the run has taken.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// Removes the folder of a run that nobody has to look at.
    pub fn discard(&self) {
        if !self.is_kept {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}
