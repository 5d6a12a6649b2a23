//! What a seed decides beforehand: the shape of the topics, the settings of the workers, and which faults happen.
//!
//! Every run has some faults and lacks others, so that a rare one is not always drowned by a common one.

use std::fmt;

use engine::settings::{ChangedRules, MissingState, PublishFrom};
use engine::worker::ServiceSettings;
use engine::{TaskSettings, WorkerSettings};
use events::Span;
use smol_str::SmolStr;

use crate::dice::Dice;
use crate::rules;

/// The consumer group and service name of ingest.
pub const INGEST: &str = "ingest";
/// The consumer group and service name of the tasks.
pub const TRIGGERS: &str = "triggers";
/// The topic between them.
pub const CUSTOMER_EVENTS: &str = "customer-events";
/// Where events without a customer go.
pub const ANONYMOUS_EVENTS: &str = "anonymous-events";
/// Where unreadable records go.
pub const DEAD_LETTERS: &str = "dead-letters";
/// The raw topics; the last two are for the whole catalogue alone.
const RAW_TOPICS: [&str; 5] = ["clickstream", "purchase", "support", "profile", "engagement"];

/// What the tasks compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    /// Everything that ever happened to a customer, in the order of application: nothing goes unnoticed.
    Diary,
    /// The cart's triggers, which the naive oracle foretells.
    Cart,
    /// Every trigger, every gate, and outcomes.
    Catalogue,
}

/// When events happen, beside when they are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Punctuality {
    /// In the millisecond of the append, or within the allowed lateness before it: nothing may be late at a task.
    Punctual,
    /// Some long ago.
    Tardy,
}

/// How often each fault happens: once in so many chances, 0 for never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// A worker crashes where it stands.
    pub crash: u32,
    /// A worker is stopped for a while, and goes on as if nothing had been.
    pub sleep: u32,
    /// A sleeping worker's slot is given to a new process.
    pub replace: u32,
    /// A group's partitions are dealt out anew.
    pub reassign: u32,
    /// The coordinator gives an open transaction up.
    pub time_out: u32,
    /// A store is put back to an earlier state; at most `rollbacks` times in a run.
    pub rollback: u32,
    /// How often in a run.
    pub rollbacks: u32,
    /// A transaction does not go as it should.
    pub publish: u32,
    /// Some other call to the log or the store fails.
    pub call: u32,
    /// A checkpoint stays under way for a while; then it is written, or lost, or both seem so.
    pub checkpoint: u32,
    /// The path of evidence fails, or leaves partitions out.
    pub evidence: u32,
    /// Time leaps by many seconds, with the whole catalogue by days, too.
    pub leap: u32,
    /// A raw topic gets one more partition.
    pub grow: u32,
}

