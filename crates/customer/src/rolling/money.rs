//! What the customer spent, in one currency; amounts in others do not count.
//!
//! What is given back counts on the day it is given back. A refund takes no more than is left of its order, and a
//! cancellation takes the rest, as long as the order is among the last that the profile remembers. A refund of another
//! order counts in full; a cancellation of one takes nothing.

use super::rules::Rules;
use super::window::{self, Window};
use crate::Limits;
use crate::recent::fingerprint;
use events::view::{OrderCancelled, OrderCompleted, OrderRefunded};

/// What was spent and given back, in minor units of the currency.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Money {
    /// ISO 4217 code.
    #[prost(string, tag = "1")]
    pub currency: String,
    /// What was spent by day, less what was given back.
    #[prost(message, optional, tag = "2")]
    pub net: Option<Window>,
    /// All that was ever spent.
    #[prost(sint64, tag = "3")]
    pub spent_minor: i64,
    /// All that was ever given back.
    #[prost(sint64, tag = "4")]
    pub returned_minor: i64,
    /// How many orders had an amount in this currency.
    #[prost(uint32, tag = "5")]
    pub orders: u32,
    /// What is left of the last orders that the profile remembers: the last stands for the last there, and of orders
    /// before the first nothing is left.
    #[prost(sint64, repeated, tag = "6")]
    pub left: Vec<i64>,
}

impl Money {
    /// What was spent, less what was given back; never below nothing.
    pub fn net_minor(&self) -> i64 {
        self.spent_minor.saturating_sub(self.returned_minor).max(0)
    }

    fn spend(&mut self, amount: i64, day: i64) {
        self.spent_minor = self.spent_minor.saturating_add(amount);
        self.orders = self.orders.saturating_add(1);
        window::add(&mut self.net, day, amount);
    }

    fn give_back(&mut self, amount: i64, day: i64) {
        self.returned_minor = self.returned_minor.saturating_add(amount);
        window::add(&mut self.net, day, amount.saturating_neg());
    }

    /// Takes up to `amount` of the order that was so many before the last remembered.
    fn take(&mut self, orders_back: usize, amount: i64) -> i64 {
        let Some(left) = self.left.iter_mut().nth_back(orders_back) else { return 0 };
        let taken = amount.min(*left);
        *left -= taken;
        self.trim();
        taken
    }

    /// Of the oldest nothing is kept where nothing is left; so it does not matter how far back the list goes.
    fn trim(&mut self) {
        let spent = self.left.iter().take_while(|left| **left == 0).count();
        self.left.drain(..spent);
    }
}

pub(super) fn note_order(
    money: &mut Option<Money>,
    order: &OrderCompleted,
    day: i64,
    (rules, limits): (&Rules, &Limits),
) {
    let amount = order.total.as_ref().and_then(|total| rules.amount_of(total));
    forget_other_currency(money, rules);
    if let Some(amount) = amount {
        in_currency(money, rules).spend(amount, day);
    }
    // Each order that the profile remembers has its place, whatever it cost.
    if let Some(money) = money.as_mut().filter(|_| !order.order_id.is_empty()) {
        money.left.push(amount.unwrap_or(0));
        money.left.drain(..money.left.len().saturating_sub(limits.recent_orders));
        money.trim();
    }
}

pub(super) fn note_refund(
    money: &mut Option<Money>,
    refund: &OrderRefunded,
    day: i64,
    (rules, recent_orders): (&Rules, &[u64]),
) {
    let Some(amount) = refund.amount.as_ref().and_then(|amount| rules.amount_of(amount)) else { return };
    forget_other_currency(money, rules);
    let returned = match orders_back(refund.order_id, recent_orders) {
        Some(back) => money.as_mut().map_or(0, |money| money.take(back, amount)),
        None => amount,
    };
    if returned > 0 {
        in_currency(money, rules).give_back(returned, day);
    }
}

pub(super) fn note_cancellation(
    money: &mut Option<Money>,
    order: &OrderCancelled,
    day: i64,
    (rules, recent_orders): (&Rules, &[u64]),
) {
    forget_other_currency(money, rules);
    let Some((money, back)) = money.as_mut().zip(orders_back(order.order_id, recent_orders)) else { return };
    let rest = money.take(back, i64::MAX);
    if rest > 0 {
        money.give_back(rest, day);
    }
}

/// How many orders before the last remembered an order is; `None` if it is not remembered.
fn orders_back(order_id: &str, recent_orders: &[u64]) -> Option<usize> {
    let order = fingerprint(order_id);
    recent_orders.iter().rev().position(|known| *known == order)
}

fn forget_other_currency(money: &mut Option<Money>, rules: &Rules) {
    money.take_if(|money| money.currency != rules.currency);
}

fn in_currency<'a>(money: &'a mut Option<Money>, rules: &Rules) -> &'a mut Money {
    money.get_or_insert_with(|| Money { currency: rules.currency.clone(), ..Money::default() })
}
