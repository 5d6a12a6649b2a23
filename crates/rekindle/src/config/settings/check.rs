//! What a value may be, and what must hold between values; each complaint names the key and what is allowed.

use engine::settings::PublishFrom;
use events::Span;
use strict_toml::{Duration, Instant, Origins, Problem};

use crate::config::sections::{Engine, Ingest, Kafka, Process, Redis, Topics, Triggers, Up};

/// The longest that a setting may look ahead or back; longer is a slip of the unit.
const LONGEST: Duration = Duration::from_days(36_500);

/// Three heartbeats, one a second.
const SHORTEST_SESSION: Duration = Duration::from_secs(3);
/// The most that a broker allows unless configured (`group.max.session.timeout.ms`).
const LONGEST_SESSION: Duration = Duration::from_secs(30 * 60);

pub(super) struct Check<'o> {
    pub(super) origins: &'o Origins,
}

impl Check<'_> {
    pub(super) fn ingest(&self, ingest: &Ingest) -> Result<(), Problem> {
        self.bounded("ingest.allowed_lateness", ingest.allowed_lateness)?;
        self.bounded("ingest.grace", ingest.grace)?;
        self.positive("ingest.tick_interval", ingest.tick_interval)?;
        self.positive("ingest.idle_tick_interval", ingest.idle_tick_interval)?;
        self.positive("ingest.full_set_interval", ingest.full_set_interval)?;
        for (key, count) in [
            ("ingest.transaction_records", ingest.transaction_records),
            ("ingest.transaction_bytes", ingest.transaction_bytes),
            ("ingest.events_per_tick", ingest.events_per_tick),
            ("ingest.max_record_bytes", ingest.max_record_bytes),
            ("ingest.max_items", ingest.max_items),
        ] {
            self.at_least(key, count as u64, 1)?;
        }
        if ingest.topics.is_empty() {
            return Err(self.origins.problem("ingest.topics", "at least one raw topic has to be named"));
        }
        ingest.topics.keys().try_for_each(|name| self.topic_name(&format!("ingest.topics.{name}"), name))
    }

    pub(super) fn engine(&self, engine: &Engine) -> Result<(), Problem> {
        for (key, count) in [
            ("engine.max_buffered_records", engine.max_buffered_records),
            ("engine.max_applications_per_record", engine.max_applications_per_record),
            ("engine.read_customers", engine.read_customers),
            ("engine.due_page", engine.due_page),
            ("engine.transaction_outputs", engine.transaction_outputs),
            ("engine.checkpoint_customers", engine.checkpoint_customers),
        ] {
            self.at_least(key, count as u64, 1)?;
        }
        self.at_least("engine.cached_customers", engine.cached_customers as u64, 16)?;
        self.at_least("engine.commit_records", engine.commit_records, 1)?;
        self.bounded("engine.grace", engine.grace)?;
        self.bounded("engine.settle", engine.settle)?;
        self.positive("engine.commit_interval", engine.commit_interval)?;
        self.positive("engine.checkpoint_interval", engine.checkpoint_interval)
    }

    pub(super) fn publish_from(&self, text: &str) -> Result<PublishFrom, Problem> {
        match text {
            "now" => Ok(PublishFrom::Now),
            "earliest" => Ok(PublishFrom::Earliest),
            time => match time.parse::<Instant>() {
                Ok(instant) => Ok(PublishFrom::Time(instant.event_time())),
                Err(error) => {
                    let message = format!("neither `now` nor `earliest` nor a time: {error}");
                    Err(self.origins.problem("engine.publish_from", message))
                }
            },
        }
    }

    pub(super) fn triggers(&self, triggers: &Triggers) -> Result<(), Problem> {
        self.positive("triggers.max_staleness", triggers.max_staleness)?;
        self.positive("triggers.retention", triggers.retention)?;
        let cart = &triggers.cart_abandonment;
        for (key, duration) in [
            ("wait", cart.wait),
            ("forget_after", cart.forget_after),
            ("retract_within", cart.retract_within),
            ("valid_for", cart.valid_for),
        ] {
            self.bounded(&format!("triggers.cart-abandonment.{key}"), duration)?;
        }
        let churn = &triggers.churn_risk;
        for (key, score) in [("enter", churn.enter), ("leave", churn.leave)] {
            if !(score > 0.0 && score <= 1.0) {
                let message = format!("{score} is no probability above 0");
                return Err(self.origins.problem(&format!("triggers.churn-risk.{key}"), message));
            }
        }
        for (key, duration) in [
            ("horizon", churn.horizon),
            ("hold", churn.hold),
            ("not_again_within", churn.not_again_within),
            ("usual_gap", churn.usual_gap),
            ("valid_for", churn.valid_for),
        ] {
            self.bounded(&format!("triggers.churn-risk.{key}"), duration)?;
        }
        let dormancy = &triggers.dormancy;
        for (key, duration) in [
            ("usual_gap", dormancy.usual_gap),
            ("retract_within", dormancy.retract_within),
            ("valid_for", dormancy.valid_for),
        ] {
            self.bounded(&format!("triggers.dormancy.{key}"), duration)?;
        }
        for (place, floor) in dormancy.floors.iter().enumerate() {
            self.bounded(&format!("triggers.dormancy.floors[{place}]"), *floor)?;
        }
        let mut before = cart.wait;
        for (place, step) in cart.steps.iter().enumerate() {
            let key = format!("triggers.cart-abandonment.steps[{place}]");
            self.bounded(&key, *step)?;
            if *step <= before {
                let message = format!(
                    "{step} has to lie after {before}: steps count from the cart's last change, as `wait` does"
                );
                return Err(self.origins.problem(&key, message));
            }
            before = *step;
        }
        Ok(())
    }

    pub(super) fn topics(&self, topics: &Topics) -> Result<(), Problem> {
        let names = [
            ("topics.customer_events", &topics.customer_events),
            ("topics.anonymous_events", &topics.anonymous_events),
            ("topics.dead_letters", &topics.dead_letters),
            ("topics.actions_prefix", &topics.actions_prefix),
            ("topics.outcomes", &topics.outcomes),
        ];
        for (place, (key, name)) in names.iter().enumerate() {
            self.topic_name(key, name)?;
            if let Some((other, _)) = names[..place].iter().find(|(_, earlier)| earlier == name) {
                return Err(self.origins.problem(key, format!("`{name}` is the name of {other} too")));
            }
        }
        self.at_least("topics.partitions", u64::from(topics.partitions), 1)?;
        self.at_least("topics.replication", u64::from(topics.replication), 1)?;
        self.at_least("topics.min_insync_replicas", u64::from(topics.min_insync_replicas), 1)?;
        if topics.min_insync_replicas > topics.replication {
            let replicas = topics.replication;
            let message = format!("nothing could be written: topics.replication is only {replicas}");
            return Err(self.origins.problem("topics.min_insync_replicas", message));
        }
        self.positive("topics.events_retention", topics.events_retention)?;
        self.positive("topics.actions_retention", topics.actions_retention)?;
        self.positive("topics.dead_letters_retention", topics.dead_letters_retention)
    }

    pub(super) fn kafka(&self, kafka: &Kafka) -> Result<(), Problem> {
        self.at_least("kafka.max_poll_records", kafka.max_poll_records as u64, 1)?;
        self.positive("kafka.request_timeout", kafka.request_timeout)?;
        let session = kafka.session_timeout;
        if session < SHORTEST_SESSION || session > LONGEST_SESSION {
            let message = format!("{session} is not between {SHORTEST_SESSION} and {LONGEST_SESSION}");
            return Err(self.origins.problem("kafka.session_timeout", message));
        }
        self.part_of_a_name("kafka.group_prefix", &kafka.group_prefix)
    }

    pub(super) fn redis(&self, redis: &Redis) -> Result<(), Problem> {
        self.positive("redis.connection_timeout", redis.connection_timeout)?;
        self.positive("redis.response_timeout", redis.response_timeout)?;
        self.at_least("redis.attempts", u64::from(redis.attempts), 1)?;
        self.part_of_a_name("redis.namespace", &redis.namespace)
    }

    pub(super) fn process(&self, process: &Process) -> Result<(), Problem> {
        self.positive("process.drain_limit", process.drain_limit)?;
        self.positive("process.stall_after", process.stall_after)
    }

    pub(super) fn up(&self, up: &Up) -> Result<(), Problem> {
        self.at_least("up.customers", u64::from(up.customers), 1)?;
        if !up.speed.is_finite() || up.speed <= 0.0 {
            let message = "must be a number above 0: seconds of event time per second";
            return Err(self.origins.problem("up.speed", message));
        }
        Ok(())
    }

    pub(super) fn at_least(&self, key: &str, count: u64, least: u64) -> Result<(), Problem> {
        if count < least {
            return Err(self.origins.problem(key, format!("{count} is too small; at least {least}")));
        }
        Ok(())
    }

    /// What Kafka takes for a topic's name.
    fn topic_name(&self, key: &str, name: &str) -> Result<(), Problem> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 249 || !name.chars().all(allowed) || name == "." || name == ".." {
            let message =
                format!("`{name}` is not the name of a topic: 1 to 249 of a-z, A-Z, 0-9, `.`, `_` and `-`");
            return Err(self.origins.problem(key, message));
        }
        Ok(())
    }

    /// What groups, transactional ids and keys are made of.
    fn part_of_a_name(&self, key: &str, text: &str) -> Result<(), Problem> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !(1..=100).contains(&text.len()) || !text.chars().all(allowed) {
            let message = format!("`{text}` has to be 1 to 100 of a-z, A-Z, 0-9, `.`, `_` and `-`");
            return Err(self.origins.problem(key, message));
        }
        Ok(())
    }

    fn bounded(&self, key: &str, duration: Duration) -> Result<(), Problem> {
        if duration > LONGEST {
            return Err(self.origins.problem(key, format!("{duration} is too long; at most {LONGEST}")));
        }
        Ok(())
    }

    fn positive(&self, key: &str, duration: Duration) -> Result<(), Problem> {
        if duration.span() <= Span::ZERO {
            return Err(self
                .origins
                .problem(key, format!("{duration} is too short; it must be longer than 0s")));
        }
        self.bounded(key, duration)
    }
}
