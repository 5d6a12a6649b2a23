//! A messaging platform in small: reads Rekindle's action topics, and sends each message once, at the right moment, or
//! not at all. `schemas/README.md` tells what the records mean.
//!
//! Must stay true: an offset is committed only when what it stands for is stored. A real platform stores, in its
//! database, one row per trigger (waiting with all that the message is made of, or sent, withdrawn, expired) and one per
//! `ce_id` that it has seen; here a file holds both. What a crash does:
//!
//! | it happens | then |
//! |---|---|
//! | before what was read is stored | it is read again |
//! | before the offsets are committed | it is read again, and dropped by `ce_id` |
//! | after a message was handed over, before that is stored | it is handed over again, under the same idempotency key |
//!
//! No order of steps closes the third gap; the provider does, by dropping a key that it has seen.
//!
//! The file belongs to one process. Several that share a group need a database that all of them write to, since
//! partitions move between them and a cancellation may reach another one than its trigger did.

#![allow(clippy::disallowed_methods, reason = "a program: it has a clock, files and signals")]

mod clock;
mod outbox;
mod outbox_file;
mod record;
mod report;
mod subscriber;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::outbox_file::OutboxFile;
use crate::subscriber::{Feed, Subscriber};

/// Sends what Rekindle's action topics call for; "sending" is a line of JSON on stdout.
#[derive(Parser)]
struct Args {
    /// host:port of a broker, or several with commas between them
    #[arg(long, env = "SUBSCRIBER_KAFKA", default_value = "127.0.0.1:9092")]
    kafka: String,
    /// The consumer group: each platform has one of its own
    #[arg(long, default_value = "messaging")]
    group: String,
    /// What the names of the action topics begin with
    #[arg(long, default_value = "actions")]
    prefix: String,
    /// The topic that tells who has ordered
    #[arg(long, default_value = "outcomes")]
    outcomes: String,
    /// The file that holds what waits and what was sent
    #[arg(long, default_value = "outbox.json")]
    outbox: PathBuf,
    /// Lets the clock begin at this time, to try records of another day: the examples are of March 2026
    #[arg(long, value_name = "TIME")]
    pretend_now: Option<Timestamp>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let is_stopping = Arc::new(AtomicBool::new(false));
    let stop = Arc::clone(&is_stopping);
    ctrlc::set_handler(move || stop.store(true, Ordering::Relaxed))?;

    let file = OutboxFile::open(&args.outbox)?;
    let clock = Clock::beginning_at(args.pretend_now);
    let feed = Feed { kafka: args.kafka, group: args.group, prefix: args.prefix, outcomes: args.outcomes };
    let mut subscriber = Subscriber::start(&feed, file, clock)?;
    while !is_stopping.load(Ordering::Relaxed) {
        subscriber.round()?;
    }
    subscriber.stop()
}
