//! What waits since a product was bought.

use customer::standing::{Input, Obstacle, Waiting};
use customer::words::{ago, count_of, in_words};
use events::{EventTime, Span};

use super::{Outlook, waiting};
use crate::lifecycle::replenishment::ORDERS_FOR_AN_INTERVAL;
use crate::lifecycle::rules::ReplenishmentDue;
use crate::lifecycle::state::Product;

impl Outlook<'_> {
    pub(super) fn products(&self, valid_for: Span) -> Vec<Waiting> {
        let Some(rule) = &self.rules.replenishment_due else { return Vec::new() };
        self.state.products.iter().filter_map(|product| self.product(product, rule, valid_for)).collect()
    }

    fn product(&self, product: &Product, rule: &ReplenishmentDue, valid_for: Span) -> Option<Waiting> {
        let fires_at = EventTime::from_millis(product.wait.timer_ms?);
        let (interval, is_own) = product.interval(rule)?;
        let due = product.due(rule)?;
        let whose = if is_own { "the customer's own interval" } else { "the configured interval" };
        let sentence = format!(
            "Product {}, in {} and last {}, lasts {} by {whose}; due {due}, unless bought",
            product.product_id,
            count_of(product.orders, "order"),
            ago(product.wait.since(), self.watermark),
            in_words(interval),
        );
        let inputs = vec![
            Input::event("last_order_of_it", Some(&product.wait.since_event), product.wait.since()),
            Input::limit("interval", in_words(interval)),
        ];
        Some(waiting(sentence, inputs, (due, fires_at), valid_for, &product.occasion()))
    }

    pub(super) fn no_product(&self) -> Obstacle {
        let products = &self.state.products;
        let Some(nearest) = products.iter().max_by_key(|product| product.orders) else {
            return self.no_order_since_on("no order with a product");
        };
        let last = Input::event("last_order_of_it", Some(&nearest.wait.since_event), nearest.wait.since());
        let obstacle = if products.iter().any(|product| product.wait.is_told) {
            let sentence = "each product with an interval was told, or was history when it became known; the next order \
                            of it begins anew";
            Obstacle::held("once_per_order", sentence)
        } else {
            let sentence = format!(
                "no product has an interval: none is configured, and {} is in {} of {ORDERS_FOR_AN_INTERVAL} that are \
                 needed",
                nearest.product_id,
                count_of(nearest.orders, "order")
            );
            Obstacle::missing("interval", sentence).because(Input::measured(
                "orders",
                nearest.orders,
                ORDERS_FOR_AN_INTERVAL,
            ))
        };
        obstacle.because(last)
    }
}
