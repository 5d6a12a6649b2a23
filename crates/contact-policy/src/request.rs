//! What a trigger wants to do.

use customer::consent::ADVERTISING;
use events::{CustomerId, EventTime};

/// The triggers that compete with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The customer was about to buy: one of these at a time.
    Intent,
    /// The customer's course over weeks and years.
    Lifecycle,
    /// What support, delivery and surveys call for.
    Care,
}

/// A trigger that wants to contact a customer.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Whom.
    pub customer_id: &'a CustomerId,
    /// The trigger's name.
    pub trigger: &'a str,
    /// What it competes with.
    pub group: Group,
    /// Which wins within the group: the higher one.
    pub rank: u8,
    /// What for: `advertising` or `service`.
    pub purpose: &'a str,
    /// The trigger's id.
    pub trigger_id: [u8; 16],
    /// The id of the episode that it belongs to.
    pub episode_id: [u8; 16],
    /// When it fired.
    pub at: EventTime,
    /// From when on it is not worth sending.
    pub valid_until: EventTime,
    /// Whether support is at work for the customer: advertising has to wait until it is done.
    pub open_ticket: bool,
}

impl Request<'_> {
    /// Whether it wants to sell.
    pub fn is_advertising(&self) -> bool {
        self.purpose == ADVERTISING
    }
}
