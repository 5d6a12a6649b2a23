//! The metrics of one process at one moment, taken apart.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use crate::commands::bench::exposition::Exposition;

/// What a process has answered, or why it has not.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its admin address.
    pub address: String,
    /// When it was asked.
    pub at: Instant,
    /// The same, in seconds since 1970.
    pub time: f64,
    /// Its metrics.
    pub series: Result<Vec<Series>, String>,
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The metric.
    pub metric: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// Asks all processes at once, so that a slow one does not delay the others.
    pub fn take_all(addresses: &[String]) -> Vec<Self> {
        std::thread::scope(|scope| {
            let asked: Vec<_> =
                addresses.iter().map(|address| (address, scope.spawn(|| Self::take(address)))).collect();
            let answered = asked.into_iter().map(|(address, thread)| {
                thread.join().unwrap_or_else(|_| Self::new(address, Err("asking it has failed".to_owned())))
            });
            answered.collect()
        })
    }

    fn take(address: &str) -> Self {
        let answer = Exposition::fetch(address);
        Self::new(address, answer.map(|text| parse(text.text())).map_err(|error| format!("{error:#}")))
    }

    fn new(address: &str, series: Result<Vec<Series>, String>) -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { address: address.to_owned(), at: Instant::now(), time: since_1970.as_secs_f64(), series }
    }

    /// The series of a metric; the name stands without its prefix.
    pub fn of<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = &'a Series> {
        let named = move |series: &&Series| series.metric.strip_prefix("rekindle_") == Some(metric);
        self.series.iter().flatten().filter(named)
    }

    /// The only value of a metric without labels that tell anything.
    pub fn value(&self, metric: &str) -> Option<f64> {
        self.of(metric).map(|series| series.value).next()
    }
}

impl Series {
    /// A label; empty if it is not there.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// The series of an answer; a line that cannot be read is passed over.
pub fn parse(text: &str) -> Vec<Series> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(parse_line).collect()
}

fn parse_line(line: &str) -> Option<Series> {
    let end_of_name = line.find(['{', ' '])?;
    let (metric, rest) = line.split_at(end_of_name);
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => parse_labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = value.split_whitespace().next()?.parse().ok()?;
    Some(Series { metric: metric.to_owned(), labels, value })
}

/// Labels up to the closing brace, and what stands behind it.
fn parse_labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(',');
        if let Some(behind) = rest.strip_prefix('}') {
            return Some((labels, behind));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let (value, behind) = unquote(quoted)?;
        labels.insert(name.to_owned(), value);
        rest = behind;
    }
}

/// A value up to its closing quote, and what stands behind it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut value, mut characters) = (String::new(), text.char_indices());
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[index + 1..])),
            '\\' => value.push(match characters.next()?.1 {
                'n' => '\n',
                escaped => escaped,
            }),
            _ => value.push(character),
        }
    }
    None
}

#[cfg(test)]
pub mod tests {
    use std::time::Duration;

    use super::*;

    /// A process that has answered this, `seconds` after `start`.
    pub fn sample(start: Instant, seconds: u64, text: &str) -> Sample {
        let at = start + Duration::from_secs(seconds);
        Sample { address: "a:1".into(), at, time: 1_000.0 + seconds as f64, series: Ok(parse(text)) }
    }

    #[test]
    fn labels_may_hold_quotes_braces_and_line_ends() {
        let found = parse(
            "# HELP a b\na_total{x=\"q\\\"} 1\\n\\\\\",y=\"\"} 2\nplain 3.5\nbroken{x=\"1\nalso broken\n",
        );
        let labels =
            [("x", "q\"} 1\n\\"), ("y", "")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = [
            Series { metric: "a_total".into(), labels: labels.into(), value: 2.0 },
            Series { metric: "plain".into(), labels: BTreeMap::new(), value: 3.5 },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn whoever_does_not_answer_is_known_with_the_reason() {
        let samples = Sample::take_all(&["127.0.0.1:1".to_owned()]);
        assert!(samples[0].series.as_ref().unwrap_err().contains("does not answer"), "{samples:?}");
    }
}
