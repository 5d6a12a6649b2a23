//! A TCP proxy between the system and one of its servers: it passes bytes on, late, not at all, or hangs up.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Passes them on.
    Open,
    /// Passes them on so much later.
    Slow(Duration),
    /// Keeps connections, accepts new ones, and passes nothing on: a network that drops packets.
    Silent,
    /// Hangs up, and takes no calls.
    Cut,
}

/// How often a waiting line looks whether it has changed.
const LOOK: Duration = Duration::from_millis(20);

struct Shared {
    line: Mutex<Line>,
    /// Raised by each cut: a connection of an earlier generation is dead.
    generation: AtomicU64,
}

/// A proxy; it lives as long as the process.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Listens on a loopback port of its own for a server that need not be there yet.
    pub fn to(server: String) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared { line: Mutex::new(Line::Open), generation: AtomicU64::new(0) });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if accepting.line() == Line::Cut {
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                connect(client, upstream, &accepting);
            }
        });
        Ok(Self { port, shared })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what is done from now on.
    pub fn set(&self, line: Line) {
        *self.shared.line.lock().unwrap_or_else(PoisonError::into_inner) = line;
        if line == Line::Cut {
            self.shared.generation.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Shared {
    fn line(&self) -> Line {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_dead(&self, generation: u64) -> bool {
        self.generation.load(Ordering::SeqCst) != generation
    }
}

fn connect(client: TcpStream, server: TcpStream, shared: &Arc<Shared>) {
    let generation = shared.generation.load(Ordering::SeqCst);
    let (Ok(client_out), Ok(server_out)) = (client.try_clone(), server.try_clone()) else { return };
    for (from, to) in [(client, server_out), (server, client_out)] {
        let shared = Arc::clone(shared);
        thread::spawn(move || pass(from, to, &shared, generation));
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, shared: &Shared, generation: u64) {
    let _ = from.set_read_timeout(Some(LOOK));
    let mut buffer = vec![0; 1 << 16];
    while !shared.is_dead(generation) {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                let read_at = Instant::now();
                if !hold(read_at, shared, generation) || to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            Err(error) if is_timeout(&error) => {}
            Err(_) => break,
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Keeps what was read until the line lets it through; false if the connection is dead by then.
fn hold(read_at: Instant, shared: &Shared, generation: u64) -> bool {
    loop {
        if shared.is_dead(generation) {
            return false;
        }
        match shared.line() {
            Line::Open => return true,
            Line::Slow(delay) if read_at.elapsed() >= delay => return true,
            Line::Cut => return false,
            Line::Slow(_) | Line::Silent => thread::sleep(LOOK / 10),
        }
    }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets, and a connection to it through a proxy.
    fn echo() -> (Proxy, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    let mut buffer = [0; 64];
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        stream.write_all(&buffer[..length]).unwrap();
                    }
                });
            }
        });
        let proxy = Proxy::to(address).unwrap();
        let client = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        (proxy, client)
    }

    fn answer(client: &mut TcpStream) -> std::io::Result<usize> {
        client.write_all(b"ping")?;
        client.read(&mut [0; 64])
    }

    #[test]
    fn a_cut_line_hangs_up_and_a_new_call_goes_through_once_it_is_open() {
        let (proxy, mut client) = echo();
        assert_eq!(answer(&mut client).unwrap(), 4);
        proxy.set(Line::Cut);
        thread::sleep(LOOK * 3);
        assert!(!matches!(answer(&mut client), Ok(1..)));
        proxy.set(Line::Open);
        let mut again = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        assert_eq!(answer(&mut again).unwrap(), 4);
    }

    #[test]
    fn a_silent_line_keeps_what_was_said_and_delivers_it_once_it_is_open() {
        let (proxy, mut client) = echo();
        assert_eq!(answer(&mut client).unwrap(), 4);
        proxy.set(Line::Silent);
        assert!(is_timeout(&answer(&mut client).unwrap_err()));
        proxy.set(Line::Open);
        assert_eq!(client.read(&mut [0; 64]).unwrap(), 4);
    }

    #[test]
    fn a_slow_line_delivers_late() {
        let (proxy, mut client) = echo();
        proxy.set(Line::Slow(Duration::from_millis(40)));
        let asked = Instant::now();
        assert_eq!(answer(&mut client).unwrap(), 4);
        assert!(asked.elapsed() >= Duration::from_millis(80), "{:?}", asked.elapsed());
    }
}
