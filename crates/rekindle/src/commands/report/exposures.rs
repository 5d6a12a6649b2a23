//! Outcomes as they are read: each trigger once, whatever was told of it and however often.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use contact_policy::uplift::{Arm, Unit};
use events::EventTime;
use serde::Deserialize;
use strict_toml::Instant;

/// The part of a record on the topic of outcomes that is counted.
#[derive(Deserialize)]
pub struct OutcomeRecord {
    trigger: String,
    trigger_id: String,
    customer_id: String,
    mode: String,
    fired_at: String,
    converted: bool,
    experiment: Option<Experiment>,
}

#[derive(Deserialize)]
struct Experiment {
    held_out: bool,
}

/// Which triggers count.
pub struct Selection {
    /// Those of this mode; any, if none.
    pub mode: Option<&'static str>,
    /// Those that fired from here on.
    pub from: EventTime,
    /// Those that fired before.
    pub to: EventTime,
}

/// Triggers by name.
#[derive(Default)]
pub struct Exposures(BTreeMap<String, Trigger>);

/// What is known of one trigger's outcomes.
#[derive(Default)]
pub struct Trigger {
    /// By the trigger's id.
    contacts: BTreeMap<String, Contact>,
    /// How many took no part in the comparison: service messages, or a time without holdout.
    pub apart: u64,
}

struct Contact {
    customer: String,
    held_out: bool,
    converted: bool,
}

impl Exposures {
    /// Takes a record in. One that tells of an order replaces one that told of none.
    ///
    /// # Errors
    /// If its time cannot be read.
    pub fn take(&mut self, record: OutcomeRecord, selection: &Selection) -> Result<()> {
        let fired_at: Instant = match record.fired_at.parse() {
            Ok(time) => time,
            Err(problem) => bail!("`fired_at` of trigger {}: {problem}", record.trigger_id),
        };
        let fired_at = fired_at.event_time();
        let is_asked_for = selection.mode.is_none_or(|mode| record.mode == mode);
        if !is_asked_for || fired_at < selection.from || fired_at >= selection.to {
            return Ok(());
        }
        let trigger = self.0.entry(record.trigger).or_default();
        match record.experiment {
            None => trigger.apart += 1,
            Some(Experiment { held_out }) => {
                let contact = trigger.contacts.entry(record.trigger_id).or_insert_with(|| Contact {
                    customer: record.customer_id,
                    held_out,
                    converted: false,
                });
                contact.converted |= record.converted;
            }
        }
        Ok(())
    }

    /// The triggers by name.
    pub fn triggers(&self) -> impl Iterator<Item = (&str, &Trigger)> {
        self.0.iter().map(|(name, trigger)| (name.as_str(), trigger))
    }
}

impl Trigger {
    /// The customers to whom it was sent, or those who were held out.
    pub fn arm(&self, held_out: bool) -> Arm {
        let mut units: BTreeMap<&str, Unit> = BTreeMap::new();
        for contact in self.contacts.values().filter(|contact| contact.held_out == held_out) {
            let unit = units.entry(&contact.customer).or_default();
            unit.contacts += 1;
            unit.conversions += u32::from(contact.converted);
        }
        Arm::of(units.into_values().collect::<Vec<_>>())
    }
}

/// The outcome in a line of JSON, if that is what it holds.
///
/// # Errors
/// If the line is no JSON, or an outcome that lacks something.
pub fn in_line(line: &[u8]) -> Result<Option<OutcomeRecord>> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(rename = "type", default)]
        kind: String,
        #[serde(borrow)]
        data: Option<&'a serde_json::value::RawValue>,
    }
    let line: Line<'_> = serde_json::from_slice(line).context("is not a CloudEvent in JSON")?;
    let is_outcome = [".converted.v1", ".unconverted.v1"].iter().any(|stage| line.kind.ends_with(stage));
    let Some(data) = line.data.filter(|_| is_outcome) else { return Ok(None) };
    serde_json::from_str(data.get()).map(Some).context("is an outcome that lacks something")
}
