//! What customers of the whole catalogue do, and what befalls them: everything that some trigger reads.

use std::collections::BTreeMap;

use events::{EventTime, Span};

use super::{CLICKSTREAM, ENGAGEMENT, PROFILE, PURCHASE, SUPPORT, item};
use crate::dice::Dice;
use crate::rules::Pace;

/// Birthdays around the time when runs begin, one that most years lack, and one without its year.
const BIRTHDAYS: [&str; 4] = ["1990-11-15", "--11-17", "1961-11-30", "2000-02-29"];
/// Zones on both sides of the date line, and one that is none.
const ZONES: [&str; 5] =
    ["Europe/Berlin", "Asia/Seoul", "America/New_York", "Pacific/Auckland", "Mars/Olympus"];
const CHANNELS: [&str; 3] = ["email", "sms", "push"];

/// A raw record to be: its topic, the event's kind, and the fields that only this kind has.
pub struct Errand {
    pub topic: usize,
    pub kind: &'static str,
    pub fields: String,
}

/// What is remembered of each customer, so that later errands speak of the same.
pub struct Errands {
    pace: Pace,
    orders: BTreeMap<usize, String>,
    tickets: BTreeMap<usize, String>,
}

impl Errands {
    /// Nobody has done anything yet.
    pub fn at_pace(pace: Pace) -> Self {
        Self { pace, orders: BTreeMap::new(), tickets: BTreeMap::new() }
    }

    /// What a customer does next; `id` is used nowhere else.
    pub fn draw(&mut self, dice: &mut Dice, customer: usize, id: usize, now: EventTime) -> Errand {
        let (topic, (kind, fields)) = match dice.weighted(&[45, 25, 18, 8, 6]) {
            0 => (CLICKSTREAM, browse(dice, customer, id)),
            1 => (PURCHASE, self.buy(dice, customer, id, now)),
            2 => (SUPPORT, self.complain(dice, customer, id)),
            3 => (PROFILE, state(dice, id)),
            _ => (ENGAGEMENT, hear(dice, id)),
        };
        Errand { topic, kind, fields }
    }

