//! Why a replay stops before its end.

use std::io;

use engine::ports::LogError;
use engine::task::TaskError;
use events::TopicPartition;

use crate::input::InputError;

/// Why a replay stops before its end. None of these passes by itself.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file cannot be read to its end.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The sorted runs cannot be written or read.
    #[error("temporary files in {folder} cannot be used (TMPDIR names another folder)")]
    Sort {
        /// Where they are.
        folder: String,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// The refused rows cannot be written down.
    #[error("the refused rows cannot be written")]
    Rejects(#[source] io::Error),
    /// The triggers cannot be written.
    #[error("the triggers cannot be written")]
    Output(#[source] io::Error),
    /// The log cannot be read to the end of the stretch.
    #[error("{partition} cannot be read")]
    Log {
        /// What of the log.
        partition: TopicPartition,
        /// Why not.
        #[source]
        cause: LogError,
    },
    /// The log's partition holds what cannot be folded.
    #[error("{partition} cannot be folded")]
    LogTask {
        /// What of the log.
        partition: TopicPartition,
        /// Why not.
        #[source]
        cause: TaskError,
    },
    /// The fold cannot go on.
    #[error(transparent)]
    Task(#[from] TaskError),
}

impl ReplayError {
    pub(crate) fn sort(cause: io::Error) -> Self {
        Self::Sort { folder: std::env::temp_dir().display().to_string(), cause }
    }
}
