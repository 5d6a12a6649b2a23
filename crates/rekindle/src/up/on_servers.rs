//! `rekindle up` on Kafka and Redis: the services as they are, a shop that writes to the raw topics as any producer
//! does, and the action topics read back as a messaging platform reads them.
//!
//! Must stay true: the brokers' clock is the real one, so the shop's records carry real times. What `--speed` hastens is
//! the shop itself and, by the same factor, the waiting times of the rules.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use engine::memory::{ScaledClock, SystemClock};
use engine::ports::{Clock, Record};
use engine::worker::StopSignal;
use events::Span;
use kafka::{CommittedReader, KafkaProperties, PlainProducer};

use super::haste::hasten;
use super::screen::Screen;
use super::shopkeeper::Shopkeeper;
use crate::cli::UpArgs;
use crate::commands::topics::create_topics;
use crate::config::Config;
use crate::config::settings::Settings;
use crate::services::{Process, Slot, start_ingest, start_triggers};
use crate::shop::{Message, RAW_TOPICS};

/// Workers that fold `customer-events`.
const TRIGGER_WORKERS: u16 = 2;
/// How long the shop waits for the brokers, at the most.
const SEND_LIMIT: Duration = Duration::from_secs(5);
/// Once everything has stopped, what was published last has still to be read.
const LAST_LOOK: Duration = Duration::from_secs(1);

/// Runs until it is interrupted, or for as long as was asked for.
///
/// # Errors
/// If topics are missing or cannot be created, or a service fails.
pub fn run(args: &UpArgs, config: &Config) -> Result<()> {
    let up = &config.sections.up;
    let settings = hasten(&config.settings, up.speed);
    check_raw_topics(&settings)?;
    if args.create_topics {
        create_topics(config).context("the topics cannot be created")?;
    }
    let process = Process::begin(&settings)?;
    let properties = &settings.kafka.properties;
    let triggers = CommittedReader::from_end(properties, &settings.triggers.output_topics())
        .context("the action topics cannot be read; --create-topics creates what is missing")?;
    let mut workers = vec![start_ingest(&process, &settings, Slot::FIRST)?];
    workers.extend(start_triggers(&process, &settings, Slot::FIRST, TRIGGER_WORKERS)?);
    let clock = ScaledClock::starting_at(SystemClock.now(), up.speed);
    let stop = process.stop_signal().clone();
    let shop = Shopkeeper::start(sending_to(properties, up.speed)?, clock, up, &stop)?;

    let mut screen = Screen::new(std::io::stdout().lock(), args.format);
    screen.welcome(up, first_triggers(config, &settings))?;
    let until = args.run_for.map(|length| Instant::now() + length.std());
    let ended = process.supervise_beside(workers, || {
        if until.is_some_and(|until| Instant::now() >= until) {
            stop.request();
        }
        Ok(screen.show_all(read_new(&triggers, Duration::ZERO))?)
    });
    stop.request();
    let sent = shop.close();
    screen.show_all(read_new(&triggers, LAST_LOOK))?;
    screen.farewell_from_servers(sent)?;
    ended
}

/// Runs the shop alone, until it is interrupted, for services that run elsewhere.
///
/// # Errors
/// If a raw topic is not configured, or the shop cannot be opened.
pub fn run_shop(config: &Config) -> Result<()> {
    let (up, settings) = (&config.sections.up, &config.settings);
    check_raw_topics(settings)?;
    telemetry::logs::init(&settings.log.level, settings.log.format).context("the log cannot be set up")?;
    let stop = StopSignal::default();
    let interrupted = stop.clone();
    ctrlc::set_handler(move || interrupted.request()).context("interrupts cannot be handled")?;
    let clock = ScaledClock::starting_at(SystemClock.now(), up.speed);
    let shop = Shopkeeper::start(sending_to(&settings.kafka.properties, up.speed)?, clock, up, &stop)?;
    tracing::info!(customers = up.customers, speed = up.speed, "the shop is open");
    tracing::info!(sent = shop.close(), "the shop has closed");
    Ok(())
}

/// How long a cart waits in the shop's time, and how many seconds that takes here.
fn first_triggers(config: &Config, hastened: &Settings) -> Option<(Span, f64)> {
    let wait = config.settings.triggers.cart_abandonment.as_ref()?.wait;
    let here = hastened.triggers.cart_abandonment.as_ref()?.wait;
    Some((wait, (here.as_millis() + hastened.ingest.evidence_hold().as_millis()) as f64 / 1_000.0))
}

fn check_raw_topics(settings: &Settings) -> Result<()> {
    let unread: Vec<_> = RAW_TOPICS
        .iter()
        .filter(|topic| !settings.ingest.raw_topics.iter().any(|raw| raw == *topic))
        .collect();
    if !unread.is_empty() {
        bail!("the shop writes to {}, and [ingest.topics] does not name {unread:?}", RAW_TOPICS.join(", "));
    }
    Ok(())
}

/// Writes messages as the shop's systems would, at the time at which they are sent.
fn sending_to(
    properties: &KafkaProperties,
    speed: f64,
) -> Result<impl FnMut(&Message) -> bool + Send + 'static + use<>> {
    let producer = PlainProducer::connect(properties, SEND_LIMIT)?;
    Ok(move |message: &Message| {
        let key = message.record.key.as_deref().map(str::as_bytes);
        let value = message.value_at_speed(SystemClock.now(), speed);
        match producer.send(message.record.topic, key, &value) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the shop cannot send");
                false
            }
        }
    })
}

/// The trigger records that are there; waits for the first one.
fn read_new(triggers: &CommittedReader, wait: Duration) -> Vec<Record> {
    let mut records = Vec::new();
    let mut wait = wait;
    // What the reader cannot reach for the moment, the workers cannot either, and say so.
    while let Ok(Some((_, record))) = triggers.poll(wait) {
        records.push(record);
        wait = Duration::ZERO;
    }
    records
}
