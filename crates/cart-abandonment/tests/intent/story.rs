//! One customer on a time line, cart and all: fires timers and applies events in the order in which the engine does,
//! and notes what comes of it in words. Times are milliseconds.

use cart_abandonment::intent::{About, Candidate, Effect, IntentState, Known, Rules};
use cart_abandonment::{CartState, FiredAs};
use customer::{Limits, Moment, Profile};
use events::Viewed as _;
use events::event::{
    CartItemAdded, CartItemRemoved, CartSnapshot, CheckoutStarted, CheckoutStep, OrderCompleted, PageViewed,
    PaymentFailed, ProductViewed, Searched,
};
use events::{Body, Context, CustomerId, Event, EventId, EventTime, Item, Money, Origin, Span};
use prost::Message as _;

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

const SETTLE: Span = Span::from_secs(60);

pub struct Story {
    pub rules: Rules,
    pub cart_rules: Option<cart_abandonment::Rules>,
    pub state: IntentState,
    pub cart: CartState,
    /// Whether what is due is sent.
    pub sends: bool,
    pub backfill: bool,
    /// The last candidate, in full.
    pub last: Option<Candidate>,
    profile: Profile,
    limits: Limits,
    watermark: EventTime,
    events: usize,
    told: Vec<String>,
}

impl Story {
    pub fn new() -> Self {
        Self::with(Rules::default())
    }

    pub fn with(rules: Rules) -> Self {
        rules.validate().expect("usable rules");
        let (state, cart, profile) = Default::default();
        Self {
            rules,
            // One step is enough here, and its own scenarios are elsewhere.
            cart_rules: Some(cart_abandonment::Rules { further_steps: Vec::new(), ..Default::default() }),
            state,
            cart,
            sends: true,
            backfill: false,
            last: None,
            profile,
            limits: Limits { recent_events: 4_096, recent_orders: 4_096, ..Limits::default() },
            watermark: EventTime::from_millis(-1),
            events: 0,
            told: Vec::new(),
        }
    }

    /// An event in its order: at equal times it comes before the timers.
    pub fn at(&mut self, ms: i64, body: Body) -> &mut Self {
        self.at_in(None, ms, body)
    }

    /// An event in its order, in a session that the source numbers.
    pub fn at_in(&mut self, session: Option<&str>, ms: i64, body: Body) -> &mut Self {
        self.events += 1;
        let event =
            Event { backfill: self.backfill, ..event(&format!("e{}", self.events), ms, body, session) };
        self.apply_in_order(&event)
    }

    pub fn apply_in_order(&mut self, event: &Event) -> &mut Self {
        self.until(event.occurred_at.as_millis() - 1);
        self.apply(event, false)
    }

    /// An event that the order has passed already.
    pub fn late(&mut self, ms: i64, body: Body) -> &mut Self {
        self.events += 1;
        let event = Event { backfill: self.backfill, ..event(&format!("e{}", self.events), ms, body, None) };
        assert!(event.occurred_at <= self.watermark, "a late event lies before the watermark");
        self.apply(&event, true)
    }

    /// Whether the order has passed the event already.
    pub fn is_late(&self, event: &Event) -> bool {
        event.occurred_at <= self.watermark
    }

    /// Lets the watermark pass this time.
    pub fn until(&mut self, ms: i64) -> &mut Self {
        let watermark = EventTime::from_millis(ms).max(self.watermark);
        while let Some(due) = self.next_due().filter(|due| *due <= watermark) {
            self.watermark = self.watermark.max(due);
            self.fire(due);
        }
        self.watermark = watermark;
        self
    }

    /// Lets the watermark pass everything.
    pub fn flush(&mut self) -> &mut Self {
        self.until(i64::MAX)
    }

