//! Event time as the score of a sorted set, which is a 64-bit float.
//!
//! Must stay true: order is kept over the whole range, and every time that can be stored comes back exactly. Up to
//! 2^53 milliseconds from the epoch (the year 287,396) the score is the plain number, readable with `ZRANGE`; beyond,
//! each millisecond takes the next larger float, which serves for 138 million years; what lies beyond that, and the
//! two ends of time, are the infinities.

use events::EventTime;

/// Floats hold every integer up to here.
const EXACT: i64 = 1 << 53;

/// Bits of the largest finite float.
const LARGEST: u64 = f64::MAX.to_bits();

/// The score under which a time is stored.
pub fn score(time: EventTime) -> f64 {
    let millis = time.as_millis();
    if millis.unsigned_abs() <= EXACT.unsigned_abs() {
        return millis as f64;
    }
    let bits = (EXACT as f64).to_bits().saturating_add(millis.unsigned_abs() - EXACT.unsigned_abs());
    let magnitude = if bits > LARGEST { f64::INFINITY } else { f64::from_bits(bits) };
    magnitude.copysign(millis as f64)
}

/// The time that a score stands for; `None` for what [`score`] never writes.
pub fn time(score: f64) -> Option<EventTime> {
    let magnitude = score.abs();
    let millis = if magnitude.is_nan() {
        return None;
    } else if magnitude <= EXACT as f64 {
        if magnitude.fract() != 0.0 {
            return None;
        }
        magnitude as i64
    } else if magnitude.is_infinite() {
        return Some(if score > 0.0 { EventTime::MAX } else { EventTime::MIN });
    } else {
        EXACT.checked_add_unsigned(magnitude.to_bits() - (EXACT as f64).to_bits())?
    };
    Some(EventTime::from_millis(if score < 0.0 { -millis } else { millis }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FARTHEST: i64 = EXACT + (LARGEST - 0x4340_0000_0000_0000) as i64;

    fn there_and_back(millis: i64) -> Option<EventTime> {
        time(score(EventTime::from_millis(millis)))
    }

    #[test]
    fn the_edges_come_back() {
        for edge in [0, 1, EXACT - 1, EXACT, EXACT + 1, EXACT + 2, FARTHEST - 1, FARTHEST] {
            assert_eq!(there_and_back(edge), Some(EventTime::from_millis(edge)));
            assert_eq!(there_and_back(-edge), Some(EventTime::from_millis(-edge)));
        }
        assert_eq!(there_and_back(i64::MAX), Some(EventTime::MAX));
        assert_eq!(there_and_back(i64::MIN), Some(EventTime::MIN));
    }

    #[test]
    fn what_lies_beyond_138_million_years_is_the_end_of_time() {
        assert_eq!(FARTHEST / 86_400_000 / 366 / 1_000_000, 138);
        assert_eq!(there_and_back(FARTHEST + 1), Some(EventTime::MAX));
        assert_eq!(there_and_back(-FARTHEST - 1), Some(EventTime::MIN));
    }

    #[test]
    fn a_score_that_is_no_time_is_none() {
        assert_eq!(time(f64::NAN), None);
        assert_eq!(time(0.5), None);
    }

    proptest! {
        #[test]
        fn what_can_be_stored_comes_back(millis in -FARTHEST..=FARTHEST) {
            prop_assert_eq!(there_and_back(millis), Some(EventTime::from_millis(millis)));
        }

        #[test]
        fn order_is_kept(a: i64, b: i64) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(score(EventTime::from_millis(low)) <= score(EventTime::from_millis(high)));
        }
    }
}
