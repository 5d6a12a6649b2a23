//! A TCP proxy that does one harm to one `EXEC`, on demand.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What to do to the next `EXEC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// The server executes it, and the connection breaks before the answer.
    LoseAnswer,
    /// The connection breaks before the server sees it.
    LoseRequest,
    /// The server sees it so much later, even if the client has gone.
    DelayRequest(Duration),
    /// The answer comes so much later.
    DelayAnswer(Duration),
}

/// A proxy; it lives as long as the test's process.
pub struct Proxy {
    pub address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    harms: Mutex<Vec<Harm>>,
    is_closed: AtomicBool,
    delivered_late: AtomicUsize,
}

impl Proxy {
    pub fn to(upstream: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let shared = Arc::new(Shared::default());
        let proxy = Self { address, shared: Arc::clone(&shared) };
        let upstream = upstream.to_owned();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.is_closed.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(server) = TcpStream::connect(&upstream) else { continue };
                relay(client, server, &shared);
            }
        });
        proxy
    }

    /// Does these harms, one to each of the next `EXEC`s.
    pub fn harm(&self, harms: &[Harm]) {
        self.shared.harms().extend(harms);
    }

    /// Whether every harm has been done.
    pub fn is_done(&self) -> bool {
        self.shared.harms().is_empty()
    }

    /// How many delayed requests have reached the server.
    pub fn delivered_late(&self) -> usize {
        self.shared.delivered_late.load(Ordering::SeqCst)
    }

    /// Lets no further connection through, until it is reopened.
    pub fn close(&self) {
        self.shared.is_closed.store(true, Ordering::SeqCst);
    }

    /// Lets clients through again.
    pub fn reopen(&self) {
        self.shared.is_closed.store(false, Ordering::SeqCst);
    }
}

impl Shared {
    fn harms(&self) -> MutexGuard<'_, Vec<Harm>> {
        self.harms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_harm(&self) -> Option<Harm> {
        let mut harms = self.harms();
        if harms.is_empty() { None } else { Some(harms.remove(0)) }
    }
}

fn relay(client: TcpStream, server: TcpStream, shared: &Arc<Shared>) {
    let (to_answers, answer_harms) = channel();
    let (client_copy, server_copy) = (copy_of(&client), copy_of(&server));
    std::thread::spawn(move || relay_answers(server_copy, client_copy, &answer_harms));
    let shared = Arc::clone(shared);
    std::thread::spawn(move || relay_requests(client, server, &shared, &to_answers));
}

fn copy_of(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a second handle on the socket")
}

fn relay_requests(mut client: TcpStream, mut server: TcpStream, shared: &Shared, to_answers: &Sender<Harm>) {
    let mut buffer = vec![0; 1 << 16];
    let mut tail = Vec::new();
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        tail.extend_from_slice(&buffer[..length]);
        let harm = if tail.ends_with(b"EXEC\r\n") { shared.next_harm() } else { None };
        tail.drain(..tail.len().saturating_sub(8));
        match harm {
            None => {}
            Some(Harm::LoseRequest) => break,
            Some(Harm::DelayRequest(delay)) => std::thread::sleep(delay),
            Some(harm) => to_answers.send(harm).unwrap_or_default(),
        }
        let is_delivered = server.write_all(&buffer[..length]).is_ok();
        if matches!(harm, Some(Harm::DelayRequest(_))) {
            // Time for the server to work on it: what follows here closes the connection.
            std::thread::sleep(Duration::from_millis(100));
            shared.delivered_late.fetch_add(1, Ordering::SeqCst);
        }
        if !is_delivered {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}

fn relay_answers(mut server: TcpStream, mut client: TcpStream, harms: &Receiver<Harm>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = server.read(&mut buffer) {
        match harms.try_recv() {
            Ok(Harm::DelayAnswer(delay)) => std::thread::sleep(delay),
            Ok(_) => break,
            Err(_) => {}
        }
        if client.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
