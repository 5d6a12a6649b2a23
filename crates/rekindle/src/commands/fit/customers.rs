//! The orders of each customer, as the models need them: days and amounts.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use churn_risk::model::TypicalFit;
use churn_risk::purchase_days::Day;
use churn_risk::spending::{amount, units};
use churn_risk::{PurchaseDays, Spend, Subject};
use events::{Body, CustomerId, EventTime, Span, codec};
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
    pub fn gather(events: &mut SortedEvents, ahead: Span) -> Result<Self> {
        let mut customers = Self { orders: BTreeMap::new(), last_event: None, ahead };
        let mut seen = BTreeSet::new();
        for event in events {
            let event = event.context("the sorted events cannot be read back")?;
            customers.last_event = Some(event.occurred_at);
            let event = codec::view_event(&event.record)?;
            let Body::OrderCompleted(order) = &event.body else { continue };
            let id = match order.order_id.is_empty() {
                true => event.event_id.as_str(),
                false => order.order_id,
            };
            if !seen.insert((event.customer_id.clone(), id.to_owned())) {
                continue;
            }
            let day = Day::of(event.occurred_at, ahead);
            let order = Order { at: event.occurred_at, day, amount: owned_amount(order) };
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

    /// Everybody who had ordered up to the cut, with what came after, in the order of their ids.
    pub fn subjects(&self, period: &Period) -> Vec<(&CustomerId, Subject)> {
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
        self.orders.iter().filter_map(|(id, orders)| Some((id, subject(orders)?))).collect()
    }

    /// The currency that most orders are in, and what each customer spent in it on repeat purchase days.
    pub fn spends(&self, until: EventTime) -> Option<(String, Vec<Spend>)> {
        let currency = self.main_currency(until)?;
        let unit = units(&currency);
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

    /// What the median customer spends on a day with an order in the currency that most orders are in; `None` if that is
    /// nothing.
    pub fn typical_spend(&self, until: EventTime) -> Option<TypicalFit> {
        let currency = self.main_currency(until)?;
        let per_day = self.orders.values().filter_map(|orders| {
            let paid = orders.iter().filter(|order| order.at <= until);
            let paid = paid.filter_map(|order| Some((order.day, order.in_currency(&currency)?)));
            let (days, amounts): (BTreeSet<Day>, Vec<i64>) = paid.unzip();
            amounts.iter().sum::<i64>().checked_div(i64::try_from(days.len()).ok()?)
        });
        let mut per_day: Vec<i64> = per_day.collect();
        per_day.sort_unstable();
        let per_day_minor = *per_day.get(per_day.len() / 2)?;
        (per_day_minor > 0).then_some(TypicalFit { currency, per_day_minor })
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

fn owned_amount(order: &events::view::OrderCompleted) -> Option<(String, i64)> {
    amount(order).map(|(currency, amount)| (currency.to_owned(), amount))
}
