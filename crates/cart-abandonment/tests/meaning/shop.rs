//! One customer's cart on a time line: fires timers and applies events in the order in which the engine does, and
//! notes what comes of it in words.

use cart_abandonment::{CartState, Effect, FiredAs, Rules};
use customer::Moment;
use events::Viewed as _;
use events::event::{CartItemAdded, CartItemRemoved, CartSnapshot, CheckoutStarted, OrderCompleted};
use events::{Body, Context, CustomerId, Event, EventId, EventTime, Item, Origin, Span};
use prost::Message as _;

const SETTLE: Span = Span::from_secs(60);

pub struct Shop {
    pub rules: Rules,
    pub state: CartState,
    pub backfill: bool,
    watermark: EventTime,
    events: usize,
    story: Vec<String>,
}

impl Shop {
    pub fn new(rules: Rules) -> Self {
        rules.validate().expect("usable rules");
        let watermark = EventTime::from_millis(0);
        Self { rules, state: CartState::default(), backfill: false, watermark, events: 0, story: Vec::new() }
    }

    /// An event in its order: at equal times it comes before the timers.
    pub fn at(&mut self, minutes: i64, body: Body) -> &mut Self {
        let at = minute(minutes);
        while let Some(due) = self.state.next_due().filter(|due| *due < at) {
            self.fire(due);
        }
        self.watermark = self.watermark.max(at - Span::from_millis(1));
        self.apply(at, body)
    }

    /// An event that the order has passed already.
    pub fn late(&mut self, minutes: i64, body: Body) -> &mut Self {
        assert!(minute(minutes) <= self.watermark, "a late event lies before the watermark");
        self.apply(minute(minutes), body)
    }

    /// Lets the watermark pass this time.
    pub fn until(&mut self, minutes: i64) -> &mut Self {
        self.advance(minute(minutes))
    }

    /// Lets the watermark pass everything.
    pub fn flush(&mut self) -> &mut Self {
        self.advance(EventTime::MAX)
    }

    /// What has happened since it was last told.
    pub fn tell(&mut self) -> Vec<String> {
        std::mem::take(&mut self.story)
    }

    fn advance(&mut self, watermark: EventTime) -> &mut Self {
        self.watermark = watermark;
        while let Some(due) = self.state.next_due().filter(|due| *due <= watermark) {
            self.fire(due);
        }
        self
    }

    fn apply(&mut self, at: EventTime, body: Body) -> &mut Self {
        self.events += 1;
        let event = event(&format!("e{}", self.events), at, body, self.backfill);
        let late = at <= self.watermark;
        let moment = Moment { watermark: self.watermark, appended_at: None, settle: SETTLE, late };
        let effects = self.state.apply(&self.rules, &event.view(), &moment);
        self.note(effects);
        self.check_bytes()
    }

    fn fire(&mut self, due: EventTime) {
        let effects = self.state.fire(&self.rules, due);
        self.note(effects);
        assert!(
            self.state.next_due().is_none_or(|next| next > due),
            "each firing leaves a later timer, or none"
        );
        self.check_bytes();
    }

    fn note(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Due(due) => {
                    let id = FiredAs { trigger_id: [0; 16], episode_id: [0; 16] };
                    self.state.remember(&due, id, &self.rules);
                    let (at, cart) = (minutes(due.fired_at), &due.cart);
                    self.story.push(format!(
                        "{at}: step {} of {}, {} pieces",
                        due.step,
                        cart.changed_by,
                        cart.quantity()
                    ));
                }
                Effect::Retracted(retraction) => {
                    let (fired, reason) = (&retraction.fired, retraction.reason.as_str());
                    let at = minutes(EventTime::from_millis(fired.fired_ms));
                    self.story.push(format!("step {} of {at} taken back: {reason}", fired.step));
                }
            }
        }
    }

    fn check_bytes(&mut self) -> &mut Self {
        let bytes = self.state.encode_to_vec();
        assert_eq!(CartState::decode(bytes.as_slice()), Ok(self.state.clone()));
        self
    }
}

pub fn minute(minutes: i64) -> EventTime {
    EventTime::from_millis(0) + Span::from_minutes(minutes)
}

fn minutes(at: EventTime) -> i64 {
    at.as_millis() / 60_000
}

pub fn event(id: &str, at: EventTime, body: Body, backfill: bool) -> Event {
    Event {
        event_id: EventId::new(id),
        customer_id: CustomerId::new("c"),
        occurred_at: at,
        body,
        received_at: at,
        source: "test".into(),
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context::default(),
        backfill,
    }
}

pub fn product(product: &str) -> Item {
    Item {
        product_id: product.into(),
        quantity: 1,
        unit_price: None,
        name: None,
        category: None,
        variant: None,
        url: None,
        image_url: None,
    }
}

pub fn added(name: &str) -> Body {
    Body::CartItemAdded(CartItemAdded { cart_id: None, item: Some(product(name)) })
}

pub fn added_to(cart: &str, name: &str) -> Body {
    Body::CartItemAdded(CartItemAdded { cart_id: Some(cart.into()), item: Some(product(name)) })
}

pub fn removed(name: &str) -> Body {
    Body::CartItemRemoved(CartItemRemoved { cart_id: None, item: Some(product(name)) })
}

pub fn shown(names: &[&str]) -> Body {
    let items = names.iter().map(|name| product(name)).collect();
    Body::CartSnapshot(CartSnapshot { cart_id: None, items })
}

pub fn checkout(checkout: Option<&str>, cart: Option<&str>) -> Body {
    let (checkout_id, cart_id) = (checkout.map(Into::into), cart.map(Into::into));
    Body::CheckoutStarted(CheckoutStarted { checkout_id, cart_id, value: None })
}

pub fn ordered() -> Body {
    order(None, None)
}

pub fn order(checkout: Option<&str>, cart: Option<&str>) -> Body {
    let (checkout_id, cart_id) = (checkout.map(Into::into), cart.map(Into::into));
    Body::OrderCompleted(OrderCompleted { order_id: "o".into(), checkout_id, cart_id, ..Default::default() })
}
