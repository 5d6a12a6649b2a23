//! What the port promises, as the store in memory keeps it.

use bytes::Bytes;
use engine::ports::{PositionMark, StateStore, StoreError};
use events::{CustomerId, EventTime};
use pollster::block_on;

use crate::fixtures::{acquire, acquired, checkpoint, due_page, dues, position, read, task, write};
use crate::server::any_server;

#[test]
fn a_checkpoint_is_written_only_on_the_position_and_epoch_it_expects() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("expects");
    let old = acquired(&mut store, &task());
    assert_eq!(old, PositionMark { epoch: 1, next: 0 });
    assert_eq!(write(&mut store, &task(), checkpoint(old, 5, 1, &[("a", Some(9))])), Ok(()));
    let written = PositionMark { next: 5, ..old };
    assert_eq!(read(&mut store, &task(), &["a"]), (Some(written), vec![Some(Bytes::from("due 9"))]));
    let stale = write(&mut store, &task(), checkpoint(old, 7, 0, &[("a", None)]));
    assert_eq!(stale, Err(StoreError::Mismatch));
    let again = acquire(&mut store, &task());
    assert_eq!((again.epoch, again.position), (2, Some(position(5, 1))));
    let deposed = write(&mut store, &task(), checkpoint(written, 7, 0, &[("a", None)]));
    assert_eq!(deposed, Err(StoreError::Mismatch));
    let new = PositionMark { epoch: 2, next: 5 };
    assert_eq!(write(&mut store, &task(), checkpoint(new, 7, 1, &[])), Ok(()));
    assert_eq!(dues(&mut store, &task()), [9]);
}

#[test]
fn a_second_owner_stops_the_first() {
    let Some(server) = any_server() else { return };
    let (mut first, mut second) = (server.store("owners"), server.store("owners"));
    let first_mark = acquired(&mut first, &task());
    let second_mark = acquired(&mut second, &task());
    let refused = write(&mut first, &task(), checkpoint(first_mark, 3, 1, &[("a", Some(1))]));
    assert_eq!(refused, Err(StoreError::Mismatch));
    assert_eq!(write(&mut second, &task(), checkpoint(second_mark, 4, 1, &[("a", Some(2))])), Ok(()));
    let (mark, values) = read(&mut first, &task(), &["a"]);
    assert_ne!(mark.map(|mark| mark.epoch), Some(first_mark.epoch));
    assert_eq!(values, [Some(Bytes::from("due 2"))]);
}

#[test]
fn a_task_that_was_never_acquired_has_no_mark() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("never");
    assert_eq!(read(&mut store, &task(), &["a"]), (None, vec![None]));
    assert_eq!(read(&mut store, &task(), &[]), (None, vec![]));
    assert_eq!(due_page(&mut store, &task(), None, 5), (None, vec![]));
    let nobody = PositionMark { epoch: 0, next: 0 };
    assert_eq!(write(&mut store, &task(), checkpoint(nobody, 1, 0, &[])), Err(StoreError::Mismatch));
}

#[test]
fn the_timer_index_follows_the_records_and_is_read_in_pages() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("index");
    let mark = acquired(&mut store, &task());
    let first = checkpoint(mark, 5, 3, &[("a", Some(30)), ("b", Some(20)), ("c", Some(10))]);
    assert_eq!(write(&mut store, &task(), first), Ok(()));
    let mark = PositionMark { next: 5, ..mark };
    let mut second = checkpoint(mark, 6, 2, &[("a", Some(15)), ("c", None), ("b", Some(20))]);
    assert_eq!(write(&mut store, &task(), second.clone()), Ok(()));
    assert_eq!(dues(&mut store, &task()), [15, 20]);
    let after = (EventTime::from_millis(15), CustomerId::new("a"));
    let (mark, page) = due_page(&mut store, &task(), Some(&after), 1);
    assert_eq!(page, [(EventTime::from_millis(20), CustomerId::new("b"))]);
    assert_eq!(mark, Some(PositionMark { epoch: 1, next: 6 }));
    second.customers[0].due = None;
    second.customers.retain(|write| write.id.as_str() == "a");
    second.expected.next = 6;
    second.position = position(7, 2);
    assert_eq!(write(&mut store, &task(), second), Ok(()));
    assert_eq!(dues(&mut store, &task()), [20]);
}

