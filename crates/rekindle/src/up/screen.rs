//! What `rekindle up` prints: a line per trigger, or the trigger as it is.

use std::collections::BTreeMap;
use std::io::{self, Write};

use engine::memory::MemoryBroker;
use engine::ports::{Offset, Record};
use events::TopicPartition;
use serde_json::Value;
use smol_str::SmolStr;

use super::pipeline::Totals;
use crate::cli::UpFormat;
use crate::config::sections::Up;
use crate::config::settings::Settings;

/// Follows the action topics and prints what appears on them.
pub struct Screen<W> {
    out: W,
    format: UpFormat,
    topics: Vec<SmolStr>,
    /// Where to read on.
    next: BTreeMap<TopicPartition, Offset>,
    /// Triggers seen, by stage.
    stages: BTreeMap<String, u64>,
}

impl<W: Write> Screen<W> {
    /// A screen that has seen nothing yet.
    pub fn new(out: W, format: UpFormat, settings: &Settings) -> Self {
        let topics = settings.triggers.output_topics();
        Self { out, format, topics, next: BTreeMap::new(), stages: BTreeMap::new() }
    }

    /// Says what is going to happen, and when.
    ///
    /// # Errors
    /// If the screen cannot be written.
    pub fn welcome(&mut self, up: &Up, settings: &Settings) -> io::Result<()> {
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
        if let Some(rules) = &settings.triggers.cart_abandonment {
            let wait = rules.wait.as_millis() + settings.ingest.grace.as_millis();
            writeln!(
                self.out,
                "A cart counts as abandoned {} after its last change: the first ones in about {:.0} s.",
                rules.wait,
                wait as f64 / 1_000.0 / up.speed
            )?;
        }
        writeln!(self.out)?;
        self.out.flush()
    }

    /// Prints what has appeared since the last call, in order of time.
    ///
    /// # Errors
    /// If the screen cannot be written.
    pub fn show_new(&mut self, broker: &MemoryBroker) -> io::Result<()> {
        let mut records = Vec::new();
        for topic in &self.topics {
            for partition in 0.. {
                let partition = TopicPartition { topic: topic.clone(), partition };
                let Ok(bounds) = broker.bounds(&partition) else { break };
                let next = self.next.entry(partition.clone()).or_default();
                *next = (*next).max(bounds.start);
                let Ok(new) = broker.committed_records(&partition, *next) else { continue };
                *next = new.last().map_or(*next, |last| last.offset + 1);
                records.extend(new);
            }
        }
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
        let stages: Vec<String> =
            self.stages.iter().map(|(stage, count)| format!("{count} {stage}")).collect();
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
            if stages.is_empty() { "none yet".to_owned() } else { stages.join(", ") }
        )
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
        cart(&payload["context"]["cart"])
    )
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
    }
}
