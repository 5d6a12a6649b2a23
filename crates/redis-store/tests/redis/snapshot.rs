//! A snapshot is of one position, whatever is written meanwhile, and comes back as it was, or not at all.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use engine::ports::{CustomerWrite, PositionMark, StateStore as _};
use redis_store::snapshot::{
    Content, Header, Import, Imported, PartitionHead, Row, SnapshotError, SnapshotReader, export,
};
use redis_store::{Servers, Settings};

use crate::fixtures::{acquired, checkpoint, customer, dues, position, read, task, task_of_partition, write};
use crate::server::{Server, any_server, namespace, open};

const MANY: usize = 6_000;

fn settings(server: &Server, test: &str) -> Settings {
    Settings::new(Servers::Standalone(server.url()), namespace(test))
}

fn header() -> Header {
    Header {
        service: "triggers".to_owned(),
        log_topic: "customer-events".to_owned(),
        namespace: String::new(),
        taken_at: String::new(),
        release: String::new(),
    }
}

pub fn taken(settings: &Settings) -> Vec<u8> {
    export(settings, &header(), Vec::new(), &mut |_, _| ()).unwrap().0
}

fn rows(file: &[u8]) -> Vec<(PartitionHead, Vec<Row>)> {
    let mut reader = SnapshotReader::begin(file).unwrap();
    let mut partitions: Vec<(PartitionHead, Vec<Row>)> = Vec::new();
    loop {
        match reader.next_content().unwrap() {
            Content::Partition(head) => partitions.push((head, Vec::new())),
            Content::Customers(rows) => partitions.last_mut().unwrap().1.extend(rows),
            Content::PartitionEnd(_) => {}
            Content::End => return partitions,
        }
    }
}

/// Everything of the file beside the tasks' keys; nothing is visible yet.
pub fn staged(settings: &Settings, file: &[u8]) -> Import {
    let mut import = Import::begin(settings, header()).unwrap();
    for (head, rows) in rows(file) {
        import.begin_partition(head).unwrap();
        rows.chunks(1_000).for_each(|rows| import.customers(rows).unwrap());
    }
    import
}

#[test]
fn a_snapshot_comes_back_with_every_record_timer_and_position() {
    let Some(server) = any_server() else { return };
    let (from, to) = (settings(&server, "snapshot-from"), settings(&server, "snapshot-to"));
    let mut store = open(from.clone());
    let mark = acquired(&mut store, &task());
    let mut large = checkpoint(mark, 7, MANY as u64, &[]);
    large.customers = (0..MANY)
        .map(|number| CustomerWrite {
            id: customer(number),
            record: Some(format!("record {number}").into()),
            due: (number % 3 > 0).then(|| events::EventTime::from_millis(number as i64)),
        })
        .collect();
    write(&mut store, &task(), large).unwrap();
    let other = task_of_partition(1);
    let mark = acquired(&mut store, &other);
    write(&mut store, &other, checkpoint(mark, 3, 0, &[])).unwrap();
    // Acquired, and without a position: nothing of it is in the snapshot.
    acquired(&mut store, &task_of_partition(2));

    let file = taken(&from);
    let partitions = rows(&file);
    assert_eq!(partitions.iter().map(|(head, _)| head.partition).collect::<Vec<_>>(), [0, 1]);
    let import = staged(&to, &file);
    let mut target = open(to.clone());
    assert_eq!(
        read(&mut target, &task(), &["customer-0000001"]),
        (None, vec![None]),
        "nothing is visible yet"
    );
    let done: Vec<_> = import.finish().unwrap().into_iter().map(|(_, imported)| imported).collect();
    assert_eq!(done, [Imported::Written, Imported::Written]);

    let found = pollster::block_on(target.acquire(&task())).unwrap();
    assert_eq!((found.epoch, found.position), (3, Some(position(7, MANY as u64))));
    let (mark, records) = read(&mut target, &task(), &["customer-0000001", "customer-0005999", "nobody"]);
    assert_eq!(mark, Some(PositionMark { epoch: 3, next: 7 }));
    assert_eq!(records, [Some("record 1".into()), Some("record 5999".into()), None]);
    assert_eq!(dues(&mut target, &task())[..4], [1, 2, 4, 5]);
    let equal = |(head, mut rows): (PartitionHead, Vec<Row>)| {
        rows.sort_by(|a, b| a.id.cmp(&b.id));
        (head.position, rows)
    };
    let again: Vec<_> = rows(&taken(&to)).into_iter().map(equal).collect();
    assert_eq!(again, partitions.into_iter().map(equal).collect::<Vec<_>>());

    let done = staged(&to, &file).finish().unwrap();
    assert!(done.iter().all(|(_, imported)| *imported == Imported::Already), "and once is enough");
}