#[test]
fn times_at_the_ends_of_the_range_come_back_in_order() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("ends");
    let mark = acquired(&mut store, &task());
    let times =
        [i64::MIN, -(1 << 60), -(1 << 53) - 1, -1, 0, 1_659_304_800_025, (1 << 53) + 1, 1 << 61, i64::MAX];
    let names: Vec<_> = (0..times.len()).rev().map(|number| format!("customer-{number}")).collect();
    let customers: Vec<_> = names.iter().map(String::as_str).zip(times.map(Some)).collect();
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, times.len() as u64, &customers)), Ok(()));
    assert_eq!(dues(&mut store, &task()), times);
    let mut after = None;
    for (id, time) in customers {
        let (_, page) = due_page(&mut store, &task(), after.as_ref(), 1);
        assert_eq!(page, [(EventTime::from_millis(time.unwrap_or(0)), CustomerId::new(id))]);
        after = page.into_iter().next();
    }
    assert_eq!(due_page(&mut store, &task(), after.as_ref(), 1).1, []);
}

#[test]
fn thousands_of_timers_at_one_moment_are_paged_without_loss_even_from_entries_that_are_gone() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("ties");
    let mark = acquired(&mut store, &task());
    let names: Vec<_> = (0..3_000).map(|number| format!("c{number:05}")).collect();
    let customers: Vec<_> = names.iter().map(|name| (name.as_str(), Some(7))).collect();
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 3_000, &customers)), Ok(()));
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let (_, page) = due_page(&mut store, &task(), after.as_ref(), 256);
        let Some(last) = page.last().cloned() else { break };
        assert!(page.len() == 256 || found.len() + page.len() == 3_000);
        found.extend(page.into_iter().map(|(_, id)| id.to_string()));
        after = Some(last);
    }
    assert_eq!(found, names);
    let gone = (EventTime::from_millis(7), CustomerId::new("c01499-and-a-half"));
    let (_, page) = due_page(&mut store, &task(), Some(&gone), 2);
    let page: Vec<_> = page.iter().map(|(_, id)| id.as_str()).collect();
    assert_eq!(page, ["c01500", "c01501"]);
}

#[test]
fn waiting_returns_at_once_when_nothing_is_under_way() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("waiting");
    block_on(store.checkpoint_ended());
    let mark = acquired(&mut store, &task());
    store.begin_checkpoint(&task(), checkpoint(mark, 5, 0, &[]));
    block_on(store.checkpoint_ended());
    block_on(store.checkpoint_ended());
    assert_eq!(store.finished_checkpoints().len(), 1);
    assert_eq!(store.finished_checkpoints(), []);
}

#[test]
fn reading_a_batch_is_one_round_trip_and_a_checkpoint_two_however_many_customers() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("traffic");
    let mark = acquired(&mut store, &task());
    let traffic = store.traffic();
    let names: Vec<_> = (0..1_000).map(|number| format!("c{number}")).collect();
    let customers: Vec<_> = names.iter().map(|name| (name.as_str(), Some(7))).collect();
    let before = (traffic.round_trips(), traffic.commands());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1_000, &customers)), Ok(()));
    assert_eq!((traffic.round_trips() - before.0, traffic.commands() - before.1), (2, 9));
    let before = (traffic.round_trips(), traffic.commands());
    read(&mut store, &task(), &names.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((traffic.round_trips() - before.0, traffic.commands() - before.1), (1, 6));
}

#[test]
fn a_reader_never_sees_half_a_checkpoint() {
    let Some(server) = any_server() else { return };
    let mut writer = server.store("halves");
    let mut reader = server.store("halves");
    let names: Vec<_> = (0..200).map(|number| format!("c{number}")).collect();
    let ids: Vec<_> = names.iter().map(String::as_str).collect();
    let mut mark = acquired(&mut writer, &task());
    let for_writing = names.clone();
    let writing = std::thread::spawn(move || {
        for next in 1..=300_u64 {
            let customers: Vec<_> =
                for_writing.iter().map(|name| (name.as_str(), Some(next as i64))).collect();
            assert_eq!(write(&mut writer, &task(), checkpoint(mark, next, 200, &customers)), Ok(()));
            mark.next = next;
        }
    });
    let mut seen = 0;
    while !writing.is_finished() {
        let (mark, records) = read(&mut reader, &task(), &ids);
        let next = mark.map_or(0, |mark| mark.next);
        let expected = (next > 0).then(|| Bytes::from(format!("due {next}")));
        assert!(records.iter().all(|record| *record == expected), "at position {next}");
        let (mark, page) = due_page(&mut reader, &task(), None, 200);
        let next = mark.map_or(0, |mark| mark.next);
        assert!(page.iter().all(|(due, _)| due.as_millis() == next as i64), "at position {next}");
        seen += 1;
    }
    writing.join().expect("the writer succeeds");
    assert!(seen > 3);
}
