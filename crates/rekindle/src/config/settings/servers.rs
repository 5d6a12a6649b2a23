//! The servers that a service talks to, and what it shows of itself; secrets are read from their files here.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use kafka::{GroupProtocol, KafkaProperties, PropertyError, Timeouts};
use redis_store::Servers;
use strict_toml::{Origins, Problem};
use telemetry::logs::Format;
use toml::Value;

use crate::config::secrets::{SecretUrl, SecretUrls};
use crate::config::sections::{self, Admin, Kafka, Log, LogFormat, Process, Redis};

/// Stands behind a property's name where its value is in a file.
const FILE_SUFFIX: &str = "_file";

/// The Kafka cluster.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// How to talk to it.
    pub properties: KafkaProperties,
    /// How its groups hand their partitions out.
    pub protocol: GroupProtocol,
    /// Groups and transactional ids begin with it.
    pub group_prefix: String,
    /// Bounds of what waits for a broker.
    pub timeouts: Timeouts,
    /// At most so many records per poll.
    pub max_poll_records: usize,
}

impl KafkaSettings {
    /// The consumer group of a service.
    pub fn group(&self, service: &str) -> String {
        format!("{}-{service}", self.group_prefix)
    }
}

/// How long a process waits for its workers.
#[derive(Clone, Copy, Debug)]
pub struct ProcessSettings {
    /// For all of them to end, once they were asked to.
    pub drain_limit: Duration,
    /// For one turn of a loop, before it counts as stalled.
    pub stall_after: Duration,
}

/// The process's log.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// See [`telemetry::logs::init`].
    pub level: String,
    /// How lines look.
    pub format: Format,
}

pub(super) fn kafka(section: &Kafka, origins: &Origins) -> Result<KafkaSettings, Problem> {
    let mut properties = vec![
        ("bootstrap.servers".to_owned(), section.brokers.clone()),
        ("session.timeout.ms".to_owned(), section.session_timeout.span().as_millis().to_string()),
    ];
    let protocol = match section.group_protocol {
        sections::GroupProtocol::Classic => GroupProtocol::Classic,
        sections::GroupProtocol::Consumer => GroupProtocol::Consumer,
    };
    for (name, value) in section.properties.flat() {
        let key = format!("kafka.properties.{name}");
        if protocol == GroupProtocol::Consumer && name == "heartbeat.interval.ms" {
            let message = "by kafka.group_protocol = \"consumer\" the brokers say (group.consumer.heartbeat.interval.ms)";
            return Err(origins.problem(&key, message));
        }
        if matches!(name.as_str(), "bootstrap.servers" | "metadata.broker.list" | "session.timeout.ms") {
            let own = if name.starts_with("session") { "kafka.session_timeout" } else { "kafka.brokers" };
            return Err(origins.problem(&key, format!("set {own} instead")));
        }
        properties.push(property(&name, value, &key, origins)?);
    }
    let properties = KafkaProperties::new(properties).map_err(|error| refused(&error, origins))?;
    let timeouts = Timeouts { request: section.request_timeout.std(), ..Timeouts::default() };
    Ok(KafkaSettings {
        properties,
        protocol,
        group_prefix: section.group_prefix.clone(),
        timeouts,
        max_poll_records: section.max_poll_records,
    })
}

/// One property for librdkafka, which takes texts alone.
fn property(name: &str, value: &Value, key: &str, origins: &Origins) -> Result<(String, String), Problem> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            return Err(origins.problem(key, "has to be a text, a number, true or false"));
        }
    };
    match name.strip_suffix(FILE_SUFFIX) {
        Some(name) => Ok((name.to_owned(), secret_file(Path::new(&text), key, origins)?)),
        None => Ok((name.to_owned(), text)),
    }
}

fn refused(error: &PropertyError, origins: &Origins) -> Problem {
    let name = match error {
        PropertyError::Owned { name, .. } | PropertyError::Refused(name) => name,
        PropertyError::NoServers => {
            return origins.problem("kafka.brokers", "has to name a broker, host:port");
        }
    };
    let from_file = format!("kafka.properties.{name}{FILE_SUFFIX}");
    let key = match origins.of(&from_file) {
        Some(_) => from_file,
        None if name == "session.timeout.ms" => "kafka.session_timeout".to_owned(),
        None => format!("kafka.properties.{name}"),
    };
    let hint = match error {
        PropertyError::Refused(name) if name.starts_with("ssl.") && !cfg!(feature = "tls") => {
            "; this build has no TLS: it takes the feature `tls`"
        }
        _ => "",
    };
    origins.problem(&key, format!("{error}{hint}"))
}

#[allow(clippy::disallowed_methods, reason = "the binary is where files are read")]
fn read_file(path: &Path, key: &str, origins: &Origins) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| {
        let message = format!("the file `{}` cannot be read: {error}", path.display());
        origins.problem(key, message)
    })
}

