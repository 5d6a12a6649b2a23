//! What is told of records that a fold has made.

use customer::Moment;
use engine::fold::Fold as _;
use events::Viewed as _;
use events::event::{CartItemAdded, CheckoutStarted, ConsentChanged, Item};
use events::{Body, CustomerId, Event, EventId, Money, Origin};
use triggers::TriggerFold;

use super::super::trigger::TriggerAccount;
use super::*;

const OPENED: i64 = 1_700_000_000_000;
const HOUR: i64 = 3_600_000;

fn settings() -> triggers::Settings {
    let mut settings = triggers::Settings::default();
    settings.gates.consent_default = Some(contact_policy::ConsentDefault::Denied);
    settings
}

fn lamp() -> Body {
    let item = Item {
        product_id: "sku-1".into(),
        quantity: 2,
        unit_price: Some(Money { amount_minor: 2_450, currency: "EUR".into() }),
        name: Some("red reading lamp".into()),
        category: None,
        variant: None,
        url: None,
        image_url: None,
    };
    Body::CartItemAdded(CartItemAdded { cart_id: Some("cart-1".into()), item: Some(item) })
}

fn agreed() -> Body {
    Body::ConsentChanged(ConsentChanged { channel: Some("email".into()), purpose: None, granted: true })
}

fn event(id: &str, at: i64, body: Body) -> Event {
    Event {
        event_id: EventId::new(id),
        customer_id: CustomerId::new("c-1"),
        occurred_at: EventTime::from_millis(at),
        body,
        received_at: EventTime::from_millis(at),
        source: "test".into(),
        origin: Origin { topic: "clickstream".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Default::default(),
        backfill: false,
    }
}

/// The record after these bodies, an hour apart, and every timer up to `watermark`.
fn record(bodies: Vec<Body>, watermark: i64) -> Record {
    let fold = TriggerFold::new(settings()).unwrap();
    let (mut record, mut outputs) = (Record::empty(), Vec::new());
    let moment = |time: i64| Moment {
        watermark: EventTime::from_millis(time),
        appended_at: None,
        settle: Span::from_secs(60),
        late: false,
    };
    for (place, body) in bodies.into_iter().enumerate() {
        let at = OPENED + place as i64 * HOUR;
        fold.apply(
            &mut record,
            &event(&format!("e-{place}"), at, body).view(),
            &moment(at - 1),
            &mut outputs,
        );
    }
    while let Some(due) = record.next_due().filter(|due| due.as_millis() <= watermark) {
        fold.fire(&CustomerId::new("c-1"), &mut record, due, &moment(watermark), &mut outputs);
    }
    record
}

fn told(record: &Record, watermark: i64) -> Account {
    let (customer, settings) = (CustomerId::new("c-1"), settings());
    let watermark = EventTime::from_millis(watermark);
    Account::of(record, Standpoint { customer: &customer, settings: &settings, watermark })
}

/// The entry of one trigger.
fn entry<'a>(account: &'a Account, name: &str) -> &'a TriggerAccount {
    account.triggers.iter().find(|told| told.trigger == name).unwrap()
}

fn obstacle(account: &Account, name: &str) -> String {
    entry(account, name).obstacle.as_ref().unwrap().words.clone()
}

#[test]
fn an_armed_cart_says_when_its_next_step_fires_and_what_the_gates_will_say() {
    let watermark = OPENED + HOUR / 2;
    let account = told(&record(vec![lamp()], watermark), watermark);
    let entry = entry(&account, "cart_abandonment");
    assert_eq!(
        entry.waiting[0].words,
        "If the cart stays as it is, step 0 fires once the watermark passes 2023-11-15T02:13:20.000Z, 4h after the \
         last change (3h 30m of event time to go); then it is not sent: the gate `consent` says denied_by_default."
    );
    assert_eq!((entry.state, entry.waiting[0].would_be_sent), ("waiting", false));
    let cart = account.cart.unwrap();
    assert_eq!((cart.value_minor, cart.changed_by.as_str()), (Some(4_900), "e-0"));
    let timers: Vec<_> = account.timers.iter().map(|timer| timer.what.as_str()).collect();
    assert_eq!(timers[..2], ["cart_abandonment step 0", "the cart is forgotten"]);
    assert!(account.triggers[0].fired.is_empty());
}

#[test]
fn a_fired_step_is_told_with_its_ids_and_the_one_that_follows() {
    let watermark = OPENED + HOUR + 4 * HOUR;
    let before = record(vec![agreed(), lamp()], OPENED + HOUR);
    let before = told(&before, OPENED + HOUR);
    let promised = &entry(&before, "cart_abandonment").waiting[0].trigger_id;
    let account = told(&record(vec![agreed(), lamp()], watermark), watermark);
    let entry = entry(&account, "cart_abandonment");
    let [fired] = &entry.fired[..] else { panic!("{:?}", entry.fired) };
    assert_eq!(fired.trigger_id, *promised);
    assert_eq!((fired.step, fired.fired_at.as_str()), (0, "2023-11-15T03:13:20.000Z"));
    let [next] = &entry.waiting[..] else { panic!("{:?}", entry.waiting) };
    assert_eq!(next.step, 1);
    assert!(next.words.contains("(20h of event time to go); then it is sent"), "{next:?}");
}

#[test]
fn where_nothing_is_pending_the_reason_is_told() {
    let watermark = OPENED + 2 * HOUR;
    let words = |bodies, watermark| {
        let account = told(&record(bodies, watermark), watermark);
        assert!(entry(&account, "cart_abandonment").waiting.is_empty());
        obstacle(&account, "cart_abandonment")
    };
    let checkout = Body::CheckoutStarted(CheckoutStarted::default());
    let left = words(vec![lamp(), checkout], watermark);
    assert!(left.contains("a checkout was started"), "{left}");
    assert_eq!(words(vec![agreed()], watermark), "the cart holds nothing");
    let spent = words(vec![lamp()], OPENED + 100 * HOUR);
    assert!(spent.contains("every step has passed"), "{spent}");
}
