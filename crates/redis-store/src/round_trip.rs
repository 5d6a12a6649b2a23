//! What whoever watches a store is told of its round trips.
//!
//! Must stay true: a reason is one of a few words, whatever a server says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::RedisError;

/// A round trip that has ended, or a connection that could not be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundTrip {
    /// From the first byte that was sent to the answer, or to its being given up; `None` where nothing was sent.
    pub took: Option<Duration>,
    /// Why it failed, in one word, if it did.
    pub failure: Option<&'static str>,
}

/// Called after each round trip, on the store's own thread; it must not wait for anything.
#[derive(Clone)]
pub struct Watcher(Arc<dyn Fn(RoundTrip) + Send + Sync>);

impl Watcher {
    /// Calls this.
    pub fn new(watch: impl Fn(RoundTrip) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }

    pub(crate) fn tell(&self, round_trip: RoundTrip) {
        (self.0)(round_trip);
    }
}

impl Default for Watcher {
    /// Nobody watches.
    fn default() -> Self {
        Self::new(|_| ())
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// The reason of an error as one word.
pub(crate) fn reason_of(error: &RedisError) -> &'static str {
    if error.is_timeout() {
        return "timeout";
    }
    match error.code() {
        Some("NOAUTH" | "WRONGPASS" | "NOPERM") => "authentication",
        Some("LOADING") => "loading",
        Some("READONLY") => "read_only",
        Some("OOM") => "out_of_memory",
        Some("MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "CROSSSLOT" | "MASTERDOWN") => "cluster",
        _ if error.kind() == redis::ErrorKind::AuthenticationFailed => "authentication",
        _ if error.is_io_error() || error.is_connection_dropped() => "connection",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn answered(line: &str) -> RedisError {
        redis::parse_redis_value(line.as_bytes()).and_then(redis::Value::extract_error).expect_err("an error")
    }

    #[test]
    fn every_error_has_one_word() {
        for (error, reason) in [
            (io::Error::from(io::ErrorKind::TimedOut).into(), "timeout"),
            (io::Error::from(io::ErrorKind::ConnectionRefused).into(), "connection"),
            (answered("-NOAUTH Authentication required.\r\n"), "authentication"),
            (answered("-LOADING Redis is loading the dataset in memory\r\n"), "loading"),
            (answered("-READONLY You can't write against a read only replica.\r\n"), "read_only"),
            (answered("-OOM command not allowed when used memory > 'maxmemory'.\r\n"), "out_of_memory"),
            (answered("-MOVED 3999 127.0.0.1:6381\r\n"), "cluster"),
            (answered("-ERR whatever somebody wrote\r\n"), "other"),
        ] {
            assert_eq!(reason_of(&error), reason, "{error}");
        }
    }
}
