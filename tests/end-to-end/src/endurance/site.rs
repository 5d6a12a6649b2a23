//! Servers of one scenario's own, which each slot of processes reaches by lines of its own.

use std::path::Path;

use anyhow::bail;

use crate::broker::{self, Broker, DIRECT, Listener};
use crate::crew::free_port;
use crate::installation::{Servers, redis_server};
use crate::proxy::{Line, Proxy};
use crate::redis_server::RedisServer;

/// The lines of one slot: a process of each service has the same.
pub struct Lines {
    kafka: Vec<Proxy>,
    redis: Proxy,
}

impl Lines {
    /// Does this to the lines to the brokers.
    pub fn set_kafka(&self, line: Line) {
        self.kafka.iter().for_each(|proxy| proxy.set(line));
    }

    /// Does this to the line to Redis.
    pub fn set_redis(&self, line: Line) {
        self.redis.set(line);
    }
}

/// Two brokers, each with everything, a Redis, and the lines to them. The second broker can be killed: the first has
/// whatever it had, and is the controller.
///
/// One broker that is killed would not do: as it starts, Kafka 4.3.1 takes transactions for ended whose markers it has
/// not written, and they hang, or end with the next one of the same producer.
pub struct Site {
    /// The brokers, as this program reaches them.
    pub kafka: String,
    pub second: Broker,
    pub redis: RedisServer,
    pub lines: Vec<Lines>,
    _first: Broker,
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
        let to_redis = |_| Ok(Lines { kafka: Vec::new(), redis: Proxy::to(redis.address())? });
        let mut lines = (0..slots).map(to_redis).collect::<anyhow::Result<Vec<_>>>()?;
        let (controller, ports) = (free_port()?, [free_port()?, free_port()?]);
        let mut brokers = Vec::new();
        for (node, port) in [1, 2].into_iter().zip(ports) {
            let mut listeners = vec![Listener::straight(DIRECT, port)];
            for (slot, lines) in lines.iter_mut().enumerate() {
                let (proxy, listener) = by_proxy(slot)?;
                listeners.push(listener);
                lines.kafka.push(proxy);
            }
            brokers.push(Broker::start(&folder, node, controller, 2, &listeners)?);
        }
        let kafka = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
        let (Some(second), Some(first)) = (brokers.pop(), brokers.pop()) else { bail!("two brokers") };
        second.await_brokers(&kafka, 2)?;
        broker::settle_coordinators(&kafka)?;
        Ok(Self { kafka, second, redis, lines, _first: first })
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
        let address = |proxy: &Proxy| format!("127.0.0.1:{}", proxy.port());
        let of = |lines: &Lines| {
            let brokers: Vec<_> = lines.kafka.iter().map(address).collect();
            vec![
                format!("kafka.brokers={}", brokers.join(",")),
                format!("redis.url=redis://{}", address(&lines.redis)),
            ]
        };
        self.lines.iter().map(of).collect()
    }
}

/// A listener of a slot's own, and the proxy before it.
fn by_proxy(slot: usize) -> anyhow::Result<(Proxy, Listener)> {
    let port = free_port()?;
    let proxy = Proxy::to(format!("127.0.0.1:{port}"))?;
    let advertised = proxy.port();
    Ok((proxy, Listener { name: format!("SLOT{slot}"), port, advertised }))
}