/// A run, as its seed has it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// How many scheduling steps the faulty phase has.
    pub steps: u64,
    /// Partitions of each raw topic.
    pub raw_partitions: [u32; 5],
    /// Whether the raw topics carry the broker's time.
    pub raw_log_append_time: [bool; 5],
    /// Partitions of `customer-events`.
    pub log_partitions: u32,
    /// Partitions of each action topic.
    pub action_partitions: u32,
    /// How many customers there are.
    pub customers: usize,
    /// How many workers each service has.
    pub workers: usize,
    /// The shop is at work once in so many steps.
    pub shop_pause: u32,
    /// What the tasks compute.
    pub logic: Logic,
    /// When events happen.
    pub punctuality: Punctuality,
    /// After how long a cart is abandoned.
    pub wait: Span,
    /// The rules of the triggers; a diary has none.
    pub triggers: Option<triggers::Settings>,
    /// How long time goes on at least once everything has healed.
    pub rest: Span,
    /// What the workers of `triggers` are told.
    pub service: ServiceSettings,
    /// What the workers of ingest are told.
    pub ingest: ingest::Settings,
    /// At most so many records per poll.
    pub max_poll_records: usize,
    /// How long a silent member stays in its group.
    pub session_timeout: Span,
    /// How long a transaction may stay open.
    pub transaction_timeout: Span,
    /// What goes wrong.
    pub faults: Faults,
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let dice = &mut Dice::seeded(seed ^ 0x5eed);
        let punctuality = if dice.once_in(4) { Punctuality::Tardy } else { Punctuality::Punctual };
        let grace = Span::from_millis(*dice.pick(&[1, 50, 500, 2_000]));
        let allowed_lateness = Span::from_millis(*dice.pick(&[0, 0, 20, 1_000]));
        let logic = [Logic::Diary, Logic::Cart, Logic::Catalogue][dice.weighted(&[1, 1, 2])];
        let wait = Span::from_millis(*dice.pick(&[100, 1_000, 10_000]));
        Self {
            seed,
            steps: *dice.pick(&[2_000, 3_000, 6_000]),
            // Five raw topics have partitions enough.
            raw_partitions: match logic {
                Logic::Diary | Logic::Cart => [dice.between(1, 3) as u32, dice.between(1, 2) as u32, 1, 1, 1],
                Logic::Catalogue => [dice.between(1, 2) as u32, 1, 1, 1, 1],
            },
            raw_log_append_time: std::array::from_fn(|_| !dice.once_in(5)),
            log_partitions: dice.between(1, 3) as u32,
            action_partitions: dice.between(1, 2) as u32,
            customers: *dice.pick(&[3, 10, 30]),
            workers: 2,
            shop_pause: *dice.pick(&[10, 30, 90]),
            logic,
            punctuality,
            wait,
            triggers: match logic {
                Logic::Diary => None,
                Logic::Cart => Some(rules::cart_alone(wait)),
                Logic::Catalogue => Some(rules::whole_catalogue(dice, wait)),
            },
            rest: match logic {
                Logic::Diary | Logic::Cart => rules::steps(wait)[1],
                Logic::Catalogue => Span::from_days(*dice.pick(&[0, 3, 40, 400])),
            },
            service: service_settings(dice, logic, punctuality, grace),
            ingest: ingest_settings(dice, logic, grace, allowed_lateness),
            max_poll_records: *dice.pick(&[1, 3, 20]),
            session_timeout: Span::from_secs(30),
            transaction_timeout: Span::from_secs(*dice.pick(&[5, 10, 60])),
            faults: Faults::drawn(dice),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, steps, logic, punctuality, customers, wait, rest, .. } = self;
        writeln!(
            f,
            "seed {seed}: {steps} steps; {logic:?}, {punctuality:?}, {customers} customers, wait {wait}, then {rest}"
        )?;
        let [clickstream, purchase, support, ..] = self.raw_partitions;
        write!(f, "partitions: clickstream {clickstream}, purchase {purchase}, support {support}")?;
        writeln!(f, ", customer-events {}, actions {}", self.log_partitions, self.action_partitions)?;
        writeln!(
            f,
            "log append time: {:?}; {} records per poll",
            self.raw_log_append_time, self.max_poll_records
        )?;
        writeln!(f, "transaction timeout {}", self.transaction_timeout)?;
        writeln!(f, "{:?}", self.faults)?;
        if self.logic == Logic::Catalogue {
            writeln!(f, "{:?}", self.triggers.as_ref().map(|settings| &settings.gates))?;
        }
        writeln!(f, "{:?}", self.service.task)?;
        writeln!(f, "{:?}", self.service.worker)?;
        let ingest = &self.ingest;
        write!(f, "ingest: grace {}, lateness {}", ingest.grace, ingest.allowed_lateness)?;
        write!(f, ", ticks every {} or {}", ingest.tick_interval, ingest.idle_tick_interval)?;
        write!(f, ", full set every {}", ingest.full_set_interval)?;
        writeln!(
            f,
            ", {} records a transaction, {} a tick",
            ingest.transaction_records, ingest.events_per_tick
        )
    }
}

