//! The thread that does the I/O: reads are answered in turn, and checkpoints are written beside them, on connections
//! of their own.
//!
//! It ends when the store is dropped. A checkpoint that is under way then is abandoned, its outcome unknown.

use std::sync::Arc;

use bytes::Bytes;
use engine::ports::{
    Acquired, Checkpoint, DueEntry, FinishedCheckpoint, PositionMark, ReadAt, StoreError, TaskId,
};
use events::CustomerId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::connections::{Connections, Seeds};
use crate::inspection::{self, ServerReport, StoredCustomer, StoredPosition};
use crate::keys::TaskKeys;
use crate::settings::{InvalidSettings, Settings};
use crate::traffic::Traffic;
use crate::{checkpoint, due, reading};

/// Where an answer goes. Whoever asked may have stopped waiting.
pub type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// A question to Redis.
pub enum Request {
    Acquire(TaskKeys, Reply<Acquired>),
    Read(TaskKeys, Vec<CustomerId>, Reply<ReadAt<Vec<Option<Bytes>>>>),
    ReadDue(TaskKeys, Option<DueEntry>, usize, Reply<ReadAt<Vec<DueEntry>>>),
    Customer(TaskKeys, CustomerId, Reply<ReadAt<Option<StoredCustomer>>>),
    Positions(String, Reply<Vec<StoredPosition>>),
    Check(Reply<Vec<ServerReport>>),
}

/// The thread, as its store sees it.
pub struct IoThread {
    pub requests: UnboundedSender<Request>,
    pub checkpoints: UnboundedSender<(TaskId, Checkpoint)>,
    pub finished: UnboundedReceiver<FinishedCheckpoint>,
}

/// Starts the thread. Nothing is connected before the first request.
pub fn start(
    seeds: Seeds,
    settings: &Arc<Settings>,
    traffic: &Arc<Traffic>,
) -> Result<IoThread, InvalidSettings> {
    let failed = |error: std::io::Error| InvalidSettings::Thread(error.to_string());
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build().map_err(failed)?;
    let connections = || Connections::new(seeds.clone(), Arc::clone(settings), Arc::clone(traffic));
    let (for_reads, for_checkpoints) = (connections(), connections());
    let (requests, requested) = unbounded_channel();
    let (checkpoints, begun) = unbounded_channel();
    let (ended, finished) = unbounded_channel();
    let work = move || {
        runtime.spawn(write_checkpoints(for_checkpoints, begun, ended));
        runtime.block_on(answer_requests(for_reads, requested));
        runtime.shutdown_background();
    };
    std::thread::Builder::new().name("redis-store".to_owned()).spawn(work).map_err(failed)?;
    Ok(IoThread { requests, checkpoints, finished })
}

async fn answer_requests(mut connections: Connections, mut requested: UnboundedReceiver<Request>) {
    while let Some(request) = requested.recv().await {
        answer(&mut connections, request).await;
    }
}

async fn answer(connections: &mut Connections, request: Request) {
    match request {
        Request::Acquire(keys, reply) => {
            let _ = reply.send(reading::acquire(connections, &keys).await);
        }
        Request::Read(keys, customers, reply) => {
            let _ = reply.send(reading::read(connections, &keys, &customers).await);
        }
        Request::ReadDue(keys, after, limit, reply) => {
            let _ = reply.send(due::read_due(connections, &keys, after.as_ref(), limit).await);
        }
        Request::Customer(keys, id, reply) => {
            let _ = reply.send(inspection::customer(connections, &keys, &id).await);
        }
        Request::Positions(service, reply) => {
            let _ = reply.send(inspection::positions(connections, &service).await);
        }
        Request::Check(reply) => {
            let _ = reply.send(inspection::check(connections).await);
        }
    }
}

async fn write_checkpoints(
    mut connections: Connections,
    mut begun: UnboundedReceiver<(TaskId, Checkpoint)>,
    ended: UnboundedSender<FinishedCheckpoint>,
) {
    while let Some((task, checkpoint)) = begun.recv().await {
        let keys = TaskKeys::new(&connections.settings().namespace, &task);
        let mark = mark_of(&checkpoint);
        let result = checkpoint::write_checkpoint(&mut connections, &keys, checkpoint).await;
        if ended.send(FinishedCheckpoint { task, mark, result }).is_err() {
            return;
        }
    }
}

/// What the store holds once the checkpoint is written.
pub fn mark_of(checkpoint: &Checkpoint) -> PositionMark {
    PositionMark { epoch: checkpoint.expected.epoch, next: checkpoint.position.next }
}
