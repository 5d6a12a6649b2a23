use std::collections::BTreeMap;

use bytes::Bytes;
use customer::Moment;
use engine::ports::TimestampType;
use engine::{Applied, CorruptRecord};
use events::event::PageViewed;
use events::{Body, Context, CustomerId, Event, EventId, EventTime, Origin, SourceClaim, Span, Tick, codec};

use super::*;
use crate::log_checkpoint::{CheckpointError, Subject, read_checkpoint, write_checkpoint};

/// Ten seconds after a customer's last event, tells how many there were.
pub(crate) struct Idle;

impl Fold for Idle {
    type Customer = (i64, u64);

    fn rules_hash(&self) -> &str {
        "idle"
    }

    fn create(&self, _: &CustomerId) -> Self::Customer {
        (0, 0)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Self::Customer, CorruptRecord> {
        serde_json::from_slice(bytes).map_err(|error| CorruptRecord(error.to_string()))
    }

    fn encode(&self, customer: &Self::Customer) -> Vec<u8> {
        serde_json::to_vec(customer).unwrap()
    }

    fn apply(
        &self,
        record: &mut (i64, u64),
        event: &events::view::Event,
        _: &Moment,
        _: &mut Vec<Output>,
    ) -> Applied {
        *record = (record.0.max(event.occurred_at.as_millis()), record.1 + 1);
        Applied::Applied
    }

    fn fire(
        &self,
        id: &CustomerId,
        record: &mut (i64, u64),
        due: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        let appended_at = moment.appended_at.unwrap().as_millis();
        let payload = format!("{id} {} {} {appended_at}", record.1, due.as_millis());
        record.1 = 0;
        outputs.push(Output {
            topic: "idle".into(),
            key: id.clone(),
            headers: Vec::new(),
            payload: payload.into(),
        });
    }

    fn next_due(&self, record: &(i64, u64)) -> Option<EventTime> {
        (record.1 > 0).then(|| EventTime::from_millis(record.0) + Span::from_secs(10))
    }

    fn is_forgotten(&self, record: &(i64, u64)) -> bool {
        record.1 == 0
    }
}

/// A log in memory; offsets that no record has stand for markers of transactions. Whoever reads the partition that is
/// named raises the flag.
pub(crate) struct MemoryLog {
    partitions: BTreeMap<i32, Vec<Record>>,
    stop_at: Option<i32>,
    stop: AtomicBool,
}

impl LogReader for MemoryLog {
    type Records = std::vec::IntoIter<Result<Record, LogError>>;

