//! The outbox on disk: the stand-in for a platform's database.
//!
//! Must stay true: after a crash the file holds the outbox as it was stored last, whole. So it is written beside the old
//! one, forced to the disk, and renamed over it. It is written anew for each change, which a database would do by row.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::outbox::Outbox;

/// A file of which this process is the only owner.
pub struct OutboxFile {
    path: PathBuf,
    /// Held as long as the process lives.
    _lock: File,
}

impl OutboxFile {
    /// Takes possession of the file.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be written to.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let beside = path.with_extension("lock");
        let lock = File::create(&beside).with_context(|| format!("cannot write {}", beside.display()))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => bail!("another process has {}", path.display()),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The outbox as it was stored last; an empty one if it never was.
    ///
    /// # Errors
    /// The file cannot be read, or is not an outbox.
    pub fn load(&self) -> anyhow::Result<Outbox> {
        match std::fs::read(&self.path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .with_context(|| format!("{} is not an outbox", self.path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Outbox::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", self.path.display())),
        }
    }

    /// Stores the outbox; once this returns it outlives a crash.
    ///
    /// # Errors
    /// It could not be stored: nothing that hangs on it may be done.
    pub fn store(&self, outbox: &Outbox) -> anyhow::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(outbox)?)?;
        file.sync_all()?;
        std::fs::rename(&beside, &self.path)?;
        // The new name is in the folder, which has to reach the disk too.
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_loaded_and_belongs_to_one_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.json");
        let file = OutboxFile::open(&path).unwrap();
        assert_eq!(file.load().unwrap(), Outbox::default());
        file.store(&Outbox::default()).unwrap();
        assert_eq!(file.load().unwrap(), Outbox::default());
        assert!(OutboxFile::open(&path).is_err(), "a second owner");
        drop(file);
        assert!(OutboxFile::open(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_no_outbox_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.json");
        std::fs::write(&path, "{").unwrap();
        assert!(OutboxFile::open(&path).unwrap().load().is_err());
    }
}
