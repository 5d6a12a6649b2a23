//! A record of an action topic or of `outcomes`, as far as sending messages needs it.
//!
//! Must stay true: what is not known is passed over and counted, never taken for broken. Fields, triggers, stages and
//! versions are added over time; a subscriber must live through that.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A trigger that this platform has something to say about.
struct Known {
    trigger: &'static str,
    /// Which message it sends.
    template: &'static str,
    /// Whether an order makes the message pointless.
    ends_with_order: bool,
}

const KNOWN: [Known; 4] = [
    Known { trigger: "cart_abandonment", template: "your_cart_is_waiting", ends_with_order: true },
    Known { trigger: "churn_risk", template: "something_for_you", ends_with_order: true },
    Known { trigger: "dormancy", template: "we_miss_you", ends_with_order: true },
    Known { trigger: "reactivated", template: "welcome_back", ends_with_order: false },
];

/// A record that asks for something.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Names the record: one that comes again has the same.
    pub ce_id: String,
    /// Names the trigger: the same in the record that fires it and in the one that takes it back.
    pub trigger_id: String,
    /// What is to be done.
    pub request: Request,
}

/// What a record asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// A message.
    Send(Message),
    /// That it is not sent after all.
    Withdraw(Withdrawal),
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Which trigger it is.
    pub trigger: String,
    /// Whom it goes to.
    pub customer_id: String,
    /// What it says.
    pub template: String,
    /// Not before; at once where there is none.
    pub not_before: Option<Timestamp>,
    /// Not from then on.
    pub expires_at: Timestamp,
    /// The higher one goes first.
    pub priority: u8,
    /// What the template is filled with.
    pub context: serde_json::Value,
}

/// The reason for a message is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// Why.
    pub reason: String,
    /// Whether it should never have been sent; else the customer bought, which is what it was for.
    pub was_wrong: bool,
    /// How long it may still matter.
    pub until: Timestamp,
}

/// Why a record asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is for others, or for a later version of this program: counted under this name.
    Ignored(&'static str),
    /// It is not what the schemas describe.
    Broken(String),
}

/// The fields that are needed of a trigger that fired; serde passes over all others.
#[derive(Deserialize)]
struct Fired {
    not_before: Option<Timestamp>,
    expires_at: Timestamp,
    priority: u8,
    customer: Customer,
    context: serde_json::Value,
}

#[derive(Deserialize)]
struct Customer {
    id: String,
}

#[derive(Deserialize)]
struct Cancelled {
    reason: String,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Converted {
    window_ends_at: Timestamp,
    experiment: Option<Experiment>,
}

#[derive(Deserialize)]
struct Experiment {
    held_out: bool,
}

#[derive(Deserialize)]
struct Envelope {
    mode: String,
}

impl Record {
    /// Reads a record, given its headers by name, and its value.
    ///
    /// # Errors
    /// [`Unusable`]; either way the reader goes on with the next record.
    pub fn read<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        value: Option<&[u8]>,
    ) -> Result<Self, Unusable> {
        let needed = |name| header(name).ok_or_else(|| Unusable::Broken(format!("no header {name}")));
        let (known, stage) = understand(needed("ce_type")?)?;
        let (ce_id, trigger_id) = (needed("ce_id")?.to_owned(), needed("ce_triggerid")?.to_owned());
        let value = value.ok_or_else(|| Unusable::Broken("no value".to_owned()))?;
        // Replays and shadow runs write the same records, and nobody is to hear of them.
        if parse::<Envelope>(value)?.mode != "live" {
            return Err(Unusable::Ignored("not_live"));
        }
        let request = match stage {
            "fired" => Request::Send(message(known, parse(value)?)),
            "cancelled" => {
                let Cancelled { reason, expires_at: until } = parse(value)?;
                Request::Withdraw(Withdrawal { reason, was_wrong: true, until })
            }
            // On `outcomes`: the customer ordered, maybe while the message was still waiting for the morning.
            "converted" if known.ends_with_order => {
                let Converted { window_ends_at: until, experiment } = parse(value)?;
                // Who is left alone for comparison has no message that could wait.
                if experiment.is_some_and(|experiment| experiment.held_out) {
                    return Err(Unusable::Ignored("outcome"));
                }
                Request::Withdraw(Withdrawal { reason: stage.to_owned(), was_wrong: false, until })
            }
            "converted" | "unconverted" => return Err(Unusable::Ignored("outcome")),
            _ => return Err(Unusable::Ignored("unknown_stage")),
        };
        Ok(Self { ce_id, trigger_id, request })
    }
}

/// Takes a type such as `rekindle.cart_abandonment.fired.v1` apart: the trigger, and the stage of its life.
fn understand(ce_type: &str) -> Result<(&'static Known, &str), Unusable> {
    let parts: Vec<&str> = ce_type.split('.').collect();
    let ["rekindle", trigger, stage, version] = parts[..] else {
        return Err(Unusable::Ignored("unknown_type"));
    };
    if version != "v1" {
        return Err(Unusable::Ignored("unknown_version"));
    }
    match KNOWN.iter().find(|known| known.trigger == trigger) {
        Some(known) => Ok((known, stage)),
        None => Err(Unusable::Ignored("unknown_trigger")),
    }
}

