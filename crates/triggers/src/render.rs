//! What was decided about an abandoned cart, told with its reasons.
//!
//! The same decision gives the same bytes. Staleness, gates and retraction differ only in what they put into
//! [`Facts`]; the rest of a record is the same for all of them.

use cart_abandonment::{Candidate, Reason, Retraction, Rules};
use contact_policy::Judgement;
use engine::fold::Output;
use events::{CustomerId, Event, EventTime};
use uuid::Uuid;

use crate::cloud_event::{self, Stage};
use crate::decision::Decision;
use crate::ids::{self, Subject};
use crate::payload::{Context, Customer, Episode, GateVerdict, Input, Payload, Why, rfc3339};
use crate::record::Record;
use crate::settings::Settings;

/// The trigger's name in records and ids.
pub(crate) const CART_ABANDONMENT: &str = "cart_abandonment";

/// Which trigger wins where several want to speak; checkout is to lie above, search and browse below.
const CART_PRIORITY: u8 = 30;

/// Tells what was decided about one customer's abandoned cart.
pub(crate) struct Renderer<'a> {
    pub settings: &'a Settings,
    pub rules: &'a Rules,
    pub rule_version: &'a str,
    pub id: &'a CustomerId,
    pub watermark: EventTime,
}

/// What differs from record to record.
struct Facts<'a> {
    stage: Stage,
    /// When it became true.
    true_at: EventTime,
    trigger_id: Uuid,
    episode: Episode,
    step: u32,
    armed_at: EventTime,
    fired_at: EventTime,
    stopped_by: Option<&'static str>,
    reason: Option<&'static str>,
    context: Context<'a>,
    why: Why<'a>,
}

