//! The customer's record: the shared profile, and what each trigger family remembers. One blob per customer.

use cart_abandonment::CartState;
use cart_abandonment::intent::IntentState;
use churn_risk::ChurnState;
use contact_policy::History;
use customer::Profile;
use customer_care::CareState;
use dormancy::DormancyState;
use dormancy::lifecycle::LifecycleState;
use events::EventTime;
use prost::Message as _;

use crate::compression::{compress, decompress};

/// The layout this release writes. It reads those from 1 to one beyond its own: what it does not know it leaves out.
const FORMAT: u32 = 1;

/// Everything remembered of one customer. What most customers or installations do without is boxed: a record in memory
/// takes the room of all that stands in it, be it there or not.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Record {
    /// The layout of the record.
    #[prost(uint32, tag = "1")]
    format: u32,
    /// What all families share.
    #[prost(message, required, tag = "2")]
    pub profile: Profile,
    /// What cart abandonment remembers.
    #[prost(message, required, tag = "3")]
    pub cart: CartState,
    /// What churn risk remembers; nothing while it is switched off.
    #[prost(message, optional, boxed, tag = "4")]
    pub churn: Option<Box<ChurnState>>,
    /// What dormancy remembers; nothing while it is switched off.
    #[prost(message, optional, tag = "5")]
    pub dormancy: Option<DormancyState>,
    /// What customer care remembers; nothing while all of it is switched off.
    #[prost(message, optional, boxed, tag = "6")]
    pub care: Option<Box<CareState>>,
    /// What intent beside the cart remembers; nothing while all of it is switched off.
    #[prost(message, optional, boxed, tag = "7")]
    pub intent: Option<Box<IntentState>>,
    /// What the lifecycle remembers; nothing while all of it is switched off.
    #[prost(message, optional, boxed, tag = "8")]
    pub lifecycle: Option<Box<LifecycleState>>,
    /// Whom the customer heard from; nothing before the first time.
    #[prost(message, optional, tag = "9")]
    pub contacts: Option<History>,
}

impl Record {
    /// The record of a customer of whom nothing is known.
    pub fn empty() -> Self {
        Self { format: FORMAT, ..Self::default() }
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// In words, if the bytes are not a record of this or a neighbouring release.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let record = Self::decode(&*decompress(bytes)?).map_err(|error| error.to_string())?;
        if !(1..=FORMAT + 1).contains(&record.format) {
            return Err(format!(
                "its format is {}, and this release reads 1 to {}",
                record.format,
                FORMAT + 1
            ));
        }
        Ok(Self { format: FORMAT, ..record })
    }

    /// The record as it is stored; equal records give equal bytes.
    pub fn write(&self) -> Vec<u8> {
        compress(self.encode_to_vec())
    }

    /// The earliest timer.
    pub fn next_due(&self) -> Option<EventTime> {
        let churn = self.churn.as_deref().and_then(ChurnState::next_due);
        let dormancy = self.dormancy.as_ref().and_then(DormancyState::next_due);
        let care = self.care.as_deref().and_then(CareState::next_due);
        let intent = self.intent.as_deref().and_then(IntentState::next_due);
        let lifecycle = self.lifecycle.as_deref().and_then(LifecycleState::next_due);
        let contacts = self.contacts.as_ref().and_then(History::next_due);
        [self.cart.next_due(), care, intent, churn, dormancy, lifecycle, contacts]
            .into_iter()
            .fold(self.profile.retained_until(), earlier)
    }

    /// Whether support is at work for the customer: advertising is out of place.
    pub fn has_open_ticket(&self) -> bool {
        self.care.as_deref().is_some_and(CareState::has_open_ticket)
    }

    /// Whether nothing is left to remember.
    pub fn is_empty(&self) -> bool {
        self.profile.last_event_ms.is_none()
    }
}

fn earlier(one: Option<EventTime>, other: Option<EventTime>) -> Option<EventTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty record as the first release wrote it. Never regenerate: it stands for what is stored.
    const FIRST_RELEASE: &[u8] = &[0x08, 1, 0x12, 0, 0x1a, 0];

    #[test]
    fn a_record_of_a_neighbouring_release_is_read_and_others_are_refused() {
        assert_eq!(Record::empty().write(), FIRST_RELEASE);
        assert_eq!(Record::read(FIRST_RELEASE), Ok(Record::empty()));
        let newer = [0x08, 2, 0x12, 0, 0x1a, 0, 0xa2, 0x06, 1, 7]; // with a field 100 that is not known here
        assert_eq!(Record::read(&newer), Ok(Record::empty()));
        assert!(Record::read(&[0x08, 3]).is_err());
        assert!(Record::read(&[]).is_err());
        assert!(Record::read(b"not a record").is_err());
    }

    #[test]
    fn the_earliest_of_all_timers_counts() {
        let mut record = Record::empty();
        assert_eq!((record.next_due(), record.is_empty()), (None, true));
        record.profile.retained_until_ms = Some(50);
        assert_eq!(record.next_due(), Some(EventTime::from_millis(50)));
        record.cart.open = Some(cart_abandonment::OpenCart { forget_ms: 20, ..Default::default() });
        assert_eq!(record.next_due(), Some(EventTime::from_millis(20)));
    }
}
