//! The shared part of a record: what the customer did last, and has said.

use std::fmt;

use customer::Profile;
use customer::day::Day;
use customer::profile::Fact;
use customer::rolling::{Answer, EXACT_DAYS, Money, Rolling, Window, YEAR_DAYS};
use events::{EventTime, Span};
use serde::Serialize;

use super::account::at;

/// The profile.
#[derive(Debug, Serialize)]
pub struct ProfileAccount {
    /// When the last event about the customer happened.
    pub last_event_at: Option<String>,
    /// When the customer last did something.
    pub last_activity_at: Option<String>,
    /// How many orders were placed.
    pub orders: u32,
    /// When the first.
    pub first_order_at: Option<String>,
    /// When the last.
    pub last_order_at: Option<String>,
    /// When the customer asked to be erased.
    pub erased_at: Option<String>,
    /// Time zone, locale, preferred channel, where they were stated.
    pub facts: Vec<StatedFact>,
    /// What grows old, as of the last event; none where it is switched off.
    pub rolling: Option<RollingAccount>,
}

/// Something that the customer stated.
#[derive(Debug, Serialize)]
pub struct StatedFact {
    /// What it is about.
    pub about: &'static str,
    /// What was stated.
    pub text: String,
    /// When.
    pub stated_at: String,
}

/// The rolling profile as of the last event.
#[derive(Debug, Serialize)]
pub struct RollingAccount {
    /// How often the customer did something in the last 56 days.
    pub activity_56d: i64,
    /// How many orders were placed in the last 56 days.
    pub orders_56d: i64,
    /// And in the last 365.
    pub orders_365d: i64,
    /// The mean time between orders; none with fewer than two.
    pub mean_gap: Option<String>,
    /// The currency of the amounts; none without an amount.
    pub currency: Option<String>,
    /// All that was spent, in minor units.
    pub spent_minor: i64,
    /// All that was given back, in minor units.
    pub returned_minor: i64,
    /// How many refunds there were.
    pub refunds: u32,
    /// How many orders were cancelled.
    pub cancellations: u32,
    /// How many tickets are open.
    pub open_tickets: usize,
    /// How many were opened again in the last 365 days.
    pub reopened_365d: i64,
    /// The last answers to surveys.
    pub answers: Vec<SurveyScore>,
    /// Where the customer was last active.
    pub channel: Option<String>,
    /// Products last viewed, carted and bought.
    pub products: Vec<KnownProduct>,
}

/// The last answer to a survey.
#[derive(Debug, Serialize)]
pub struct SurveyScore {
    /// `csat`, `nps` or `ces`.
    pub survey: &'static str,
    /// What was answered.
    pub score: u32,
    /// When.
    pub answered_at: String,
}

/// A product that the customer did something with.
#[derive(Debug, Serialize)]
pub struct KnownProduct {
    /// The shop's id.
    pub product_id: String,
    /// `viewed`, `carted` or `bought`.
    pub what: &'static str,
    /// When last.
    pub at: String,
}

/// One statement about consent.
#[derive(Debug, Serialize)]
pub struct ConsentStatement {
    /// The channel; none means every one.
    pub channel: Option<String>,
    /// The purpose; none means every one.
    pub purpose: Option<String>,
    /// Whether the customer agrees.
    pub granted: bool,
    /// When it was said.
    pub stated_at: String,
    /// By which event.
    pub event_id: String,
}

impl ProfileAccount {
    /// Tells what a profile holds.
    pub fn of(profile: &Profile) -> Self {
        let facts = [
            ("time zone", &profile.time_zone),
            ("locale", &profile.locale),
            ("preferred channel", &profile.preferred_channel),
        ];
        let stated = facts.into_iter().filter_map(|(about, fact)| {
            let Fact { text, at_ms } = fact.as_ref()?;
            Some(StatedFact { about, text: text.clone(), stated_at: at(*at_ms) })
        });
        Self {
            last_event_at: profile.last_event_ms.map(at),
            last_activity_at: profile.last_activity_ms.map(at),
            orders: profile.orders,
            first_order_at: profile.first_order_ms.map(at),
            last_order_at: profile.last_order_ms.map(at),
            erased_at: profile.erased_ms.map(at),
            facts: stated.collect(),
            rolling: RollingAccount::of(profile),
        }
    }
}

