//! What one record says, whether a run here wrote it, a file of an earlier run holds it, or a live topic.
//!
//! Must stay true: nothing is read but the record's value, which is the same in all three.

use std::borrow::Cow;
use std::fmt;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use strict_toml::Instant;

/// A rule: a trigger, and which of its messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rule {
    /// The trigger's name.
    pub trigger: SmolStr,
    /// The step of the episode, counted from 0.
    pub step: u32,
    /// What the step is called, where it has a name.
    pub tier: Option<SmolStr>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.tier, self.step) {
            (Some(tier), _) => write!(f, "{} {tier}", self.trigger),
            (None, 0) => f.write_str(&self.trigger),
            (None, step) => write!(f, "{} step {step}", self.trigger),
        }
    }
}

/// A stage of a trigger's life that somebody was told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It was sent.
    Fired,
    /// A gate stopped it.
    Suppressed,
    /// The log reached it too late.
    Expired,
    /// It was taken back.
    Cancelled,
    /// An order followed within the attribution window.
    Converted,
    /// None did.
    Unconverted,
}

impl Stage {
    /// Whether it tells what was decided when the trigger was due.
    pub fn is_decision(self) -> bool {
        matches!(self, Self::Fired | Self::Suppressed | Self::Expired)
    }
}

/// One record, as far as a comparison needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Whose record it is: the place of the run, file or installation among those that are compared.
    pub side: usize,
    pub stage: Stage,
    /// Outcomes name the trigger only: their step is that of the record with their trigger id.
    pub rule: Rule,
    pub customer: SmolStr,
    pub trigger_id: SmolStr,
    pub episode_id: SmolStr,
    /// When the event that armed it happened, in milliseconds since 1970.
    pub armed_ms: i64,
    /// When it fired, in milliseconds since 1970.
    pub fired_ms: i64,
    /// The event time at which this was known, in milliseconds since 1970, where the record says so.
    pub known_ms: Option<i64>,
    /// The gate that stopped it.
    pub stopped_by: Option<SmolStr>,
    /// Why it was stopped, expired or taken back.
    pub reason: Option<SmolStr>,
    /// Why it fired, as a sentence.
    pub summary: String,
    /// Whether the customer is one of those who are left alone to compare with.
    pub held_out: bool,
    /// What the order that followed was worth, in minor units of the currency.
    pub value: Option<(i64, SmolStr)>,
}

/// Where the records of a side come from, which decides which of them count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A run, or a file of one: every record counts.
    Run,
    /// The topics of an installation: only what is meant for customers counts.
    Live,
}

impl Told {
    /// Reads a record's value; none if its stage is none that is compared, or it was not meant for customers.
    ///
    /// # Errors
    /// If it is not a record of a trigger.
    pub fn read(side: usize, origin: Origin, value: &[u8]) -> Result<Option<Self>> {
        let payload: Payload<'_> = serde_json::from_slice(value).context("is no record of a trigger")?;
        let is_meant = origin == Origin::Run || payload.mode == "live";
        let Some(stage) = payload.stage.as_deref().and_then(stage_named).filter(|_| is_meant) else {
            return Ok(None);
        };
        let is_outcome = matches!(stage, Stage::Converted | Stage::Unconverted);
        let (fired, armed) = match is_outcome {
            true => (&payload.fired_at, &payload.fired_at),
            false => (&payload.due_at, &payload.armed_at),
        };
        let known = match stage {
            Stage::Converted => payload.order.as_ref().and_then(|order| order.at.as_deref()),
            Stage::Unconverted => payload.window_ends_at.as_deref(),
            _ => payload.watermark.as_deref(),
        };
        let known_ms =
            known.map(|known| millis(Some(known), "the time at which it was known")).transpose()?;
        let customer = payload.customer.map(|customer| customer.id).or(payload.customer_id);
        let episode = payload.episode.map(|episode| episode.id).or(payload.episode_id);
        let order = payload.order.and_then(|order| Some((order.value_minor?, SmolStr::new(order.currency?))));
        Ok(Some(Self {
            side,
            stage,
            rule: Rule {
                trigger: SmolStr::new(payload.trigger),
                step: payload.step.unwrap_or_default(),
                tier: payload.context.and_then(|context| context.dormancy?.tier).map(SmolStr::new),
            },
            customer: SmolStr::new(customer.context("lacks the customer")?),
            trigger_id: SmolStr::new(payload.trigger_id),
            episode_id: SmolStr::new(episode.unwrap_or_default()),
            armed_ms: millis(armed.as_deref(), "armed_at")?,
            fired_ms: millis(fired.as_deref(), if is_outcome { "fired_at" } else { "due_at" })?,
            known_ms,
            stopped_by: payload.stopped_by.map(SmolStr::new),
            reason: payload.reason.map(SmolStr::new),
            summary: payload.why.map(|why| why.summary.into_owned()).unwrap_or_default(),
            held_out: payload.experiment.is_some_and(|experiment| experiment.held_out),
            value: order,
        }))
    }

