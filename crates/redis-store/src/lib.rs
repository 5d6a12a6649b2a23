//! [`StateStore`](engine::ports::StateStore) on Redis: the atomic checkpoint of each task's fold, and the only crate
//! that names redis.
//!
//! Must stay true: a task's three keys share one hash tag, so that one `MULTI` reaches all of them, in Redis Cluster
//! too; a checkpoint is one compare-and-set on (epoch, N) over a connection that nobody shares; values are read in the
//! same transaction as the position they belong to (I3); every error means "outcome unknown" until Redis was asked.
//!
//! [`RedisStore`] is a handle. All I/O happens on a thread of its own with a current-thread runtime, so that the
//! caller needs no runtime, and a checkpoint travels while the next batch is processed.

#![allow(clippy::disallowed_methods, reason = "an adapter: it owns a thread, sockets and time-outs")]

mod checkpoint;
mod connections;
mod due;
mod inspection;
mod io_thread;
mod keys;
mod position;
mod probe;
mod reading;
mod round_trip;
mod score;
mod settings;
pub mod snapshot;
mod store;
mod traffic;

pub use inspection::{ClockReading, Finding, ServerReport, StoredCustomer, StoredPosition};
pub use probe::{Probe, ServerTraffic};
pub use round_trip::{RoundTrip, Watcher};
pub use settings::{InvalidSettings, Servers, Settings};
pub use store::RedisStore;
pub use traffic::Traffic;
