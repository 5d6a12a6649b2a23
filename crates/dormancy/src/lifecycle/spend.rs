//! What a customer has spent in a rolling year, so that it grows old without an event.
//!
//! Days are those of UTC. An amount counts on the day of its order and the 364 days after it; at the beginning of the
//! next it is gone. A day with orders is a bucket; of these the latest 56 are kept, and older ones become weeks of seven
//! days, whose amount goes as a whole with their last day. So nobody with orders on at most 56 days of a year is rounded,
//! and for others an amount stays at most six days too long. There are never more than 53 weeks; beyond that the oldest
//! is dropped.
//!
//! A refund or a cancellation lowers the day of its order, as long as the order is among the last 8; else nothing is
//! subtracted, and the spend is too high until the order leaves the window.

use customer::recent::fingerprint;
use events::EventTime;

/// Over how many days spend is counted, the day of the order included.
const WINDOW_DAYS: i64 = 365;
const MAX_DAYS: usize = 56;
const MAX_WEEKS: usize = 53;
const MAX_ORDERS: usize = 8;
const DAYS_PER_WEEK: i64 = 7;
const MILLIS_PER_DAY: i64 = 86_400_000;

/// What was spent and when. Amounts are minor units of the configured currency.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Spend {
    /// Days with orders, by days since 1970-01-01, oldest first.
    #[prost(message, repeated, tag = "1")]
    pub days: Vec<Bucket>,
    /// Weeks before them, by weeks since 1970-01-01, oldest first.
    #[prost(message, repeated, tag = "2")]
    pub weeks: Vec<Bucket>,
    /// The last orders, oldest first.
    #[prost(message, repeated, tag = "3")]
    pub orders: Vec<RecentOrder>,
}

/// What was spent in a day or a week.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Bucket {
    /// Which.
    #[prost(sint64, tag = "1")]
    pub number: i64,
    /// How much.
    #[prost(sint64, tag = "2")]
    pub amount_minor: i64,
}

/// An order that can still be refunded.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct RecentOrder {
    /// Hash of its id.
    #[prost(fixed64, tag = "1")]
    pub order: u64,
    /// The day it was placed.
    #[prost(sint64, tag = "2")]
    pub day: i64,
    /// How much of it was not refunded.
    #[prost(sint64, tag = "3")]
    pub left_minor: i64,
}

impl Spend {
    /// Adds an order; one without an id can never be refunded, and one that is known is not added again.
    pub(super) fn add(&mut self, order_id: &str, placed_at: EventTime, amount_minor: i64) -> bool {
        let (order, day) = (fingerprint(order_id), day_of(placed_at));
        let is_known = !order_id.is_empty() && self.orders.iter().any(|known| known.order == order);
        if amount_minor <= 0 || is_known {
            return false;
        }
        raise(&mut self.days, day, amount_minor);
        self.fold_days();
        if !order_id.is_empty() {
            self.orders.push(RecentOrder { order, day, left_minor: amount_minor });
            self.orders.drain(..self.orders.len().saturating_sub(MAX_ORDERS));
        }
        true
    }

    /// Takes back up to `amount_minor` of an order; whether anything was taken.
    pub(super) fn take_back(&mut self, order_id: &str, amount_minor: i64) -> bool {
        let order = fingerprint(order_id);
        let Some(known) = self.orders.iter_mut().find(|known| known.order == order) else { return false };
        let taken = amount_minor.clamp(0, known.left_minor);
        known.left_minor -= taken;
        let day = known.day;
        let rest = lower(&mut self.days, day, taken);
        lower(&mut self.weeks, week_of(day), rest);
        taken > 0
    }

    /// What counts at `now`.
    pub(super) fn total(&self, now: EventTime) -> i64 {
        let today = day_of(now);
        let counted = self.departures().into_iter().filter(|(gone_on, _)| *gone_on > today);
        counted.fold(0, |total, (_, amount)| total.saturating_add(amount))
    }

    /// What will be left after each amount that leaves the window after `now`, and when that is.
    pub(super) fn decline(&self, now: EventTime) -> impl Iterator<Item = (EventTime, i64)> {
        let (today, mut left) = (day_of(now), self.total(now));
        let to_come = self.departures().into_iter().filter(move |(gone_on, _)| *gone_on > today);
        to_come.map(move |(gone_on, amount)| {
            left = left.saturating_sub(amount);
            (EventTime::from_millis(gone_on.saturating_mul(MILLIS_PER_DAY)), left)
        })
    }

    /// Drops what no longer counts at `now`.
    pub(super) fn forget(&mut self, now: EventTime) {
        let today = day_of(now);
        self.days.retain(|bucket| day_gone(bucket.number) > today);
        self.weeks.retain(|bucket| week_gone(bucket.number) > today);
        self.orders.retain(|order| week_gone(week_of(order.day)) > today);
    }

    /// Each bucket's amount, and the day on which it no longer counts; soonest first.
    fn departures(&self) -> Vec<(i64, i64)> {
        let days = self.days.iter().map(|bucket| (day_gone(bucket.number), bucket.amount_minor));
        let weeks = self.weeks.iter().map(|bucket| (week_gone(bucket.number), bucket.amount_minor));
        let mut all: Vec<_> = weeks.chain(days).collect();
        all.sort_unstable();
        all
    }

    fn fold_days(&mut self) {
        let excess = self.days.len().saturating_sub(MAX_DAYS);
        for day in self.days.drain(..excess) {
            raise(&mut self.weeks, week_of(day.number), day.amount_minor);
        }
        self.weeks.drain(..self.weeks.len().saturating_sub(MAX_WEEKS));
    }
}

fn day_of(time: EventTime) -> i64 {
    time.as_millis().div_euclid(MILLIS_PER_DAY)
}

fn week_of(day: i64) -> i64 {
    day.div_euclid(DAYS_PER_WEEK)
}

/// The first day on which an order of that day no longer counts.
fn day_gone(day: i64) -> i64 {
    day.saturating_add(WINDOW_DAYS)
}

fn week_gone(week: i64) -> i64 {
    day_gone(week.saturating_mul(DAYS_PER_WEEK).saturating_add(DAYS_PER_WEEK - 1))
}

fn raise(buckets: &mut Vec<Bucket>, number: i64, amount_minor: i64) {
    match buckets.binary_search_by_key(&number, |bucket| bucket.number) {
        Ok(place) => {
            buckets[place].amount_minor = buckets[place].amount_minor.saturating_add(amount_minor);
        }
        Err(place) => buckets.insert(place, Bucket { number, amount_minor }),
    }
}

/// Lowers a bucket, not below nothing; what is left to be lowered elsewhere.
fn lower(buckets: &mut Vec<Bucket>, number: i64, amount_minor: i64) -> i64 {
    let Ok(place) = buckets.binary_search_by_key(&number, |bucket| bucket.number) else {
        return amount_minor;
    };
    let taken = amount_minor.min(buckets[place].amount_minor);
    buckets[place].amount_minor -= taken;
    if buckets[place].amount_minor == 0 {
        buckets.remove(place);
    }
    amount_minor - taken
}

#[cfg(test)]
mod tests;
