//! A Kafka cluster of two brokers, the second of which the product reaches through a proxy alone.
//!
//! Each broker has two listeners for clients: one for this program, and one for the product, where the second broker
//! advertises the proxy's port. Groups and transactions live on the first broker.

use std::fs;
use std::path::Path;

use crate::broker::{self, Broker, DIRECT, Listener};
use crate::crew::free_port;
use crate::proxy::Proxy;

/// The listener of the product.
const PRODUCT: &str = "PRODUCT";

/// The running cluster.
pub struct Cluster {
    /// For this program.
    pub direct: String,
    /// For the product.
    pub product: String,
    /// Between the product and the second broker.
    pub proxy: Proxy,
    _brokers: Vec<Broker>,
}

impl Cluster {
    /// Whether Java and Kafka's jars are there; else what is missing.
    pub fn is_installed() -> Result<(), String> {
        broker::is_installed()
    }

    /// Starts both brokers, with their files in `folder`.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.canonicalize()?;
        let controller = free_port()?;
        let (first, second) = ((free_port()?, free_port()?), (free_port()?, free_port()?));
        let proxy = Proxy::to(format!("127.0.0.1:{}", second.1))?;
        let direct = format!("127.0.0.1:{}", first.0);
        let listeners = [Listener::straight(DIRECT, first.0), Listener::straight(PRODUCT, first.1)];
        let one = Broker::start(&folder, 1, controller, 1, &listeners)?;
        one.await_brokers(&direct, 1)?;
        broker::settle_coordinators(&direct)?;
        let by_proxy = Listener { name: PRODUCT.to_owned(), port: second.1, advertised: proxy.port() };
        let two =
            Broker::start(&folder, 2, controller, 1, &[Listener::straight(DIRECT, second.0), by_proxy])?;
        two.await_brokers(&direct, 2)?;
        let product = format!("127.0.0.1:{}", first.1);
        Ok(Self { direct, product, proxy, _brokers: vec![one, two] })
    }
}