fn service_settings(dice: &mut Dice, logic: Logic, punctuality: Punctuality, grace: Span) -> ServiceSettings {
    // Customers of the whole catalogue have many timers: worked off one by one, they would take all the time.
    let applications = if logic == Logic::Catalogue { [8, 40, 10_000] } else { [1, 2, 10_000] };
    let bound = if punctuality == Punctuality::Tardy { *dice.pick(&[1, 3, 10_000]) } else { 10_000 };
    ServiceSettings {
        service: TRIGGERS.into(),
        log_topic: CUSTOMER_EVENTS.into(),
        task: TaskSettings {
            grace,
            settle: Span::from_millis(*dice.pick(&[1, 500, 5_000])),
            max_buffered_records: bound,
            max_applications_per_record: *dice.pick(&applications),
        },
        worker: WorkerSettings {
            cached_customers: *dice.pick(&[2, 4, 1_000]),
            read_customers: *dice.pick(&[1, 3, 1_000]),
            due_page: *dice.pick(&[1, 3, 1_000]),
            transaction_outputs: *dice.pick(&[1, 5, 1_000]),
            commit_records: *dice.pick(&[1, 10, 100]) as u64,
            commit_interval: Span::from_millis(*dice.pick(&[1, 200, 2_000])),
            checkpoint_interval: Span::from_millis(*dice.pick(&[1, 200, 2_000])),
            checkpoint_customers: *dice.pick(&[1, 3, 1_000]),
            publish_from: PublishFrom::Earliest,
            missing_state: MissingState::Rebuild,
            changed_rules: ChangedRules::Refuse,
        },
    }
}

fn ingest_settings(dice: &mut Dice, logic: Logic, grace: Span, allowed_lateness: Span) -> ingest::Settings {
    let raw_topics = if logic == Logic::Catalogue { &RAW_TOPICS[..] } else { &RAW_TOPICS[..3] };
    ingest::Settings {
        raw_topics: raw_topics.iter().map(|topic| SmolStr::new_static(topic)).collect(),
        customer_events: CUSTOMER_EVENTS.into(),
        anonymous_events: ANONYMOUS_EVENTS.into(),
        dead_letters: DEAD_LETTERS.into(),
        allowed_lateness,
        grace,
        tick_interval: Span::from_millis(*dice.pick(&[1, 20, 100])),
        idle_tick_interval: Span::from_millis(*dice.pick(&[100, 500, 1_000])),
        full_set_interval: Span::from_millis(*dice.pick(&[100, 500, 1_000])),
        transaction_records: *dice.pick(&[1, 5, 50]),
        transaction_bytes: *dice.pick(&[1, 16 << 20]),
        events_per_tick: *dice.pick(&[1, 3, 50]),
        ..ingest::Settings::default()
    }
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        crash: 0,
        sleep: 0,
        replace: 0,
        reassign: 0,
        time_out: 0,
        rollback: 0,
        rollbacks: 0,
        publish: 0,
        call: 0,
        checkpoint: 0,
        evidence: 0,
        leap: 0,
        grow: 0,
    };

    fn drawn(dice: &mut Dice) -> Self {
        Self {
            crash: *dice.pick(&[0, 200, 800]),
            sleep: *dice.pick(&[0, 300, 1_000]),
            replace: *dice.pick(&[0, 3, 20]),
            reassign: *dice.pick(&[0, 30, 100]),
            time_out: *dice.pick(&[0, 20, 100]),
            rollback: *dice.pick(&[0, 30, 100]),
            rollbacks: *dice.pick(&[1, 2]),
            publish: *dice.pick(&[0, 10, 40]),
            call: *dice.pick(&[0, 0, 200]),
            checkpoint: *dice.pick(&[0, 2, 1]),
            evidence: *dice.pick(&[0, 3, 10]),
            leap: *dice.pick(&[0, 20, 100]),
            grow: *dice.pick(&[0, 0, 100]),
        }
    }
}
