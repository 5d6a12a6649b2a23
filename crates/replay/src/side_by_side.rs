//! Partitions beside one another: some threads, each of which takes the next one as soon as it is done with the last.
//!
//! Must stay true: what comes of a partition does not hang on which thread has it; after a failure no other is begun.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::ReplayError;

/// Works each item off, in up to `threads` threads; what comes of them is in their order. `failed` is raised once one of
/// them has failed, so that the others can stop half-way.
///
/// # Errors
/// The first, in the order of the threads.
pub(crate) fn side_by_side<T: Send, U: Send>(
    items: Vec<T>,
    threads: usize,
    failed: &AtomicBool,
    work: impl Fn(T) -> Result<U, ReplayError> + Sync,
) -> Result<Vec<U>, ReplayError> {
    enum Slot<T, U> {
        Waiting(T),
        Taken,
        Done(U),
    }
    let slots: Vec<Mutex<Slot<T, U>>> =
        items.into_iter().map(|item| Mutex::new(Slot::Waiting(item))).collect();
    let next = AtomicUsize::new(0);
    let run = || -> Result<(), ReplayError> {
        while let Some(slot) = slots.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
            if let Slot::Waiting(item) = std::mem::replace(&mut *slot, Slot::Taken) {
                let done = work(item);
                failed.fetch_or(done.is_err(), Ordering::Relaxed);
                *slot = Slot::Done(done?);
            }
        }
        Ok(())
    };
    let ended: Vec<Result<(), ReplayError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    ended.into_iter().collect::<Result<Vec<()>, _>>()?;
    let done = slots.into_iter().filter_map(|slot| match slot.into_inner() {
        Ok(Slot::Done(done)) => Some(done),
        _ => None,
    });
    Ok(done.collect())
}