    fn buy(&mut self, dice: &mut Dice, customer: usize, id: usize, now: EventTime) -> Told {
        let last = self.orders.get(&customer).cloned().unwrap_or_else(|| "o-unknown".to_owned());
        let about_last = |rest: &str| format!(r#","order_id":"{last}"{rest}"#);
        match dice.weighted(&[40, 15, 15, 15, 6, 6]) {
            0 => {
                let order = format!("o{id}");
                self.orders.insert(customer, order.clone());
                let (total, product) = (dice.between(0, 60_000), dice.below(3));
                let checkout =
                    if dice.once_in(2) { format!(r#","checkout_id":"k{customer}""#) } else { String::new() };
                let fields = format!(
                    r#","order_id":"{order}"{checkout},"currency":"EUR","total_minor":{total},"items":[{{"product_id":"p{product}","quantity":1}}]"#
                );
                ("order_completed", fields)
            }
            1 => (
                "payment_failed",
                format!(r#","order_id":"o{id}","currency":"EUR","amount_minor":995,"error":"declined""#),
            ),
            2 => {
                let days = dice.between(-1, 4);
                let day =
                    if dice.once_in(2) { Span::from_hours(24) } else { self.pace.of(Span::from_hours(24)) };
                let promised = now.as_millis() + days * day.as_millis();
                let status = *dice.pick(&["promised", "shipped", "out_for_delivery"]);
                ("delivery_updated", about_last(&format!(r#","status":"{status}","promised_at":{promised}"#)))
            }
            3 => ("delivered", about_last("")),
            4 => ("order_cancelled", about_last("")),
            _ => ("order_refunded", about_last(r#","currency":"EUR","amount_minor":500"#)),
        }
    }

    fn complain(&mut self, dice: &mut Dice, customer: usize, id: usize) -> Told {
        let last = self.tickets.get(&customer).cloned().unwrap_or_else(|| "t-unknown".to_owned());
        let about_last = |rest: &str| format!(r#","ticket_id":"{last}"{rest}"#);
        match dice.weighted(&[20, 12, 14, 22, 12, 12, 8, 6]) {
            0 => {
                let ticket = format!("t{id}");
                self.tickets.insert(customer, ticket.clone());
                ("ticket_opened", format!(r#","ticket_id":"{ticket}","topic":"delivery""#))
            }
            1 => {
                let author = *dice.pick(&["agent", "customer"]);
                ("ticket_updated", about_last(&format!(r#","author":"{author}""#)))
            }
            2 => ("ticket_reopened", about_last("")),
            3 => ("ticket_resolved", about_last("")),
            4 => (
                "survey_answered",
                about_last(&format!(r#","survey":"csat","score":{}"#, dice.between(1, 5))),
            ),
            5 => ("survey_answered", format!(r#","survey":"nps","score":{}"#, dice.between(0, 10))),
            6 => {
                let order = self.orders.get(&customer).map_or("o-unknown", String::as_str);
                ("review_submitted", format!(r#","order_id":"{order}""#))
            }
            _ => ("follow_up_recorded", about_last("")),
        }
    }
}

/// The event's kind, and its fields.
type Told = (&'static str, String);

fn browse(dice: &mut Dice, customer: usize, id: usize) -> Told {
    let product = item(dice.below(3) as u8);
    let visit = match dice.below(3) {
        0 => String::new(),
        visit => format!(r#","session_id":"s{customer}-{visit}""#),
    };
    let (kind, fields) = match dice.weighted(&[4, 26, 14, 4, 24, 6, 6, 3, 10, 5]) {
        0 => ("page_viewed", r#","title":"Shoes""#.to_owned()),
        1 => ("product_viewed", product),
        2 => ("searched", format!(r#","query":"shoes {}""#, dice.below(3))),
        3 => ("wishlist_item_added", product),
        4 => ("cart_item_added", product),
        5 => ("cart_item_removed", product),
        6 => match dice.once_in(2) {
            true => ("cart_snapshot", r#","items":[]"#.to_owned()),
            false => ("cart_snapshot", r#","items":[{"product_id":"p1","quantity":2}]"#.to_owned()),
        },
        7 => ("coupon_denied", format!(r#","coupon_id":"c{id}","reason":"expired""#)),
        8 => (
            "checkout_started",
            format!(r#","checkout_id":"k{customer}","currency":"EUR","total_minor":995"#),
        ),
        _ => ("checkout_step", format!(r#","checkout_id":"k{customer}","step":"address""#)),
    };
    (kind, fields + &visit)
}

fn state(dice: &mut Dice, id: usize) -> Told {
    let channel = *dice.pick(&CHANNELS);
    match dice.weighted(&[40, 30, 10, 10, 4]) {
        0 => {
            let (zone, birthday) = (*dice.pick(&ZONES), *dice.pick(&BIRTHDAYS));
            let fields = format!(
                r#","time_zone":"{zone}","birthday":"{birthday}","locale":"de-DE","preferred_channel":"{channel}""#
            );
            ("profile_updated", fields)
        }
        1 => {
            let purpose = *dice.pick(&["advertising", "advertising", "service", "advertising_at_night"]);
            let granted = !dice.once_in(3);
            let fields =
                format!(r#","consent_channel":"{channel}","purpose":"{purpose}","granted":{granted}"#);
            ("consent_changed", fields)
        }
        2 => ("suppression_changed", format!(r#","suppressed":{},"reason":"asked""#, dice.once_in(2))),
        3 => ("identity_linked", format!(r#","anonymous_id":"v{}""#, dice.below(3))),
        _ => ("erasure_requested", format!(r#","reference":"r{id}""#)),
    }
}

fn hear(dice: &mut Dice, id: usize) -> Told {
    let (channel, message) = (*dice.pick(&CHANNELS), format!(r#","message_id":"m{id}""#));
    match dice.weighted(&[3, 2, 4, 4, 4, 2]) {
        0 => ("message_sent", message),
        1 => ("message_delivered", message),
        2 => ("message_opened", message),
        3 => ("message_clicked", message),
        4 => {
            let permanent = dice.once_in(2);
            ("message_bounced", format!(r#"{message},"consent_channel":"{channel}","permanent":{permanent}"#))
        }
        _ => ("unsubscribed", format!(r#"{message},"consent_channel":"{channel}""#)),
    }
}
