//! From files to sorted events: every row through the same normaliser as live records.

use std::path::PathBuf;

use engine::ports::Record;
use events::normalise::{Arrival, NativeRecord, Normaliser, Notes, Outcome, RawRecord, RefusalReason};
use events::view::Event;
use events::{EventKeyRef, EventTime, Origin, TopicPartition, codec};
use smol_str::SmolStr;

use crate::error::ReplayError;
use crate::input::Input;
use crate::mapping::{Format, Mapping, UnfitCell};
use crate::outcome::{Place, Rejects, RowCounts};
use crate::rows;
use crate::sorter::{EventSorter, SortedEvents};

/// How often progress is told, in rows.
const ROWS_PER_PROGRESS: u64 = 1 << 16;

/// What is to be read, and how.
pub struct IntakeSettings {
    /// Judges every record. Its times in the future have to be refused: one row dated 2999 must not move time.
    pub normaliser: Normaliser,
    /// How the rows become native records, where they are not records already.
    pub mapping: Option<Mapping>,
    /// The start of the run: nothing that was received later can be in a file.
    pub started_at: EventTime,
    /// Longest row, in bytes.
    pub max_row_bytes: usize,
    /// Memory for sorting, in bytes.
    pub sort_memory: usize,
    /// Whether the events are flagged as history that is fed in later: they change state, and nothing fires for them.
    pub backfill: bool,
}

/// Takes rows in, counts them, and sorts the events.
pub struct Intake<'s> {
    settings: &'s IntakeSettings,
    sorter: EventSorter,
    counts: RowCounts,
    rejects: Rejects,
    progress: &'s mut dyn FnMut(&RowCounts),
    origin: Origin,
}

/// What the files held.
#[derive(Debug)]
pub struct Taken {
    /// The events in order.
    pub events: SortedEvents,
    /// How the rows ended.
    pub counts: RowCounts,
    /// How many bytes went to temporary files.
    pub spilled_bytes: u64,
}

/// Reads all files; `progress` is told the counts now and then.
///
/// # Errors
/// If a file cannot be read to its end, or a temporary file or the rejects cannot be written.
pub fn take_in(
    files: &[PathBuf],
    settings: &IntakeSettings,
    rejects: Rejects,
    progress: &mut dyn FnMut(&RowCounts),
) -> Result<Taken, ReplayError> {
    let mut intake = Intake::new(settings, rejects, progress);
    for path in files {
        intake.read(Input::open(path)?)?;
    }
    intake.finish()
}

impl<'s> Intake<'s> {
    /// An intake that has taken nothing in yet.
    pub fn new(
        settings: &'s IntakeSettings,
        rejects: Rejects,
        progress: &'s mut dyn FnMut(&RowCounts),
    ) -> Self {
        Self {
            settings,
            sorter: EventSorter::new(settings.sort_memory),
            counts: RowCounts::default(),
            rejects,
            progress,
            origin: Origin { topic: SmolStr::default(), partition: 0, offset: 0 },
        }
    }

    /// Reads one file to its end.
    ///
    /// # Errors
    /// See [`take_in`].
    pub fn read(&mut self, mut input: Input) -> Result<(), ReplayError> {
        self.origin.topic = SmolStr::new(&input.name);
        if input.is_avro()? {
            return rows::read_events(input, self);
        }
        match &self.settings.mapping {
            None => rows::read_records(input, self),
            Some(mapping) => match mapping.format {
                Format::Csv => rows::read_csv(input, mapping, self),
                Format::Jsonl => rows::read_mapped_json(input, mapping, self),
            },
        }
    }

    /// Ends the input.
    ///
    /// # Errors
    /// See [`take_in`].
    pub fn finish(mut self) -> Result<Taken, ReplayError> {
        self.rejects.flush().map_err(ReplayError::Rejects)?;
        let spilled_bytes = self.sorter.spilled_bytes();
        let events = self.sorter.finish().map_err(ReplayError::sort)?;
        Ok(Taken { events, counts: self.counts, spilled_bytes })
    }

    pub(crate) fn max_row_bytes(&self) -> usize {
        self.settings.max_row_bytes
    }

    pub(crate) fn counts(&self) -> &RowCounts {
        &self.counts
    }

    /// Takes a record in as it stands in a file.
    pub(crate) fn record(&mut self, place: Place<'_>, value: &[u8]) -> Result<(), ReplayError> {
        self.origin.offset = offset_of(place);
        let outcome = self.settings.normaliser.normalise(&RawRecord {
            origin: &self.origin,
            value: Some(value),
            schema_header: None,
            timestamp: self.settings.started_at,
            backfill: self.settings.backfill,
        });
        self.outcome(place, 1, outcome)
    }

