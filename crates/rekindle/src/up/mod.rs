//! `rekindle up`: the whole pipeline in one process, fed by a generated shop, so that a newcomer sees triggers within
//! half a minute and an engineer has something to try rules on. The services are the real ones; only the ports are in
//! memory, unless servers are given.

pub mod demonstration;
mod haste;
mod memory_feed;
mod on_servers;
mod pipeline;
mod screen;
mod shopkeeper;

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::Context;
use engine::memory::ScaledClock;
use engine::ports::Clock;
use engine::worker::StopSignal;
use events::Span;

use crate::cli::UpArgs;
use crate::config::Config;
use crate::config::settings::Settings;
use memory_feed::MemoryFeed;
use pipeline::Pipeline;
use screen::Screen;
use shopkeeper::Shopkeeper;

/// How often the screen looks for new triggers.
const REFRESH: Duration = Duration::from_millis(100);

/// A thread may be held up for this long by whatever else the machine does.
const HICCUP: Duration = Duration::from_millis(50);

/// At a high speed a moment without the processor is minutes of event time. The shop's messages are not late for that.
fn allow_for_hiccups(settings: &Settings, speed: f64) -> Settings {
    let hiccup = Span::from_millis((HICCUP.as_millis() as f64 * speed) as i64);
    let mut settings = settings.clone();
    settings.ingest.allowed_lateness = settings.ingest.allowed_lateness.max(hiccup);
    settings.ingest.grace = settings.ingest.grace.max(hiccup);
    settings
}

/// Runs until it is interrupted, or for as long as was asked for.
///
/// # Errors
/// If a thread cannot be started, the screen cannot be written, or a partition had to stop.
pub fn run(args: &UpArgs, config: &Config) -> anyhow::Result<()> {
    match args.wants_servers() {
        true => on_servers::run(args, config),
        false => run_in_memory(args, config),
    }
}

pub use on_servers::run_shop;

fn run_in_memory(args: &UpArgs, config: &Config) -> anyhow::Result<()> {
    let stop = StopSignal::default();
    let interrupted = stop.clone();
    ctrlc::set_handler(move || interrupted.request()).context("interrupts cannot be handled")?;

    let up = &config.sections.up;
    let clock = ScaledClock::starting_at(engine::memory::SystemClock.now(), up.speed);
    let settings = allow_for_hiccups(&config.settings, up.speed);
    let pipeline = Pipeline::start(clock, &settings).context("the services cannot be started")?;
    let send = shopkeeper::sending_to(pipeline.broker(), clock);
    let shop = Shopkeeper::start(send, clock, up, &stop).context("the shop cannot be opened")?;

    let mut screen = Screen::new(std::io::stdout().lock(), args.format);
    let mut feed = MemoryFeed::of(settings.triggers.output_topics());
    let wait = settings.triggers.cart_abandonment.as_ref().map(|rules| rules.wait);
    let seconds = |span: Span| span.as_millis() as f64 / 1_000.0;
    screen.welcome(
        up,
        wait.map(|wait| (wait, (seconds(wait) + seconds(settings.ingest.evidence_hold())) / up.speed)),
    )?;
    let until = args.run_for.map(|length| Instant::now() + length.std());
    while !stop.is_requested() && until.is_none_or(|until| Instant::now() < until) {
        screen.show_all(feed.read(pipeline.broker()))?;
        pipeline.check()?;
        std::thread::sleep(REFRESH);
    }

    stop.request();
    let sent = shop.close();
    let counts = pipeline.stop()?;
    screen.show_all(feed.read(pipeline::broker_of(&counts)))?;
    screen.farewell(sent, &counts)?;
    std::io::stdout().flush()?;
    Ok(())
}