/// A secret from a file, without the line's end that editors add.
fn secret_file(path: &Path, key: &str, origins: &Origins) -> Result<String, Problem> {
    let text = String::from_utf8(read_file(path, key, origins)?);
    let text = text.map_err(|_| origins.problem(key, format!("`{}` holds no text", path.display())))?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

pub(super) fn redis(section: &Redis, origins: &Origins) -> Result<redis_store::Settings, Problem> {
    let (key, urls) = redis_urls(section, origins)?;
    let urls = match &section.password_file {
        None => urls,
        Some(path) => with_password(&urls, path, origins)?,
    };
    let mut urls: Vec<String> = urls.iter().map(|url| url.reveal().to_owned()).collect();
    let servers = match (&section.sentinels, key) {
        (Some(_), "redis.cluster") => {
            let message = "redis.cluster is set too; the nodes of a cluster tell of each other";
            return Err(origins.problem("redis.sentinels", message));
        }
        (None, "redis.cluster") => Servers::Cluster(urls),
        (None, _) => Servers::Standalone(urls.pop().unwrap_or_default()),
        (Some(told), _) => Servers::Sentinel {
            url: urls.pop().unwrap_or_default(),
            sentinels: sentinels(told, origins)?,
            master: section.sentinel_master.clone(),
        },
    };
    let mut settings = redis_store::Settings::new(servers, &section.namespace);
    settings.connection_timeout = section.connection_timeout.std();
    settings.response_timeout = section.response_timeout.std();
    settings.attempts = section.attempts;
    if let Some(path) = &section.root_certificates_file {
        settings.root_certificates = Some(read_file(path, "redis.root_certificates_file", origins)?);
    }
    settings.validate().map_err(|error| origins.problem(key, error.to_string()))?;
    Ok(settings)
}

/// Where the Sentinels are; what is wrong with one of them is their key's, not the server's.
fn sentinels(told: &SecretUrls, origins: &Origins) -> Result<Vec<String>, Problem> {
    let urls: Vec<String> = told.0.iter().map(|url| url.reveal().to_owned()).collect();
    let alone = redis_store::Settings::new(Servers::Cluster(urls.clone()), "");
    alone.validate().map_err(|error| origins.problem("redis.sentinels", error.to_string()))?;
    Ok(urls)
}

/// The URLs, and the one key that they are from.
fn redis_urls(section: &Redis, origins: &Origins) -> Result<(&'static str, Vec<SecretUrl>), Problem> {
    let given: Vec<&'static str> = [
        ("redis.url", origins.of("redis.url").is_some()),
        ("redis.url_file", section.url_file.is_some()),
        ("redis.cluster", section.cluster.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, is_given)| is_given.then_some(key))
    .collect();
    if let [first, second, ..] = given[..] {
        return Err(origins.problem(second, format!("{first} is set too; one of them has to go")));
    }
    if let Some(path) = &section.url_file {
        let url = secret_file(path, "redis.url_file", origins)?;
        return Ok(("redis.url_file", vec![SecretUrl::new(url)]));
    }
    match &section.cluster {
        Some(urls) => Ok(("redis.cluster", urls.0.clone())),
        None => Ok(("redis.url", vec![section.url.clone()])),
    }
}

fn with_password(urls: &[SecretUrl], path: &Path, origins: &Origins) -> Result<Vec<SecretUrl>, Problem> {
    let key = "redis.password_file";
    let password = secret_file(path, key, origins)?;
    let joined: Option<Vec<_>> = urls.iter().map(|url| url.with_password(&password)).collect();
    joined.ok_or_else(|| origins.problem(key, "a URL has a password already, or is no URL"))
}

pub(super) fn process(section: &Process) -> ProcessSettings {
    ProcessSettings { drain_limit: section.drain_limit.std(), stall_after: section.stall_after.std() }
}

pub(super) fn admin(section: &Admin, origins: &Origins) -> Result<Option<SocketAddr>, Problem> {
    if section.address == "off" {
        return Ok(None);
    }
    match section.address.parse() {
        Ok(address) => Ok(Some(address)),
        Err(_) => {
            let message = format!(
                "`{}` is no address such as 127.0.0.1:9464 or [::1]:9464; `off` serves none",
                section.address
            );
            Err(origins.problem("admin.address", message))
        }
    }
}

pub(super) fn log(section: &Log, origins: &Origins) -> Result<LogSettings, Problem> {
    if let Err(error) = telemetry::logs::validate_level(&section.level) {
        return Err(origins.problem("log.level", error.to_string()));
    }
    let format = match section.format {
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    };
    Ok(LogSettings { level: section.level.clone(), format })
}
