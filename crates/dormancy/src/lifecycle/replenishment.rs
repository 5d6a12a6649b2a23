//! Replenishment: a product that the customer buys again and again, a little before it runs out.
//!
//! How long a product lasts is the mean time between the customer's orders of it once there are three, else what is
//! configured for it; of a product with neither nothing is told. An older order of it that arrives late moves that
//! mean, and so the timer, but ends nothing.

use customer::text::bounded_id;
use events::view::OrderCompleted;
use events::{EventTime, Span};

use super::application::Application;
use super::effect::{Candidate, Retraction, Subject, Trigger};
use super::rules::{ReplenishmentDue, Rules};
use super::state::{LifecycleState, MAX_PRODUCTS, Product};
use super::wait::Wait;

/// A product has an interval of the customer's own from so many orders on.
pub(super) const ORDERS_FOR_AN_INTERVAL: u32 = 3;

impl LifecycleState {
    /// Notes the products of an order, each once.
    pub(super) fn buy(&mut self, at: &Application<'_>, order: &OrderCompleted) -> Vec<Retraction> {
        let Some(rule) = &at.rules.replenishment_due else { return Vec::new() };
        let mut noted: Vec<&str> = Vec::new();
        let mut wrong = Vec::new();
        for product_id in order.items.iter().map(|item| item.product_id) {
            if !product_id.is_empty() && !noted.contains(&product_id) {
                noted.push(product_id);
                wrong.extend(self.buy_product(&bounded_id(product_id), rule, at));
            }
        }
        wrong
    }

    fn buy_product(
        &mut self,
        product_id: &str,
        rule: &ReplenishmentDue,
        at: &Application<'_>,
    ) -> Option<Retraction> {
        let known = self.products.iter().position(|known| known.product_id == product_id);
        let mut product = match known {
            Some(place) => self.products.remove(place),
            None => Product { product_id: product_id.to_owned(), ..Product::begun(at) },
        };
        let wrong = product.count_order(at);
        product.wait.time(product.due(rule), at);
        product.wait.keep_event_if_timed(at);
        let place = self.products.partition_point(|other| other.wait.since_ms <= product.wait.since_ms);
        self.products.insert(place, product);
        if self.products.len() > MAX_PRODUCTS {
            self.products.remove(0);
        }
        wrong
    }

    pub(super) fn fire_products(&mut self, rules: &Rules, now: EventTime) -> Vec<Candidate> {
        let Some(rule) = &rules.replenishment_due else { return Vec::new() };
        self.products.iter_mut().filter_map(|product| product.fire(rule, now)).collect()
    }

    pub(super) fn wait_for(&mut self, product_id: &str) -> Option<&mut Wait> {
        let product = self.products.iter_mut().find(|product| product.product_id == product_id)?;
        Some(&mut product.wait)
    }
}

impl Product {
    /// A product that the event is the first order of, not counted yet.
    fn begun(at: &Application<'_>) -> Self {
        let first_ms = at.event.occurred_at.as_millis();
        Self { first_ms, wait: Wait::beginning_at(at), ..Self::default() }
    }

    /// Counts the event as an order of it; a new one ends the wait, and begins the next.
    fn count_order(&mut self, at: &Application<'_>) -> Option<Retraction> {
        self.orders = self.orders.saturating_add(1);
        self.first_ms = self.first_ms.min(at.event.occurred_at.as_millis());
        if at.event.occurred_at <= self.wait.since() {
            return None;
        }
        let ended = std::mem::replace(&mut self.wait, Wait::beginning_at(at));
        let wrong = ended.end(Trigger::ReplenishmentDue, at)?;
        Some(Retraction { product_id: Some(self.product_id.clone()), ..wrong })
    }

    /// How long it lasts, and whether the customer's own orders say so.
    pub(super) fn interval(&self, rule: &ReplenishmentDue) -> Option<(Span, bool)> {
        let between = i64::from(self.orders.saturating_sub(1)).max(1);
        let mean = Span::from_millis(self.wait.since_ms.saturating_sub(self.first_ms) / between);
        if self.orders >= ORDERS_FOR_AN_INTERVAL && mean > Span::ZERO {
            return Some((mean, true));
        }
        rule.intervals.get(&self.product_id).map(|interval| (*interval, false))
    }

    pub(super) fn due(&self, rule: &ReplenishmentDue) -> Option<EventTime> {
        self.interval(rule).map(|(interval, _)| self.wait.since() + rule.share_of(interval))
    }

    /// One order can hold several products, and each is an occasion.
    pub(super) fn occasion(&self) -> String {
        format!("{}/{}", self.wait.since_event, self.product_id)
    }

    fn fire(&mut self, rule: &ReplenishmentDue, now: EventTime) -> Option<Candidate> {
        let due = self.due(rule);
        if !self.wait.is_over(due, now) {
            return None;
        }
        let (interval, is_own) = self.interval(rule)?;
        let (bought_by, bought_at) = (self.wait.since_event.clone(), self.wait.since());
        let occasion = self.occasion();
        Some(Candidate {
            trigger: Trigger::ReplenishmentDue,
            armed_by: occasion.clone(),
            opened_by: occasion,
            opened_at: bought_at,
            armed_at: bought_at,
            due: due?,
            fired_at: now,
            valid_for: rule.valid_for,
            subject: Subject::Product {
                product_id: self.product_id.clone(),
                orders: self.orders,
                bought_by,
                bought_at,
                interval,
                is_own,
            },
        })
    }
}