    fn read(&self, at: &TopicPartition, offsets: std::ops::Range<Offset>) -> Result<Self::Records, LogError> {
        self.stop.store(self.stop_at == Some(at.partition), Ordering::Relaxed);
        let records = self.partitions[&at.partition].iter().filter(|record| offsets.contains(&record.offset));
        Ok(records.cloned().map(Ok).collect::<Vec<_>>().into_iter())
    }
}

fn record(offset: Offset, millis: i64, value: Vec<u8>) -> Record {
    Record {
        offset,
        timestamp: EventTime::from_millis(millis),
        timestamp_type: TimestampType::LogAppend,
        key: None,
        value: Some(value.into()),
        headers: Vec::new(),
    }
}

fn event(millis: i64, customer: &str) -> Vec<u8> {
    let occurred_at = EventTime::from_millis(millis);
    codec::encode_event(&Event {
        event_id: EventId::new(format!("{customer}-{millis}")),
        customer_id: CustomerId::new(customer),
        occurred_at,
        body: Body::PageViewed(PageViewed::default()),
        received_at: occurred_at,
        source: "test".into(),
        origin: Origin { topic: "f".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context::default(),
        backfill: false,
    })
}

fn tick(millis: i64) -> Vec<u8> {
    let source = TopicPartition::new("raw", 0);
    let claims = vec![SourceClaim { source: source.clone(), watermark: EventTime::from_millis(millis) }];
    codec::encode_tick(&Tick { claims, full_set: vec![source] })
}

/// Three partitions: an event each second, a tick every fifth, a marker every seventh; events wait for their ticks.
pub(crate) fn log() -> MemoryLog {
    let partition = |number: i32| {
        let (mut records, mut offset) = (Vec::new(), 0);
        for n in 0..400_i64 {
            let (at, appended) = (n * 1_000, n * 1_000 + 12_000);
            records.push(record(offset, appended, event(at, &format!("p{number}-c{}", n * n % 13))));
            offset += if n % 7 == 0 { 2 } else { 1 };
            if n % 5 == 0 {
                records.push(record(offset, appended, tick(at - 3_000)));
                offset += 1;
            }
        }
        records
    };
    let partitions = (0..3).map(|number| (number, partition(number))).collect();
    MemoryLog { partitions, stop_at: None, stop: AtomicBool::new(false) }
}

pub(crate) const END: Offset = 10_000;

pub(crate) fn settings(threads: usize) -> LogReplaySettings {
    let task = TaskSettings { grace: Span::from_secs(10), ..TaskSettings::default() };
    LogReplaySettings { topic: "log".into(), log_partitions: 3, task, cached_customers: 8, threads }
}

pub(crate) fn waiting(from: Offset) -> Vec<PartitionReplay> {
    let stretch = |partition| Stretch { partition, read_from: 0, tell_from: from, end: END };
    (0..3).map(|number| PartitionReplay::waiting(stretch(number)).unwrap()).collect()
}

pub(crate) fn run(log: &MemoryLog, partitions: Vec<PartitionReplay>, threads: usize) -> Vec<PartitionReplay> {
    replay_log(&Idle, log, partitions, &settings(threads), &log.stop, &AtomicU64::new(0)).unwrap()
}

pub(crate) fn lines(partitions: Vec<PartitionReplay>) -> Vec<String> {
    let text = |output: io::Result<Output>| String::from_utf8(output.unwrap().payload.to_vec()).unwrap();
    told(partitions).map(text).collect()
}

fn subject() -> Subject {
    Subject { topic: "log".into(), log_partitions: 3, rules: "r".into(), range: "all".into() }
}

#[test]
fn the_order_is_that_of_partitions_however_many_threads_there_are() {
    let alone = run(&log(), waiting(0), 1);
    let counts: Vec<_> = alone.iter().map(|partition| format!("{:?}", partition.progress)).collect();
    let alone = lines(alone);
    assert!(alone.len() > 30, "{}", alone.len());
    assert!(alone.is_sorted_by_key(|line| line[..2].to_owned()), "by partition");
    for threads in [2, 3, 9] {
        let together = run(&log(), waiting(0), threads);
        assert_eq!(counts, together.iter().map(|one| format!("{:?}", one.progress)).collect::<Vec<_>>());
        assert_eq!(lines(together), alone);
    }
}

#[test]
fn what_lies_before_the_range_is_folded_in_silence() {
    let all = lines(run(&log(), waiting(0), 1));
    let late = lines(run(&log(), waiting(300), 2));
    assert!(!late.is_empty() && late.len() < all.len());
    assert!(late.iter().all(|line| all.contains(line)), "the same state, so the same lines");
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_as_if_it_was_not() {
    let whole = lines(run(&log(), waiting(0), 1));
    for records in [57, 114, 171] {
        let mut stopped = halfway(&log(), records);
        let mut file = Vec::new();
        write_checkpoint(&subject(), &mut stopped, &mut file).unwrap();
        let resumed = read_checkpoint(&subject(), &mut file.as_slice()).unwrap();
        assert_eq!(lines(run(&log(), resumed, 2)), whole, "stopped after {records}");
    }
}

/// Folds a first part, whose end is where it was stopped.
fn halfway(log: &MemoryLog, records: usize) -> Vec<PartitionReplay> {
    let task = |number: i32| {
        let shape = TaskShape { settings: settings(1).task, cached_customers: 8, log_partitions: 3 };
        let mut task = LogTask::fresh(&Idle, TopicPartition::new("log", number), &shape);
        let stretch = Stretch { partition: number, read_from: 0, tell_from: 0, end: END };
        let mut partition = PartitionReplay::waiting(stretch).unwrap();
        // In the middle of what waits for a tick.
        for record in log.partitions[&number].iter().take(records + number as usize) {
            let record =
                LogRecord::peek(record.offset, Some(record.timestamp), record.value.clone()).unwrap();
            let outputs = task.take(record).unwrap();
            outputs.iter().for_each(|output| partition.spool.push(output).unwrap());
        }
        partition.progress = PartitionProgress::Stopped(task.save());
        partition
    };
    (0..3).map(task).collect()
}

#[test]
fn the_flag_stops_it_and_nothing_is_lost() {
    let stopping = MemoryLog { stop_at: Some(1), ..log() };
    let stopped = run(&stopping, waiting(0), 1);
    let done: Vec<_> = stopped.iter().map(PartitionReplay::is_done).collect();
    assert_eq!(done, [true, false, false]);
    assert_eq!(lines(run(&log(), stopped, 3)), lines(run(&log(), waiting(0), 1)));
}

#[test]
fn a_checkpoint_of_something_else_or_a_damaged_one_is_refused() {
    let mut partitions = waiting(0);
    let mut file = Vec::new();
    write_checkpoint(&subject(), &mut partitions, &mut file).unwrap();
    let other = Subject { range: "from 7".into(), ..subject() };
    let refused = read_checkpoint(&other, &mut file.as_slice()).unwrap_err();
    assert_eq!(refused.to_string(), "it was made under another range: then all, now from 7");
    for cut in [3, file.len() / 2, file.len() - 1] {
        let refused = read_checkpoint(&subject(), &mut &file[..cut]).unwrap_err();
        assert!(matches!(refused, CheckpointError::Damaged(_)), "{refused}");
    }
    let at = file.len() - 20;
    file[at] ^= 1;
    assert!(read_checkpoint(&subject(), &mut file.as_slice()).is_err());
}

#[test]
fn a_log_that_cannot_be_read_ends_the_run_with_its_place() {
    let mut log = log();
    log.partitions.get_mut(&1).unwrap()[5].value = Some(Bytes::from_static(b"?"));
    let failed = replay_log(&Idle, &log, waiting(0), &settings(2), &log.stop, &AtomicU64::new(0));
    let failed = failed.unwrap_err();
    assert!(
        matches!(&failed, ReplayError::LogTask { partition, .. } if partition.partition == 1),
        "{failed}"
    );
}
