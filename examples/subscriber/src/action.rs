//! A record of an action topic, as far as sending a message needs it.
//!
//! Must stay true: what is not known is passed over and counted, never taken for broken. Fields, triggers, stages and
//! versions are added over time; a subscriber must live through that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The triggers that this platform has something to say about: by trigger, the template of its message.
const TEMPLATES: [(&str, &str); 4] = [
    ("cart_abandonment", "your_cart_is_waiting"),
    ("churn_risk", "something_for_you"),
    ("dormancy", "we_miss_you"),
    ("reactivated", "welcome_back"),
];

/// What a record asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Names the record: one that comes again has the same.
    pub ce_id: String,
    /// What is to be done with the message.
    pub stage: Stage,
    /// Why it is taken back, where it is.
    pub reason: Option<String>,
    /// The message. In a cancellation it is there for its id and its end.
    pub message: Message,
}

/// The stages of a trigger's life that reach its own topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Send it.
    Fired,
    /// Do not send it after all.
    Cancelled,
}

/// A message that is to be sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Names the trigger: the same in the record that fires it and in the one that takes it back.
    pub trigger_id: String,
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

/// Why a record asks for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is for others, or for a later version of this program: counted under this name.
    Ignored(&'static str),
    /// It is not what the schemas describe.
    Broken(String),
}

/// The fields that are needed; serde passes over all others.
#[derive(Deserialize)]
struct Value {
    mode: String,
    not_before: Option<Timestamp>,
    expires_at: Timestamp,
    priority: u8,
    reason: Option<String>,
    customer: Customer,
    context: serde_json::Value,
}

#[derive(Deserialize)]
struct Customer {
    id: String,
}

impl Action {
    /// Reads a record, given its headers by name, and its value.
    ///
    /// # Errors
    /// [`Unusable`]; either way the reader goes on with the next record.
    pub fn read<'a>(
        header: impl Fn(&str) -> Option<&'a str>,
        value: Option<&[u8]>,
    ) -> Result<Self, Unusable> {
        let needed = |name| header(name).ok_or_else(|| Unusable::Broken(format!("no header {name}")));
        let (trigger, template, stage) = understand(needed("ce_type")?)?;
        let (ce_id, trigger_id) = (needed("ce_id")?, needed("ce_triggerid")?);
        let value = value.ok_or_else(|| Unusable::Broken("no value".to_owned()))?;
        let value: Value =
            serde_json::from_slice(value).map_err(|error| Unusable::Broken(error.to_string()))?;
        // Replays and shadow runs write the same records, and nobody is to hear of them.
        if value.mode != "live" {
            return Err(Unusable::Ignored("not_live"));
        }
        let message = Message {
            trigger_id: trigger_id.to_owned(),
            trigger: trigger.to_owned(),
            customer_id: value.customer.id,
            template: template.to_owned(),
            not_before: value.not_before,
            expires_at: value.expires_at,
            priority: value.priority,
            context: value.context,
        };
        Ok(Self { ce_id: ce_id.to_owned(), stage, reason: value.reason, message })
    }
}

/// Takes a type such as `rekindle.cart_abandonment.fired.v1` apart: trigger, its template, stage.
fn understand(ce_type: &str) -> Result<(&str, &'static str, Stage), Unusable> {
    let parts: Vec<&str> = ce_type.split('.').collect();
    let ["rekindle", trigger, stage, version] = parts[..] else {
        return Err(Unusable::Ignored("unknown_type"));
    };
    if version != "v1" {
        return Err(Unusable::Ignored("unknown_version"));
    }
    let Some((_, template)) = TEMPLATES.iter().find(|(known, _)| *known == trigger) else {
        return Err(Unusable::Ignored("unknown_trigger"));
    };
    match stage {
        "fired" => Ok((trigger, template, Stage::Fired)),
        "cancelled" => Ok((trigger, template, Stage::Cancelled)),
        _ => Err(Unusable::Ignored("unknown_stage")),
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

    fn read(ce_type: &str, value: &serde_json::Value) -> Result<Action, Unusable> {
        let header = |name: &str| match name {
            "ce_id" => Some("id-1"),
            "ce_triggerid" => Some("trigger-1"),
            "ce_type" => Some(ce_type),
            _ => None,
        };
        Action::read(header, Some(value.to_string().as_bytes()))
    }

    #[test]
    fn a_record_says_what_to_send_to_whom_and_when() {
        let action = read(TYPE, &value()).unwrap();
        assert_eq!((action.ce_id.as_str(), action.stage), ("id-1", Stage::Fired));
        let message = action.message;
        assert_eq!((message.trigger_id.as_str(), message.template.as_str()), ("trigger-1", "we_miss_you"));
        assert_eq!(message.not_before, Some("2026-03-02T07:00:00Z".parse().unwrap()));
        assert_eq!(message.expires_at, "2026-03-03T00:00:00Z".parse().unwrap());
        assert_eq!((message.customer_id.as_str(), message.priority), ("c-1", 12));
        assert_eq!(message.context, json!({"orders": 1}));
    }

    #[test]
    fn a_cancellation_says_why() {
        let mut value = value();
        value["reason"] = json!("active_late");
        let action = read("rekindle.dormancy.cancelled.v1", &value).unwrap();
        assert_eq!((action.stage, action.reason.as_deref()), (Stage::Cancelled, Some("active_late")));
    }

    #[test]
    fn fields_that_are_not_known_do_no_harm() {
        let mut value = value();
        value["mood"] = json!({"deep": ["down"]});
        value["customer"]["shoe_size"] = json!(43);
        assert_eq!(read(TYPE, &value).unwrap().message.customer_id, "c-1");
    }

    #[test]
    fn what_is_not_known_is_passed_over_by_name() {
        for (ce_type, name) in [
            ("rekindle.astrology.fired.v1", "unknown_trigger"),
            ("rekindle.dormancy.reborn.v1", "unknown_stage"),
            ("rekindle.dormancy.fired.v2", "unknown_version"),
            ("com.example.thing", "unknown_type"),
        ] {
            // Whatever its value looks like.
            assert_eq!(read(ce_type, &json!("?")), Err(Unusable::Ignored(name)), "{ce_type}");
        }
        for mode in ["replay", "shadow", "rehearsal"] {
            let mut value = value();
            value["mode"] = json!(mode);
            assert_eq!(read(TYPE, &value), Err(Unusable::Ignored("not_live")));
        }
    }

    #[test]
    fn what_the_schemas_do_not_describe_is_broken() {
        let is_broken = |read: Result<Action, Unusable>| matches!(read, Err(Unusable::Broken(_)));
        for field in ["mode", "expires_at", "priority", "customer", "context"] {
            let mut value = value();
            value.as_object_mut().unwrap().remove(field);
            assert!(is_broken(read(TYPE, &value)), "{field}");
        }
        let mut value = value();
        value["expires_at"] = json!("tomorrow");
        assert!(is_broken(read(TYPE, &value)));
        assert!(is_broken(Action::read(|_| None, Some(b"{}"))));
        let header = |name: &str| Some(if name == "ce_type" { TYPE } else { "1" });
        assert!(is_broken(Action::read(header, Some(b"no JSON"))));
        assert!(is_broken(Action::read(header, None)));
    }
}