impl RollingAccount {
    fn of(profile: &Profile) -> Option<Self> {
        let rolling = profile.rolling.as_ref()?;
        let Rolling { activity, orders, money, channel, reopened, .. } = rolling;
        let now = EventTime::from_millis(profile.last_event_ms?);
        let today = Day::of(now, Span::ZERO).number();
        let sum = |window: &Option<Window>, days| window.as_ref().map_or(0, |window| window.sum(days, today));
        let surveys = [("csat", rolling.csat), ("nps", rolling.nps), ("ces", rolling.ces)];
        let products = profile.recent_products().map(|(deed, product)| KnownProduct {
            product_id: product.product_id.clone(),
            what: deed.as_str(),
            at: at(product.at_ms),
        });
        let amount = |of: fn(&Money) -> i64| money.as_ref().map_or(0, of);
        Some(Self {
            activity_56d: sum(activity, EXACT_DAYS),
            orders_56d: sum(orders, EXACT_DAYS),
            orders_365d: sum(orders, YEAR_DAYS),
            mean_gap: profile.mean_gap().map(|gap| gap.to_string()),
            currency: money.as_ref().map(|money| money.currency.clone()),
            spent_minor: amount(|money| money.spent_minor),
            returned_minor: amount(|money| money.returned_minor),
            refunds: rolling.refunds,
            cancellations: rolling.cancellations,
            open_tickets: rolling.tickets.iter().filter(|ticket| ticket.is_open(now)).count(),
            reopened_365d: sum(reopened, YEAR_DAYS),
            answers: surveys.into_iter().filter_map(SurveyScore::of).collect(),
            channel: channel.as_ref().map(|channel| channel.text.clone()),
            products: products.collect(),
        })
    }
}

impl SurveyScore {
    fn of((survey, answer): (&'static str, Option<Answer>)) -> Option<Self> {
        let Answer { score, at_ms } = answer?;
        Some(Self { survey, score, answered_at: at(at_ms) })
    }
}

/// The lines that follow the profile's own.
impl fmt::Display for RollingAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { activity_56d, orders_56d, orders_365d, refunds, cancellations, .. } = self;
        writeln!(f, "  {:<17}  {activity_56d} times, {orders_56d} orders", "in 56 days")?;
        writeln!(f, "  {:<17}  {orders_365d} orders", "in a year")?;
        if let Some(gap) = &self.mean_gap {
            writeln!(f, "  {:<17}  {gap}", "mean gap")?;
        }
        if let Some(currency) = &self.currency {
            let (spent, returned) = (self.spent_minor, self.returned_minor);
            writeln!(f, "  {:<17}  {spent}, given back {returned} (minor units of {currency})", "spent")?;
        }
        if *refunds > 0 || *cancellations > 0 {
            writeln!(f, "  {:<17}  {refunds} refunds, {cancellations} cancellations", "given back")?;
        }
        if self.open_tickets > 0 || self.reopened_365d > 0 {
            let (open, again) = (self.open_tickets, self.reopened_365d);
            writeln!(f, "  {:<17}  {open} open, {again} opened again in a year", "tickets")?;
        }
        for SurveyScore { survey, score, answered_at } in &self.answers {
            writeln!(f, "  {survey:<17}  {score} (answered {answered_at})")?;
        }
        if let Some(channel) = &self.channel {
            writeln!(f, "  {:<17}  {channel}", "last channel")?;
        }
        for KnownProduct { product_id, what, at } in &self.products {
            writeln!(f, "  {what:<17}  {product_id} ({at})")?;
        }
        Ok(())
    }
}

/// The statements about consent, as they are kept.
pub fn consents(profile: &Profile) -> Vec<ConsentStatement> {
    let statements = profile.consents.iter().map(|consent| ConsentStatement {
        channel: consent.channel.clone(),
        purpose: consent.purpose.clone(),
        granted: consent.granted,
        stated_at: at(consent.at_ms),
        event_id: consent.event_id.clone(),
    });
    statements.collect()
}
