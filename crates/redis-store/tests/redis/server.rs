//! Redis servers for tests, on loopback ports of their own, stopped when dropped.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use redis_store::{RedisStore, Servers, Settings};

/// A server; one that was started for the test ends with it.
pub struct Server {
    pub address: String,
    process: Option<Child>,
    _folder: Option<tempfile::TempDir>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The server that the environment names, else one for this test.
pub fn any_server() -> Option<Server> {
    match std::env::var("REKINDLE_TEST_REDIS") {
        Ok(address) if !address.is_empty() => Some(Server { address, process: None, _folder: None }),
        _ => own_server(&[]),
    }
}

/// A server for this test alone, with further arguments.
pub fn own_server(arguments: &[&str]) -> Option<Server> {
    let folder = tempfile::tempdir().expect("a folder for temporary files");
    let port = free_port();
    let started = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--loglevel", "warning"])
        .arg("--dir")
        .arg(folder.path())
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(process) = started else {
        println!("skipped: redis-server is not installed, and REKINDLE_TEST_REDIS names none");
        return None;
    };
    let address = format!("127.0.0.1:{port}");
    let server = Server { address, process: Some(process), _folder: Some(folder) };
    server.wait_until_ready();
    Some(server)
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

impl Server {
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// A connection past the store.
    pub fn connection(&self) -> redis::Connection {
        let client = redis::Client::open(self.url()).expect("a URL");
        client.get_connection_with_timeout(Duration::from_secs(5)).expect("the server answers")
    }

    /// A store in a namespace of this test.
    pub fn store(&self, test: &str) -> RedisStore {
        open(Settings::new(Servers::Standalone(self.url()), namespace(test)))
    }

    fn wait_until_ready(&self) {
        let client = redis::Client::open(self.url()).expect("a URL");
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let answer = client
                .get_connection_with_timeout(Duration::from_secs(1))
                .and_then(|mut connection| redis::cmd("PING").query::<()>(&mut connection));
            match answer {
                Ok(()) => return,
                Err(error) => assert!(Instant::now() < deadline, "the server does not start: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Of this test and this run: a shared server may hold what an earlier run left.
pub fn namespace(test: &str) -> String {
    format!("test-{test}-{}", std::process::id())
}

pub fn open(settings: Settings) -> RedisStore {
    RedisStore::open(settings).expect("the settings are valid")
}
