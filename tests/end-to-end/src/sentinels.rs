//! A Redis server, its replica, and the three Sentinels that decide between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use redis::Connection;

use crate::crew::free_port;
use crate::process::Process;

/// What the Sentinels call the server.
pub const MASTER: &str = "rekindle";
/// So many that one may be wrong.
const SENTINELS: usize = 3;
const STARTING: Duration = Duration::from_secs(30);
/// From the master's death to a new one: 2 s until it counts as down, an election, and a promotion.
const FAILING_OVER: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(50);

/// The running servers.
pub struct Sentinels {
    folder: PathBuf,
    /// The two servers, one of which is the master.
    servers: Vec<(u16, Option<Process>)>,
    sentinels: Vec<(u16, Process)>,
}

impl Sentinels {
    /// Starts all of it, with its files in `folder`, and waits until the Sentinels know the replica and each other.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let mut this = Self { folder, servers: Vec::new(), sentinels: Vec::new() };
        for number in 0..2 {
            this.servers.push((free_port()?, None));
            this.start_server(number)?;
        }
        for number in 0..SENTINELS {
            let sentinel = this.start_sentinel(number)?;
            this.sentinels.push(sentinel);
        }
        this.await_agreement()?;
        Ok(this)
    }

    /// Where the Sentinels are.
    pub fn addresses(&self) -> Vec<String> {
        self.sentinels.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect()
    }

    /// The server that all Sentinels take for the master.
    pub fn master(&self) -> anyhow::Result<u16> {
        let mut told = None;
        for (port, _) in &self.sentinels {
            let (_, master): (String, u16) = ask(*port, "GET-MASTER-ADDR-BY-NAME")?;
            if *told.get_or_insert(master) != master {
                bail!("the Sentinels do not agree");
            }
        }
        told.context("there are Sentinels")
    }

    /// kill -9 of the master; waits until the other is in its place.
    pub fn kill_master(&mut self) -> anyhow::Result<()> {
        let old = self.master()?;
        let victim =
            self.servers.iter_mut().find(|(port, _)| *port == old).context("it is one of the two")?;
        victim.1.take().context("it runs")?.kill()?;
        let deadline = Instant::now() + FAILING_OVER;
        while !self.master().is_ok_and(|now| now != old && role(now).is_ok_and(|role| role == "master")) {
            if Instant::now() >= deadline {
                bail!("no new master within {FAILING_OVER:?}");
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Starts the server that was killed, which comes back as the master that it was, and waits until the Sentinels have
    /// made a replica of it that has caught up.
    pub fn bring_back(&mut self) -> anyhow::Result<()> {
        for number in 0..self.servers.len() {
            if self.servers[number].1.is_none() {
                self.start_server(number)?;
            }
        }
        self.await_agreement()
    }

    fn start_server(&mut self, number: usize) -> anyhow::Result<()> {
        let port = self.servers[number].0;
        let folder = self.folder.join(format!("server-{number}"));
        fs::create_dir_all(&folder)?;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""]);
        command.args([
            "--appendonly",
            "yes",
            "--maxmemory-policy",
            "noeviction",
            "--repl-diskless-sync-delay",
            "0",
        ]);
        command.arg("--dir").arg(&folder);
        // As at first; one that comes back is told by the Sentinels.
        if number > 0 && self.sentinels.is_empty() {
            command.args(["--replicaof", "127.0.0.1", &self.servers[0].0.to_string()]);
        }
        self.servers[number].1 = Some(Process::start(&mut command, &folder.join("redis.log"))?);
        wait("a server answers", || role(port).is_ok())
    }

    fn start_sentinel(&self, number: usize) -> anyhow::Result<(u16, Process)> {
        let (port, first) = (free_port()?, self.servers[0].0);
        let folder = self.folder.join(format!("sentinel-{number}"));
        fs::create_dir_all(&folder)?;
        let config = folder.join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {MASTER} 127.0.0.1 {first} 2\n\
             sentinel down-after-milliseconds {MASTER} 2000\nsentinel failover-timeout {MASTER} 10000\n",
            folder.display()
        );
        fs::write(&config, text)?;
        let mut command = Command::new("redis-server");
        command.arg(&config).arg("--sentinel");
        Ok((port, Process::start(&mut command, &folder.join("sentinel.log"))?))
    }

    /// Until the Sentinels know each other and a replica that is in step.
    fn await_agreement(&self) -> anyhow::Result<()> {
        wait("the Sentinels agree, and the replica is in step", || {
            self.master().is_ok_and(|master| has_replica(master).unwrap_or(false))
                && self.sentinels.iter().all(|(port, _)| {
                    let others: anyhow::Result<Vec<redis::Value>> = ask(*port, "SENTINELS");
                    let replicas: anyhow::Result<Vec<redis::Value>> = ask(*port, "REPLICAS");
                    others.is_ok_and(|others| others.len() + 1 == SENTINELS)
                        && replicas.is_ok_and(|replicas| replicas.len() == 1)
                })
        })
    }
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) -> anyhow::Result<()> {
    let deadline = Instant::now() + STARTING;
    while !holds() {
        if Instant::now() >= deadline {
            bail!("not within {STARTING:?}: {what}");
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

fn connection(port: u16) -> anyhow::Result<Connection> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    Ok(client.get_connection_with_timeout(Duration::from_secs(2))?)
}

fn ask<T: redis::FromRedisValue>(sentinel: u16, what: &str) -> anyhow::Result<T> {
    Ok(redis::cmd("SENTINEL").arg(what).arg(MASTER).query(&mut connection(sentinel)?)?)
}

/// `master` or `slave`, as the server says itself.
fn role(server: u16) -> anyhow::Result<String> {
    let info: String = redis::cmd("INFO").arg("replication").query(&mut connection(server)?)?;
    let role = info.lines().find_map(|line| line.strip_prefix("role:"));
    Ok(role.context("a server has a role")?.trim().to_owned())
}

fn has_replica(server: u16) -> anyhow::Result<bool> {
    let info: String = redis::cmd("INFO").arg("replication").query(&mut connection(server)?)?;
    Ok(info.contains("state=online"))
}
