//! What the subscriber did, as lines of JSON on stdout. For `sent` the line stands for the sending itself.

use std::collections::BTreeMap;
use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use crate::record::Message;

/// Something that was done.
#[derive(Serialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Line<'a> {
    /// A message went to its provider.
    Sent {
        /// A provider that has seen it sends nothing: what closes the gap between sending and noting it.
        idempotency_key: &'a str,
        at: Timestamp,
        trigger: &'a str,
        customer_id: &'a str,
        template: &'a str,
        context: &'a serde_json::Value,
    },
    /// A message will not be sent: the reason for it is gone.
    Withdrawn { trigger_id: &'a str, reason: &'a str },
    /// The reason for a message is gone, and it was sent already: a person may want to know.
    TooLate { trigger_id: &'a str, reason: &'a str, note: &'a str },
    /// A message was not sent in time.
    Expired { trigger_id: &'a str },
    /// A record is not what the schemas describe. A platform keeps it for a look.
    Broken { topic: &'a str, partition: i32, offset: i64, problem: &'a str },
    /// The end, with how many records were of each kind.
    Stopped { records: &'a BTreeMap<&'static str, u64> },
}

impl<'a> Line<'a> {
    /// The line that stands for sending a message.
    pub fn sent(trigger_id: &'a str, message: &'a Message, at: Timestamp) -> Self {
        Self::Sent {
            idempotency_key: trigger_id,
            at,
            trigger: &message.trigger,
            customer_id: &message.customer_id,
            template: &message.template,
            context: &message.context,
        }
    }
}

/// Writes a line.
///
/// # Errors
/// Nobody reads it.
pub fn say(line: &Line<'_>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, line)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