    /// What has happened since it was last told.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    pub fn moment(&self, late: bool) -> Moment {
        Moment { watermark: self.watermark, appended_at: None, settle: SETTLE, late }
    }

    fn next_due(&self) -> Option<EventTime> {
        [self.state.next_due(), self.cart.next_due()].into_iter().flatten().min()
    }

    pub fn apply(&mut self, event: &Event, late: bool) -> &mut Self {
        if self.profile.has_seen(&event.view()) {
            return self;
        }
        let moment = self.moment(late);
        self.profile.apply(&event.view(), &moment, &self.limits);
        self.apply_to_cart(event, &moment);
        let known = Known { profile: &self.profile, cart: &self.cart };
        for effect in self.state.apply(&self.rules, known, &event.view(), &moment) {
            match effect {
                Effect::Due(candidate) => self.tell(*candidate),
                Effect::Retracted(retraction) => {
                    let trigger = retraction.fired.episode.trigger().expect("a known trigger").as_str();
                    let at = Span::from_millis(retraction.fired.fired_ms);
                    let reason = retraction.reason.as_str();
                    self.told.push(format!("{trigger} of {at} taken back: {reason}"));
                }
                Effect::CancelPendingCart => self.cart.give_way(),
            }
        }
        self.check_bytes()
    }

    fn apply_to_cart(&mut self, event: &Event, moment: &Moment) {
        let Some(rules) = &self.cart_rules else { return };
        for effect in self.cart.apply(rules, &event.view(), moment) {
            let cart_abandonment::Effect::Retracted(retraction) = effect else { continue };
            self.state.forget(&retraction.fired.trigger_id);
            self.told.push(format!("cart taken back: {}", retraction.reason.as_str()));
        }
    }

    fn fire(&mut self, due: EventTime) {
        if self.cart.next_due().is_some_and(|cart| cart <= due) {
            self.fire_cart(due);
        }
        if self.state.next_due().is_some_and(|own| own <= due) {
            let candidate = self.state.fire(&self.rules, due);
            assert_eq!(self.state.next_due(), None, "one waits at a time");
            candidate.into_iter().for_each(|candidate| self.tell(candidate));
        }
        self.check_bytes();
    }

    fn fire_cart(&mut self, due: EventTime) {
        let Some(rules) = &self.cart_rules else { return };
        for effect in self.cart.fire(rules, due) {
            let cart_abandonment::Effect::Due(candidate) = effect else { continue };
            let armed_by = &candidate.cart.changed_by;
            let sent = sent(&format!("cart {armed_by} {}", candidate.step), &candidate.cart.opened_by);
            self.cart.remember(&candidate, sent, rules);
            self.state.remember_cart(&candidate, sent, &self.rules);
            self.told.push(format!("cart_abandonment of {armed_by} at {}", since_start(due)));
        }
    }

    fn tell(&mut self, candidate: Candidate) {
        assert!(candidate.due <= candidate.fired_at);
        let name = candidate.trigger.as_str();
        let (armed_by, at) = (&candidate.episode.armed_by, since_start(candidate.fired_at));
        self.told.push(match &candidate.about {
            About::Recovery(recovery) => {
                let of = recovery.fired.episode.trigger().expect("a known trigger").as_str();
                format!("{name} by {armed_by}: {of} after {}", recovery.after)
            }
            _ => format!("{name} of {armed_by} at {at}"),
        });
        if self.sends {
            let id = sent(&format!("{name} {armed_by}"), &format!("{name} {}", candidate.episode.opened_by));
            self.state.remember(&candidate, id, &self.rules);
            if candidate.trigger.outranks_cart() {
                self.cart.give_way();
            }
        }
        self.last = Some(candidate);
    }

    fn check_bytes(&mut self) -> &mut Self {
        let bytes = self.state.encode_to_vec();
        assert_eq!(IntentState::decode(bytes.as_slice()).as_ref(), Ok(&self.state));
        let session = |session: &Option<cart_abandonment::intent::Session>| {
            session.as_ref().is_none_or(|session| {
                session.products.len() <= self.rules.max_products
                    && session.queries.len() <= self.rules.max_queries
            })
        };
        assert!(session(&self.state.session) && session(&self.state.left));
        assert!(self.state.fired.len() <= self.rules.max_remembered);
        assert!(self.state.done_checkouts.len() <= 4);
        self
    }
}

/// Stands for the ids that the composition makes: the same names give the same ids.
fn sent(trigger: &str, episode: &str) -> FiredAs {
    let id = |name: &str| u128::from(customer::recent::fingerprint(name)).to_be_bytes();
    FiredAs { trigger_id: id(trigger), episode_id: id(episode) }
}

fn since_start(at: EventTime) -> Span {
    Span::from_millis(at.as_millis())
}

pub fn event(id: &str, ms: i64, body: Body, session: Option<&str>) -> Event {
    let at = EventTime::from_millis(ms);
    Event {
        event_id: EventId::new(id),
        customer_id: CustomerId::new("c"),
        occurred_at: at,
        body,
        received_at: at,
        source: "test".into(),
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context { session_id: session.map(Into::into), ..Context::default() },
        backfill: false,
    }
}

pub fn euros(amount_minor: i64) -> Money {
    Money { amount_minor, currency: "EUR".into() }
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

pub fn page() -> Body {
    Body::PageViewed(PageViewed::default())
}

pub fn viewed(name: &str) -> Body {
    Body::ProductViewed(ProductViewed { item: Some(product(name)) })
}

pub fn searched(query: &str) -> Body {
    Body::Searched(Searched { query: Some(query.into()) })
}

pub fn added(name: &str) -> Body {
    Body::CartItemAdded(CartItemAdded { cart_id: None, item: Some(product(name)) })
}

pub fn removed(name: &str) -> Body {
    Body::CartItemRemoved(CartItemRemoved { cart_id: None, item: Some(product(name)) })
}

pub fn shown(names: &[&str]) -> Body {
    let items = names.iter().map(|name| product(name)).collect();
    Body::CartSnapshot(CartSnapshot { cart_id: None, items })
}

pub fn checkout(id: Option<&str>) -> Body {
    Body::CheckoutStarted(CheckoutStarted {
        checkout_id: id.map(Into::into),
        cart_id: None,
        value: Some(euros(4_200)),
    })
}

pub fn step(id: Option<&str>, name: &str) -> Body {
    Body::CheckoutStep(CheckoutStep { checkout_id: id.map(Into::into), step: Some(name.into()) })
}

pub fn refused() -> Body {
    Body::PaymentFailed(PaymentFailed {
        order_id: Some("o-1".into()),
        amount: Some(euros(4_200)),
        error: Some("card_declined".into()),
    })
}

/// An order of an id of its own.
pub fn ordered() -> Body {
    order(None)
}

/// An order made of that checkout. Without an id of its own it is never taken for another.
pub fn order(checkout: Option<&str>) -> Body {
    Body::OrderCompleted(OrderCompleted {
        checkout_id: checkout.map(Into::into),
        total: Some(euros(4_200)),
        ..Default::default()
    })
}
