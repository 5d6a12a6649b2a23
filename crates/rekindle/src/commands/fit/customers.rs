//! The orders of each customer, as the models need them: days and amounts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use churn_risk::purchase_days::Day;
use churn_risk::{PurchaseDays, Spend, Subject};
use events::normalise::minor_unit_digits;
use events::{Body, CustomerId, EventTime, LogEntry, Span, codec};
use replay::sorter::SortedEvents;

/// What is fitted to, and what judges.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// The first order.
    pub first: EventTime,
    /// Orders up to here, itself included, are fitted to.
    pub until: EventTime,
    /// Orders after that and up to here judge.
    pub judged_until: EventTime,
}

/// An order: when, and for how much in minor units of the currency that most orders are in.
#[derive(Clone, Debug)]
struct Order {
    at: EventTime,
    day: Day,
    amount: Option<(String, i64)>,
}

/// Every customer with an order.
#[derive(Debug)]
pub struct Customers {
    orders: BTreeMap<CustomerId, Vec<Order>>,
    last_event: Option<EventTime>,
    ahead: Span,
}

impl Customers {
    /// Takes the orders out of events in order; an order or event that comes again is counted once.
    ///
    /// # Errors
    /// If the events cannot be read back.
    pub fn gather(events: SortedEvents, ahead: Span) -> Result<Self> {
        let mut customers = Self { orders: BTreeMap::new(), last_event: None, ahead };
        let mut seen = BTreeSet::new();
        for event in events {
            let event = event.context("the sorted events cannot be read back")?;
            customers.last_event = Some(event.occurred_at);
            let LogEntry::Event(event) = codec::decode(&event.record)? else { continue };
            let Body::OrderCompleted(order) = &event.body else { continue };
            let id = match order.order_id.is_empty() {
                true => event.event_id.as_str(),
                false => order.order_id.as_str(),
            };
            if !seen.insert((event.customer_id.clone(), id.to_owned())) {
                continue;
            }
            let day = Day::of(event.occurred_at, ahead);
            let order = Order { at: event.occurred_at, day, amount: amount(order) };
            customers.orders.entry(event.customer_id).or_default().push(order);
        }
        Ok(customers)
    }

    /// When the first order was placed.
    pub fn first_order(&self) -> Option<EventTime> {
        self.orders.values().filter_map(|orders| Some(orders.first()?.at)).min()
    }

    /// When the last event of any kind happened.
    pub fn last_event(&self) -> Option<EventTime> {
        self.last_event
    }

    /// How many orders were placed up to `until`.
    pub fn orders_until(&self, until: EventTime) -> u64 {
        self.orders.values().flatten().filter(|order| order.at <= until).count() as u64
    }

    /// Everybody who had ordered up to the cut, with what came after.
    pub fn subjects(&self, period: &Period) -> Vec<Subject> {
        let currency = self.main_currency(period.until);
        let subject = |orders: &Vec<Order>| {
            let (before, after): (Vec<_>, Vec<_>) = orders.iter().partition(|order| order.at <= period.until);
            let days = PurchaseDays::of(before.iter().map(|order| order.day))?;
            let history = days.history_at(period.until, self.ahead)?;
            let later: BTreeSet<Day> = after
                .iter()
                .filter(|order| order.at <= period.judged_until && order.day > days.last())
                .map(|order| order.day)
                .collect();
            let spent =
                before.iter().filter_map(|order| order.in_currency(currency.as_deref()?)).sum::<i64>();
            let orders_after = u32::try_from(later.len()).unwrap_or(u32::MAX);
            Some(Subject { history, spent: spent as f64, orders_after })
        };
        self.orders.values().filter_map(subject).collect()
    }

    /// The currency that most orders are in, and what each customer spent in it on repeat purchase days.
    pub fn spends(&self, until: EventTime) -> Option<(String, Vec<Spend>)> {
        let currency = self.main_currency(until)?;
        let unit = (0..minor_unit_digits(&currency)).fold(1.0, |unit, _| unit * 10.0);
        let spends = self.orders.values().filter_map(|orders| {
            let mut days: BTreeMap<Day, i64> = BTreeMap::new();
            for order in orders.iter().filter(|order| order.at <= until) {
                *days.entry(order.day).or_default() += order.in_currency(&currency).unwrap_or(0);
            }
            let repeats = u32::try_from(days.len()).ok()?.checked_sub(1)?;
            let total: i64 = days.values().skip(1).sum();
            Spend::new(repeats, total as f64 / unit / f64::from(repeats))
        });
        let spends: Vec<Spend> = spends.collect();
        Some((currency, spends))
    }

    fn main_currency(&self, until: EventTime) -> Option<String> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for order in self.orders.values().flatten().filter(|order| order.at <= until) {
            if let Some((currency, _)) = &order.amount {
                *counts.entry(currency).or_default() += 1;
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(currency, _)| currency.to_owned())
    }
}

impl Order {
    fn in_currency(&self, currency: &str) -> Option<i64> {
        let (own, amount) = self.amount.as_ref()?;
        (own == currency).then_some(*amount)
    }
}

/// The order's total, or else the sum of its lines where all have a price in one currency.
fn amount(order: &events::event::OrderCompleted) -> Option<(String, i64)> {
    if let Some(total) = &order.total {
        return Some((total.currency.to_string(), total.amount_minor));
    }
    let currency = order.items.first()?.unit_price.as_ref()?.currency.clone();
    let mut sum: i64 = 0;
    for item in &order.items {
        let price = item.unit_price.as_ref().filter(|price| price.currency == currency)?;
        sum = sum.checked_add(price.amount_minor.checked_mul(i64::from(item.quantity))?)?;
    }
    Some((currency.to_string(), sum))
}
