//! What a Redis server has been asked to do, by its own count, and the removal of a namespace that was made for one run.
//!
//! Must stay true: what the probe itself sends and gets is not in what it tells; it removes the keys of the tasks that
//! it is given, by name, and looks for no others.

use engine::ports::{StoreError, TaskId};
use redis::{Client, Connection, RedisResult};

use crate::connections::{Seeds, unavailable};
use crate::keys::TaskKeys;
use crate::settings::{Servers, Settings};

/// What went through a server since it started, without what the probe caused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerTraffic {
    /// Commands, those inside of transactions and their framing included; `INFO` is left out.
    pub commands: u64,
    /// Bytes read from and written to clients.
    pub bytes: u64,
}

/// A connection to one server, beside those of the services.
pub struct Probe {
    connection: Connection,
    namespace: String,
    /// Bytes that this probe has caused, as far as the server had counted them when it last answered.
    own_bytes: u64,
}

impl Probe {
    /// Connects.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if there is no answer, or the settings name other than one server that stays.
    pub fn connect(settings: &Settings) -> Result<Self, StoreError> {
        if !matches!(settings.servers, Servers::Standalone(_)) {
            let what = "a cluster, or a server that moves, cannot be probed, only one server";
            return Err(StoreError::Unavailable(what.to_owned()));
        }
        let seeds =
            Seeds::from_settings(settings).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let connection = connect(seeds.first(), settings).map_err(|error| unavailable(&error))?;
        Ok(Self { connection, namespace: settings.namespace.clone(), own_bytes: 0 })
    }

    /// The server's counts by now.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn traffic(&mut self) -> Result<ServerTraffic, StoreError> {
        let commands = commands_in(&self.info("commandstats")?);
        let already_counted = self.own_bytes;
        let stats = self.info("stats")?;
        // The question is counted when it is answered, the answer when it is gone.
        let own = already_counted + question_bytes("stats");
        let bytes = field(&stats, "total_net_input_bytes") + field(&stats, "total_net_output_bytes");
        Ok(ServerTraffic { commands, bytes: bytes.saturating_sub(own) })
    }

    /// How many customers these tasks have records of.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub fn customers(&mut self, tasks: &[TaskId]) -> Result<u64, StoreError> {
        let mut pipeline = redis::pipe();
        for task in tasks {
            pipeline.cmd("HLEN").arg(TaskKeys::new(&self.namespace, task).state);
        }
        let counts: Vec<u64> = pipeline.query(&mut self.connection).map_err(|error| unavailable(&error))?;
        Ok(counts.iter().sum())
    }

    /// Removes the state of these tasks.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; some of it may be gone.
    pub fn remove(&mut self, tasks: &[TaskId]) -> Result<(), StoreError> {
        let mut pipeline = redis::pipe();
        for task in tasks {
            let keys = TaskKeys::new(&self.namespace, task);
            pipeline.cmd("UNLINK").arg(&[keys.pos, keys.state, keys.due]).ignore();
        }
        pipeline.query(&mut self.connection).map_err(|error| unavailable(&error))
    }

    fn info(&mut self, section: &str) -> Result<String, StoreError> {
        let answer: RedisResult<String> = redis::cmd("INFO").arg(section).query(&mut self.connection);
        let answer = answer.map_err(|error| unavailable(&error))?;
        self.own_bytes += question_bytes(section) + answer_bytes(answer.len());
        Ok(answer)
    }
}

fn connect(server: &Client, settings: &Settings) -> RedisResult<Connection> {
    let connection = server.get_connection_with_timeout(settings.connection_timeout)?;
    connection.set_read_timeout(Some(settings.response_timeout))?;
    connection.set_write_timeout(Some(settings.response_timeout))?;
    Ok(connection)
}

fn question_bytes(section: &str) -> u64 {
    redis::cmd("INFO").arg(section).get_packed_command().len() as u64
}

/// `$<length>`, the text, and two line ends.
fn answer_bytes(length: usize) -> u64 {
    (1 + length.to_string().len() + 2 + length + 2) as u64
}

/// The sum over lines such as `cmdstat_hmget:calls=21,usec=175,...`.
fn commands_in(commandstats: &str) -> u64 {
    let calls = |line: &str| -> Option<u64> {
        let (name, stats) = line.strip_prefix("cmdstat_")?.split_once(':')?;
        let calls = stats.strip_prefix("calls=")?.split(',').next()?;
        (name != "info").then(|| calls.parse().ok())?
    };
    commandstats.lines().filter_map(calls).sum()
}

fn field(info: &str, name: &str) -> u64 {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_counts_but_the_question_itself() {
        let stats = "# Commandstats\r\ncmdstat_info:calls=3,usec=9\r\ncmdstat_hmget:calls=21,usec=175\r\n\
                     cmdstat_config|get:calls=2,usec=4\r\n";
        assert_eq!(commands_in(stats), 23);
        assert_eq!(commands_in(""), 0);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let stats = "total_net_input_bytes_per_second:9\r\ntotal_net_input_bytes:123\r\n";
        assert_eq!(field(stats, "total_net_input_bytes"), 123);
        assert_eq!(field(stats, "total"), 0);
    }

    #[test]
    fn an_answer_counts_with_its_frame() {
        assert_eq!(answer_bytes(5), "$5\r\nhello\r\n".len() as u64);
    }
}
