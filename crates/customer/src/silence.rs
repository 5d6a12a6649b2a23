//! How long a customer usually takes from order to order, and from when on a silence is longer than that.

use events::Span;

use crate::profile::Profile;

/// A customer has a gap of their own from so many orders on.
const ORDERS_FOR_A_GAP: u32 = 3;

impl Profile {
    /// The mean time between the customer's orders; `None` with fewer than two of them, or if all came at once.
    pub fn mean_gap(&self) -> Option<Span> {
        mean_gap(self.first_order_ms?, self.last_order_ms?, self.orders)
    }

    /// The gap to judge the customer's silence by: [`mean_gap`](Self::mean_gap) once there are three orders.
    pub fn own_gap(&self) -> Option<Span> {
        own_gap(self.first_order_ms?, self.last_order_ms?, self.orders)
    }
}

/// As [`Profile::own_gap`], for so many orders between those times.
pub(crate) fn own_gap(first_ms: i64, last_ms: i64, orders: u32) -> Option<Span> {
    mean_gap(first_ms, last_ms, orders).filter(|_| orders >= ORDERS_FOR_A_GAP)
}

/// After how long a silence has reached a tier: `tier` gaps (1, 2 or 3), and no less than the tier's floor.
pub fn silence_of_tier(tier: u32, gap: Span, floor: Span) -> Span {
    Span::from_millis(gap.as_millis().saturating_mul(i64::from(tier))).max(floor)
}

fn mean_gap(first_ms: i64, last_ms: i64, orders: u32) -> Option<Span> {
    let between = i64::from(orders.checked_sub(1)?);
    let gap = last_ms.saturating_sub(first_ms).checked_div(between)?;
    (gap > 0).then_some(Span::from_millis(gap))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_the_mean_and_counts_from_three_orders_on() {
        let of = |orders| Profile {
            orders,
            first_order_ms: Some(0),
            last_order_ms: Some(Span::from_days(20).as_millis()),
            ..Profile::default()
        };
        assert_eq!((of(1).mean_gap(), of(1).own_gap()), (None, None));
        assert_eq!((of(2).mean_gap(), of(2).own_gap()), (Some(Span::from_days(20)), None));
        assert_eq!(of(3).own_gap(), Some(Span::from_days(10)));
        assert_eq!(Profile { last_order_ms: Some(0), ..of(3) }.own_gap(), None, "all came at once");
        assert_eq!(Profile::default().mean_gap(), None);
    }

    #[test]
    fn a_tier_is_so_many_gaps_and_never_less_than_its_floor() {
        let (gap, floor) = (Span::from_days(10), Span::from_days(25));
        assert_eq!(silence_of_tier(2, gap, floor), floor);
        assert_eq!(silence_of_tier(3, gap, floor), Span::from_days(30));
    }
}
