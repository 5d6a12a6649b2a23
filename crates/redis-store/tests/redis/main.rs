//! The store on a real Redis: one behaviour with the store in memory, and the faults that memory cannot have.
//!
//! The server is the one of `REKINDLE_TEST_REDIS` (host:port), else one is started for each test if `redis-server` is
//! installed, else the tests say "skipped". Tests that wipe or restart a server always start their own.

#![allow(clippy::disallowed_methods, reason = "tests of an adapter: processes, sockets and time-outs")]

mod cluster;
mod contract;
mod fixtures;
mod inspection;
mod lost_answers;
mod lost_state;
mod model;
mod proxy;
mod sentinel;
mod server;
mod size;
mod snapshot;
#[cfg(feature = "tls")]
mod tls;
