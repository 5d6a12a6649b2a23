//! Servers of one scenario's own, which each slot of processes reaches by lines of its own.

use std::path::Path;

use crate::broker::{self, Broker, DIRECT, Listener};
use crate::crew::free_port;
use crate::installation::{Servers, redis_server};
use crate::proxy::{Line, Proxy};
use crate::redis_server::RedisServer;

/// The lines of one slot: a process of each service has the same.
pub struct Lines {
    pub kafka: Proxy,
    pub redis: Proxy,
}

impl Lines {
    /// Does the same to both.
    pub fn set(&self, line: Line) {
        self.kafka.set(line);
        self.redis.set(line);
    }
}

/// A broker, a Redis, and the lines to them.
pub struct Site {
    /// The broker, as this program reaches it.
    pub kafka: String,
    pub broker: Broker,
    pub redis: RedisServer,
    pub lines: Vec<Lines>,
}

impl Site {
    /// What is missing for it, if anything is.
    pub fn missing() -> Option<String> {
        match (broker::is_installed(), RedisServer::is_installed()) {
            (Err(missing), _) => Some(missing),
            (Ok(()), false) => Some("redis-server is not installed".to_owned()),
            (Ok(()), true) => None,
        }
    }

    /// Starts the servers, with their files in `folder`, and lines for so many slots.
    pub fn start(folder: &Path, slots: usize) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let redis = RedisServer::start(&folder.join("redis"))?;
        let (controller, direct) = (free_port()?, free_port()?);
        let (mut listeners, mut lines) = (vec![Listener::straight(DIRECT, direct)], Vec::new());
        for slot in 0..slots {
            let port = free_port()?;
            let kafka = Proxy::to(format!("127.0.0.1:{port}"))?;
            listeners.push(Listener { name: format!("SLOT{slot}"), port, advertised: kafka.port() });
            lines.push(Lines { kafka, redis: Proxy::to(redis.address())? });
        }
        let broker = Broker::start(&folder, 1, controller, &listeners)?;
        let kafka = format!("127.0.0.1:{direct}");
        broker.await_brokers(&kafka, 1)?;
        broker::settle_coordinators(&kafka)?;
        Ok(Self { kafka, broker, redis, lines })
    }

    /// As the configuration names them.
    pub fn servers(&self) -> Servers {
        Servers {
            kafka: self.kafka.clone(),
            kafka_of_product: self.kafka.clone(),
            redis: redis_server(&self.redis.address()),
        }
    }

    /// What the processes of each slot are told instead.
    pub fn settings_of_slots(&self) -> Vec<Vec<String>> {
        let of = |lines: &Lines| {
            vec![
                format!("kafka.brokers=127.0.0.1:{}", lines.kafka.port()),
                format!("redis.url=redis://127.0.0.1:{}", lines.redis.port()),
            ]
        };
        self.lines.iter().map(of).collect()
    }
}
