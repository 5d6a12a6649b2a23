//! A reader of the text format 0.0.4 that accepts nothing doubtful: HELP, then TYPE, then that family's samples alone.
//! Format: https://prometheus.io/docs/instrumenting/exposition_formats/

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub struct Sample {
    /// `_bucket`, `_sum` or `_count` in a histogram.
    pub suffix: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

#[derive(Debug)]
pub struct Family {
    pub help: String,
    pub kind: String,
    pub samples: Vec<Sample>,
}

pub fn parse(text: &str) -> Result<BTreeMap<String, Family>, String> {
    let mut families = BTreeMap::new();
    let mut lines = text.strip_suffix('\n').ok_or("no line feed at the end")?.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, help) = comment(line, "# HELP ")?;
        let typed = lines.next().ok_or("HELP without TYPE")?;
        let (typed_name, kind) = comment(typed, "# TYPE ")?;
        if name != typed_name || !is_name(name) || help.is_empty() {
            return Err(format!("{line} / {typed}"));
        }
        let (mut samples, mut seen) = (Vec::new(), BTreeSet::new());
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = sample(line, name, kind)?;
            if !seen.insert((sample.suffix.clone(), sample.labels.clone())) {
                return Err(format!("a series occurs twice: {line}"));
            }
            samples.push(sample);
        }
        if samples.is_empty() {
            return Err(format!("{name} has no samples"));
        }
        let family = Family { help: help.to_owned(), kind: kind.to_owned(), samples };
        if families.insert(name.to_owned(), family).is_some() {
            return Err(format!("{name} occurs twice"));
        }
    }
    Ok(families)
}

fn comment<'a>(line: &'a str, prefix: &str) -> Result<(&'a str, &'a str), String> {
    line.strip_prefix(prefix)
        .and_then(|rest| rest.split_once(' '))
        .ok_or_else(|| format!("expected {prefix}: {line}"))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn sample(line: &str, family: &str, kind: &str) -> Result<Sample, String> {
    let wrong = || format!("unreadable sample: {line}");
    let mut rest = line.strip_prefix(family).ok_or_else(wrong)?;
    let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
    let suffix = suffixes.iter().find(|suffix| rest.starts_with(**suffix)).ok_or_else(wrong)?;
    rest = &rest[suffix.len()..];
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest).ok_or_else(wrong)?,
        None => (BTreeMap::new(), rest),
    };
    let value: f64 = value.strip_prefix(' ').and_then(|value| value.parse().ok()).ok_or_else(wrong)?;
    if !value.is_finite() {
        return Err(wrong());
    }
    Ok(Sample { suffix: (*suffix).to_owned(), labels, value })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        if !is_name(name) || labels.insert(name.to_owned(), value).is_some() {
            return None;
        }
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Some((labels, after.strip_prefix('}')?)),
        }
    }
}

/// A value up to its closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
    None
}
