//! Puts events into the order in which a task applies them, however large the file is: sorted runs go to temporary
//! files when memory is used up, and are merged at the end.
//!
//! Must stay true: the order is that of [`EventKey`](events::EventKey) with the place in the input last, so that it
//! does not hang on the order of the rows; memory stays within the limit, whatever the number of events.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};

use bytes::Bytes;
use events::{EventKeyRef, EventTime};

/// How many runs are merged at once; more would need more open files than a process usually may have.
const MAX_RUNS: usize = 128;

/// Read and write buffer of one run.
const RUN_BUFFER_BYTES: usize = 128 * 1024;

/// Collects events; then [`finish`](Self::finish) gives them back in order.
#[derive(Debug)]
pub struct EventSorter {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    max_arena: usize,
    max_entries: usize,
    runs: Vec<File>,
    spilled_bytes: u64,
}

/// An event in the arena: its id, then its record.
#[derive(Clone, Copy, Debug)]
struct Entry {
    occurred_at: EventTime,
    start: usize,
    id_len: u32,
    record_len: u32,
    rank: u8,
}

impl Entry {
    fn id<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        &arena[self.start..self.start + self.id_len as usize]
    }

    fn record(&self) -> std::ops::Range<usize> {
        let start = self.start + self.id_len as usize;
        start..start + self.record_len as usize
    }
}

impl EventSorter {
    /// A sorter that holds about `memory` bytes of events at a time.
    pub fn new(memory: usize) -> Self {
        // An entry stands for a record of a few hundred bytes, so an eighth of the memory is room enough for entries.
        Self {
            arena: Vec::new(),
            entries: Vec::new(),
            max_arena: memory - memory / 8,
            max_entries: (memory / 8 / size_of::<Entry>()).max(1),
            runs: Vec::new(),
            spilled_bytes: 0,
        }
    }

    /// Takes an event in, by its key, with its record of `customer-events`. Of equal ids the place in the input decides, not
    /// the key's offset.
    ///
    /// # Errors
    /// If a temporary file cannot be written.
    pub fn push(&mut self, key: &EventKeyRef<'_>, record: &[u8]) -> io::Result<()> {
        let id = key.event_id;
        let (Ok(id_len), Ok(record_len)) = (u32::try_from(id.len()), u32::try_from(record.len())) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "an event of more than 4 GiB"));
        };
        if self.is_full(id.len() + record.len()) {
            self.spill()?;
        }
        let start = self.arena.len();
        self.arena.extend_from_slice(id);
        self.arena.extend_from_slice(record);
        let EventKeyRef { occurred_at, rank, .. } = *key;
        self.entries.push(Entry { occurred_at, start, id_len, record_len, rank });
        Ok(())
    }

    fn is_full(&mut self, more: usize) -> bool {
        if self.arena.capacity() == 0 {
            // Reserved at once, so that it never doubles beyond the limit; untouched pages cost nothing.
            self.arena.reserve_exact(self.max_arena);
            self.entries.reserve_exact(self.max_entries);
        }
        let full = self.entries.len() >= self.max_entries || self.arena.len() + more > self.max_arena;
        full && !self.entries.is_empty()
    }

    fn sort(&mut self) {
        let arena = &self.arena;
        // The place in the arena is the place in the input.
        self.entries.sort_unstable_by(|a, b| {
            let (time_a, time_b) = ((a.occurred_at, a.rank), (b.occurred_at, b.rank));
            time_a.cmp(&time_b).then_with(|| a.id(arena).cmp(b.id(arena))).then_with(|| a.start.cmp(&b.start))
        });
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.runs.len() >= MAX_RUNS {
            self.merge_runs()?;
        }
        self.sort();
        let mut writer = RunWriter::create()?;
        for entry in &self.entries {
            let (id, record) = (entry.id(&self.arena), &self.arena[entry.record()]);
            writer.write(entry.occurred_at, entry.rank, id, record)?;
        }
        self.spilled_bytes += self.arena.len() as u64;
        self.runs.push(writer.finish()?);
        self.arena.clear();
        self.entries.clear();
        Ok(())
    }

    /// Makes one run of all; it keeps their place before those that come later.
    fn merge_runs(&mut self) -> io::Result<()> {
        let mut merge = Merge::open(std::mem::take(&mut self.runs))?;
        let mut writer = RunWriter::create()?;
        while let Some(mut head) = merge.heads.peek_mut() {
            writer.write(head.occurred_at, head.rank, &head.id, &head.record)?;
            if !head.read_next()? {
                PeekMut::pop(head);
            }
        }
        self.runs.push(writer.finish()?);
        Ok(())
    }

    /// How many bytes of events went to temporary files so far.
    pub fn spilled_bytes(&self) -> u64 {
        self.spilled_bytes
    }

    /// Ends the input.
    ///
    /// # Errors
    /// If a temporary file cannot be written or read.
    pub fn finish(mut self) -> io::Result<SortedEvents> {
        if self.runs.is_empty() {
            self.sort();
            let arena = Bytes::from(self.arena);
            return Ok(SortedEvents(Sorted::InMemory { arena, entries: self.entries, next: 0 }));
        }
        if !self.entries.is_empty() {
            self.spill()?;
        }
        Ok(SortedEvents(Sorted::Merged(Merge::open(self.runs)?)))
    }
}