impl Renderer<'_> {
    /// The ids of a candidate: of the trigger, and of its episode.
    pub(crate) fn ids(&self, candidate: &Candidate) -> (Uuid, Uuid) {
        let customer = self.id.as_str();
        let subject = Subject { namespace: &self.settings.namespace, trigger: CART_ABANDONMENT, customer };
        let trigger_id = ids::trigger_id(&subject, &candidate.cart.changed_by, candidate.step);
        (trigger_id, ids::episode_id(&subject, &candidate.cart.opened_by))
    }

    /// What became of a candidate.
    pub(crate) fn decided(&self, candidate: &Candidate, decision: &Decision, record: &Record) -> Output {
        let mut facts = self.abandonment(candidate, record);
        match decision {
            Decision::Fire(judgement) => facts.why.gates = verdicts(judgement),
            Decision::Suppress(judgement) => facts.suppress(judgement),
            Decision::Expire { staleness } => {
                facts.stage = Stage::Expired;
                facts.reason = Some("stale");
                facts.why.summary += &format!(" Not sent: the log reached it {staleness} after it was due.");
                let (value, threshold) = (staleness.to_string(), self.settings.max_staleness.to_string());
                facts.why.inputs.push(Input::measured("staleness", value, threshold));
            }
        }
        self.output(facts, record)
    }

    /// What was sent is taken back, because of `event`.
    pub(crate) fn cancelled(&self, retraction: &Retraction, event: &Event, record: &Record) -> Output {
        let fired = &retraction.fired;
        let (armed_at, fired_at) = (fired.armed.at(), EventTime::from_millis(fired.fired_ms));
        let (name, what) = proof(retraction.reason);
        let summary = format!(
            "It was sent for {}, but {what} at {}; the news of that came late.",
            rfc3339(fired_at),
            rfc3339(event.occurred_at)
        );
        let late_event = Input::event(name, Some(event.event_id.as_str()), event.occurred_at);
        let facts = Facts {
            stage: Stage::Cancelled,
            true_at: event.occurred_at,
            trigger_id: uuid_of(&fired.trigger_id),
            episode: Episode { id: uuid_of(&fired.episode_id).to_string(), started_at: None },
            step: fired.step,
            armed_at,
            fired_at,
            stopped_by: None,
            reason: Some(retraction.reason.as_str()),
            context: Context::of(&record.profile, None, record.cart.abandoned_before),
            why: Why {
                summary,
                inputs: vec![Input::event("last_cart_change", None, armed_at), late_event],
                gates: Vec::new(),
            },
        };
        self.output(facts, record)
    }

    /// A cart was abandoned, whatever is made of it.
    fn abandonment<'f>(&self, candidate: &'f Candidate, record: &Record) -> Facts<'f> {
        let cart = &candidate.cart;
        let (trigger_id, episode_id) = self.ids(candidate);
        let armed_at = cart.last_change.at();
        let waited = candidate.due.since(armed_at).to_string();
        let pieces = match cart.quantity() {
            1 => "1 item".to_owned(),
            more => format!("{more} items"),
        };
        let summary = format!(
            "A cart with {pieces} was last changed at {}, and no order, checkout or emptying ended it within {waited}.",
            rfc3339(armed_at)
        );
        let started_at = Some(rfc3339(EventTime::from_millis(cart.opened_ms)));
        Facts {
            stage: Stage::Fired,
            true_at: candidate.fired_at,
            trigger_id,
            episode: Episode { id: episode_id.to_string(), started_at },
            step: candidate.step,
            armed_at,
            fired_at: candidate.fired_at,
            stopped_by: None,
            reason: None,
            context: Context::of(&record.profile, Some(cart), candidate.abandoned_before),
            why: Why {
                summary,
                inputs: vec![
                    Input::event("last_cart_change", Some(&cart.changed_by), armed_at),
                    Input::limit("unchanged_for", waited),
                ],
                gates: Vec::new(),
            },
        }
    }

    fn output(&self, facts: Facts<'_>, record: &Record) -> Output {
        let payload = Payload {
            trigger: CART_ABANDONMENT,
            trigger_id: facts.trigger_id.to_string(),
            stage: facts.stage.as_str(),
            rule_version: self.rule_version,
            episode: facts.episode,
            step: facts.step,
            mode: self.settings.mode,
            watermark: self.watermark.is_finite().then(|| rfc3339(self.watermark)),
            armed_at: rfc3339(facts.armed_at),
            due_at: rfc3339(facts.fired_at),
            not_before: None,
            expires_at: rfc3339(facts.fired_at + self.rules.valid_for),
            priority: CART_PRIORITY,
            stopped_by: facts.stopped_by,
            reason: facts.reason,
            customer: Customer::of(self.id.as_str(), &record.profile),
            context: facts.context,
            why: facts.why,
            experiment: None,
        };
        let headers = cloud_event::Headers {
            namespace: &self.settings.namespace,
            trigger: CART_ABANDONMENT,
            stage: facts.stage,
            trigger_id: facts.trigger_id,
            true_at: facts.true_at,
            customer: self.id,
        };
        cloud_event::binary(&self.settings.actions_prefix, &headers, &payload)
    }
}

impl Facts<'_> {
    fn suppress(&mut self, judgement: &Judgement) {
        self.stage = Stage::Suppressed;
        self.why.gates = verdicts(judgement);
        if let Some(verdict) = judgement.stopped_by() {
            let gate = verdict.gate.as_str();
            (self.stopped_by, self.reason) = (Some(gate), Some(verdict.reason));
            self.why.summary += &format!(" Not sent: the {gate} gate says {}.", verdict.reason);
        }
    }
}

fn verdicts(judgement: &Judgement) -> Vec<GateVerdict> {
    judgement.verdicts.iter().map(GateVerdict::of).collect()
}

/// The late event that takes a trigger back: its name among the inputs, and what it says.
fn proof(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::OrderCompletedLate => ("order_completed", "the customer had ordered"),
        Reason::CartEmptiedLate => ("cart_emptied", "the cart had been emptied"),
        Reason::CheckoutStartedLate => ("checkout_started", "the customer had gone to the checkout"),
        Reason::CartChangedLate => ("cart_changed", "the cart had been changed once more"),
    }
}

/// Ids are stored as the 16 bytes they have; anything else was never written by this code.
fn uuid_of(stored: &[u8]) -> Uuid {
    Uuid::from_slice(stored).unwrap_or_default()
}
