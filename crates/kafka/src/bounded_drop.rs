//! Closing a client without waiting for ever: a close during a rebalance, or with the broker gone, can hang.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// Drops `value` on a thread of its own and waits at most `limit`; a drop that takes longer goes on by itself.
/// Whether it ended in time.
pub(crate) fn drop_within<T: Send + 'static>(value: T, limit: Duration) -> bool {
    let (ended, end) = mpsc::channel();
    let closer = thread::Builder::new().name("kafka-close".to_owned()).spawn(move || {
        drop(value);
        // Nobody listens any more if it took too long.
        let _ = ended.send(());
    });
    // Without a thread the value was dropped where it stood.
    closer.is_err() || end.recv_timeout(limit).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Slow(Duration);

    impl Drop for Slow {
        fn drop(&mut self) {
            thread::sleep(self.0);
        }
    }

    #[test]
    fn a_drop_that_hangs_does_not_hold_the_caller() {
        assert!(!drop_within(Slow(Duration::from_secs(5)), Duration::from_millis(20)));
        assert!(drop_within(Slow(Duration::ZERO), Duration::from_secs(5)));
    }
}
