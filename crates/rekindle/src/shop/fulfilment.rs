//! What follows an order: a promise, a parcel, and sometimes second thoughts.

use events::{EventTime, Span};
use rand::Rng;
use serde_json::json;

use super::back_office::{System, order_facts, total_minor};
use super::catalogue::Product;
use super::visit::Visit;

/// How orders go.
mod habits {
    /// Share of the orders that are cancelled within hours, and refunded.
    pub const CANCELLED: f64 = 0.03;
    /// Share of the orders for whose arrival a time is promised.
    pub const PROMISED: f64 = 0.8;
    /// Hours from the order to the promised arrival.
    pub const PROMISED_HOURS: std::ops::Range<i64> = 60..120;
    /// Share of the parcels that come later than that.
    pub const LATE: f64 = 0.08;
    /// Share of the late parcels with a question to the support.
    pub const ASKS_WHERE: f64 = 0.3;
    /// Share of the parcels with a question to the support.
    pub const ASKS: f64 = 0.05;
    /// Share of the orders of which a product goes back.
    pub const REFUNDED: f64 = 0.05;
    /// Share of the orders that are reviewed.
    pub const REVIEWED: f64 = 0.1;
    /// Share of the orders after which an NPS survey is answered.
    pub const SAYS_NPS: f64 = 0.06;
    /// How often each NPS, from 0 to 10.
    pub const NPS: [u32; 11] = [2, 1, 1, 2, 2, 4, 5, 10, 20, 25, 28];
}

impl Visit<'_> {
    /// The order is placed; who is not logged in orders as a guest, of whom the order system knows nothing.
    pub(super) fn order(&mut self, items: Vec<Product>) {
        self.now = self.now + Span::from_millis(1_000);
        let order_id = self.visitor.order_id();
        let facts = order_facts(&order_id, &self.visitor.checkout_id(), &items);
        self.notice(System::Orders, "order_completed", &order_id, facts);
        if self.happens(habits::CANCELLED) {
            self.cancel(&order_id, &items);
        } else {
            self.deliver(&order_id, &items);
        }
    }

    fn cancel(&mut self, order_id: &str, items: &[Product]) {
        self.wait_minutes(10..12 * 60);
        self.notice(System::Orders, "order_cancelled", order_id, json!({ "order_id": order_id }));
        self.wait_minutes(1..60);
        self.refund(order_id, total_minor(items));
    }

    fn deliver(&mut self, order_id: &str, items: &[Product]) {
        let promised_in = Span::from_hours(self.rng.random_range(habits::PROMISED_HOURS));
        let due = self.now + promised_in;
        if self.happens(habits::PROMISED) {
            let facts = json!({ "order_id": order_id, "status": "promised" });
            let subject = format!("{order_id}-promise");
            self.promise(System::Orders, "delivery_updated", &subject, facts, Some(promised_in));
        }
        self.wait_hours(6..40);
        let shipped = json!({ "order_id": order_id, "status": "shipped" });
        self.notice(System::Orders, "delivery_updated", order_id, shipped);
        let is_late = self.happens(habits::LATE);
        if is_late && self.happens(habits::ASKS_WHERE) {
            self.now = due + Span::from_hours(self.rng.random_range(1..5));
            self.ask("Where is my parcel?");
        }
        self.now = match is_late {
            true => due + Span::from_hours(self.rng.random_range(5..60)),
            false => due - Span::from_hours(self.rng.random_range(1..20)),
        };
        self.notice(System::Orders, "delivered", order_id, json!({ "order_id": order_id }));
        let arrived = self.now;
        self.judge(order_id, items, arrived);
    }

    /// What the customer makes of it; each of these begins when the parcel is there.
    fn judge(&mut self, order_id: &str, items: &[Product], arrived: EventTime) {
        if self.happens(habits::REVIEWED) {
            self.wait_hours(24..12 * 24);
            let facts = json!({ "order_id": order_id, "item": { "product_id": items[0].id } });
            self.notice(System::Orders, "review_submitted", order_id, facts);
        }
        if self.happens(habits::REFUNDED) {
            self.now = arrived;
            self.wait_hours(48..14 * 24);
            self.refund(order_id, items[0].price_minor);
        }
        if self.happens(habits::SAYS_NPS) {
            self.now = arrived;
            self.wait_hours(20..72);
            let score = self.weighted(&habits::NPS);
            let facts = json!({ "survey": "nps", "score": score });
            self.notice(System::HelpDesk, "survey_answered", order_id, facts);
        }
        if self.happens(habits::ASKS) {
            self.now = arrived;
            self.wait_hours(1..48);
            self.ask("A question about my order");
        }
    }

    fn refund(&mut self, order_id: &str, amount_minor: i64) {
        let facts = json!({ "order_id": order_id, "currency": "EUR", "amount_minor": amount_minor });
        self.notice(System::Orders, "order_refunded", order_id, facts);
    }
}
