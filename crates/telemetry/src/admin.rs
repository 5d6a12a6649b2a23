//! The admin port: `/metrics`, `/livez` and `/readyz` over HTTP/1.1.
//!
//! Must stay true: it answers while the services are busy or stuck, so it has a thread and a runtime of its own; and
//! whoever speaks to it costs a bounded number of connections, bytes and seconds each. Plain hyper serves three fixed
//! paths; a router would be more to compile than there is to route.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Semaphore, oneshot};

use crate::health::Health;
use crate::registry::Registry;

mod answer;

/// Where it listens unless configured: this machine alone. 9464 is the port that exporters of OpenTelemetry use.
pub const DEFAULT_ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9464));

/// Connections served at one time; further ones wait in the listener's queue.
const MAX_CONNECTIONS: u32 = 32;
/// What a request's head may take; hyper's least is 8 KiB.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// A head that is not complete by then is answered no more.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// One connection serves one request, and all of it within this.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a stop waits for requests under way.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// Before accepting again, when the process is out of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The running server. Dropped, it stops.
#[derive(Debug)]
pub struct AdminServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl AdminServer {
    /// Listens, and serves on a thread of its own.
    ///
    /// # Errors
    /// If the address cannot be bound, or the thread or its runtime cannot be made.
    pub fn start(address: SocketAddr, registry: Registry, health: Health) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("admin".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener, Pages { registry, health }, stopped)) {
                tracing::error!(%error, "the admin port is not served");
            }
        })?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens; tells the port where 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nobody any more, finishes what is under way within two seconds, and returns.
    pub fn stop(mut self) {
        self.stop_and_wait();
    }

    fn stop_and_wait(&mut self) {
        // Dropping the sender is the word to stop.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the admin thread has panicked");
        }
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.stop_and_wait();
    }
}

/// What is shown.
#[derive(Clone)]
struct Pages {
    registry: Registry,
    health: Health,
}

async fn serve(
    listener: TcpListener,
    pages: Pages,
    stopped: oneshot::Receiver<Infallible>,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
    let accepting = tokio::spawn(accept(listener, pages, Arc::clone(&slots)));
    // Nothing is ever sent: it ends when the sender is dropped.
    drop(stopped.await);
    accepting.abort();
    // All slots are free once no connection is left.
    drop(tokio::time::timeout(DRAIN_TIMEOUT, slots.acquire_many(MAX_CONNECTIONS)).await);
    Ok(())
}

async fn accept(listener: tokio::net::TcpListener, pages: Pages, slots: Arc<Semaphore>) {
    while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let pages = pages.clone();
                tokio::spawn(async move {
                    // A time-out, too, ends in closing the connection.
                    drop(tokio::time::timeout(CONNECTION_TIMEOUT, converse(stream, pages)).await);
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the admin port was not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn converse(stream: tokio::net::TcpStream, pages: Pages) {
    let service = service_fn(move |request| {
        let answer = answer::to(&request, &pages);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the admin port ended early");
    }
}
