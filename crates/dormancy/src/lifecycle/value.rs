//! Value bands: what the customer spends in a rolling year, and the band that it makes them hold.
//!
//! Band 0 lies below the first threshold, band n begins at the nth. A customer holds one band:
//!
//! - Spend that is in a higher band than the one held raises it at once to that band: `vip_promoted`, once however many
//!   bands were passed.
//! - Spend that is one band below changes nothing, and says nothing when it comes back up: that is the hysteresis.
//! - Spend that is two or more bands below lowers the band held to where spend is: `vip_slipping`. From there the next
//!   band up is a promotion again.
//!
//! So spend that swings around one threshold is told of once. Whoever holds the first band keeps it. An event only sets
//! a look for its own moment; the look at which two bands will be lost without an event is computed and timed.

use customer::text::bounded_id;
use events::view::Event;
use events::{Body, EventTime};

use super::application::Application;
use super::effect::{Candidate, Subject, Trigger};
use super::rules::{Rules, ValueBands};
use super::spend::Spend;
use super::state::LifecycleState;

/// What the customer spends, and the band that they hold.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ValueState {
    /// What was spent in the window.
    #[prost(message, required, tag = "1")]
    pub spend: Spend,
    /// The band that is held.
    #[prost(uint32, tag = "2")]
    pub held: u32,
    /// The last order since the last look.
    #[prost(message, optional, tag = "3")]
    pub raised_by: Option<Mark>,
    /// The last refund or cancellation since the last look.
    #[prost(message, optional, tag = "4")]
    pub lowered_by: Option<Mark>,
    /// When to look at the spend.
    #[prost(sint64, optional, tag = "5")]
    pub look_ms: Option<i64>,
}

/// An event that moved the spend.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Mark {
    /// Its id.
    #[prost(string, tag = "1")]
    pub event_id: String,
    /// When it happened.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
}

/// A band that was left for another.
pub(super) struct Move {
    pub trigger: Trigger,
    pub from: u32,
    pub to: u32,
    pub by: Option<Mark>,
}

impl Move {
    /// When what moved the spend happened, and its event's id; at `look` the window alone did.
    pub fn occasion(&self, look: EventTime) -> (EventTime, String) {
        match &self.by {
            Some(by) => (EventTime::from_millis(by.at_ms), by.event_id.clone()),
            None => (look, format!("window-{look}")),
        }
    }
}

impl LifecycleState {
    pub(super) fn note_value(&mut self, at: &Application<'_>) {
        let has_value = matches!(
            at.event.body,
            Body::OrderCompleted(_) | Body::OrderRefunded(_) | Body::OrderCancelled(_)
        );
        if at.rules.watches_value() && has_value {
            self.value.get_or_insert_default().note(&at.rules.bands, at);
        }
    }

    pub(super) fn fire_value(&mut self, rules: &Rules, now: EventTime) -> Option<Candidate> {
        let value = self.value.as_mut()?;
        if value.look_ms.is_none_or(|look| look > now.as_millis()) {
            return None;
        }
        let moved = value.look(&rules.bands, now)?;
        let rule = match moved.trigger {
            Trigger::VipPromoted => rules.vip_promoted.as_ref()?,
            _ => rules.vip_slipping.as_ref()?,
        };
        let (armed_at, armed_by) = moved.occasion(now);
        Some(Candidate {
            trigger: moved.trigger,
            opened_by: armed_by.clone(),
            armed_by,
            opened_at: armed_at,
            armed_at,
            due: armed_at,
            fired_at: now,
            valid_for: rule.valid_for,
            subject: Subject::Value {
                from: moved.from,
                to: moved.to,
                spend_minor: value.spend.total(now),
                currency: rules.bands.currency.clone(),
            },
        })
    }
}

impl ValueState {
    fn note(&mut self, bands: &ValueBands, at: &Application<'_>) {
        let event = at.event;
        let by = match &event.body {
            Body::OrderCompleted(order) => {
                let amount = order.total.as_ref().map_or(0, |total| bands.amount_of(total));
                self.spend.add(order.order_id, event.occurred_at, amount).then_some(&mut self.raised_by)
            }
            Body::OrderRefunded(refund) => {
                let amount = refund.amount.as_ref().map_or(0, |amount| bands.amount_of(amount));
                self.spend.take_back(refund.order_id, amount).then_some(&mut self.lowered_by)
            }
            Body::OrderCancelled(order) => {
                self.spend.take_back(order.order_id, i64::MAX).then_some(&mut self.lowered_by)
            }
            _ => None,
        };
        let Some(by) = by else { return };
        if event.backfill {
            return self.settle(bands, at.as_of());
        }
        *by = Some(Mark::of(event));
        let look = at.moment.timer_at(event.occurred_at).as_millis();
        self.look_ms = Some(self.look_ms.map_or(look, |known| known.min(look)));
    }

    /// Takes the band that spend is in, and says nothing; unless an event has asked for a look, which will see to it.
    fn settle(&mut self, bands: &ValueBands, now: EventTime) {
        if self.raised_by.is_none() && self.lowered_by.is_none() {
            self.hold(bands, now);
            self.look_ms = self.next_loss(bands, now);
        }
    }

    pub(super) fn look(&mut self, bands: &ValueBands, now: EventTime) -> Option<Move> {
        self.spend.forget(now);
        // Rules may have had more bands before.
        self.held = self.held.min(bands.highest());
        let from = self.held;
        let to = self.hold(bands, now);
        self.look_ms = self.next_loss(bands, now);
        let (raised_by, lowered_by) = (self.raised_by.take(), self.lowered_by.take());
        match to.cmp(&from) {
            std::cmp::Ordering::Greater => {
                Some(Move { trigger: Trigger::VipPromoted, from, to, by: raised_by })
            }
            std::cmp::Ordering::Less => {
                Some(Move { trigger: Trigger::VipSlipping, from, to, by: lowered_by })
            }
            std::cmp::Ordering::Equal => None,
        }
    }

    /// The band that is held from now on.
    fn hold(&mut self, bands: &ValueBands, now: EventTime) -> u32 {
        let band = bands.band_of(self.spend.total(now));
        if band > self.held || is_lost(band, self.held) {
            self.held = band;
        }
        self.held
    }

    /// When two bands will be lost if nothing is bought.
    fn next_loss(&self, bands: &ValueBands, now: EventTime) -> Option<i64> {
        let mut decline = self.spend.decline(now);
        let loss = decline.find(|(_, left)| is_lost(bands.band_of(*left), self.held));
        loss.map(|(at, _)| at.as_millis())
    }
}

/// Whether who holds a band loses it by spend that is in `band`.
fn is_lost(band: u32, held: u32) -> bool {
    band + 2 <= held
}

impl Mark {
    fn of(event: &Event) -> Self {
        Self { event_id: bounded_id(event.event_id.as_str()), at_ms: event.occurred_at.as_millis() }
    }
}
