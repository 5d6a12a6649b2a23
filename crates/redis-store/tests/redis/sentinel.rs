//! A server that Sentinels watch over: the store goes on where its replica was promoted.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::ports::PositionMark;
use redis_store::{Servers, Settings};

use crate::fixtures::{acquired, checkpoint, dues, task, write};
use crate::server::{Server, free_port, namespace, open, own_server};

const PATIENCE: Duration = Duration::from_secs(30);
const MASTER: &str = "shop";

/// A Sentinel, ended when dropped.
struct Sentinel {
    port: u16,
    process: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Sentinel {
    fn over(server: &Server) -> Self {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let (port, config) = (free_port(), folder.path().join("sentinel.conf"));
        let (host, of_server) = server.address.split_once(':').expect("host:port");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} {host} {of_server} 1\n",
            folder.path().display()
        );
        std::fs::write(&config, text).expect("a file");
        let mut command = Command::new("redis-server");
        command.arg(&config).arg("--sentinel").stdin(Stdio::null()).stdout(Stdio::null());
        let process = command.spawn().expect("redis-server is there");
        Self { port, process, _folder: folder }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn ask<T: redis::FromRedisValue>(&self, what: &str) -> redis::RedisResult<T> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        redis::cmd("SENTINEL").arg(what).arg(MASTER).query(&mut connection)
    }

    fn master(&self) -> Option<String> {
        let (host, port): (String, u16) = self.ask("GET-MASTER-ADDR-BY-NAME").ok()?;
        Some(format!("{host}:{port}"))
    }
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_promoted_replica_is_found_and_goes_on_with_the_same_state() {
    let Some(first) = own_server(&[]) else { return };
    let (host, port) = first.address.split_once(':').expect("host:port");
    let Some(second) = own_server(&["--replicaof", host, port]) else { return };
    let sentinel = Sentinel::over(&first);
    wait_until("the Sentinel knows the replica", || {
        sentinel.ask("REPLICAS").is_ok_and(|replicas: Vec<redis::Value>| replicas.len() == 1)
    });

    // Of the URL everything counts but where it points.
    let servers = Servers::Sentinel {
        url: "redis://nowhere.invalid:1".to_owned(),
        sentinels: vec!["redis://127.0.0.1:1".to_owned(), sentinel.url()],
        master: MASTER.to_owned(),
    };
    let mut store = open(Settings::new(servers, namespace("sentinel")));
    let mark = acquired(&mut store, &task());
    assert_eq!(write(&mut store, &task(), checkpoint(mark, 5, 1, &[("a", Some(9))])), Ok(()));
    // A replica that has just begun is sent the whole first, which a server puts off for seconds.
    wait_until("the replica has it too", || {
        redis::cmd("WAIT")
            .arg(1)
            .arg(1_000)
            .query(&mut first.connection())
            .is_ok_and(|copies: usize| copies == 1)
    });

    wait_until("the Sentinel promotes the replica", || sentinel.ask::<()>("FAILOVER").is_ok());
    wait_until("the Sentinel tells of the new master", || {
        sentinel.master().as_ref() == Some(&second.address)
    });
    wait_until("the new master takes writes", || {
        let role: redis::RedisResult<Vec<redis::Value>> = redis::cmd("ROLE").query(&mut second.connection());
        role.is_ok_and(|role| {
            role.first().is_some_and(|name| *name == redis::Value::BulkString(b"master".to_vec()))
        })
    });
    drop(first);
    assert_eq!(dues(&mut store, &task()), [9]);
    let at_5 = PositionMark { next: 5, ..mark };
    assert_eq!(write(&mut store, &task(), checkpoint(at_5, 6, 1, &[("a", Some(10))])), Ok(()));
    assert_eq!(dues(&mut store, &task()), [10]);
    let keys: usize = redis::cmd("DBSIZE").query(&mut second.connection()).expect("it answers");
    assert_eq!(keys, 3);
}
