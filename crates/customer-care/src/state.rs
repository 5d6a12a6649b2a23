//! What is remembered of a customer's care: one protocol buffer message, kept in the customer's record.
//!
//! Tags are never reused, and there is no map in it. Every list has a bound; past it the entry that matters least is
//! forgotten: what is over before what is not, older before newer.

use customer::text::bounded_id;
use events::EventTime;
use events::view::Event;

/// How many tickets are remembered; past them an open one can be forgotten.
pub const MOST_TICKETS: usize = 8;
/// How many openings of tickets, and how many reopenings, are remembered.
pub const MOST_MARKS: usize = 8;
/// How many orders that wait for delivery or a review are remembered.
pub const MOST_ORDERS: usize = 8;
/// How many triggers wait for their time: one for each ticket, two for each order, and some of late events. Past it
/// nothing more is armed.
pub const MOST_ARMED: usize = 32;
/// How many fired triggers can be retracted.
pub const MOST_FIRED: usize = 8;

/// Everything remembered for customer care. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CareState {
    /// Tickets, in the order in which they became known.
    #[prost(message, repeated, tag = "1")]
    pub tickets: Vec<Ticket>,
    /// When tickets were opened, since the customer was last content; in order.
    #[prost(message, repeated, tag = "2")]
    pub openings: Vec<Mark>,
    /// When tickets were reopened, since the customer was last content; in order.
    #[prost(message, repeated, tag = "3")]
    pub reopenings: Vec<Mark>,
    /// When the customer became frustrated, if that has not ended.
    #[prost(message, optional, tag = "4")]
    pub frustrated: Option<Mark>,
    /// Orders, in the order in which they became known.
    #[prost(message, repeated, tag = "5")]
    pub orders: Vec<AwaitedOrder>,
    /// The last CSAT.
    #[prost(message, optional, tag = "6")]
    pub last_csat: Option<Mark>,
    /// The last NPS.
    #[prost(message, optional, tag = "7")]
    pub last_nps: Option<Mark>,
    /// The low CSAT that nobody has followed up.
    #[prost(message, optional, tag = "8")]
    pub csat_alert: Option<Alert>,
    /// The low NPS that nobody has followed up.
    #[prost(message, optional, tag = "9")]
    pub nps_alert: Option<Alert>,
    /// Triggers that wait for their time.
    #[prost(message, repeated, tag = "10")]
    pub armed: Vec<Armed>,
    /// Fired triggers that a late event can still retract, oldest first.
    #[prost(message, repeated, tag = "11")]
    pub fired: Vec<FiredTrigger>,
}

/// Where an event stands in time; at equal times by the rank of its kind, as in the task's order of events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, prost::Message)]
pub struct Mark {
    /// When it happened.
    #[prost(sint64, tag = "1")]
    pub at_ms: i64,
    /// The rank of its kind.
    #[prost(uint32, tag = "2")]
    pub rank: u32,
}

/// A support ticket.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Ticket {
    /// Its id.
    #[prost(string, tag = "1")]
    pub ticket_id: String,
    /// When it was first known to be open; none if that was never seen.
    #[prost(message, optional, tag = "2")]
    pub opened: Option<Mark>,
    /// Whether its opening itself was seen.
    #[prost(bool, tag = "3")]
    pub is_counted: bool,
    /// When it was first answered.
    #[prost(sint64, optional, tag = "4")]
    pub answered_ms: Option<i64>,
    /// When it was last resolved.
    #[prost(message, optional, tag = "5")]
    pub closed: Option<Mark>,
    /// When it was last reopened.
    #[prost(message, optional, tag = "6")]
    pub reopened: Option<Mark>,
    /// By when it had to be answered.
    #[prost(sint64, optional, tag = "7")]
    pub reply_due_ms: Option<i64>,
    /// Whether the customer was content with it while it was open.
    #[prost(bool, tag = "8")]
    pub is_rated_well: bool,
    /// When it is forgotten.
    #[prost(sint64, tag = "9")]
    pub forget_ms: i64,
}

/// An order that waits for its delivery or for a review.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct AwaitedOrder {
    /// Its id.
    #[prost(string, tag = "1")]
    pub order_id: String,
    /// The first event known of it.
    #[prost(message, required, tag = "2")]
    pub first: Mark,
    /// When it was placed, if that was seen.
    #[prost(message, optional, tag = "3")]
    pub ordered: Option<Mark>,
    /// The event that said so.
    #[prost(string, tag = "4")]
    pub ordered_by: String,
    /// When the last of it was delivered.
    #[prost(message, optional, tag = "5")]
    pub delivered: Option<Mark>,
    /// When a date was last promised.
    #[prost(message, optional, tag = "6")]
    pub promised: Option<Mark>,
    /// Whether no review is to be asked for any more.
    #[prost(bool, tag = "7")]
    pub is_review_over: bool,
    /// Whether no delay is to be told any more.
    #[prost(bool, tag = "8")]
    pub is_delay_over: bool,
    /// When it may be forgotten.
    #[prost(sint64, tag = "9")]
    pub forget_ms: i64,
}

