//! What a task is offered: a record of the log, looked at as far as ordering needs.

use bytes::Bytes;
use events::codec::{self, Peeked};
use events::{EventTime, LogEntry, Tick};

use super::TaskError;
use crate::buffer::Waiting;
use crate::ports::Offset;

/// A log record, looked at as far as its place in the order needs.
#[derive(Clone, Debug)]
pub struct LogRecord {
    /// Its offset.
    pub offset: Offset,
    /// When it was appended; `None` where the log carries no append times (files).
    pub appended_at: Option<EventTime>,
    /// What it is.
    pub content: LogContent,
}

/// What a log record holds.
#[derive(Clone, Debug)]
pub enum LogContent {
    /// An event: its place in the order, and the bytes that it waits as.
    Event(Waiting),
    /// A tick.
    Tick(Tick),
    /// Nothing: a tombstone.
    Nothing,
}

impl LogRecord {
    /// Looks at a record's value.
    ///
    /// # Errors
    /// [`TaskError::UnreadableLog`] if the value is no entry of `customer-events`.
    pub fn peek(
        offset: Offset,
        appended_at: Option<EventTime>,
        value: Option<Bytes>,
    ) -> Result<Self, TaskError> {
        let unreadable =
            |error: codec::CodecError| TaskError::UnreadableLog { offset, cause: error.to_string() };
        let Some(value) = value else {
            return Ok(Self { offset, appended_at, content: LogContent::Nothing });
        };
        let content = match codec::peek(&value).map_err(unreadable)? {
            Peeked::Event(head) => LogContent::Event(Waiting::new(head, offset, value)),
            Peeked::Tick => match codec::decode(&value).map_err(unreadable)? {
                LogEntry::Tick(tick) => LogContent::Tick(tick),
                LogEntry::Event(_) => {
                    return Err(TaskError::UnreadableLog {
                        offset,
                        cause: "an event framed as a tick".into(),
                    });
                }
            },
        };
        Ok(Self { offset, appended_at, content })
    }
}
