//! One visit to the shop: what a visitor does, in order, and how it ends.

use events::{EventTime, Span};
use rand::Rng;
use rand::rngs::SmallRng;

use super::catalogue::{Product, skewed};
use super::message::{Clickstream, Message, Purchase, Support};

/// How often visitors do what, and how long they take.
mod habits {
    /// Share of the visitors who put something into the cart.
    pub const CARTS: f64 = 0.35;
    /// Share of the carts that lose something again.
    pub const REMOVES: f64 = 0.15;
    /// Share of the carts that go to the checkout.
    pub const CHECKS_OUT: f64 = 0.5;
    /// Share of the checkouts that become orders at once.
    pub const ORDERS: f64 = 0.7;
    /// Share of the carts left behind that are bought hours later, without a further visit being recorded.
    pub const ORDERS_LATER: f64 = 0.2;
    /// Share of the orders with a question to the support.
    pub const ASKS: f64 = 0.06;
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
}

/// Writes a visit down as it goes on.
pub struct Visit<'a> {
    rng: &'a mut SmallRng,
    products: &'a [Product],
    visitor: Visitor,
    now: EventTime,
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
        visit.browse();
        visit.messages.sort_by_key(|message| message.at);
        visit.messages
    }

    fn browse(&mut self) {
        self.click(Clickstream::PageViewed);
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
        if self.happens(habits::CHECKS_OUT) {
            self.click(Clickstream::CheckoutStarted(seen.clone()));
            if self.happens(habits::ORDERS) {
                self.pause();
                self.order(seen);
                return;
            }
        }
        if self.happens(habits::ORDERS_LATER) {
            self.now = self.now + Span::from_minutes(self.rng.random_range(20..20 * 60));
            self.order(seen);
        }
    }

    fn order(&mut self, items: Vec<Product>) {
        let Some(customer_id) = self.visitor.customer_id.clone() else { return };
        let order_id = format!("o-{}", self.visitor.visit);
        let order = Purchase { customer_id: customer_id.clone(), order_id, items };
        self.messages.push(Message { at: self.now, record: order.into() });
        if self.happens(habits::ASKS) {
            self.ask(customer_id);
        }
    }

    fn ask(&mut self, customer_id: String) {
        let ticket_id = format!("t-{}", self.visitor.visit);
        for (kind, hours) in [("ticket_opened", 6..48), ("ticket_updated", 1..20), ("ticket_resolved", 1..30)]
        {
            self.now = self.now + Span::from_hours(self.rng.random_range(hours));
            let message = Support { customer_id: customer_id.clone(), ticket_id: ticket_id.clone(), kind };
            self.messages.push(Message { at: self.now, record: message.into() });
        }
    }

    fn click(&mut self, what: Clickstream) {
        self.messages
            .push(Message { at: self.now, record: what.sent_by(&self.visitor, self.messages.len()) });
        self.pause();
    }

    fn pause(&mut self) {
        self.now = self.now + Span::from_millis(1_000 * self.rng.random_range(habits::PAUSE_SECONDS) + 137);
    }

    fn happens(&mut self, share: f64) -> bool {
        self.rng.random_bool(share)
    }
}
