//! One customer in a log: events and timers in their order, and what is told, as a line each.

use std::collections::BTreeMap;

use customer::{Limits, Moment, Profile};
use dormancy::FiredAs;
use dormancy::lifecycle::{Candidate, Effect, LifecycleState, Rules, Subject};
use events::Viewed as _;
use events::event::{Item, Money, OrderCancelled, OrderCompleted, OrderRefunded, PageViewed, ProfileUpdated};
use events::{Body, Context, CustomerId, Event, EventId, EventTime, Origin, Span};
use prost::Message as _;

pub const MILLI: Span = Span::from_millis(1);
pub const SETTLE: Span = Span::from_secs(60);

/// The instant written so: `2026-03-01` in UTC, or with a time.
pub fn at(text: &str) -> EventTime {
    let full = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    EventTime::from_millis(full.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

pub fn day(number: i64) -> EventTime {
    EventTime::from_millis(0) + Span::from_days(number)
}

pub fn event(at: EventTime, body: Body) -> Event {
    Event {
        event_id: EventId::new(format!("{}-{}", body.kind(), at.as_millis())),
        customer_id: CustomerId::new("c"),
        occurred_at: at,
        body,
        received_at: at,
        source: "test".into(),
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context::default(),
        backfill: false,
    }
}

pub fn backfilled(event: Event) -> Event {
    Event { backfill: true, ..event }
}

pub fn euros(amount: i64) -> Option<Money> {
    Some(Money { amount_minor: amount * 100, currency: "EUR".into() })
}

/// An order whose id is its time.
pub fn order(at: EventTime) -> Event {
    order_of(at, &[], 0)
}

pub fn order_of(at: EventTime, products: &[&str], total: i64) -> Event {
    let item = |product: &&str| Item {
        product_id: (*product).into(),
        quantity: 1,
        unit_price: None,
        name: None,
        category: None,
        variant: None,
        url: None,
        image_url: None,
    };
    let items = products.iter().map(item).collect();
    let order_id = format!("o-{}", at.as_millis()).into();
    event(
        at,
        Body::OrderCompleted(OrderCompleted { order_id, total: euros(total), items, ..Default::default() }),
    )
}

/// Money back for the order placed then.
pub fn refund(at: EventTime, placed_at: EventTime, amount: i64) -> Event {
    let order_id = format!("o-{}", placed_at.as_millis()).into();
    event(at, Body::OrderRefunded(OrderRefunded { order_id, amount: euros(amount) }))
}

pub fn cancellation(at: EventTime, placed_at: EventTime) -> Event {
    let order_id = format!("o-{}", placed_at.as_millis()).into();
    event(at, Body::OrderCancelled(OrderCancelled { order_id }))
}

pub fn visit(at: EventTime) -> Event {
    event(at, Body::PageViewed(PageViewed::default()))
}

pub fn facts(at: EventTime, birthday: Option<&str>, time_zone: Option<&str>) -> Event {
    let facts = ProfileUpdated {
        birthday: birthday.map(Into::into),
        time_zone: time_zone.map(Into::into),
        ..Default::default()
    };
    event(at, Body::ProfileUpdated(facts))
}

pub struct Story {
    pub rules: Rules,
    pub profile: Profile,
    pub state: LifecycleState,
    pub watermark: EventTime,
    pub fired: Vec<Candidate>,
    told: Vec<String>,
}

impl Story {
    pub fn with(rules: Rules) -> Self {
        rules.validate().unwrap();
        let (profile, state) = Default::default();
        let (fired, told) = Default::default();
        Self { rules, profile, state, watermark: EventTime::MIN, fired, told }
    }

    /// Time passes without a word.
    pub fn until(&mut self, end: EventTime) -> &mut Self {
        self.watermark = self.watermark.max(end);
        self.fire_until(end);
        self
    }

    fn fire_until(&mut self, end: EventTime) {
        while let Some(due) = self.state.next_due().filter(|due| *due <= end) {
            for candidate in self.state.fire(&self.rules, &self.profile, due) {
                assert!((candidate.fired_at, true) == (due, candidate.due <= due), "{candidate:?}");
                let number = u8::try_from(self.fired.len() % 256).unwrap();
                self.state.remember(&candidate, FiredAs { trigger_id: [number; 16], episode_id: [2; 16] });
                self.told.push(line(&candidate));
                self.fired.push(candidate);
            }
            assert!(self.state.next_due().is_none_or(|next| next > due));
        }
    }

    /// An event in its order: timers before it have fired, those of its own moment have not.
    pub fn on(&mut self, event: Event) -> &mut Self {
        self.watermark = self.watermark.max(event.occurred_at);
        self.fire_until(event.occurred_at - MILLI);
        self.apply(event, false)
    }

    /// An event that the order had passed.
    pub fn late(&mut self, event: Event) -> &mut Self {
        assert!(event.occurred_at <= self.watermark);
        self.apply(event, true)
    }

    fn apply(&mut self, event: Event, late: bool) -> &mut Self {
        if self.profile.has_seen(&event.view()) {
            return self;
        }
        let moment = Moment { watermark: self.watermark, appended_at: None, settle: SETTLE, late };
        self.profile.apply(&event.view(), &moment, &Limits::default());
        for effect in self.state.apply(&self.rules, &self.profile, &event.view(), &moment) {
            let Effect::Retracted(back) = effect else { panic!("an event makes nothing due") };
            let product = back.product_id.map(|id| format!(" {id}")).unwrap_or_default();
            let fired_at = EventTime::from_millis(back.fired.fired_ms);
            self.told.push(format!("back {}{product} of {}", back.trigger.as_str(), short(fired_at)));
        }
        let bytes = self.state.encode_to_vec();
        assert_eq!(LifecycleState::decode(bytes.as_slice()).as_ref(), Ok(&self.state));
        self
    }

    /// What was told since one last asked.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    /// What of these arrivals is told, in a log that waits `lateness` for its events.
    pub fn of_log(rules: Rules, arrivals: &[Event], lateness: Span, end: EventTime) -> Vec<String> {
        let mut story = Self::with(rules);
        let (mut buffer, mut newest) = (BTreeMap::new(), EventTime::MIN);
        for (offset, event) in arrivals.iter().enumerate() {
            newest = newest.max(event.occurred_at);
            let id = event.event_id.as_str().to_owned();
            buffer.insert((event.occurred_at, event.body.rank(), id, offset), event.clone());
            story.drain(&mut buffer, newest - lateness - MILLI);
        }
        story.drain(&mut buffer, end);
        story.told()
    }

    fn drain(&mut self, buffer: &mut BTreeMap<(EventTime, u8, String, usize), Event>, watermark: EventTime) {
        self.watermark = self.watermark.max(watermark);
        while let Some(entry) = buffer.first_entry().filter(|entry| entry.key().0 <= watermark) {
            self.on(entry.remove());
        }
        self.fire_until(watermark);
    }
}

fn line(candidate: &Candidate) -> String {
    let what = match &candidate.subject {
        Subject::Order { .. } => String::new(),
        Subject::Product { product_id, .. } => format!(" {product_id}"),
        Subject::Value { from, to, spend_minor, .. } => format!(" {from} to {to} with {}", spend_minor / 100),
        Subject::Day { date, .. } => format!(" {date}"),
    };
    let due = match candidate.due == candidate.fired_at {
        true => String::new(),
        false => format!(", due {}", short(candidate.due)),
    };
    format!("{}{what} at {}{due}", candidate.trigger.as_str(), short(candidate.fired_at))
}

/// As people write it: no more than has to be said.
fn short(time: EventTime) -> String {
    let text = time.to_string().replace(".000Z", "Z");
    text.strip_suffix("T00:00:00Z").map(str::to_owned).unwrap_or(text)
}
