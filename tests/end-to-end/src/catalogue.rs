//! The whole catalogue at a pace at which a run sees it happen: its configuration, and a load that makes it fire.

use std::fmt::Write as _;
use std::path::Path;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use crate::diary::now_ms;
use crate::load::{Planned, What};

/// Where its outputs go.
pub const OUTPUTS: [&str; 25] = [
    "actions.anniversary",
    "actions.birthday",
    "actions.browse-abandonment",
    "actions.cart-abandonment",
    "actions.cart-recovered",
    "actions.checkout-abandonment",
    "actions.churn-risk",
    "actions.csat-low",
    "actions.delivery-delayed",
    "actions.dormancy",
    "actions.nps-detractor",
    "actions.nps-promoter",
    "actions.payment-failed",
    "actions.reactivated",
    "actions.replenishment-due",
    "actions.review-request",
    "actions.search-abandonment",
    "actions.second-order-due",
    "actions.support-frustration",
    "actions.suppressed",
    "actions.vip-promoted",
    "actions.vip-slipping",
    "actions.welcome",
    "actions.winback",
    "outcomes",
];

/// What has to have happened in a run, or it has shown too little. Days of the year come too rarely for that.
pub const CERTAIN: [&str; 28] = [
    "browse_abandonment.fired",
    "cart_abandonment.cancelled",
    "cart_abandonment.fired",
    "cart_abandonment.suppressed",
    "cart_abandonment.converted",
    "cart_abandonment.unconverted",
    "cart_recovered.fired",
    "checkout_abandonment.fired",
    "churn_risk.fired",
    "csat_low.fired",
    "delivery_delayed.fired",
    "dormancy.cancelled",
    "dormancy.fired",
    "dormancy.suppressed",
    "nps_detractor.fired",
    "nps_promoter.fired",
    "payment_failed.fired",
    "reactivated.fired",
    "replenishment_due.fired",
    "review_request.fired",
    "search_abandonment.fired",
    "second_order_due.fired",
    "support_frustration.fired",
    "vip_promoted.fired",
    "vip_slipping.fired",
    "welcome.fired",
    "welcome.unconverted",
    "winback.fired",
];

/// After the load, how long until all that it armed is due, outcomes included.
pub const LAST_TIMER_MS: u64 = 14_000;

/// A purchase model as `rekindle fit` would write it.
const MODEL: &str = r#"version = 1

[data]
from = "2024-01-01T00:00:00.000Z"
until = "2024-06-30T00:00:00.000Z"
judged_until = "2024-12-31T00:00:00.000Z"
utc_offset_minutes = 0
orders = 4
customers = 3
repeat_customers = 1

[bg_nbd]
r = 0.243
alpha = 4.414
a = 0.793
b = 2.426
log_likelihood = -9582.4

[mbg_nbd]
r = 0.525
alpha = 6.183
a = 0.891
b = 1.614
log_likelihood = -9579.6

[merit]
customers = 3
without_order = 2
expected_orders = 1.5
actual_orders = 2
brier = 0.2
brier_of_share = 0.25
calibration = []

[merit.band]
threshold = 0.66
flagged = 0
"#;

const RULES: &str = r#"
[gates.consent]
default = "granted"

[gates.cooldown]
intent = "2s"

[gates.frequency-cap]
window = "6s"
in_all = 6
per_channel = 4

[gates.holdout]
share = 0.2

[outcomes]
intent = "3s"
other = "4s"

[triggers.cart-abandonment]
wait = "2s"
steps = ["4s", "7s"]

[triggers.intent]
session_idle = "1s"

[triggers.checkout-abandonment]
enabled = true
wait = "1500ms"

[triggers.payment-failed]
enabled = true
wait = "1s"
once_per = "5s"

[triggers.browse-abandonment]
enabled = true
wait = "1s"
not_after_order = "2s"
once_per = "6s"

[triggers.search-abandonment]
enabled = true
wait = "1s"
once_per = "6s"

[triggers.cart-recovered]
enabled = true
within = "8s"

[triggers.care]
ticket_forgotten_after = "8s"

[triggers.support-frustration]
enabled = true
within = "10s"
reply_within = "3s"
again_after = "5s"

[triggers.csat-low]
enabled = true

