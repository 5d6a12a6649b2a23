//! A log of one or more customers, worked off in event time as the engine does it. Each record takes the way through
//! its bytes before it is used again.

use std::collections::BTreeMap;

use contact_policy::{ConsentDefault, Gate};
use customer::Moment;
use engine::fold::{Applied, Fold, Output};
use events::Viewed as _;
use events::event::{CartItemAdded, ConsentChanged, OrderCompleted};
use events::{Body, Context, CustomerId, Event, EventId, EventTime, Item, Money, Origin, Span};
use serde_json::Value;
use triggers::{Settings, TriggerFold, structured};

/// 2026-03-02T10:00:00Z.
pub const START: EventTime = EventTime::from_millis(1_772_445_600_000);

pub struct Log {
    pub fold: TriggerFold,
    records: BTreeMap<CustomerId, Vec<u8>>,
    watermark: EventTime,
    appended_at: Option<EventTime>,
    outputs: Vec<Output>,
}

impl Log {
    pub fn new(settings: Settings) -> Self {
        let fold = TriggerFold::new(settings).expect("usable settings");
        Self {
            fold,
            records: BTreeMap::new(),
            watermark: EventTime::MIN,
            appended_at: None,
            outputs: Vec::new(),
        }
    }

    /// An event in its order.
    pub fn event(&mut self, event: &Event) -> Applied {
        assert!(event.occurred_at > self.watermark, "an event in its order lies after the watermark");
        self.fire_before(event.occurred_at);
        self.apply(event, false)
    }

    /// An event that the order has passed.
    pub fn late(&mut self, event: &Event) -> Applied {
        assert!(event.occurred_at <= self.watermark, "a late event lies before the watermark");
        self.apply(event, true)
    }

    /// A tick without an append time, as a file has it.
    pub fn until(&mut self, watermark: EventTime) -> &mut Self {
        self.watermark = watermark;
        self.fire_before(watermark + Span::from_millis(1));
        if watermark == EventTime::MAX {
            while self.fire_next(EventTime::MAX) {}
        }
        self
    }

    /// A tick that was appended at this time.
    pub fn tick(&mut self, watermark: EventTime, appended_at: EventTime) -> &mut Self {
        self.appended_at = Some(appended_at);
        self.until(watermark);
        self.appended_at = None;
        self
    }

    /// Everything written since the last time.
    pub fn written(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    /// Topic, type and reason of everything written since the last time.
    pub fn told(&mut self) -> Vec<String> {
        let tell = |output: Output| {
            let event = structured(&output);
            let kind = text(&event, "/type").trim_start_matches("rekindle.cart_abandonment.").to_owned();
            let reason = event.pointer("/data/reason").and_then(Value::as_str).unwrap_or("-");
            format!("{} {kind} {reason}", output.topic)
        };
        self.written().into_iter().map(tell).collect()
    }

    pub fn record(&self, customer: &str) -> Option<triggers::Record> {
        self.records.get(customer).map(|bytes| self.fold.decode(bytes).expect("a stored record"))
    }

    fn fire_before(&mut self, time: EventTime) {
        while self.earliest().is_some_and(|(due, _)| due < time) && self.fire_next(time) {}
    }

    fn earliest(&self) -> Option<(EventTime, CustomerId)> {
        let due_of = |(id, bytes): (&CustomerId, &Vec<u8>)| {
            let record = self.fold.decode(bytes).expect("a stored record");
            Some((self.fold.next_due(&record)?, id.clone()))
        };
        self.records.iter().filter_map(due_of).min()
    }

    fn fire_next(&mut self, limit: EventTime) -> bool {
        let Some((due, id)) = self.earliest().filter(|(due, _)| *due <= limit) else { return false };
        let mut record = self.load(&id);
        let moment = self.moment(false);
        self.fold.fire(&id, &mut record, due, &moment, &mut self.outputs);
        assert!(self.fold.next_due(&record).is_none_or(|next| next > due));
        self.store(&id, &record);
        true
    }

    fn apply(&mut self, event: &Event, late: bool) -> Applied {
        let mut record = self.load(&event.customer_id);
        let moment = self.moment(late);
        let applied = self.fold.apply(&mut record, &event.view(), &moment, &mut self.outputs);
        self.store(&event.customer_id, &record);
        applied
    }

    fn moment(&self, late: bool) -> Moment {
        let settle = Span::from_secs(60);
        Moment { watermark: self.watermark, appended_at: self.appended_at, settle, late }
    }

    fn load(&self, id: &CustomerId) -> triggers::Record {
        match self.records.get(id) {
            Some(bytes) => self.fold.decode(bytes).expect("a stored record"),
            None => self.fold.create(id),
        }
    }

    fn store(&mut self, id: &CustomerId, record: &triggers::Record) {
        let bytes = self.fold.encode(record);
        assert_eq!(self.fold.decode(&bytes).as_ref(), Ok(record));
        match self.fold.is_forgotten(record) {
            true => self.records.remove(id),
            false => self.records.insert(id.clone(), bytes),
        };
    }
}

/// The catalogue's settings, for customers who agree unless they say otherwise; of the gates only the first two are
/// asked, and nobody is told what came of it.
pub fn settings() -> Settings {
    let mut settings = asking_all_gates();
    settings.gates.enabled = vec![Gate::Identity, Gate::Consent];
    settings.gates.attribution = None;
    settings
}

/// The catalogue's settings, for customers who agree unless they say otherwise.
pub fn asking_all_gates() -> Settings {
    let gates =
        contact_policy::Settings { consent_default: Some(ConsentDefault::Granted), ..Default::default() };
    Settings { gates, ..Settings::default() }
}

pub fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn minute(minutes: i64) -> EventTime {
    START + Span::from_minutes(minutes)
}

pub fn event(id: &str, minutes: i64, body: Body) -> Event {
    Event {
        event_id: EventId::new(id),
        customer_id: CustomerId::new("customer-17"),
        occurred_at: minute(minutes),
        body,
        received_at: minute(minutes) + Span::from_secs(1),
        source: "segment".into(),
        origin: Origin { topic: "clickstream".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context { url: Some("https://shop.example/cart".into()), ..Context::default() },
        backfill: false,
    }
}

pub fn added(id: &str, minutes: i64, product: &str) -> Event {
    let item = Item {
        product_id: product.into(),
        quantity: 1,
        unit_price: Some(Money { amount_minor: 1_999, currency: "EUR".into() }),
        name: Some(format!("Product {product}").into()),
        category: None,
        variant: None,
        url: Some(format!("https://shop.example/p/{product}").into()),
        image_url: None,
    };
    event(
        id,
        minutes,
        Body::CartItemAdded(CartItemAdded { cart_id: Some("cart-3".into()), item: Some(item) }),
    )
}

pub fn ordered(id: &str, minutes: i64, order_id: &str) -> Event {
    let order = OrderCompleted { order_id: order_id.into(), ..Default::default() };
    event(id, minutes, Body::OrderCompleted(order))
}

pub fn erased(id: &str, minutes: i64) -> Event {
    event(id, minutes, Body::ErasureRequested(Default::default()))
}

pub fn consented(id: &str, minutes: i64, granted: bool) -> Event {
    let change =
        ConsentChanged { channel: Some("email".into()), purpose: Some("advertising".into()), granted };
    event(id, minutes, Body::ConsentChanged(change))
}