    /// Takes a record of a raw topic in, as ingest does: by its own timestamp.
    ///
    /// # Errors
    /// See [`take_in`].
    pub fn raw_record(&mut self, at: &TopicPartition, record: &Record) -> Result<(), ReplayError> {
        let (topic, partition) = (at.topic.clone(), at.partition);
        self.origin = Origin { topic, partition, offset: i64::try_from(record.offset).unwrap_or(i64::MAX) };
        let schema = record.headers.iter().find(|(name, _)| name == codec::SCHEMA_HEADER);
        let outcome = self.settings.normaliser.normalise(&RawRecord {
            origin: &self.origin,
            value: record.value.as_deref(),
            schema_header: schema.map(|(_, value)| value.as_ref()),
            timestamp: record.timestamp,
            backfill: false,
        });
        let place = at.to_string();
        self.outcome(Place { file: &place, line: record.offset }, 1, outcome)
    }

    /// Takes a record in that a mapping made of `rows` rows.
    pub(crate) fn native(
        &mut self,
        place: Place<'_>,
        rows: u64,
        record: &NativeRecord<'_>,
    ) -> Result<(), ReplayError> {
        self.origin.offset = offset_of(place);
        let arrival = Arrival {
            origin: &self.origin,
            timestamp: self.settings.started_at,
            backfill: self.settings.backfill,
        };
        let outcome = self.settings.normaliser.normalise_native(record, &arrival);
        self.outcome(place, rows, outcome)
    }

    /// Counts a row that a rule of the mapping passes over.
    pub(crate) fn ignore(&mut self, rule: &str) {
        self.count_rows(1);
        self.counts.ignore(rule, 1);
    }

    /// Counts rows of which a cell cannot be converted.
    pub(crate) fn unfit(
        &mut self,
        place: Place<'_>,
        rows: u64,
        unfit: &UnfitCell,
    ) -> Result<(), ReplayError> {
        self.refuse(place, rows, unfit.reason(), &unfit.to_string())
    }

    /// Counts rows that cannot be used.
    pub(crate) fn refuse(
        &mut self,
        place: Place<'_>,
        rows: u64,
        reason: &'static str,
        detail: &str,
    ) -> Result<(), ReplayError> {
        self.count_rows(rows);
        *self.counts.refused.entry(reason).or_default() += rows;
        self.rejects.write(place, rows, reason, detail).map_err(ReplayError::Rejects)
    }

    fn outcome(&mut self, place: Place<'_>, rows: u64, outcome: Outcome) -> Result<(), ReplayError> {
        match outcome {
            Outcome::Event(normalised) => {
                self.note(normalised.notes);
                let record = codec::encode_event(normalised.event.as_ref());
                self.sort_in(rows, &normalised.event.key(0), &record)
            }
            Outcome::Anonymous(normalised) => {
                self.count_rows(rows);
                self.counts.anonymous_rows += rows;
                *self.counts.anonymous_kinds.entry(normalised.event.body.rank()).or_default() += 1;
                self.note(normalised.notes);
                Ok(())
            }
            Outcome::Ignored(reason) => {
                self.count_rows(rows);
                self.counts.ignore(reason.as_str(), rows);
                Ok(())
            }
            Outcome::Refused(refusal) => self.refuse(place, rows, refusal.reason.as_str(), &refusal.detail),
        }
    }

    /// Takes an event in that was read in before: it is judged no more, but for its time.
    pub(crate) fn event(
        &mut self,
        place: Place<'_>,
        event: &Event,
        record: &[u8],
    ) -> Result<(), ReplayError> {
        if event.occurred_at > self.settings.started_at {
            let detail = "`occurred_at` lies after the start of the run";
            return self.refuse(place, 1, RefusalReason::InTheFuture.as_str(), detail);
        }
        let key = event.key(0);
        if self.settings.backfill && !event.backfill {
            let flagged = codec::encode_event(&Event { backfill: true, ..event.clone() });
            return self.sort_in(1, &key, &flagged);
        }
        self.sort_in(1, &key, record)
    }

    /// Counts an event that came of so many rows, and puts it into its place.
    fn sort_in(&mut self, rows: u64, key: &EventKeyRef<'_>, record: &[u8]) -> Result<(), ReplayError> {
        self.count_rows(rows);
        self.counts.event_rows += rows;
        self.counts.events += 1;
        *self.counts.kinds.entry(key.rank).or_default() += 1;
        self.sorter.push(key, record).map_err(ReplayError::sort)
    }

    fn note(&mut self, notes: Notes) {
        self.counts.texts_cut += u64::from(notes.text_cut);
        self.counts.amounts_dropped += u64::from(notes.amount_dropped);
    }

    fn count_rows(&mut self, rows: u64) {
        let before = self.counts.rows;
        self.counts.rows += rows;
        if before / ROWS_PER_PROGRESS != self.counts.rows / ROWS_PER_PROGRESS {
            (self.progress)(&self.counts);
        }
    }
}

fn offset_of(place: Place<'_>) -> i64 {
    i64::try_from(place.line).unwrap_or(i64::MAX)
}
