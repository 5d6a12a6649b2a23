//! What was decided, told with its reasons.
//!
//! The same decision gives the same bytes. Staleness, gates and withdrawal differ only in what they put into
//! [`Facts`]; the rest of a record is the same for all of them.

use contact_policy::Judgement;
use customer::Profile;
use engine::fold::Output;
use events::{CustomerId, EventTime, Span};
use uuid::Uuid;

use crate::cloud_event::{self, Stage};
use crate::decision::Decision;
use crate::ids::{self, Ids, Subject};
use crate::kind::Kind;
use crate::occasion::{Occasion, Withdrawal};
use crate::payload::{Context, Customer, Episode, Experiment, GateVerdict, Input, Payload, Why, rfc3339};
use crate::settings::Settings;

/// Tells what was decided about one customer.
pub(crate) struct Renderer<'a> {
    pub settings: &'a Settings,
    pub id: &'a CustomerId,
    pub watermark: EventTime,
}

/// What differs from record to record.
struct Facts<'a> {
    kind: &'static Kind,
    rule_version: &'a str,
    stage: Stage,
    /// When it became true.
    true_at: EventTime,
    trigger_id: Uuid,
    episode: Episode,
    step: u32,
    armed_at: EventTime,
    fired_at: EventTime,
    valid_for: Span,
    not_before: Option<EventTime>,
    experiment: Option<Experiment>,
    stopped_by: Option<&'static str>,
    reason: Option<&'static str>,
    context: Context<'a>,
    why: Why<'a>,
}

impl Renderer<'_> {
    pub(crate) fn ids(&self, occasion: &Occasion<'_>) -> Ids {
        let (namespace, customer) = (&self.settings.namespace, self.id.as_str());
        let subject = Subject { namespace, trigger: occasion.kind.name, customer };
        Ids {
            trigger: ids::trigger_id(&subject, occasion.armed_by, occasion.step),
            episode: ids::episode_id(&subject, occasion.opened_by),
        }
    }

    /// What became of an occasion.
    pub(crate) fn decided(
        &self,
        occasion: Occasion<'_>,
        ids: &Ids,
        decision: &Decision,
        profile: &Profile,
    ) -> Output {
        let mut facts = Facts::of(occasion, ids, profile, self.settings);
        match decision {
            Decision::Fire(judgement) => facts.judge(judgement),
            Decision::Suppress(judgement) => facts.suppress(judgement),
            Decision::Expire { staleness } => facts.expire(*staleness, self.settings.max_staleness),
        }
        self.output(facts, profile)
    }

    /// What was sent is taken back.
    pub(crate) fn cancelled(&self, withdrawal: Withdrawal<'_>, profile: &Profile) -> Output {
        let now = withdrawal.true_at.max(withdrawal.fired_at);
        let context = Context::of(profile, &self.settings.limits, now, withdrawal.about);
        let facts = Facts {
            kind: withdrawal.kind,
            rule_version: withdrawal.rule_version,
            stage: Stage::Cancelled,
            true_at: withdrawal.true_at,
            trigger_id: uuid_of(withdrawal.trigger_id),
            episode: Episode { id: uuid_of(withdrawal.episode_id).to_string(), started_at: None },
            step: withdrawal.step,
            armed_at: withdrawal.armed_at,
            fired_at: withdrawal.fired_at,
            valid_for: withdrawal.valid_for,
            not_before: None,
            experiment: None,
            stopped_by: None,
            reason: Some(withdrawal.reason),
            context,
            why: Why { summary: withdrawal.summary, inputs: withdrawal.inputs, gates: Vec::new() },
        };
        self.output(facts, profile)
    }

    fn output(&self, facts: Facts<'_>, profile: &Profile) -> Output {
        let payload = Payload {
            trigger: facts.kind.name,
            trigger_id: facts.trigger_id.to_string(),
            purpose: facts.kind.purpose,
            stage: facts.stage.as_str(),
            rule_version: facts.rule_version,
            episode: facts.episode,
            step: facts.step,
            mode: self.settings.mode,
            watermark: self.watermark.is_finite().then(|| rfc3339(self.watermark)),
            armed_at: rfc3339(facts.armed_at),
            due_at: rfc3339(facts.fired_at),
            not_before: facts.not_before.map(rfc3339),
            expires_at: rfc3339(facts.fired_at + facts.valid_for),
            priority: facts.kind.priority,
            stopped_by: facts.stopped_by,
            reason: facts.reason,
            customer: Customer::of(self.id.as_str(), profile),
            context: facts.context,
            why: facts.why,
            experiment: facts.experiment,
        };
        let headers = cloud_event::Headers {
            trigger: facts.kind.name,
            stage: facts.stage,
            trigger_id: facts.trigger_id,
            true_at: facts.true_at,
            customer: self.id,
        };
        cloud_event::binary(self.settings, &headers, &payload)
    }
}

impl<'a> Facts<'a> {
    /// An occasion, whatever is made of it.
    fn of(occasion: Occasion<'a>, ids: &Ids, profile: &'a Profile, settings: &Settings) -> Self {
        let context = Context::of(profile, &settings.limits, occasion.fired_at, occasion.about);
        let started_at = Some(rfc3339(occasion.opened_at));
        Self {
            kind: occasion.kind,
            rule_version: occasion.rule_version,
            stage: Stage::Fired,
            true_at: occasion.fired_at,
            trigger_id: ids.trigger,
            episode: Episode { id: ids.episode.to_string(), started_at },
            step: occasion.step,
            armed_at: occasion.armed_at,
            fired_at: occasion.fired_at,
            valid_for: occasion.valid_for,
            not_before: None,
            experiment: None,
            stopped_by: None,
            reason: None,
            context,
            why: Why { summary: occasion.summary, inputs: occasion.inputs, gates: Vec::new() },
        }
    }

    fn judge(&mut self, judgement: &Judgement) {
        self.why.gates = judgement.verdicts.iter().map(GateVerdict::of).collect();
        self.not_before = judgement.not_before;
        self.experiment = judgement.experiment.map(Experiment::of);
        if let Some(until) = judgement.not_before {
            self.why.summary += &format!(" It is night where the customer is, until {}.", rfc3339(until));
        }
    }

    fn suppress(&mut self, judgement: &Judgement) {
        self.stage = Stage::Suppressed;
        self.judge(judgement);
        if let Some(verdict) = judgement.stopped_by() {
            let gate = verdict.gate.as_str();
            (self.stopped_by, self.reason) = (Some(gate), Some(verdict.reason));
            self.why.summary += &format!(" Not sent: the {gate} gate says {}.", verdict.reason);
        }
    }

    fn expire(&mut self, staleness: Span, max_staleness: Span) {
        self.stage = Stage::Expired;
        self.reason = Some("stale");
        self.why.summary += &format!(" Not sent: the log reached it {staleness} after it was due.");
        let (value, threshold) = (staleness.to_string(), max_staleness.to_string());
        self.why.inputs.push(Input::measured("staleness", value, threshold));
    }
}

/// Ids are stored as the 16 bytes they have; anything else was never written by this code.
fn uuid_of(stored: &[u8]) -> Uuid {
    Uuid::from_slice(stored).unwrap_or_default()
}
