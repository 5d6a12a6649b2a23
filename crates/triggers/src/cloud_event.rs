//! CloudEvents 1.0 in the binary mode of their Kafka binding: attributes in headers, the data as the value.
//!
//! `ce_id` names the record, so that a consumer that drops repeated ids does not drop a retraction; `ce_triggerid`
//! names the trigger through its whole life. The key is the customer's id.

use bytes::Bytes;
use engine::fold::Output;
use events::{CustomerId, EventTime};
use serde::Serialize;
use smol_str::{SmolStr, format_smolstr};
use uuid::Uuid;

use crate::ids;
use crate::payload::rfc3339;
use crate::settings::Settings;

/// A stage of a trigger's life that is worth a record.
#[derive(Clone, Copy)]
pub(crate) enum Stage {
    Fired,
    Suppressed,
    Expired,
    Cancelled,
    Converted,
    Unconverted,
}

impl Stage {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Fired => "fired",
            Self::Suppressed => "suppressed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Converted => "converted",
            Self::Unconverted => "unconverted",
        }
    }
}

/// What the attributes are made of.
pub(crate) struct Headers<'a> {
    pub trigger: &'a str,
    pub stage: Stage,
    pub trigger_id: Uuid,
    /// The event time at which it became true.
    pub true_at: EventTime,
    pub customer: &'a CustomerId,
}

/// The topic of a trigger.
pub(crate) fn topic_of(prefix: &str, trigger: &str) -> SmolStr {
    format_smolstr!("{prefix}.{}", trigger.replace('_', "-"))
}

/// A record for the trigger's own topic, for the audit of what was not sent, or for what came of it.
pub(crate) fn binary(settings: &Settings, headers: &Headers<'_>, payload: &impl Serialize) -> Output {
    let Headers { trigger, trigger_id, .. } = headers;
    let (namespace, prefix) = (&settings.namespace, &settings.actions_prefix);
    let stage = headers.stage.as_str();
    let topic = match headers.stage {
        Stage::Fired | Stage::Cancelled => topic_of(prefix, trigger),
        Stage::Suppressed | Stage::Expired => format_smolstr!("{prefix}.suppressed"),
        Stage::Converted | Stage::Unconverted => SmolStr::new(&settings.outcomes_topic),
    };
    let attributes = [
        ("ce_specversion", "1.0".to_owned()),
        ("ce_type", format!("rekindle.{trigger}.{stage}.v1")),
        ("ce_source", format!("/rekindle/{namespace}/triggers")),
        ("ce_id", ids::record_id(*trigger_id, stage, 1).to_string()),
        ("ce_triggerid", trigger_id.to_string()),
        ("ce_time", rfc3339(headers.true_at)),
        ("ce_subject", headers.customer.to_string()),
        ("content-type", "application/json".to_owned()),
    ];
    Output {
        topic,
        key: headers.customer.clone(),
        headers: attributes.into_iter().map(|(name, value)| (SmolStr::new_static(name), value)).collect(),
        // Structs of texts and numbers can always be written.
        payload: Bytes::from(serde_json::to_vec(payload).expect("a payload has no maps")),
    }
}
