//! One visit to the shop: what a visitor does, in order, and how it ends.

use std::ops::Range;

use events::{EventTime, Span};
use rand::Rng;
use rand::rngs::SmallRng;
use serde_json::{Value, json};

use super::back_office::{Notice, System, total_minor};
use super::catalogue::{Product, QUERIES, skewed};
use super::message::Message;
use super::web_shop::Clickstream;

/// How often visitors do what, and how long they take.
mod habits {
    /// Share of the visits with a search, which leads to product pages as any visit does.
    pub const SEARCHES: f64 = 0.25;
    /// Share of the visitors who put something into the cart.
    pub const CARTS: f64 = 0.15;
    /// Share of the carts that lose something again.
    pub const REMOVES: f64 = 0.15;
    /// Share of the carts that go to the checkout.
    pub const CHECKS_OUT: f64 = 0.4;
    /// Share of the steps of a checkout after which it goes on; with three of them 0.73 of the checkouts come to pay.
    pub const GOES_ON: f64 = 0.9;
    /// Steps of a checkout: address, shipping, payment.
    pub const STEPS: u32 = 3;
    /// Share of the payments that are refused.
    pub const PAYMENT_REFUSED: f64 = 0.06;
    /// Share of the refused payments after which another is tried at once, and taken.
    pub const PAYS_OTHERWISE: f64 = 0.5;
    /// Share of the carts left behind that are bought hours later, without a further visit being recorded.
    pub const ORDERS_LATER: f64 = 0.12;
    /// Seconds between two clicks.
    pub const PAUSE_SECONDS: std::ops::Range<i64> = 4..75;
    /// Most product pages of a visit.
    pub const MOST_VIEWS: u32 = 9;
}

/// Who visits.
pub struct Visitor {
    /// The customer's id, where the visitor is logged in.
    pub customer_id: Option<String>,
    /// The cookie.
    pub anonymous_id: String,
    /// A number that no other visit has.
    pub visit: u64,
    /// Whether it is the customer's first visit with a login.
    pub is_new: bool,
}

impl Visitor {
    /// The checkout that the visit may come to.
    pub fn checkout_id(&self) -> String {
        format!("h-{}", self.visit)
    }

    /// The order that it may come to.
    pub fn order_id(&self) -> String {
        format!("o-{}", self.visit)
    }
}

/// Writes a visit down as it goes on, and what it causes in the days after.
pub struct Visit<'a> {
    pub(super) rng: &'a mut SmallRng,
    products: &'a [Product],
    pub(super) visitor: Visitor,
    pub(super) now: EventTime,
    messages: Vec<Message>,
}

impl<'a> Visit<'a> {
    /// Everything that a visit beginning at `start` makes somebody send, in order of time.
    pub fn play(
        rng: &'a mut SmallRng,
        products: &'a [Product],
        visitor: Visitor,
        start: EventTime,
    ) -> Vec<Message> {
        let mut visit = Self { rng, products, visitor, now: start, messages: Vec::new() };
        visit.keep_account();
        visit.browse();
        visit.receive_message(start);
        visit.messages.sort_by_key(|message| message.at);
        visit.messages
    }

    fn browse(&mut self) {
        self.click(Clickstream::PageViewed);
        if self.happens(habits::SEARCHES) {
            let query = QUERIES[skewed(self.rng, QUERIES.len())];
            self.click(Clickstream::ProductsSearched(query));
        }
        let mut seen = Vec::new();
        for _ in 0..self.rng.random_range(1..=habits::MOST_VIEWS) {
            let product = self.products[skewed(self.rng, self.products.len())].clone();
            self.click(Clickstream::ProductViewed(product.clone()));
            seen.push(product);
        }
        if self.happens(habits::CARTS) {
            self.fill_cart(seen);
        }
    }

    fn fill_cart(&mut self, mut seen: Vec<Product>) {
        let carted = self.rng.random_range(1..=seen.len().min(3));
        seen.truncate(carted);
        for product in &seen {
            self.click(Clickstream::ProductAdded(product.clone()));
        }
        if self.happens(habits::REMOVES)
            && let Some(product) = seen.pop()
        {
            self.click(Clickstream::ProductRemoved(product));
        }
        if seen.is_empty() {
            return;
        }
        if self.happens(habits::CHECKS_OUT) && self.check_out(&seen) {
            self.order(seen);
        } else if self.happens(habits::ORDERS_LATER) {
            self.wait_minutes(20..20 * 60);
            self.order(seen);
        }
    }

    /// Whether it comes to an order.
    fn check_out(&mut self, items: &[Product]) -> bool {
        self.click(Clickstream::CheckoutStarted(items.to_vec()));
        for step in 1..=habits::STEPS {
            if !self.happens(habits::GOES_ON) {
                return false;
            }
            self.click(Clickstream::CheckoutStepCompleted(step));
        }
        if self.happens(habits::PAYMENT_REFUSED) {
            self.refuse_payment(items);
            return self.happens(habits::PAYS_OTHERWISE);
        }
        true
    }

    fn refuse_payment(&mut self, items: &[Product]) {
        let order_id = self.visitor.order_id();
        let facts = json!({
            "order_id": order_id, "currency": "EUR", "amount_minor": total_minor(items), "error": "card_declined",
        });
        self.notice(System::Orders, "payment_failed", &order_id, facts);
        self.pause();
    }

    fn click(&mut self, what: Clickstream) {
        self.messages
            .push(Message { at: self.now, record: what.sent_by(&self.visitor, self.messages.len()) });
        self.pause();
    }

    fn pause(&mut self) {
        self.now = self.now + Span::from_millis(1_000 * self.rng.random_range(habits::PAUSE_SECONDS) + 137);
    }

    /// One of the systems behind the web shop has something to say about a customer; of who is not logged in it knows
    /// nothing.
    pub(super) fn notice(&mut self, system: System, kind: &'static str, subject: &str, facts: Value) {
        self.promise(system, kind, subject, facts, None);
    }

    /// The same, with a time by which something is to arrive.
    pub(super) fn promise(
        &mut self,
        system: System,
        kind: &'static str,
        subject: &str,
        facts: Value,
        promised_in: Option<Span>,
    ) {
        let Some(customer_id) = self.visitor.customer_id.clone() else { return };
        let subject = subject.to_owned();
        let notice = Notice { system, kind, customer_id, subject, facts, promised_in };
        self.messages.push(Message { at: self.now, record: notice.into() });
    }

    pub(super) fn wait_minutes(&mut self, minutes: Range<i64>) {
        self.now = self.now + Span::from_minutes(self.rng.random_range(minutes));
    }

    pub(super) fn wait_hours(&mut self, hours: Range<i64>) {
        self.wait_minutes(hours.start * 60..hours.end * 60);
    }

    pub(super) fn happens(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }

    /// An index, as often as its weight says.
    pub(super) fn weighted(&mut self, weights: &[u32]) -> u32 {
        let mut drawn = self.rng.random_range(0..weights.iter().sum());
        for (index, weight) in (0..).zip(weights) {
            if drawn < *weight {
                return index;
            }
            drawn -= weight;
        }
        0
    }
}