fn parse<T: DeserializeOwned>(value: &[u8]) -> Result<T, Unusable> {
    serde_json::from_slice(value).map_err(|error| Unusable::Broken(error.to_string()))
}

fn message(known: &Known, fired: Fired) -> Message {
    Message {
        trigger: known.trigger.to_owned(),
        customer_id: fired.customer.id,
        template: known.template.to_owned(),
        not_before: fired.not_before,
        expires_at: fired.expires_at,
        priority: fired.priority,
        context: fired.context,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TYPE: &str = "rekindle.dormancy.fired.v1";

    fn value() -> serde_json::Value {
        json!({
            "mode": "live", "not_before": "2026-03-02T07:00:00.000Z", "expires_at": "2026-03-03T00:00:00.000Z",
            "priority": 12, "reason": null, "customer": {"id": "c-1"}, "context": {"orders": 1},
        })
    }

    fn read(ce_type: &str, value: &serde_json::Value) -> Result<Record, Unusable> {
        let header = |name: &str| match name {
            "ce_id" => Some("id-1"),
            "ce_triggerid" => Some("trigger-1"),
            "ce_type" => Some(ce_type),
            _ => None,
        };
        Record::read(header, Some(value.to_string().as_bytes()))
    }

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_record_says_what_to_send_to_whom_and_when() {
        let record = read(TYPE, &value()).unwrap();
        assert_eq!((record.ce_id.as_str(), record.trigger_id.as_str()), ("id-1", "trigger-1"));
        let Request::Send(message) = record.request else { panic!("a message") };
        assert_eq!((message.trigger.as_str(), message.template.as_str()), ("dormancy", "we_miss_you"));
        assert_eq!(message.not_before, Some(time("2026-03-02T07:00:00Z")));
        assert_eq!(message.expires_at, time("2026-03-03T00:00:00Z"));
        assert_eq!((message.customer_id.as_str(), message.priority), ("c-1", 12));
        assert_eq!(message.context, json!({"orders": 1}));
    }

    #[test]
    fn a_cancellation_says_why() {
        let mut value = value();
        value["reason"] = json!("active_late");
        let record = read("rekindle.dormancy.cancelled.v1", &value).unwrap();
        let (reason, until) = ("active_late".to_owned(), time("2026-03-03T00:00:00Z"));
        assert_eq!(record.request, Request::Withdraw(Withdrawal { reason, was_wrong: true, until }));
    }

    #[test]
    fn an_order_makes_some_messages_pointless_and_others_not() {
        let value = json!({"mode": "live", "window_ends_at": "2026-03-07T00:00:00Z"});
        let record = read("rekindle.dormancy.converted.v1", &value).unwrap();
        let (reason, until) = ("converted".to_owned(), time("2026-03-07T00:00:00Z"));
        assert_eq!(record.request, Request::Withdraw(Withdrawal { reason, was_wrong: false, until }));
        for ce_type in ["rekindle.reactivated.converted.v1", "rekindle.dormancy.unconverted.v1"] {
            assert_eq!(read(ce_type, &value), Err(Unusable::Ignored("outcome")));
        }
        let mut held_out = value.clone();
        held_out["experiment"] = json!({"held_out": true, "bucket": 17});
        assert_eq!(read("rekindle.dormancy.converted.v1", &held_out), Err(Unusable::Ignored("outcome")));
    }

    #[test]
    fn fields_that_are_not_known_do_no_harm() {
        let mut value = value();
        value["mood"] = json!({"deep": ["down"]});
        value["customer"]["shoe_size"] = json!(43);
        assert!(read(TYPE, &value).is_ok());
    }

    #[test]
    fn what_is_not_known_is_passed_over_by_name() {
        for (ce_type, name) in [
            ("rekindle.astrology.fired.v1", "unknown_trigger"),
            ("rekindle.dormancy.reborn.v1", "unknown_stage"),
            ("rekindle.dormancy.fired.v2", "unknown_version"),
            ("com.example.thing", "unknown_type"),
        ] {
            // Whatever else its value holds.
            assert_eq!(read(ce_type, &json!({"mode": "live"})), Err(Unusable::Ignored(name)), "{ce_type}");
        }
        for mode in ["replay", "shadow", "rehearsal"] {
            let mut value = value();
            value["mode"] = json!(mode);
            assert_eq!(read(TYPE, &value), Err(Unusable::Ignored("not_live")));
        }
    }

    #[test]
    fn what_the_schemas_do_not_describe_is_broken() {
        let is_broken = |read: Result<Record, Unusable>| matches!(read, Err(Unusable::Broken(_)));
        for field in ["mode", "expires_at", "priority", "customer", "context"] {
            let mut value = value();
            value.as_object_mut().unwrap().remove(field);
            assert!(is_broken(read(TYPE, &value)), "{field}");
        }
        let mut value = value();
        value["expires_at"] = json!("tomorrow");
        assert!(is_broken(read(TYPE, &value)));
        assert!(is_broken(Record::read(|_| None, Some(b"{}"))));
        let header = |name: &str| Some(if name == "ce_type" { TYPE } else { "1" });
        assert!(is_broken(Record::read(header, Some(b"no JSON"))));
        assert!(is_broken(Record::read(header, None)));
    }
}
