//! Which triggers are compared: those that came due while the input lasted, on whatever side.
//!
//! Must stay true: it goes by event time, so that it is the same for a run, for an earlier one and for what was sent. The
//! partitions of a log are cut at different event times, and each customer by that of their own.

use events::partitioner::partition_for;
use replay::log_fold_each::Passage;

use super::told::Told;

/// A stretch of event time, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// It begins after this.
    pub after_ms: i64,
    /// This is its last moment.
    pub to_ms: i64,
    /// What was told at a later event time is not known to a run of this input.
    known_by_ms: i64,
}

impl Window {
    const NEVER: Self = Self { after_ms: i64::MAX, to_ms: i64::MIN, known_by_ms: i64::MIN };

    fn holds(&self, told: &Told) -> bool {
        told.fired_ms > self.after_ms
            && told.fired_ms <= self.to_ms
            && told.known_ms.is_none_or(|known| known <= self.known_by_ms)
    }
}

/// The windows of all customers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// By the partition of the log in which a customer is; one of files.
    windows: Vec<Window>,
}

/// What becomes of timers that are not due by the end of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// They are beyond it.
    Beyond,
    /// They fire, whenever they are due.
    Fire,
}

impl Extent {
    /// From the first to the last event of files.
    pub fn of_files(range: Option<(i64, i64)>, remaining: Remaining) -> Self {
        let window = range.map_or(Window::NEVER, |(first, last)| Window {
            after_ms: first.saturating_sub(1),
            to_ms: if remaining == Remaining::Fire { i64::MAX } else { last },
            known_by_ms: i64::MAX,
        });
        Self { windows: vec![window] }
    }

    /// What time has passed over in each partition of the log.
    pub fn of_log(passages: &[Passage], partitions: u32) -> Self {
        let mut windows = vec![Window::NEVER; partitions.max(1) as usize];
        for passage in passages {
            let (after_ms, to_ms) = (passage.began.as_millis(), passage.ended.as_millis());
            let place = usize::try_from(passage.partition).ok().and_then(|place| windows.get_mut(place));
            if let Some(window) = place {
                *window = Window { after_ms, to_ms, known_by_ms: to_ms };
            }
        }
        Self { windows }
    }

    /// That of a customer.
    pub fn of(&self, customer: &str) -> Window {
        self.windows[partition_for(customer.as_bytes(), self.windows.len() as u32) as usize]
    }

    /// Whether a record is about a trigger that is compared.
    pub fn holds(&self, told: &Told) -> bool {
        self.of(&told.customer).holds(told)
    }
}

#[cfg(test)]
mod tests {
    use events::EventTime;

    use super::super::told::fixture::a_fired_cart;
    use super::*;

    fn told(customer: &str, fired_ms: i64, known_ms: Option<i64>) -> Told {
        Told { customer: customer.into(), fired_ms, known_ms, ..a_fired_cart() }
    }

    #[test]
    fn files_last_from_the_first_event_to_the_last_or_for_ever() {
        let holds =
            |remaining, at| Extent::of_files(Some((10, 20)), remaining).holds(&told("c", at, Some(99)));
        assert_eq!([9, 10, 20, 21].map(|at| holds(Remaining::Beyond, at)), [false, true, true, false]);
        assert!(holds(Remaining::Fire, 21));
        assert!(!Extent::of_files(None, Remaining::Fire).holds(&told("c", 0, None)), "there is no event");
    }

    /// Two of Kafka's own vectors: they hash to -973932308 and -985981536, which are partitions 0 and 2 of three.
    #[test]
    fn each_customer_goes_by_their_own_partition() {
        const OTHER: &str = "a-little-bit-long-string";
        let passage = |partition, began, ended| Passage {
            partition,
            began: EventTime::from_millis(began),
            ended: EventTime::from_millis(ended),
            records: 1,
        };
        let extent = Extent::of_log(&[passage(0, 10, 20), passage(2, 30, 40)], 3);
        let holds = |customer, at, known| extent.holds(&told(customer, at, Some(known)));
        let places = ["21", OTHER].map(|customer| partition_for(customer.as_bytes(), 3));
        assert_eq!(places, [0, 2]);
        assert_eq!([10, 11, 20, 21].map(|at| holds("21", at, at)), [false, true, true, false]);
        assert_eq!([20, 31, 40].map(|at| holds(OTHER, at, at)), [false, true, true]);
        assert!(!holds("21", 15, 21), "it was taken back later than is known here");
    }
}
