//! Everything that came of a log, byte for byte: of each customer and topic, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, bail};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use serde_json::Value;

use crate::installation::Installation;
use crate::topics;

/// How many differences are shown.
const SHOWN: usize = 5;

/// A record as a messaging platform sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    headers: Vec<(String, String)>,
    value: Vec<u8>,
}

impl Record {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    }
}

/// What an installation has put out. Topics go by the names that they have in every installation.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    by_customer: BTreeMap<(String, String), Vec<Record>>,
}

impl Outputs {
    /// Reads all that is committed.
    pub fn read(installation: &Installation, patience: Duration) -> anyhow::Result<Self> {
        let mut outputs = Self::default();
        let mut broken = None;
        topics::read_each(&installation.servers, &installation.action_topics(), patience, |message| {
            if let Err(error) = outputs.take(installation, message) {
                broken.get_or_insert(format!("{}@{}: {error:#}", message.topic(), message.offset()));
            }
        })?;
        match broken {
            Some(broken) => bail!("an output is broken: {broken}"),
            None => Ok(outputs),
        }
    }

    fn take(&mut self, installation: &Installation, message: &BorrowedMessage<'_>) -> anyhow::Result<()> {
        let topic = message.topic().strip_prefix(&installation.topic("")).context("a topic of another")?;
        let key = String::from_utf8(message.key().context("no key")?.to_vec())?;
        let mut headers = Vec::new();
        for header in message.headers().into_iter().flat_map(|headers| headers.iter()) {
            let value = String::from_utf8(header.value.context("an empty header")?.to_vec())?;
            headers.push((header.key.to_owned(), value));
        }
        let value = message.payload().context("no value")?.to_vec();
        self.by_customer.entry((topic.to_owned(), key)).or_default().push(Record { headers, value });
        Ok(())
    }

    /// How many records there are.
    pub fn count(&self) -> usize {
        self.by_customer.values().map(Vec::len).sum()
    }

    /// How many there are of each type, such as `dormancy.fired`.
    pub fn kinds(&self) -> BTreeMap<String, usize> {
        let mut kinds = BTreeMap::new();
        for record in self.by_customer.values().flatten() {
            let kind = record.header("ce_type");
            let kind = kind.strip_prefix("rekindle.").unwrap_or(kind).trim_end_matches(".v1");
            *kinds.entry(kind.to_owned()).or_default() += 1;
        }
        kinds
    }

    /// What each record says, by its id, but for what it is for (`mode`).
    pub fn data_by_id(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let of_record = |record: &Record| {
            let mut data: serde_json::Map<String, Value> = serde_json::from_slice(&record.value)?;
            data.remove("mode");
            Ok((record.header("ce_id").to_owned(), Value::from(data)))
        };
        self.by_customer.values().flatten().map(of_record).collect()
    }

    /// Fails if a record id comes twice.
    pub fn find_doubled(&self) -> anyhow::Result<()> {
        let mut known = BTreeSet::new();
        for ((topic, customer), records) in &self.by_customer {
            for record in records {
                if !known.insert(record.header("ce_id")) {
                    bail!("{customer} gets {} twice on {topic}", record.header("ce_type"));
                }
            }
        }
        Ok(())
    }

    /// Fails with the first differences, if there are any.
    pub fn compare(&self, expected: &Self) -> anyhow::Result<()> {
        let lanes: BTreeSet<_> = self.by_customer.keys().chain(expected.by_customer.keys()).collect();
        let of = |outputs: &Self, lane| outputs.by_customer.get(lane).cloned().unwrap_or_default();
        let differing = lanes.iter().filter(|lane| of(self, **lane) != of(expected, **lane));
        let mut shown = String::new();
        for lane in differing.clone().take(SHOWN) {
            let types = |records: Vec<Record>| {
                let named =
                    |record: &Record| format!("{}/{}", record.header("ce_type"), record.header("ce_id"));
                records.iter().map(named).collect::<Vec<_>>()
            };
            let (found, wanted) = (types(of(self, *lane)), types(of(expected, *lane)));
            let _ = write!(shown, "\n{lane:?}: {found:?}\n  but the fold has {wanted:?}");
        }
        match differing.count() {
            0 => Ok(()),
            count => bail!(
                "{} records, and {} of the fold; {count} customers and topics differ:{shown}",
                self.count(),
                expected.count()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(records: &[(&str, &str, &str)]) -> Outputs {
        let mut outputs = Outputs::default();
        for (customer, id, value) in records {
            let headers = vec![("ce_id".to_owned(), (*id).to_owned())];
            let record = Record { headers, value: value.as_bytes().to_vec() };
            let lane = ("actions.dormancy".to_owned(), (*customer).to_owned());
            outputs.by_customer.entry(lane).or_default().push(record);
        }
        outputs
    }

    #[test]
    fn what_is_missing_changed_or_out_of_order_is_a_difference() {
        let fold = outputs(&[("a", "1", "x"), ("a", "2", "y"), ("b", "3", "z")]);
        let differs = |records: &[_]| outputs(records).compare(&fold).is_err();
        assert!(!differs(&[("b", "3", "z"), ("a", "1", "x"), ("a", "2", "y")]));
        assert!(differs(&[("a", "1", "x"), ("a", "2", "y")]));
        assert!(differs(&[("a", "1", "x"), ("a", "2", "y"), ("b", "3", "?")]));
        assert!(differs(&[("a", "2", "y"), ("a", "1", "x"), ("b", "3", "z")]));
        assert!(differs(&[("a", "1", "x"), ("a", "2", "y"), ("b", "3", "z"), ("c", "4", "z")]));
    }

    #[test]
    fn an_id_that_comes_twice_is_found() {
        assert!(outputs(&[("a", "1", "x"), ("b", "2", "x")]).find_doubled().is_ok());
        assert!(outputs(&[("a", "1", "x"), ("b", "1", "x")]).find_doubled().is_err());
    }
}
