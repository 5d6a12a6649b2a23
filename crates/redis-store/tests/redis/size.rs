//! Large checkpoints, and what they cost.

use std::time::{Duration, Instant};

use engine::ports::{PositionMark, StateStore};
use events::CustomerId;
use pollster::block_on;

use crate::fixtures::{acquire, acquired, customer, due_page, large_checkpoint, task, write};
use crate::server::any_server;

#[test]
fn twenty_thousand_customers_move_in_one_checkpoint() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("twenty-thousand");
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), large_checkpoint(mark, 5, 20_000, 400, b'x')), Ok(()));
    let position = acquire(&mut store, &task()).position.expect("it was written");
    assert_eq!((position.next, position.customers), (5, 20_000));
    let ids: Vec<CustomerId> = (0..20_000).map(customer).collect();
    let read = block_on(store.read(&task(), &ids)).expect("the store is there");
    assert_eq!(read.values.iter().flatten().filter(|record| record.len() == 400).count(), 20_000);
    assert_eq!(due_page(&mut store, &task(), None, 30_000).1.len(), 20_000);
}

/// Run with `cargo test --release -p redis-store -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, for release builds"]
fn measure_checkpoints_and_reads() {
    let Some(server) = any_server() else { return };
    let mut store = server.store("measure");
    let mut mark = acquired(&mut store, &task());
    let rounds = 20;
    let mut spent = Duration::ZERO;
    for round in 0..rounds {
        let checkpoint = large_checkpoint(mark, mark.next + 1, 10_000, 250, b'a' + round);
        let began = Instant::now();
        assert_eq!(write(&mut store, &task(), checkpoint), Ok(()));
        spent += began.elapsed();
        mark = PositionMark { next: mark.next + 1, ..mark };
    }
    report("checkpoint of 10,000 customers of 250 bytes", spent / u32::from(rounds), 10_000);
    let ids: Vec<CustomerId> = (0..4_096).map(customer).collect();
    let began = Instant::now();
    for _ in 0..rounds {
        let read = block_on(store.read(&task(), &ids)).expect("the store is there");
        assert_eq!(read.values.iter().flatten().count(), ids.len());
    }
    report("read of 4,096 customers of 250 bytes", began.elapsed() / u32::from(rounds), 4_096);
    let began = Instant::now();
    for _ in 0..rounds {
        assert_eq!(due_page(&mut store, &task(), None, 4_096).1.len(), 4_096);
    }
    report("page of 4,096 timers", began.elapsed() / u32::from(rounds), 4_096);
}

fn report(what: &str, each: Duration, customers: u32) {
    let per_second = f64::from(customers) / each.as_secs_f64();
    println!("{what}: {:.2} ms, {per_second:.0} customers/s", each.as_secs_f64() * 1_000.0);
}
