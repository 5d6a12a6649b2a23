//! A TCP proxy between the system and one of its servers: it passes bytes on, late, slowly, not at all, or hangs up.
//!
//! Must stay true: a connection that has lost a byte never passes another one on, whatever the line does later: TCP would
//! not, either.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

/// What the proxy does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Passes them on.
    Open,
    /// Passes them on so much later.
    Slow(Duration),
    /// Passes no more than so many on each second, in each direction of each connection.
    Throttled(u32),
    /// Keeps connections, accepts new ones, and passes nothing on: a network that drops packets for a while.
    Silent,
    /// Takes bytes and loses them: the other side is gone, and nobody has been told. Such a connection never recovers.
    HalfOpen,
    /// Resets each connection when it has lived for so long.
    Resetting(Duration),
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
                Connection::begin(client, upstream, &accepting);
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
}

/// What becomes of bytes that were read.
enum Fate {
    Passed,
    Lost,
    /// The connection has ended meanwhile.
    Ended,
}

/// One connection, which a thread for each direction serves.
struct Connection {
    line: Arc<Shared>,
    generation: u64,
    opened: Instant,
    has_lost: AtomicBool,
    is_reset: AtomicBool,
}

impl Connection {
    fn begin(client: TcpStream, server: TcpStream, line: &Arc<Shared>) {
        let (Ok(client_out), Ok(server_out)) = (client.try_clone(), server.try_clone()) else { return };
        let connection = Arc::new(Self {
            line: Arc::clone(line),
            generation: line.generation.load(Ordering::SeqCst),
            opened: Instant::now(),
            has_lost: AtomicBool::new(false),
            is_reset: AtomicBool::new(false),
        });
        for (from, to) in [(client, server_out), (server, client_out)] {
            let connection = Arc::clone(&connection);
            thread::spawn(move || connection.pass(from, to));
        }
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let _ = from.set_read_timeout(Some(LOOK));
        let mut buffer = vec![0; 1 << 16];
        while !self.has_ended() {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => match self.fate(Instant::now(), length) {
                    Fate::Passed if to.write_all(&buffer[..length]).is_ok() => {}
                    Fate::Lost => {}
                    Fate::Passed | Fate::Ended => break,
                },
                Err(error) if is_timeout(&error) => {}
                Err(_) => break,
            }
        }
        if self.is_reset.load(Ordering::SeqCst) {
            // Closed without lingering, and without a word before: that is a reset.
            let _ = SockRef::from(&from).set_linger(Some(Duration::ZERO));
            return;
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn has_ended(&self) -> bool {
        if let Line::Resetting(life) = self.line.line()
            && self.opened.elapsed() >= life
        {
            self.is_reset.store(true, Ordering::SeqCst);
        }
        self.is_reset.load(Ordering::SeqCst) || self.line.generation.load(Ordering::SeqCst) != self.generation
    }

    /// Keeps what was read until the line lets it through, or has lost it.
    fn fate(&self, read_at: Instant, length: usize) -> Fate {
        loop {
            if self.has_ended() {
                return Fate::Ended;
            }
            if self.has_lost.load(Ordering::SeqCst) {
                return Fate::Lost;
            }
            let wait = match self.line.line() {
                Line::Open | Line::Resetting(_) => return Fate::Passed,
                Line::Cut => return Fate::Ended,
                Line::HalfOpen => {
                    self.has_lost.store(true, Ordering::SeqCst);
                    return Fate::Lost;
                }
                Line::Slow(delay) => delay,
                Line::Throttled(rate) => Duration::from_secs_f64(length as f64 / f64::from(rate.max(1))),
                Line::Silent => Duration::MAX,
            };
            if read_at.elapsed() >= wait {
                return Fate::Passed;
            }
            thread::sleep(LOOK / 10);
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

    #[test]
    fn a_half_open_line_takes_what_is_said_and_its_connections_never_speak_again() {
        let (proxy, mut client) = echo();
        assert_eq!(answer(&mut client).unwrap(), 4);
        proxy.set(Line::HalfOpen);
        assert!(is_timeout(&answer(&mut client).unwrap_err()));
        proxy.set(Line::Open);
        assert!(is_timeout(&answer(&mut client).unwrap_err()), "it has lost bytes");
        let mut again = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
        assert_eq!(answer(&mut again).unwrap(), 4);
    }

    #[test]
    fn a_resetting_line_resets_each_connection_when_its_time_has_come() {
        let (proxy, mut client) = echo();
        assert_eq!(answer(&mut client).unwrap(), 4);
        proxy.set(Line::Resetting(Duration::ZERO));
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let ended = client.read(&mut [0; 64]).unwrap_err();
        assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
    }

    #[test]
    fn a_throttled_line_takes_its_time_and_loses_nothing() {
        let (proxy, mut client) = echo();
        proxy.set(Line::Throttled(20));
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked = Instant::now();
        assert_eq!(answer(&mut client).unwrap(), 4);
        // Four bytes at 20 a second, there and back.
        assert!(asked.elapsed() >= Duration::from_millis(400), "{:?}", asked.elapsed());
    }
}
