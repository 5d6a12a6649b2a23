//! A worker's life, the same for every service: turns, setbacks, and an end.
//!
//! Must stay true: a worker that is asked to stop leaves nothing undone if it can. What other members of its group do
//! at the same time is no reason not to: a rebalance that deposes it in the middle of its last transaction makes it
//! begin once more what is still its own, and finish that.

use crate::membership::Membership;
use crate::setback::Setback;
use crate::worker::{Exit, StopSignal};

/// Turns that a worker which was asked to stop gives itself to finish. A process has a limit of its own, in seconds.
const TURNS_TO_FINISH: u32 = 400;
/// Setbacks after which a worker that was asked to stop leaves things as they are.
const SETBACKS_TO_FINISH: u32 = 3;

/// What a worker does in its life.
pub trait Lifecycle {
    /// Drops everything unpublished and every doubt, and begins anew at what is committed.
    async fn start_over(&mut self) -> Result<(), Setback>;

    /// One poll, and all that follows from it.
    async fn turn(&mut self) -> Result<(), Setback>;

    /// Its side of the group.
    fn membership(&mut self) -> &mut Membership;

    /// Whether its state is behind what is published, so that more turns would leave less undone.
    fn is_behind(&self) -> bool;

    /// Publishes and keeps what it holds, then gives all its partitions up. After a setback it still has them.
    async fn leave(&mut self) -> Result<(), Setback>;
}

/// How much a worker that was asked to stop still tries.
struct Patience {
    turns: u32,
    setbacks: u32,
}

/// Works until it is asked to stop, or fenced. `observe` sees the worker after each turn.
pub async fn live<W: Lifecycle>(worker: &mut W, stop: &StopSignal, mut observe: impl FnMut(&W)) -> Exit {
    let mut patience = Patience { turns: TURNS_TO_FINISH, setbacks: SETBACKS_TO_FINISH };
    let mut outcome = worker.start_over().await;
    loop {
        let stops = stop.is_requested();
        outcome = match outcome {
            Ok(()) if stops && (patience.turns == 0 || !worker.is_behind()) => {
                let is_behind = worker.is_behind();
                match worker.leave().await {
                    Ok(()) if is_behind => return Exit::Unfinished,
                    Ok(()) => return Exit::Stopped,
                    Err(setback) => Err(setback),
                }
            }
            Ok(()) => {
                patience.turns -= u32::from(stops);
                worker.turn().await
            }
            Err(Setback::Fenced) => return Exit::Fenced,
            Err(_) if stops && patience.setbacks == 0 => return Exit::Unfinished,
            Err(setback) => {
                patience.setbacks -= u32::from(stops);
                if setback == Setback::AwaitGroup {
                    worker.membership().await_news();
                }
                worker.start_over().await
            }
        };
        observe(worker);
    }
}
