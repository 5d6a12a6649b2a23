//! What is told of records that a fold has made.

use customer::Moment;
use engine::fold::Fold as _;
use events::event::{CartItemAdded, CheckoutStarted, ConsentChanged, Item};
use events::{Body, Event, EventId, Money, Origin};
use triggers::TriggerFold;

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
        fold.apply(&mut record, &event(&format!("e-{place}"), at, body), &moment(at - 1), &mut outputs);
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

#[test]
fn an_armed_cart_says_when_its_next_step_fires_and_what_the_gates_will_say() {
    let watermark = OPENED + HOUR / 2;
    let account = told(&record(vec![lamp()], watermark), watermark);
    assert_eq!(
        account.next.words,
        "If the cart stays as it is, step 0 fires once the watermark passes 2023-11-15T02:13:20.000Z, 4h after the \
         last change (3h 30m of event time to go); then it is not sent: the gate `consent` says denied_by_default."
    );
    let cart = account.cart.unwrap();
    assert_eq!((cart.value_minor, cart.changed_by.as_str()), (Some(4_900), "e-0"));
    let timers: Vec<_> = account.timers.iter().map(|timer| timer.what.as_str()).collect();
    assert_eq!(timers[..2], ["cart_abandonment step 0", "the cart is forgotten"]);
    assert!(account.fired.is_empty());
}

#[test]
fn a_fired_step_is_told_with_its_ids_and_the_one_that_follows() {
    let watermark = OPENED + HOUR + 4 * HOUR;
    let before = record(vec![agreed(), lamp()], OPENED + HOUR);
    let promised = told(&before, OPENED + HOUR).next.trigger_id.unwrap();
    let account = told(&record(vec![agreed(), lamp()], watermark), watermark);
    let [fired] = &account.fired[..] else { panic!("{:?}", account.fired) };
    assert_eq!(fired.trigger_id, promised);
    assert_eq!((fired.step, fired.fired_at.as_str()), (0, "2023-11-15T03:13:20.000Z"));
    assert_eq!(account.next.step, Some(1));
    assert!(
        account.next.words.ends_with("(20h of event time to go); then it is sent."),
        "{:?}",
        account.next
    );
}

#[test]
fn where_nothing_is_pending_the_reason_is_told() {
    let watermark = OPENED + 2 * HOUR;
    let checkout = Body::CheckoutStarted(CheckoutStarted::default());
    let left = told(&record(vec![lamp(), checkout], watermark), watermark);
    assert!(left.next.words.contains("a checkout was started"), "{:?}", left.next);
    let nothing = told(&record(vec![agreed()], watermark), watermark);
    assert_eq!(nothing.next.words, "Nothing: the cart holds nothing.");
    let late = OPENED + 100 * HOUR;
    let spent = told(&record(vec![lamp()], late), late);
    assert!(spent.next.words.contains("every step has passed"), "{:?}", spent.next);
}

#[test]
fn lengths_of_time_have_two_units_at_most() {
    for (millis, words) in [
        (0, "0ms"),
        (999, "999ms"),
        (61_000, "1m 1s"),
        (4 * HOUR, "4h"),
        (25 * HOUR + 1_000, "1d 1h"),
        (24 * HOUR + 1_000, "1d"),
    ] {
        assert_eq!(in_words(Span::from_millis(millis)), words);
    }
}
