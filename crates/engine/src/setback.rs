//! Why a worker's turn ended early: what every worker does about an error, decided in one place.

use crate::ports::{LogError, PublishError, StoreError};

/// Why a turn ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setback {
    /// Something failed or is in doubt: begin anew at what is committed.
    StartOver,
    /// As `StartOver`, once the group has told who owns what now.
    AwaitGroup,
    /// Another process has the slot: give up.
    Fenced,
}

impl From<LogError> for Setback {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Fenced => Self::Fenced,
            LogError::Unavailable(_) | LogError::UnknownTopic(_) => Self::StartOver,
        }
    }
}

impl From<StoreError> for Setback {
    fn from(_: StoreError) -> Self {
        Self::StartOver
    }
}

impl From<PublishError> for Setback {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Aborted(_) | PublishError::Unknown(_) => Self::StartOver,
            PublishError::Deposed => Self::AwaitGroup,
            PublishError::Fenced => Self::Fenced,
        }
    }
}
