//! What `rekindle up` prints: a line per trigger, or the trigger as it is.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::ports::Record;
use events::Span;
use serde_json::Value;

use super::pipeline::Totals;
use crate::cli::UpFormat;
use crate::config::sections::Up;

/// Prints what appears on the action topics.
pub struct Screen<W> {
    out: W,
    format: UpFormat,
    /// Triggers seen, by stage.
    stages: BTreeMap<String, u64>,
}

impl<W: Write> Screen<W> {
    /// A screen that has seen nothing yet.
    pub fn new(out: W, format: UpFormat) -> Self {
        Self { out, format, stages: BTreeMap::new() }
    }

    /// Says what is going to happen, and when: `wait` after its last change in the shop's time a cart counts as
    /// abandoned, which the first ones do after so many seconds here.
    ///
    /// # Errors
    /// If the screen cannot be written.
    pub fn welcome(&mut self, up: &Up, first: Option<(Span, f64)>) -> io::Result<()> {
        if self.format == UpFormat::Json {
            return Ok(());
        }
        writeln!(
            self.out,
            "A shop of {} customers is open; an hour of its time takes {:.1} s (--speed {}). Ctrl-C ends it.",
            up.customers,
            3_600.0 / up.speed,
            up.speed
        )?;
        if let Some((wait, seconds)) = first {
            writeln!(
                self.out,
                "A cart counts as abandoned {wait} after its last change: the first ones in about {seconds:.0} s."
            )?;
        }
        writeln!(self.out)?;
        self.out.flush()
    }

    /// Prints records of the action topics, in order of time.
    ///
    /// # Errors
    /// If the screen cannot be written.
    pub fn show_all(&mut self, mut records: Vec<Record>) -> io::Result<()> {
        records.sort_by_key(|record| record.timestamp);
        for record in &records {
            self.show(record)?;
        }
        self.out.flush()
    }

    fn show(&mut self, record: &Record) -> io::Result<()> {
        let payload = record.value.as_deref().and_then(|value| serde_json::from_slice::<Value>(value).ok());
        let Some(payload) = payload else { return Ok(()) };
        let stage = text(&payload, "/stage").to_owned();
        *self.stages.entry(stage).or_default() += 1;
        match self.format {
            UpFormat::Json => writeln!(self.out, "{payload}"),
            UpFormat::Text => writeln!(self.out, "{}", line(&payload)),
        }
    }

    /// Sums up.
    ///
    /// # Errors
    /// If the screen cannot be written.
    pub fn farewell(&mut self, sent: u64, totals: &Totals) -> io::Result<()> {
        if self.format == UpFormat::Json {
            return Ok(());
        }
        let ingest = &totals.ingest;
        let ignored: u64 = ingest.ignored.values().sum();
        let dead: u64 = ingest.dead_letters.values().sum();
        writeln!(self.out)?;
        writeln!(
            self.out,
            "{sent} records sent; {} events of customers, {} anonymous, {ignored} ignored, {dead} dead letters.",
            ingest.events, ingest.anonymous
        )?;
        writeln!(
            self.out,
            "{} events applied, {} duplicates, {} late; triggers: {}.",
            totals.tasks.applied,
            totals.tasks.duplicates,
            totals.tasks.late,
            self.stages_seen()
        )
    }

    /// Sums up what this process has seen of what went over servers.
    ///
    /// # Errors
    /// If the screen cannot be written.
    pub fn farewell_from_servers(&mut self, sent: u64) -> io::Result<()> {
        if self.format == UpFormat::Json {
            return Ok(());
        }
        writeln!(self.out)?;
        writeln!(self.out, "{sent} records sent; triggers: {}.", self.stages_seen())
    }

    fn stages_seen(&self) -> String {
        let stages: Vec<String> =
            self.stages.iter().map(|(stage, count)| format!("{count} {stage}")).collect();
        if stages.is_empty() { "none yet".to_owned() } else { stages.join(", ") }
    }
}

fn text<'a>(payload: &'a Value, pointer: &str) -> &'a str {
    payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// One trigger on one line.
fn line(payload: &Value) -> String {
    let time = text(payload, "/due_at").replace('T', " ");
    let stage = match text(payload, "/stopped_by") {
        "" => text(payload, "/stage").to_owned(),
        gate => format!("{} by {gate}", text(payload, "/stage")),
    };
    let step = payload["step"].as_u64().unwrap_or_default();
    format!(
        "{:.19}  {} step {step}  {stage:<9}  {}  {}",
        time,
        text(payload, "/trigger"),
        text(payload, "/customer/id"),
        what(payload)
    )
}

/// What it is about: the cart, where there is one, else why it fired.
fn what(payload: &Value) -> String {
    match &payload["context"]["cart"] {
        Value::Null => text(payload, "/why/summary").to_owned(),
        cart_left => cart(cart_left),
    }
}

/// The cart in a few words: its value, and what is in it.
fn cart(cart: &Value) -> String {
    let names = cart["items"].as_array().into_iter().flatten().filter_map(|item| item["name"].as_str());
    let names = names.collect::<Vec<_>>().join(", ");
    match (cart["value_minor"].as_i64(), cart["currency"].as_str()) {
        (Some(minor), Some(currency)) => format!("{:>4}.{:02} {currency}  {names}", minor / 100, minor % 100),
        _ => names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_trigger_is_a_line_that_a_person_can_read() {
        let payload = json!({
            "trigger": "cart_abandonment", "stage": "suppressed", "stopped_by": "consent", "step": 2,
            "due_at": "2026-11-22T14:03:05.123Z", "customer": { "id": "c-1" },
            "context": { "cart": {
                "items": [{ "name": "red lamp" }, { "name": "pan" }], "value_minor": 10_350, "currency": "EUR",
            } },
        });
        let expected = "2026-11-22 14:03:05  cart_abandonment step 2  suppressed by consent  c-1   103.50 EUR  red lamp, pan";
        assert_eq!(line(&payload), expected);
        let payload = json!({
            "trigger": "winback", "stage": "fired", "step": 0, "due_at": "2026-11-22T14:03:05.123Z",
            "customer": { "id": "c-1" }, "why": { "summary": "Long ago." }, "context": {},
        });
        assert_eq!(line(&payload), "2026-11-22 14:03:05  winback step 0  fired      c-1  Long ago.");
    }
}
