//! A store that is behind what its owner wrote, or empty, or damaged: the owner notices before it uses or writes anything.

use engine::ports::{Checkpoint, CustomerWrite, PositionMark, StateStore, StoreError};
use pollster::block_on;

use crate::fixtures::{acquire, acquired, checkpoint, due_page, dues, read, task, write};
use crate::server::{any_server, namespace, own_server};

fn key(test: &str, kind: &str) -> String {
    format!("{{rk:{}:triggers:0}}:{kind}", namespace(test))
}

#[test]
fn an_older_snapshot_restored_under_a_live_owner_is_noticed_by_reads_and_checkpoints() {
    let Some(server) = any_server() else { return };
    let (mut store, mut raw) = (server.store("older"), server.connection());
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    let kinds = ["pos", "state", "due"].map(|kind| key("older", kind));
    let dump = |key: &String| redis::cmd("DUMP").arg(key).query::<Vec<u8>>(&mut server.connection());
    let backup: Vec<_> = kinds.iter().map(|key| dump(key).expect("the key is there")).collect();
    let at_5 = PositionMark { next: 5, ..mark };
    let second = checkpoint(at_5, 8, 1, &[("a", None), ("b", Some(1))]);
    assert_eq!(write(&mut store, &task(), second), Ok(()));
    for (key, dump) in kinds.iter().zip(&backup) {
        let restore =
            redis::cmd("RESTORE").arg(key).arg(0).arg(&dump[..]).arg("REPLACE").query::<()>(&mut raw);
        restore.expect("a dump can be restored");
    }
    let at_8 = PositionMark { next: 8, ..mark };
    assert_eq!(write(&mut store, &task(), checkpoint(at_8, 9, 1, &[])), Err(StoreError::Mismatch));
    assert_eq!(read(&mut store, &task(), &["b"]), (Some(at_5), vec![None]));
    assert_eq!(dues(&mut store, &task()), [9]);
    let again = acquire(&mut store, &task());
    assert_eq!((again.epoch, again.position.map(|position| position.next)), (2, Some(5)));
}

#[test]
fn flushall_under_a_live_owner_is_noticed_by_reads_and_checkpoints() {
    let Some(server) = own_server(&[]) else { return };
    let mut store = server.store("flushed");
    acquired(&mut store, &task());
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    redis::cmd("FLUSHALL").query::<()>(&mut server.connection()).expect("it is this test's server");
    let at_5 = PositionMark { next: 5, ..mark };
    assert_eq!(read(&mut store, &task(), &["a"]), (None, vec![None]));
    assert_eq!(write(&mut store, &task(), checkpoint(at_5, 9, 1, &[])), Err(StoreError::Mismatch));
    let again = acquire(&mut store, &task());
    assert_eq!((again.epoch, again.position), (1, None));
}

#[test]
fn a_task_that_has_written_nothing_yet_notices_flushall_too() {
    let Some(server) = own_server(&[]) else { return };
    let mut store = server.store("flushed-early");
    let mark = acquired(&mut store, &task());
    redis::cmd("FLUSHALL").query::<()>(&mut server.connection()).expect("it is this test's server");
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 0, &[])), Err(StoreError::Mismatch));
}

#[test]
fn an_evicted_state_is_noticed_though_the_position_is_still_there() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("evicted");
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    redis::cmd("DEL").arg(key("evicted", "state")).query::<()>(&mut server.connection()).expect("DEL");
    let at_5 = PositionMark { next: 5, ..mark };
    assert_eq!(read(&mut store, &task(), &["a"]), (None, vec![None]));
    assert_eq!(write(&mut store, &task(), checkpoint(at_5, 9, 1, &[])), Err(StoreError::Mismatch));
    let Err(StoreError::Damaged(cause)) = block_on(store.acquire(&task())) else {
        panic!("a position without its records is nothing to go on from");
    };
    assert!(cause.contains("delete the keys"), "{cause}");
}

#[test]
fn an_evicted_timer_index_is_noticed_though_everything_else_is_still_there() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("timers");
    let mark = acquired(&mut store, &task());
    let customers = [("a", Some(9)), ("b", Some(10))];
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 2, &customers)), Ok(()));
    let at_5 = PositionMark { next: 5, ..mark };
    let disarmed = Checkpoint {
        customers: vec![CustomerWrite {
            due: None,
            ..checkpoint(at_5, 6, 2, &[("a", Some(9))]).customers.remove(0)
        }],
        ..checkpoint(at_5, 6, 2, &[])
    };
    assert_eq!(write(&mut store, &task(), disarmed), Ok(()), "a timer that ends is no loss");
    let at_6 = PositionMark { next: 6, ..mark };
    assert_eq!(read(&mut store, &task(), &["a"]).0, Some(at_6));
    redis::cmd("DEL").arg(key("timers", "due")).query::<()>(&mut server.connection()).expect("DEL");
    assert_eq!(read(&mut store, &task(), &["a"]).0, None);
    assert_eq!(due_page(&mut store, &task(), None, 10), (None, vec![]));
    let next = checkpoint(at_6, 9, 3, &[("c", Some(11))]);
    assert_eq!(
        write(&mut store, &task(), next),
        Err(StoreError::Mismatch),
        "before a new timer hides the loss"
    );
    let Err(StoreError::Damaged(cause)) = block_on(store.acquire(&task())) else {
        panic!("a position without its timers is nothing to go on from");
    };
    assert!(cause.contains("would never fire") && cause.contains("delete the keys"), "{cause}");
}

#[test]
fn a_position_of_a_release_that_counts_no_timers_is_gone_on_from() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("uncounted");
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    let mut raw = server.connection();
    // It leaves the field as it was, moves on, and takes the timer away.
    redis::cmd("HSET").arg(key("uncounted", "pos")).arg("N").arg(7).query::<()>(&mut raw).expect("HSET");
    redis::cmd("DEL").arg(key("uncounted", "due")).query::<()>(&mut raw).expect("DEL");
    let again = acquire(&mut store, &task());
    assert_eq!(again.position.map(|position| position.next), Some(7));
}

#[test]
fn a_key_of_another_type_is_met_before_anything_is_written() {
    let Some(server) = any_server() else { return };
    let (mut store, mut raw) = (server.store("type"), server.connection());
    let mark = acquired(&mut store, &task());
    redis::cmd("SET").arg(key("type", "due")).arg("text").query::<()>(&mut raw).expect("SET");
    let refused = write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))]));
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    redis::cmd("DEL").arg(key("type", "due")).query::<()>(&mut raw).expect("DEL");
    assert_eq!(read(&mut store, &task(), &["a"]), (Some(mark), vec![None]));
}

#[test]
fn state_that_a_restart_brings_back_from_the_append_only_file_is_gone_on_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_string_lossy().into_owned();
    let arguments = ["--appendonly", "yes", "--appendfsync", "always", "--dir", &path];
    let Some(server) = own_server(&arguments) else { return };
    let mut store = server.store("restarted");
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    drop(server);
    let Some(server) = own_server(&arguments) else { return };
    let again = acquire(&mut server.store("restarted"), &task());
    assert_eq!((again.epoch, again.position.map(|position| position.next)), (2, Some(5)));
}
