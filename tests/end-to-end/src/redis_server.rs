//! A Redis server of one scenario's own, whose append-only file can be set back.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use redis::Connection;

use crate::crew::free_port;
use crate::diary::Diary;
use crate::process::Process;

const STARTING: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(5);
const SAMPLING: Duration = Duration::from_millis(50);
/// How many samples of the file's size are kept.
const SAMPLES: usize = 200;

/// Sizes of the append-only file, and when it had them.
type Sizes = Arc<Mutex<VecDeque<(Instant, u64)>>>;

/// The server. Its append-only file is never rewritten, so that it only grows.
pub struct RedisServer {
    port: u16,
    folder: PathBuf,
    log: PathBuf,
    process: Option<Process>,
    sizes: Sizes,
    is_over: Arc<AtomicBool>,
}

/// All keys with their values, as of one moment.
pub struct Snapshot(Vec<(Vec<u8>, Vec<u8>)>);

impl Snapshot {
    /// How many keys.
    pub fn keys(&self) -> usize {
        self.0.len()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

impl RedisServer {
    /// Whether there is a server to be started.
    pub fn is_installed() -> bool {
        Command::new("redis-server").arg("--version").output().is_ok_and(|output| output.status.success())
    }

    /// Starts an empty server that keeps its files in `folder`.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut server = Self {
            port: free_port()?,
            folder: folder.canonicalize()?,
            log: folder.join("redis.log"),
            process: None,
            sizes: Sizes::default(),
            is_over: Arc::default(),
        };
        server.begin()?;
        server.sample();
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the server, cuts its file to what it was so long ago, and starts it again. With the bytes that are lost.
    pub fn lose(&mut self, last: Duration, diary: &Diary) -> anyhow::Result<u64> {
        let then = Instant::now().checked_sub(last).context("the machine has been up for longer")?;
        self.process.take().context("it runs")?.kill()?;
        let size = fs::metadata(self.file())?.len();
        let samples = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = samples.iter().rev().find(|(at, _)| *at <= then).map_or(0, |(_, size)| *size).min(size);
        drop(samples);
        // Anywhere in a command: the file of a machine that lost power ends as it pleases.
        File::options().write(true).open(self.file())?.set_len(kept)?;
        diary.note(&format!("killed redis; its file cut from {size} to {kept} bytes"));
        self.begin()?;
        diary.note("redis is back");
        Ok(size - kept)
    }

    /// Everything the server has.
    pub fn snapshot(&self) -> anyhow::Result<Snapshot> {
        let mut connection = self.connection()?;
        let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(&mut connection)?;
        let mut dump = redis::pipe();
        dump.atomic();
        for key in &keys {
            dump.cmd("DUMP").arg(key);
        }
        let values: Vec<Option<Vec<u8>>> = dump.query(&mut connection)?;
        Ok(Snapshot(keys.into_iter().zip(values).filter_map(|(key, value)| Some((key, value?))).collect()))
    }

    /// Puts an older state in the place of the present one, in one moment, while its owners are connected.
    pub fn restore(&self, snapshot: &Snapshot) -> anyhow::Result<()> {
        let mut restore = redis::pipe();
        restore.atomic().cmd("FLUSHALL").ignore();
        for (key, value) in &snapshot.0 {
            restore.cmd("RESTORE").arg(key).arg(0).arg(value).ignore();
        }
        Ok(restore.query(&mut self.connection()?)?)
    }

    /// Lets the server take no more than so many bytes; 0 for no limit.
    pub fn limit_memory(&self, bytes: &str) -> anyhow::Result<()> {
        let mut limit = redis::cmd("CONFIG");
        limit.arg("SET").arg("maxmemory").arg(bytes);
        Ok(limit.query(&mut self.connection()?)?)
    }

    /// Lets the append-only file grow no further: what a full disk does to it.
    pub fn fill_disk(&self) -> anyhow::Result<()> {
        self.process.as_ref().context("it runs")?.limit_files(Some(fs::metadata(self.file())?.len()))
    }

    /// Lets it grow again.
    pub fn free_disk(&self) -> anyhow::Result<()> {
        self.process.as_ref().context("it runs")?.limit_files(None)
    }

    /// The position that each partition's state stands at.
    pub fn positions(address: &str) -> anyhow::Result<BTreeMap<i32, i64>> {
        let mut connection = connect(address)?;
        let keys: Vec<String> = redis::cmd("KEYS").arg("*:pos").query(&mut connection)?;
        let mut positions = BTreeMap::new();
        for key in keys {
            let next: Option<i64> = redis::cmd("HGET").arg(&key).arg("N").query(&mut connection)?;
            let tag = key.split('}').next().unwrap_or_default();
            let partition = tag.rsplit(':').next().unwrap_or_default().parse()?;
            positions.extend(next.map(|next| (partition, next)));
        }
        Ok(positions)
    }

    /// Loses everything.
    pub fn flush(&self) -> anyhow::Result<()> {
        Ok(redis::cmd("FLUSHALL").query(&mut self.connection()?)?)
    }

    fn connection(&self) -> anyhow::Result<Connection> {
        connect(&self.address())
    }

    fn file(&self) -> PathBuf {
        append_only_file(&self.folder)
    }

    fn begin(&mut self) -> anyhow::Result<()> {
        // A write beyond a limit of the file's size is to be an error, as on a full disk, and not a signal.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec redis-server \"$@\"", "redis-server"]);
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--save", ""]);
        command.args([
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--auto-aof-rewrite-percentage",
            "0",
        ]);
        command.args(["--maxmemory-policy", "noeviction", "--dir"]).arg(&self.folder);
        self.process = Some(Process::start(&mut command, &self.log)?);
        let deadline = Instant::now() + STARTING;
        while !self.answers() {
            if let Some(process) = self.process.as_mut().filter(|_| Instant::now() >= deadline) {
                bail!("redis did not start\n{}", process.tail());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        self.connection().is_ok_and(|mut connection| redis::cmd("PING").query::<()>(&mut connection).is_ok())
    }

    fn sample(&self) {
        let (sizes, is_over, file) = (Arc::clone(&self.sizes), Arc::clone(&self.is_over), self.file());
        std::thread::spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                if let Ok(found) = fs::metadata(&file) {
                    let mut sizes = sizes.lock().unwrap_or_else(PoisonError::into_inner);
                    sizes.push_back((Instant::now(), found.len()));
                    let excess = sizes.len().saturating_sub(SAMPLES);
                    sizes.drain(..excess);
                }
                std::thread::sleep(SAMPLING);
            }
        });
    }
}

fn connect(address: &str) -> anyhow::Result<Connection> {
    let client = redis::Client::open(format!("redis://{address}"))?;
    let connection = client.get_connection_with_timeout(PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}

fn append_only_file(folder: &Path) -> PathBuf {
    folder.join("appendonlydir").join("appendonly.aof.1.incr.aof")
}
