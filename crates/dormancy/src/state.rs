//! What is remembered of a customer's silence: one protocol buffer message, kept in the customer's record.

use events::EventTime;

/// Everything remembered for dormancy. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct DormancyState {
    /// When the customer was last active.
    #[prost(sint64, optional, tag = "1")]
    pub active_ms: Option<i64>,
    /// The event that said so.
    #[prost(string, tag = "2")]
    pub active_event: String,
    /// The number of the highest tier reached in this silence; 0 for none.
    #[prost(uint32, tag = "3")]
    pub reached: u32,
    /// When the next tier's timer fires.
    #[prost(sint64, optional, tag = "4")]
    pub timer_ms: Option<i64>,
    /// Fired tiers of this silence that a late event can still retract, lowest first; there are at most three.
    #[prost(message, repeated, tag = "5")]
    pub fired: Vec<FiredTier>,
}

/// A tier that has fired.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FiredTier {
    /// The trigger's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trigger_id: Vec<u8>,
    /// The episode's id, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub episode_id: Vec<u8>,
    /// The tier's number.
    #[prost(uint32, tag = "3")]
    pub tier: u32,
    /// When the silence began.
    #[prost(sint64, tag = "4")]
    pub silent_since_ms: i64,
    /// When it fired.
    #[prost(sint64, tag = "5")]
    pub fired_ms: i64,
}

impl DormancyState {
    /// When to [`fire`](Self::fire).
    pub fn next_due(&self) -> Option<EventTime> {
        self.timer_ms.map(EventTime::from_millis)
    }
}