    /// Reads a line of a replay's output, which is a CloudEvent.
    ///
    /// # Errors
    /// If it is none.
    pub fn read_line(side: usize, line: &[u8]) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            data: &'a serde_json::value::RawValue,
        }
        let line: Line<'_> = serde_json::from_slice(line).context("is no CloudEvent in JSON")?;
        Self::read(side, Origin::Run, line.data.get().as_bytes())
    }
}

fn stage_named(name: &str) -> Option<Stage> {
    Some(match name {
        "fired" => Stage::Fired,
        "suppressed" => Stage::Suppressed,
        "expired" => Stage::Expired,
        "cancelled" => Stage::Cancelled,
        "converted" => Stage::Converted,
        "unconverted" => Stage::Unconverted,
        _ => return None,
    })
}

fn millis(text: Option<&str>, name: &str) -> Result<i64> {
    let text = text.with_context(|| format!("lacks `{name}`"))?;
    let time: Instant = text.parse().with_context(|| format!("`{name}`"))?;
    Ok(time.event_time().as_millis())
}

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    trigger: Cow<'a, str>,
    #[serde(borrow)]
    trigger_id: Cow<'a, str>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow)]
    stage: Option<Cow<'a, str>>,
    step: Option<u32>,
    #[serde(borrow)]
    episode: Option<Named<'a>>,
    #[serde(borrow)]
    episode_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    armed_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    due_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    fired_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    watermark: Option<Cow<'a, str>>,
    #[serde(borrow)]
    window_ends_at: Option<Cow<'a, str>>,
    #[serde(borrow)]
    stopped_by: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow)]
    customer: Option<Named<'a>>,
    #[serde(borrow)]
    customer_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    context: Option<About<'a>>,
    #[serde(borrow)]
    why: Option<Why<'a>>,
    experiment: Option<Experiment>,
    #[serde(borrow)]
    order: Option<Order<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow)]
    dormancy: Option<Dormancy<'a>>,
}

#[derive(Deserialize)]
struct Dormancy<'a> {
    #[serde(borrow)]
    tier: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Why<'a> {
    #[serde(borrow)]
    summary: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Experiment {
    held_out: bool,
}

#[derive(Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    at: Option<Cow<'a, str>>,
    value_minor: Option<i64>,
    #[serde(borrow)]
    currency: Option<Cow<'a, str>>,
}

#[cfg(test)]
pub mod fixture {
    //! What the tests of the comparison begin with.

    use super::{Rule, Stage, Told};

    /// The first step of `c`'s cart, armed and fired at the beginning of time.
    pub fn a_fired_cart() -> Told {
        Told {
            side: 0,
            stage: Stage::Fired,
            rule: Rule { trigger: "cart_abandonment".into(), step: 0, tier: None },
            customer: "c".into(),
            trigger_id: "t".into(),
            episode_id: "e".into(),
            armed_ms: 0,
            fired_ms: 0,
            known_ms: None,
            stopped_by: None,
            reason: None,
            summary: String::new(),
            held_out: false,
            value: None,
        }
    }
}
