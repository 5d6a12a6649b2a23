//! Connections that break, or stall, while a checkpoint is under way: it is written once, or not at all, and the store
//! knows which, or says that it does not.

use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::ports::{PositionMark, StateStore, StoreError};
use pollster::block_on;
use redis_store::{RedisStore, Servers, Settings};

use crate::fixtures::{acquired, checkpoint, large_checkpoint, read, task, write};
use crate::proxy::{Harm, Proxy};
use crate::server::{Server, any_server, namespace, open};

/// A store behind a proxy, short of patience.
fn store_behind(proxy: &Proxy, test: &str) -> RedisStore {
    open(Settings {
        response_timeout: Duration::from_millis(500),
        connection_timeout: Duration::from_millis(500),
        retry_pause: Duration::from_millis(20),
        ..Settings::new(Servers::Standalone(format!("redis://{}", proxy.address)), namespace(test))
    })
}

/// Writes one checkpoint through these harms: its outcome, how often it was sent, and what is stored then.
fn written_through(
    server: &Server,
    test: &str,
    harms: &[Harm],
) -> (Result<(), StoreError>, u64, Option<Bytes>) {
    let proxy = Proxy::to(&server.address);
    let mut store = store_behind(&proxy, test);
    let mark = acquired(&mut store, &task());
    proxy.harm(harms);
    let outcome = write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))]));
    assert!(proxy.is_done(), "every harm was met");
    let sent = store.traffic().checkpoints_sent();
    let (_, mut values) = read(&mut server.store(test), &task(), &["a"]);
    (outcome, sent, values.remove(0))
}

fn the_record() -> Option<Bytes> {
    Some(Bytes::from("due 9"))
}

#[test]
fn a_checkpoint_whose_answer_was_lost_is_found_written_and_not_sent_again() {
    let Some(server) = any_server() else { return };
    assert_eq!(written_through(&server, "lost-answer", &[Harm::LoseAnswer]), (Ok(()), 1, the_record()));
}

#[test]
fn a_checkpoint_that_never_arrived_is_sent_again() {
    let Some(server) = any_server() else { return };
    assert_eq!(written_through(&server, "lost-request", &[Harm::LoseRequest]), (Ok(()), 2, the_record()));
    let twice = [Harm::LoseRequest, Harm::LoseAnswer];
    assert_eq!(written_through(&server, "lost-twice", &twice), (Ok(()), 2, the_record()));
}

#[test]
fn an_answer_beyond_the_time_out_is_not_waited_for_and_the_outcome_is_looked_up() {
    let Some(server) = any_server() else { return };
    let late = [Harm::DelayAnswer(Duration::from_secs(5))];
    let began = Instant::now();
    assert_eq!(written_through(&server, "late", &late), (Ok(()), 1, the_record()));
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[test]
fn after_the_last_attempt_the_outcome_is_unknown_and_nothing_is_claimed() {
    let Some(server) = any_server() else { return };
    let harms = [Harm::LoseRequest; 3];
    let (outcome, sent, stored) = written_through(&server, "attempts", &harms);
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert_eq!((sent, stored), (3, None));
}

#[test]
fn a_store_that_stays_away_is_reported_in_bounded_time_and_found_again() {
    let Some(server) = any_server() else { return };
    let proxy = Proxy::to(&server.address);
    let mut store = store_behind(&proxy, "away");
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 4, 0, &[])), Ok(()));
    proxy.harm(&[Harm::LoseAnswer]);
    proxy.close();
    let began = Instant::now();
    let at_4 = PositionMark { next: 4, ..mark };
    let outcome = write(&mut store, &task(), checkpoint(at_4, 5, 1, &[("a", Some(9))]));
    assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(4));
    proxy.reopen();
    let found = acquired(&mut store, &task());
    assert_eq!(found, PositionMark { epoch: mark.epoch + 1, next: 5 });
}

#[test]
fn a_checkpoint_in_doubt_is_not_sent_again_over_a_new_owner() {
    let Some(server) = any_server() else { return };
    let proxy = Proxy::to(&server.address);
    let mut old = store_behind(&proxy, "doubt");
    let mark = acquired(&mut old, &task());
    proxy.harm(&[Harm::DelayRequest(Duration::from_secs(2))]);
    old.begin_checkpoint(&task(), checkpoint(mark, 5, 1, &[("a", Some(9))]));
    wait_until(|| proxy.is_done());
    let mut new = server.store("doubt");
    let new_mark = acquired(&mut new, &task());
    block_on(old.checkpoint_ended());
    let finished = old.finished_checkpoints();
    assert_eq!(finished[0].result, Err(StoreError::Mismatch));
    assert_eq!(old.traffic().checkpoints_sent(), 1);
    assert_eq!(write(&mut new, &task(), checkpoint(new_mark, 6, 1, &[("a", Some(10))])), Ok(()));
    wait_until(|| proxy.delivered_late() == 1);
    assert_eq!(read(&mut new, &task(), &["a"]).1, [Some(Bytes::from("due 10"))]);
}

#[test]
fn an_attempt_that_arrives_after_the_one_that_replaced_it_does_nothing() {
    let Some(server) = any_server() else { return };
    let proxy = Proxy::to(&server.address);
    let mut store = store_behind(&proxy, "overtaken");
    let mark = acquired(&mut store, &task());
    proxy.harm(&[Harm::DelayRequest(Duration::from_secs(2))]);
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    assert_eq!(store.traffic().checkpoints_sent(), 2);
    let at_5 = PositionMark { next: 5, ..mark };
    assert_eq!(write(&mut store, &task(), checkpoint(at_5, 6, 1, &[("a", Some(10))])), Ok(()));
    wait_until(|| proxy.delivered_late() == 1);
    let at_6 = PositionMark { next: 6, ..mark };
    assert_eq!(read(&mut store, &task(), &["a"]), (Some(at_6), vec![Some(Bytes::from("due 10"))]));
}

fn wait_until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_large_checkpoint_cut_anywhere_is_whole_or_absent() {
    let Some(server) = any_server() else { return };
    let proxy = Proxy::to(&server.address);
    let mut store = store_behind(&proxy, "large-cut");
    let mut mark = acquired(&mut store, &task());
    for (round, harm) in [Harm::LoseRequest, Harm::LoseAnswer, Harm::LoseRequest].into_iter().enumerate() {
        proxy.harm(&[harm]);
        let next = mark.next + 1;
        let label = b'a' + round as u8;
        assert_eq!(write(&mut store, &task(), large_checkpoint(mark, next, 3_000, 400, label)), Ok(()));
        mark.next = next;
        let (found, values) = read(&mut store, &task(), &["customer-0000000", "customer-0002999"]);
        assert_eq!(found, Some(mark));
        assert!(values.iter().flatten().all(|record| record[..] == [label; 400]) && values.len() == 2);
    }
}

#[test]
fn reads_survive_a_broken_connection() {
    let Some(server) = any_server() else { return };
    let proxy = Proxy::to(&server.address);
    let mut store = store_behind(&proxy, "reads");
    let mark = acquired(&mut store, &task());
    proxy.harm(&[Harm::LoseAnswer, Harm::LoseRequest]);
    assert_eq!(read(&mut store, &task(), &["a"]), (Some(mark), vec![None]));
    assert!(proxy.is_done());
}