[triggers.nps-detractor]
enabled = true

[triggers.nps-promoter]
enabled = true
wait = "2s"

[triggers.review-request]
enabled = true
after_delivery = "2s"
after_order = "6s"

[triggers.delivery-delayed]
enabled = true

[triggers.dormancy]
enabled = true
usual_gap = "3s"
floors = ["2s", "4s", "8s"]

[triggers.winback]
enabled = true
after = "6s"

[triggers.welcome]
enabled = true

[triggers.second-order-due]
enabled = true
after = "5s"

[triggers.replenishment-due]
enabled = true
intervals = { p-0 = "4s" }

[triggers.vip]
promoted = true
slipping = true

[triggers.birthday]
enabled = true

[triggers.anniversary]
enabled = true
"#;

/// The gates, the outcomes and the triggers; every gate is on unless it is switched off.
pub fn rules(model: &Path) -> String {
    let mut rules = RULES.to_owned();
    let churn = "hold = \"1s\"\nnot_again_within = \"5s\"\nenter = 0.75\nleave = 0.7\n";
    let _ = write!(rules, "\n[triggers.churn-risk]\nmodel = \"{}\"\n{churn}", model.display());
    rules
}

/// Writes the model that the rules name.
pub fn write_model(path: &Path) -> anyhow::Result<()> {
    Ok(std::fs::write(path, MODEL)?)
}

const CLICKSTREAM: usize = 0;
const PURCHASE: usize = 1;
const SUPPORT: usize = 2;
const PROFILE: usize = 3;
const ENGAGEMENT: usize = 4;

/// A plan of about `events` records at so many a second. What a delivery was promised for is counted from now.
pub fn plan(seed: u64, events: usize, rate: u64) -> Vec<Planned> {
    let mut dice = SmallRng::seed_from_u64(seed);
    let span_ms = (events as i64) * 1_000 / (rate.max(1) as i64);
    let mut plan = Vec::with_capacity(events + 100);
    let mut customer = 0;
    while plan.len() < events {
        let mut life =
            Life { at_ms: dice.random_range(0..span_ms.max(1)), customer, begins: now_ms(), plan: &mut plan };
        // Silences that are long enough for some triggers, and too short for others.
        for visit in 0..dice.random_range(2..=6) {
            life.visit(&mut dice, visit);
            life.at_ms += dice.random_range(500..9_000);
            if life.at_ms >= span_ms {
                break;
            }
        }
        customer += 1;
    }
    plan.sort_by_key(|planned| (planned.at_ms, planned.customer));
    plan
}

/// One customer's course.
struct Life<'a> {
    at_ms: i64,
    customer: u32,
    begins: i64,
    plan: &'a mut Vec<Planned>,
}