/// An event in its place: when it happened, and its record of `customer-events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortedEvent {
    /// When it happened.
    pub occurred_at: EventTime,
    /// Its record.
    pub record: Bytes,
}

/// Events in order.
#[derive(Debug)]
pub struct SortedEvents(Sorted);

#[derive(Debug)]
enum Sorted {
    InMemory { arena: Bytes, entries: Vec<Entry>, next: usize },
    Merged(Merge),
}

impl SortedEvents {
    /// Begins again with the first event.
    ///
    /// # Errors
    /// If a temporary file cannot be read again.
    pub fn restart(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Sorted::InMemory { next, .. } => *next = 0,
            Sorted::Merged(merge) => merge.restart()?,
        }
        Ok(())
    }
}

impl Iterator for SortedEvents {
    type Item = io::Result<SortedEvent>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Sorted::InMemory { arena, entries, next } => entries.get(*next).map(|entry| {
                *next += 1;
                Ok(SortedEvent { occurred_at: entry.occurred_at, record: arena.slice(entry.record()) })
            }),
            Sorted::Merged(merge) => merge.next().transpose(),
        }
    }
}

/// Several sorted runs read as one.
#[derive(Debug)]
struct Merge {
    heads: BinaryHeap<RunHead>,
    /// Runs of which nothing is left, for another time.
    ended: Vec<RunHead>,
}

impl Merge {
    fn open(runs: Vec<File>) -> io::Result<Self> {
        let head = |(place, file): (usize, File)| RunHead {
            occurred_at: EventTime::MIN,
            rank: 0,
            id: Vec::new(),
            place,
            record: Vec::new(),
            reader: BufReader::with_capacity(RUN_BUFFER_BYTES, file),
        };
        let heads = BinaryHeap::with_capacity(runs.len());
        let mut merge = Self { heads, ended: runs.into_iter().enumerate().map(head).collect() };
        merge.restart()?;
        Ok(merge)
    }

    fn restart(&mut self) -> io::Result<()> {
        for mut head in std::mem::take(&mut self.heads).into_iter().chain(std::mem::take(&mut self.ended)) {
            head.reader.rewind()?;
            match head.read_next()? {
                true => self.heads.push(head),
                false => self.ended.push(head),
            }
        }
        Ok(())
    }

    fn next(&mut self) -> io::Result<Option<SortedEvent>> {
        let Some(mut head) = self.heads.peek_mut() else { return Ok(None) };
        let event = SortedEvent {
            occurred_at: head.occurred_at,
            record: Bytes::from(std::mem::take(&mut head.record)),
        };
        if !head.read_next()? {
            self.ended.push(PeekMut::pop(head));
        }
        Ok(Some(event))
    }
}

/// The first event of a run that has not been taken yet.
#[derive(Debug)]
struct RunHead {
    occurred_at: EventTime,
    rank: u8,
    id: Vec<u8>,
    place: usize,
    record: Vec<u8>,
    reader: BufReader<File>,
}

impl RunHead {
    /// Goes on to the run's next event; `false` at its end.
    fn read_next(&mut self) -> io::Result<bool> {
        let mut first = [0];
        if self.reader.read(&mut first)? == 0 {
            return Ok(false);
        }
        self.rank = first[0];
        let mut fixed = [0; 16];
        self.reader.read_exact(&mut fixed)?;
        let [time, lengths] = [0, 8].map(|at| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&fixed[at..at + 8]);
            u64::from_le_bytes(bytes)
        });
        self.occurred_at = EventTime::from_millis(time as i64);
        self.id.resize((lengths >> 32) as usize, 0);
        self.record.resize((lengths & 0xffff_ffff) as usize, 0);
        self.reader.read_exact(&mut self.id)?;
        self.reader.read_exact(&mut self.record)?;
        Ok(true)
    }
}

