//! What follows from an event or a timer, as data: the caller decides whether to send it, and how it reads.

use events::{EventTime, Span};

use super::wait::FiredWait;

/// The triggers of the lifecycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// The last order is long ago.
    Winback,
    /// The first order was placed.
    Welcome,
    /// The first order was not followed by another.
    SecondOrderDue,
    /// A product that the customer buys again and again is about to run out.
    ReplenishmentDue,
    /// The customer's spend has entered a higher band.
    VipPromoted,
    /// The customer's spend has lost two bands.
    VipSlipping,
    /// The customer's birthday.
    Birthday,
    /// The day of the first order, in a later year.
    Anniversary,
}

impl Trigger {
    /// Every trigger.
    pub const ALL: [Self; 8] = [
        Self::Winback,
        Self::Welcome,
        Self::SecondOrderDue,
        Self::ReplenishmentDue,
        Self::VipPromoted,
        Self::VipSlipping,
        Self::Birthday,
        Self::Anniversary,
    ];

    /// The trigger as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Winback => "winback",
            Self::Welcome => "welcome",
            Self::SecondOrderDue => "second_order_due",
            Self::ReplenishmentDue => "replenishment_due",
            Self::VipPromoted => "vip_promoted",
            Self::VipSlipping => "vip_slipping",
            Self::Birthday => "birthday",
            Self::Anniversary => "anniversary",
        }
    }
}

/// What follows from an event or a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A trigger is due; whether it is sent is for staleness and the gates to say.
    Due(Candidate),
    /// A trigger that was sent should not have been.
    Retracted(Retraction),
}

/// A trigger that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub trigger: Trigger,
    /// The event that armed it, or a text that stands for one: the day of the year, the end of a window, or an order
    /// and one of its products. No two occasions of one trigger have the same.
    pub armed_by: String,
    /// What began the episode; each occasion is an episode of its own, so it is the same as `armed_by`.
    pub opened_by: String,
    /// When the episode began.
    pub opened_at: EventTime,
    /// When that event happened, or what stands for it.
    pub armed_at: EventTime,
    /// When the rule made it due.
    pub due: EventTime,
    /// When its timer fired: `due`, or later if a late event armed it.
    pub fired_at: EventTime,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
    /// What it is about.
    pub subject: Subject,
}

/// What a trigger is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `winback`: the last order; `welcome` and `second_order_due`: the first.
    Order {
        /// The order's event.
        event_id: String,
        /// When it was placed.
        placed_at: EventTime,
        /// For how long nothing followed; zero for `welcome`.
        waited: Span,
    },
    /// `replenishment_due`.
    Product {
        /// The shop's id of the product.
        product_id: String,
        /// How many orders it was in.
        orders: u32,
        /// The event of the last of them.
        bought_by: String,
        /// When that was placed.
        bought_at: EventTime,
        /// How long the product is taken to last.
        interval: Span,
        /// Whether that is the customer's own, and not the configured one.
        is_own: bool,
    },
    /// `vip_promoted` and `vip_slipping`.
    Value {
        /// The band that was held; 0 lies below the first threshold.
        from: u32,
        /// The band that is held now.
        to: u32,
        /// What was spent in the window, in minor units of `currency`.
        spend_minor: i64,
        /// ISO 4217 code.
        currency: String,
    },
    /// `birthday` and `anniversary`.
    Day {
        /// The day itself, `YYYY-MM-DD`, not the day it is told on if that is earlier.
        date: String,
        /// The year of the anniversary, 1 for the first.
        anniversary: Option<u32>,
        /// The time zone in which it is that day.
        time_zone: String,
    },
}

/// A fired trigger that a late order takes back: `winback`, `second_order_due` or `replenishment_due`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// Which.
    pub trigger: Trigger,
    /// What had fired.
    pub fired: FiredWait,
    /// The order that the wait began with: when it was placed.
    pub placed_at: EventTime,
    /// That order's event.
    pub placed_by: String,
    /// The product, of `replenishment_due`.
    pub product_id: Option<String>,
}
