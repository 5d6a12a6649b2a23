//! Connections, opened when they are needed and forgotten after any error, and where each task's keys live.
//!
//! Must stay true: a connection that has failed in any way is never used again, since an answer may still be under
//! way in it. In a cluster the owner of a task's slot is asked for once and forgotten after any error, so that a moved
//! slot or a promoted replica is found at the next attempt; so is the master that Sentinels tell of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::ports::StoreError;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, FromRedisValue, Pipeline, RedisError,
    RedisResult, Value,
};

use crate::keys::TaskKeys;
use crate::settings::{InvalidSettings, Servers, Settings};
use crate::traffic::Traffic;

/// Bytes gathered before they go to the socket: checkpoints and batches are written in few, large pieces.
const WRITE_BUFFER_BYTES: usize = 256 * 1024;

/// The servers named in the settings, as the client wants them.
#[derive(Clone)]
pub struct Seeds {
    /// Nodes of the cluster, or the one server; where Sentinels tell, it is not the server's address that counts.
    clients: Vec<Client>,
    kind: Kind,
}

/// Who knows where a task's keys are.
#[derive(Clone)]
enum Kind {
    Standalone,
    Cluster,
    Sentinel { sentinels: Vec<Client>, master: String },
}

/// The place of the one master among the owners of tasks: no task has this tag.
const MASTER: &str = "";

impl Seeds {
    /// Checks the URLs; nothing is connected yet.
    pub fn from_settings(settings: &Settings) -> Result<Self, InvalidSettings> {
        let (urls, kind) = match &settings.servers {
            Servers::Standalone(url) => (std::slice::from_ref(url), Kind::Standalone),
            Servers::Cluster(urls) => (urls.as_slice(), Kind::Cluster),
            Servers::Sentinel { url, sentinels, master } => {
                let sentinels = clients(sentinels, settings)?;
                (std::slice::from_ref(url), Kind::Sentinel { sentinels, master: master.clone() })
            }
        };
        Ok(Self { clients: clients(urls, settings)?, kind })
    }

    /// The place of a task's owner among the known ones: all tasks have one where Sentinels tell.
    fn place_of<'k>(&self, keys: &'k TaskKeys) -> &'k str {
        match self.kind {
            Kind::Sentinel { .. } => MASTER,
            Kind::Standalone | Kind::Cluster => &keys.tag,
        }
    }

    /// The first of them.
    pub fn first(&self) -> &Client {
        &self.clients[0]
    }
}

fn clients(urls: &[String], settings: &Settings) -> Result<Vec<Client>, InvalidSettings> {
    let clients = urls.iter().enumerate().map(|(index, url)| {
        client(url, settings)
            .map_err(|error| InvalidSettings::Url { number: index + 1, cause: error.to_string() })
    });
    let clients: Vec<_> = clients.collect::<Result<_, _>>()?;
    if clients.is_empty() {
        return Err(InvalidSettings::NoServer);
    }
    Ok(clients)
}

#[cfg(not(feature = "tls"))]
fn client(url: &str, _: &Settings) -> RedisResult<Client> {
    Client::open(url)
}

#[cfg(feature = "tls")]
fn client(url: &str, settings: &Settings) -> RedisResult<Client> {
    // Whoever installed a provider before has chosen for the process; then this does nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match &settings.root_certificates {
        Some(root_cert) if url.starts_with("rediss:") => {
            let certificates =
                redis::TlsCertificates { client_tls: None, root_cert: Some(root_cert.clone()) };
            Client::build_with_tls(url, certificates)
        }
        _ => Client::open(url),
    }
}

/// The connections of one user, who has each of them for itself.
pub struct Connections {
    seeds: Seeds,
    settings: Arc<Settings>,
    traffic: Arc<Traffic>,
    /// By address.
    open: BTreeMap<String, MultiplexedConnection>,
    /// The owner of each task's slot, by the task's hash tag, or the master that Sentinels told of; empty for one server.
    owners: BTreeMap<String, Client>,
}

