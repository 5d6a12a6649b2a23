//! What a backtest is compared with where that is no run of its own: a file of an earlier replay, or what was sent.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ::replay::input::lines::{Line, Lines};
use ::replay::input::{Input, name_of};
use anyhow::{Context, Result, anyhow, bail};
use engine::ports::LogError;
use kafka::{KafkaProperties, read_committed_each};
use smol_str::SmolStr;

use super::extent::Extent;
use super::notes::Notes;
use super::told::{Origin, Told};

/// How long a topic may bring nothing before its end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longer lines are no records.
const LONGEST_LINE: usize = 4 * 1_048_576;

/// `live`, or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// The action topics, `suppressed` and outcomes of the installation.
    Live,
    /// JSON Lines as `replay` writes them, plain or gzip.
    File(PathBuf),
}

impl FromStr for Earlier {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "live" { Self::Live } else { Self::File(text.into()) })
    }
}

impl Earlier {
    /// What the report calls it.
    pub fn name(&self) -> String {
        match self {
            Self::Live => "live".to_owned(),
            Self::File(path) => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned()),
        }
    }

    /// What it is, in full.
    pub fn source(&self) -> String {
        match self {
            Self::Live => "what was sent, from the topics".to_owned(),
            Self::File(path) => format!("an earlier run, {}", path.display()),
        }
    }
}

/// Notes the records of a file as those of `side`.
///
/// # Errors
/// If it cannot be read to its end, or a line is no record of a trigger.
pub fn read_file(path: &Path, side: usize, notes: &mut Notes) -> Result<()> {
    let name = name_of(path);
    let mut lines = Lines::new(Input::open(path)?.reader, LONGEST_LINE);
    loop {
        let line = lines.next_line().with_context(|| format!("{name} cannot be read"))?;
        let told = match line {
            None => return Ok(()),
            Some(Line::Text(text)) if text.trim_ascii().is_empty() => continue,
            Some(Line::Text(text)) => Told::read_line(side, text),
            Some(Line::TooLong) => bail!("{name}:{}: is longer than {LONGEST_LINE} bytes", lines.number()),
        };
        if let Some(told) = told.with_context(|| format!("{name}:{}", lines.number()))? {
            notes.note(&told).context("the temporary files of the comparison cannot be written")?;
        }
    }
}

/// Where live records are, and which of them count.
pub struct Live<'a> {
    pub properties: &'a KafkaProperties,
    pub topics: BTreeSet<SmolStr>,
    /// About triggers that are compared.
    pub extent: &'a Extent,
}

/// Notes what was sent, as `side`. A topic that is not there has held nothing.
///
/// # Errors
/// If a topic cannot be read to its end, holds something else than records of triggers, or none of them is there.
pub fn read_live(live: &Live<'_>, side: usize, notes: &mut Notes) -> Result<()> {
    let mut missing = 0;
    for topic in &live.topics {
        let mut failure = None;
        let read = read_committed_each(live.properties, topic, PATIENCE, |partition, record| {
            let noted = Told::read(side, Origin::Live, record.value.as_deref().unwrap_or_default());
            let noted = noted.and_then(|told| match told {
                Some(told) if live.extent.holds(&told) => Ok(notes.note(&told)?),
                _ => Ok(()),
            });
            if let Err(error) = noted {
                failure
                    .get_or_insert_with(|| error.context(format!("{partition}, offset {}", record.offset)));
            }
        });
        match read {
            Err(LogError::UnknownTopic(_)) => missing += 1,
            other => {
                other.with_context(|| format!("the topic {topic}"))?;
            }
        }
        failure.map_or(Ok(()), Err)?;
    }
    match missing == live.topics.len() {
        true => Err(anyhow!(
            "none of the topics is there, such as {}: is topics.actions_prefix that of the installation?",
            live.topics.first().map_or("", SmolStr::as_str)
        )),
        false => Ok(()),
    }
}