impl Ord for RunHead {
    /// Reversed: a heap's top is its greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |head: &Self| (head.occurred_at, head.rank);
        place(other)
            .cmp(&place(self))
            .then_with(|| other.id.cmp(&self.id))
            .then_with(|| other.place.cmp(&self.place))
    }
}

impl PartialOrd for RunHead {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for RunHead {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for RunHead {}

/// Writes a run: for each event its rank, time, lengths, id and record.
struct RunWriter(BufWriter<File>);

impl RunWriter {
    fn create() -> io::Result<Self> {
        // Without a name: it is gone when the process is, however that ends.
        Ok(Self(BufWriter::with_capacity(RUN_BUFFER_BYTES, tempfile::tempfile()?)))
    }

    fn write(&mut self, occurred_at: EventTime, rank: u8, id: &[u8], record: &[u8]) -> io::Result<()> {
        self.0.write_all(&[rank])?;
        self.0.write_all(&occurred_at.as_millis().to_le_bytes())?;
        self.0.write_all(&((id.len() as u64) << 32 | record.len() as u64).to_le_bytes())?;
        self.0.write_all(id)?;
        self.0.write_all(record)
    }

    fn finish(self) -> io::Result<File> {
        let mut file = self.0.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use events::event::PageViewed;
    use events::{Body, Context, CustomerId, Event, EventId, Origin};

    use super::*;

    fn event(millis: i64, id: &str) -> Event {
        let time = EventTime::from_millis(millis);
        Event {
            event_id: EventId::new(id),
            customer_id: CustomerId::new("c"),
            occurred_at: time,
            body: Body::PageViewed(PageViewed::default()),
            received_at: time,
            source: "test".into(),
            origin: Origin { topic: "f".into(), partition: 0, offset: 0 },
            anonymous_id: None,
            context: Context::default(),
            backfill: false,
        }
    }

    /// Sorts events whose records are `time/id/place`, and gives the records back.
    fn sorted(memory: usize, events: &[Event]) -> (Vec<String>, u64) {
        let mut sorter = EventSorter::new(memory);
        for (place, event) in events.iter().enumerate() {
            let record = format!("{}/{}/{place}", event.occurred_at.as_millis(), event.event_id);
            sorter.push(&event.key(0), record.as_bytes()).unwrap();
        }
        let spilled = sorter.spilled_bytes();
        let text =
            |event: io::Result<SortedEvent>| String::from_utf8(event.unwrap().record.to_vec()).unwrap();
        (sorter.finish().unwrap().map(text).collect(), spilled)
    }

    #[test]
    fn events_come_back_by_time_then_id_then_place() {
        let events = [event(2, "b"), event(1, "z"), event(2, "a"), event(2, "b")];
        let (order, spilled) = sorted(1 << 20, &events);
        assert_eq!(order, ["1/z/1", "2/a/2", "2/b/0", "2/b/3"]);
        assert_eq!(spilled, 0);
    }

    #[test]
    fn the_order_is_the_same_when_runs_are_spilled_and_merged_in_several_passes() {
        let events: Vec<Event> =
            (0..5_000_i64).map(|n| event(n * 7_919 % 100, &format!("e{}", n % 37))).collect();
        let (expected, _) = sorted(1 << 20, &events);
        // Room for a dozen events: some 400 runs, more than are merged at once.
        let (order, spilled) = sorted(600, &events);
        assert!(spilled > 0);
        assert_eq!(order, expected);
    }

    #[test]
    fn events_can_be_read_again_from_wherever_the_reading_stopped() {
        let events: Vec<Event> = (0..500_i64).map(|n| event(n * 7_919 % 100, &format!("e{n}"))).collect();
        for memory in [1 << 20, 600] {
            let mut sorter = EventSorter::new(memory);
            events
                .iter()
                .for_each(|event| sorter.push(&event.key(0), event.event_id.as_str().as_bytes()).unwrap());
            let mut sorted = sorter.finish().unwrap();
            let all: Vec<SortedEvent> = sorted.by_ref().map(Result::unwrap).collect();
            assert_eq!(all.len(), 500);
            for read in [500, 0, 17, 499] {
                sorted.restart().unwrap();
                assert!(sorted.by_ref().take(read).map(Result::unwrap).eq(all[..read].iter().cloned()));
            }
        }
    }

    #[test]
    fn nothing_in_is_nothing_out() {
        assert!(sorted(100, &[]).0.is_empty());
    }
}