impl Connections {
    /// No connection yet.
    pub fn new(seeds: Seeds, settings: Arc<Settings>, traffic: Arc<Traffic>) -> Self {
        Self { seeds, settings, traffic, open: BTreeMap::new(), owners: BTreeMap::new() }
    }

    /// Whether the servers are a cluster.
    pub fn is_cluster(&self) -> bool {
        matches!(self.seeds.kind, Kind::Cluster)
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The counts.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// Sends a pipeline to where the task's keys are, once.
    pub async fn ask<T: FromRedisValue>(&mut self, keys: &TaskKeys, pipeline: &Pipeline) -> RedisResult<T> {
        let owner = self.owner(keys).await?;
        let answer = self.ask_server(&owner, pipeline).await;
        if answer.is_err() {
            self.owners.remove(self.seeds.place_of(keys));
        }
        answer
    }

    /// Sends a pipeline that may be sent twice, until it is answered or the attempts are used up.
    pub async fn ask_repeatedly<T: FromRedisValue>(
        &mut self,
        keys: &TaskKeys,
        pipeline: &Pipeline,
    ) -> Result<T, StoreError> {
        let mut attempt = 1;
        loop {
            match self.ask(keys, pipeline).await {
                Ok(answer) => return Ok(answer),
                Err(error) if attempt >= self.settings.attempts => return Err(unavailable(&error)),
                Err(_) => tokio::time::sleep(self.settings.retry_pause).await,
            }
            attempt += 1;
        }
    }

    /// Sends a pipeline to one server; after an error its connection is forgotten.
    pub async fn ask_server<T: FromRedisValue>(
        &mut self,
        server: &Client,
        pipeline: &Pipeline,
    ) -> RedisResult<T> {
        let address = address_of(server);
        let connection = match self.open.get_mut(&address) {
            Some(connection) => connection,
            None => {
                let connection = self.connect(server).await?;
                self.open.entry(address.clone()).or_insert(connection)
            }
        };
        self.traffic.count_round_trip(pipeline);
        let sent = Instant::now();
        let answer: RedisResult<T> = pipeline.query_async(connection).await;
        self.traffic.tell_round_trip(sent.elapsed(), answer.as_ref().err());
        if answer.is_err() {
            self.open.remove(&address);
        }
        answer
    }

    /// Closes the connection to where the task's keys are.
    pub fn forget(&mut self, keys: &TaskKeys) {
        match self.owners.remove(self.seeds.place_of(keys)) {
            Some(owner) => self.open.remove(&address_of(&owner)),
            None => self.open.remove(&address_of(&self.seeds.clients[0])),
        };
    }

    /// Every server that holds keys: the one, or the masters of the cluster.
    pub async fn masters(&mut self) -> RedisResult<Vec<Client>> {
        match self.seeds.kind.clone() {
            Kind::Standalone => return Ok(self.seeds.clients.clone()),
            Kind::Sentinel { sentinels, master } => {
                return Ok(vec![self.told_master(&sentinels, &master).await?]);
            }
            Kind::Cluster => {}
        }
        let (seed, _, slots) = self.ask_a_seed("0").await?;
        let mut masters = BTreeMap::new();
        for row in &slots {
            let master = node(&seed, row)?;
            masters.insert(address_of(&master), master);
        }
        Ok(masters.into_values().collect())
    }

    async fn connect(&self, server: &Client) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.settings.connection_timeout))
            .set_response_timeout(Some(self.settings.response_timeout))
            .set_write_backpressure_boundary(WRITE_BUFFER_BYTES);
        self.traffic.count_connection();
        let opened = server.get_multiplexed_async_connection_with_config(&config).await;
        opened.inspect_err(|error| self.traffic.tell_no_connection(error))
    }

    async fn owner(&mut self, keys: &TaskKeys) -> RedisResult<Client> {
        if let Some(owner) = self.owners.get(self.seeds.place_of(keys)) {
            return Ok(owner.clone());
        }
        let owner = match self.seeds.kind.clone() {
            Kind::Standalone => return Ok(self.seeds.clients[0].clone()),
            Kind::Cluster => self.owner_of_slot(keys).await?,
            Kind::Sentinel { sentinels, master } => self.told_master(&sentinels, &master).await?,
        };
        self.owners.insert(self.seeds.place_of(keys).to_owned(), owner.clone());
        Ok(owner)
    }

    /// The node of the cluster that has the keys now.
    async fn owner_of_slot(&mut self, keys: &TaskKeys) -> RedisResult<Client> {
        let (seed, slot, slots) = self.ask_a_seed(&keys.tag).await?;
        let owns =
            |row: &&Vec<Value>| slot_range(row).is_some_and(|(first, last)| (first..=last).contains(&slot));
        let row = slots.iter().find(owns).ok_or_else(|| confused("no node of the cluster owns the slot"))?;
        node(&seed, row)
    }

    /// What the first Sentinel says that answers. One that has just been deposed refuses writes, so that a Sentinel that
    /// has not heard of it costs an attempt and no more.
    async fn told_master(&mut self, sentinels: &[Client], master: &str) -> RedisResult<Client> {
        let mut question = redis::pipe();
        question.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(master);
        let mut failure = confused("no Sentinel answers");
        for sentinel in sentinels {
            match self.ask_server::<(Option<(String, u16)>,)>(sentinel, &question).await {
                Ok((Some((host, port)),)) => {
                    let info = self.seeds.clients[0].get_connection_info();
                    return Client::open(at_address(info, Some(host), port));
                }
                Ok((None,)) => failure = confused("the Sentinels know no master of that name"),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The first seed that answers, the slot of a key, and `CLUSTER SLOTS`: rows of first slot, last slot, master, replicas.
    async fn ask_a_seed(&mut self, key: &str) -> RedisResult<(Client, i64, Vec<Vec<Value>>)> {
        let mut question = redis::pipe();
        question.cmd("CLUSTER").arg("KEYSLOT").arg(key).cmd("CLUSTER").arg("SLOTS");
        let mut failure = confused("no node of the cluster answers");
        for seed in self.seeds.clients.clone() {
            match self.ask_server::<(i64, Vec<Vec<Value>>)>(&seed, &question).await {
                Ok((slot, slots)) => return Ok((seed, slot, slots)),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// How an error of Redis is told to the engine: it never says whether anything was written.
pub fn unavailable(error: &RedisError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// Where a server is.
pub fn address_of(server: &Client) -> String {
    server.get_connection_info().addr().to_string()
}

fn confused(cause: &'static str) -> RedisError {
    (redis::ErrorKind::Client, cause).into()
}

fn slot_range(row: &[Value]) -> Option<(i64, i64)> {
    match row {
        [Value::Int(first), Value::Int(last), ..] => Some((*first, *last)),
        _ => None,
    }
}

/// The master of a row of `CLUSTER SLOTS`, reached with the seed's credentials. A node that does not know its own
/// address answers an empty host: it is the seed then.
fn node(seed: &Client, row: &[Value]) -> RedisResult<Client> {
    let unreadable = || confused("CLUSTER SLOTS has an unreadable row");
    let Some(Value::Array(master)) = row.get(2) else { return Err(unreadable()) };
    let [host, port, ..] = &master[..] else { return Err(unreadable()) };
    let host: Option<String> = redis::from_redis_value_ref(host)?;
    let port: u16 = redis::from_redis_value_ref(port)?;
    let info = seed.get_connection_info();
    let host = host.filter(|host| !host.is_empty() && host != "?");
    Client::open(at_address(info, host, port))
}

fn at_address(info: &ConnectionInfo, new_host: Option<String>, port: u16) -> ConnectionInfo {
    let addr = match info.addr().clone() {
        ConnectionAddr::Tcp(host, _) => ConnectionAddr::Tcp(new_host.unwrap_or(host), port),
        ConnectionAddr::TcpTls { host, insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host: new_host.unwrap_or(host), port, insecure, tls_params }
        }
        other => other,
    };
    info.clone().set_addr(addr)
}