/// A low score that was reported.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Alert {
    /// The answer.
    #[prost(message, required, tag = "1")]
    pub answered: Mark,
    /// The ticket it was about.
    #[prost(string, optional, tag = "2")]
    pub ticket_id: Option<String>,
}

/// A trigger whose rule holds, or will hold if nothing ends it: what it is about, and when it is due.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Armed {
    /// The trigger's number.
    #[prost(uint32, tag = "1")]
    pub trigger: u32,
    /// The event that armed it.
    #[prost(string, tag = "2")]
    pub armed_by: String,
    /// Where that event stands.
    #[prost(message, required, tag = "3")]
    pub armed: Mark,
    /// The event that began the episode, if it is another.
    #[prost(string, optional, tag = "4")]
    pub episode_by: Option<String>,
    /// When the episode began, if it was another.
    #[prost(sint64, optional, tag = "5")]
    pub episode_ms: Option<i64>,
    /// When the rule makes it due.
    #[prost(sint64, tag = "6")]
    pub due_ms: i64,
    /// When its timer fires; none for what is due with the event that armed it.
    #[prost(sint64, optional, tag = "7")]
    pub timer_ms: Option<i64>,
    /// The ticket it is about.
    #[prost(string, optional, tag = "8")]
    pub ticket_id: Option<String>,
    /// The order it is about.
    #[prost(string, optional, tag = "9")]
    pub order_id: Option<String>,
    /// The score that was answered.
    #[prost(uint32, tag = "10")]
    pub score: u32,
    /// The number of the sign of frustration.
    #[prost(uint32, tag = "11")]
    pub sign: u32,
    /// The first thing that counted towards the sign: contentment before it changes nothing.
    #[prost(message, optional, tag = "12")]
    pub counted_from: Option<Mark>,
    /// The time that was promised.
    #[prost(sint64, optional, tag = "13")]
    pub promised_ms: Option<i64>,
}

/// A trigger that has fired.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct FiredTrigger {
    /// The trigger's id, 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub trigger_id: Vec<u8>,
    /// The episode's id, 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub episode_id: Vec<u8>,
    /// What it was about.
    #[prost(message, required, tag = "3")]
    pub armed: Armed,
    /// When it fired: after the event that made it due at once, or after every event of its time.
    #[prost(message, required, tag = "4")]
    pub fired: Mark,
}

impl Mark {
    /// Where `event` stands.
    pub fn of(event: &Event) -> Self {
        Self { at_ms: event.occurred_at.as_millis(), rank: u32::from(event.body.rank()) }
    }

    /// After every event of that time, where timers fire.
    pub(crate) const fn after_events(at_ms: i64) -> Self {
        Self { at_ms, rank: u32::MAX }
    }

    /// When it happened.
    pub fn at(&self) -> EventTime {
        EventTime::from_millis(self.at_ms)
    }
}

impl CareState {
    /// When to [`fire`](Self::fire): the earliest trigger, or the forgetting of an open ticket.
    pub fn next_due(&self) -> Option<EventTime> {
        let triggers = self.armed.iter().filter_map(|armed| armed.timer_ms);
        let tickets = self.tickets.iter().filter(|ticket| ticket.is_open()).map(|ticket| ticket.forget_ms);
        triggers.chain(tickets).min().map(EventTime::from_millis)
    }

    /// Whether support is at work for the customer: promotions are out of place.
    pub fn has_open_ticket(&self) -> bool {
        self.tickets.iter().any(Ticket::is_open)
    }
}

impl Ticket {
    /// Whether it is open. A resolved ticket is opened again by its reopening alone.
    pub fn is_open(&self) -> bool {
        self.opened.is_some() && self.closed.is_none_or(|closed| self.reopened > Some(closed))
    }

    /// Whether it was open at that place, as far as its last closing and reopening tell.
    pub(crate) fn was_open_at(&self, mark: Mark) -> bool {
        let was_opened = self.opened.is_some_and(|opened| opened <= mark);
        let was_closed = self.closed.is_some_and(|closed| {
            let was_reopened = self.reopened.is_some_and(|reopened| closed < reopened && reopened <= mark);
            closed <= mark && !was_reopened
        });
        was_opened && !was_closed
    }

    /// Whether it has this id.
    pub(crate) fn is(&self, ticket_id: &str) -> bool {
        self.ticket_id == bounded_id(ticket_id)
    }
}