#[test]
fn a_snapshot_under_a_writing_owner_is_of_one_position() {
    let Some(server) = any_server() else { return };
    let settings = settings(&server, "snapshot-moving");
    let (begun, stop) = (std::sync::mpsc::channel(), std::sync::atomic::AtomicBool::new(false));
    std::thread::scope(|scope| {
        let owner = settings.clone();
        let stop = &stop;
        scope.spawn(move || {
            let mut store = open(owner);
            let mut mark = acquired(&mut store, &task());
            // Every customer's record says at which position it was written: all of them at the last one.
            for next in 1.. {
                let ids: Vec<_> = (0..MANY).map(|number| customer(number).to_string()).collect();
                let all: Vec<_> = ids.iter().map(|id| (id.as_str(), Some(next as i64))).collect();
                write(&mut store, &task(), checkpoint(mark, next, MANY as u64, &all)).unwrap();
                mark.next = next;
                let _ = begun.0.send(());
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return;
                }
            }
        });
        begun.1.recv().unwrap();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..5 {
            let partitions = rows(&taken(&settings));
            let (head, rows) = &partitions[0];
            let next = head.position.next;
            assert_eq!(rows.len(), MANY);
            let of_one = format!("due {next}");
            assert!(rows.iter().all(|row| row.record == of_one.as_bytes()), "at {next}");
            assert!(rows.iter().all(|row| row.due.is_some_and(|due| due.as_millis() == next as i64)));
            seen.insert(next);
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(seen.len() > 1, "the owner wrote meanwhile");
    });
    let left: Vec<String> =
        redis::cmd("KEYS").arg("*snapshot-moving*export*").query(&mut server.connection()).unwrap();
    assert_eq!(left, Vec::<String>::new(), "no copy is left");
}

#[test]
fn an_owner_who_comes_while_a_snapshot_is_imported_is_not_overwritten() {
    let Some(server) = any_server() else { return };
    let (from, to) = (settings(&server, "snapshot-of"), settings(&server, "snapshot-owned"));
    let mut store = open(from.clone());
    let mark = acquired(&mut store, &task());
    write(&mut store, &task(), checkpoint(mark, 7, 1, &[("a", Some(5))])).unwrap();
    let import = staged(&to, &taken(&from));
    let mut owner = open(to.clone());
    let mark = acquired(&mut owner, &task());
    let refused = import.finish();
    assert!(matches!(refused, Err(SnapshotError::Acquired { partition: 0 })), "{refused:?}");
    let left: Vec<String> =
        redis::cmd("KEYS").arg("*snapshot-owned*import*").query(&mut server.connection()).unwrap();
    assert_eq!(left, Vec::<String>::new(), "nothing is left beside the task's keys");
    write(&mut owner, &task(), checkpoint(mark, 9, 1, &[("b", Some(6))])).unwrap();

    // And the other way round: an owner from before an import writes nothing any more.
    staged(&to, &taken(&from)).finish().unwrap();
    let mark = PositionMark { next: 9, ..mark };
    assert!(write(&mut owner, &task(), checkpoint(mark, 10, 1, &[])).is_err());
    assert_eq!(read(&mut owner, &task(), &["a", "b"]).1, [Some("due 5".into()), None]);
}