impl Life<'_> {
    fn tell(&mut self, dice: &mut SmallRng, topic: usize, kind: &'static str, fields: Value) {
        self.at_ms += dice.random_range(20..300);
        // Later than is allowed, so that some triggers have to be taken back.
        let late_ms = if kind == "order_completed" && dice.random_bool(0.1) { 3_000 } else { 0 };
        let what = What::Told { kind, fields, late_ms };
        self.plan.push(Planned { at_ms: self.at_ms, topic, customer: self.customer, what });
    }

    fn visit(&mut self, dice: &mut SmallRng, number: u32) {
        if dice.random_bool(0.3) {
            self.state(dice);
        }
        match dice.random_range(0..10) {
            0..2 => self.look_around(dice),
            2..5 => self.fill_a_cart(dice),
            5..8 => self.order(dice, number),
            _ => self.complain(dice, number),
        }
    }

    fn look_around(&mut self, dice: &mut SmallRng) {
        for _ in 0..dice.random_range(1..=3) {
            self.tell(dice, CLICKSTREAM, "product_viewed", json!({"item": item(0)}));
        }
        if dice.random_bool(0.5) {
            self.tell(dice, CLICKSTREAM, "searched", json!({"query": "shoes"}));
        }
    }

    fn fill_a_cart(&mut self, dice: &mut SmallRng) {
        for product in 0..dice.random_range(1..=3) {
            self.tell(dice, CLICKSTREAM, "cart_item_added", json!({"item": item(product)}));
        }
        match dice.random_range(0..6) {
            0 => self.tell(dice, CLICKSTREAM, "cart_item_removed", json!({"item": item(0)})),
            1 | 2 => self.tell(dice, CLICKSTREAM, "checkout_started", json!({"checkout_id": "k"})),
            3 => self.tell(dice, PURCHASE, "payment_failed", json!({"error": "declined"})),
            _ => {}
        }
    }

    fn order(&mut self, dice: &mut SmallRng, number: u32) {
        let order = format!("o-{}-{number}", self.customer);
        let total = dice.random_range(1_000..60_000);
        let fields = json!({"order_id": order, "currency": "EUR", "total_minor": total, "items": [item(dice.random_range(0..2))]});
        self.tell(dice, PURCHASE, "order_completed", fields);
        if dice.random_bool(0.5) {
            let promised = self.begins + self.at_ms + dice.random_range(500..5_000);
            let fields = json!({"order_id": order, "status": "promised", "promised_at": promised});
            self.tell(dice, PURCHASE, "delivery_updated", fields);
        }
        match dice.random_range(0..6) {
            0 => self.tell(dice, PURCHASE, "order_cancelled", json!({"order_id": order})),
            1 => self.tell(dice, PURCHASE, "order_refunded", json!({"order_id": order})),
            2 | 3 => self.tell(dice, PURCHASE, "delivered", json!({"order_id": order})),
            4 => self.tell(dice, SUPPORT, "review_submitted", json!({"order_id": order})),
            _ => {}
        }
    }

    fn complain(&mut self, dice: &mut SmallRng, number: u32) {
        let ticket = format!("t-{}-{number}", self.customer);
        self.tell(dice, SUPPORT, "ticket_opened", json!({"ticket_id": ticket}));
        if dice.random_bool(0.4) {
            self.tell(dice, SUPPORT, "ticket_updated", json!({"ticket_id": ticket, "author": "agent"}));
        }
        for _ in 0..dice.random_range(0..=2) {
            self.tell(dice, SUPPORT, "ticket_resolved", json!({"ticket_id": ticket}));
            self.tell(dice, SUPPORT, "ticket_reopened", json!({"ticket_id": ticket}));
        }
        if dice.random_bool(0.5) {
            self.tell(dice, SUPPORT, "ticket_resolved", json!({"ticket_id": ticket}));
        }
        let (csat, nps) = (dice.random_range(1..=5), dice.random_range(0..=10));
        let answered = json!({"survey": "csat", "score": csat, "ticket_id": ticket});
        self.tell(dice, SUPPORT, "survey_answered", answered);
        self.tell(dice, SUPPORT, "survey_answered", json!({"survey": "nps", "score": nps}));
    }

    fn state(&mut self, dice: &mut SmallRng) {
        let channel = ["email", "sms", "push"][dice.random_range(0..3)];
        match dice.random_range(0..8) {
            0..4 => {
                let zone = ["Europe/Berlin", "Asia/Seoul", "America/New_York"][dice.random_range(0..3)];
                let fields = json!({"time_zone": zone, "birthday": "--02-29", "preferred_channel": channel});
                self.tell(dice, PROFILE, "profile_updated", fields);
            }
            4 => {
                let granted = dice.random_bool(0.5);
                let fields =
                    json!({"consent_channel": channel, "purpose": "advertising", "granted": granted});
                self.tell(dice, PROFILE, "consent_changed", fields);
            }
            5 => {
                let fields = json!({"suppressed": dice.random_bool(0.5)});
                self.tell(dice, PROFILE, "suppression_changed", fields);
            }
            6 => {
                let fields = json!({"message_id": "m", "consent_channel": channel, "permanent": true});
                self.tell(dice, ENGAGEMENT, "message_bounced", fields);
            }
            _ => self.tell(dice, ENGAGEMENT, "message_clicked", json!({"message_id": "m"})),
        }
    }
}

fn item(product: u32) -> Value {
    json!({"product_id": format!("p-{product}"), "quantity": 1})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_raw_topic_has_its_part_in_a_plan() {
        let plan = plan(1, 5_000, 1_000);
        for topic in 0..5 {
            assert!(plan.iter().any(|planned| planned.topic == topic));
        }
    }
}
