//! Asking the gates.

use customer::{Consent, Profile};
use events::EventTime;

use crate::gates::{self, Question};
use crate::history::History;
use crate::request::Request;
use crate::settings::{Gate, Settings};

/// What one gate says, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The gate.
    pub gate: Gate,
    /// Whether it lets the request through.
    pub passed: bool,
    /// Why, as consumers see it.
    pub reason: &'static str,
    /// What it hangs on, where it hangs on something.
    pub evidence: Option<Evidence>,
}

impl Verdict {
    pub(crate) fn passed(gate: Gate, reason: &'static str) -> Self {
        Self { gate, passed: true, reason, evidence: None }
    }

    pub(crate) fn stopped(gate: Gate, reason: &'static str) -> Self {
        Self { gate, passed: false, reason, evidence: None }
    }

    pub(crate) fn because(self, evidence: Evidence) -> Self {
        Self { evidence: Some(evidence), ..self }
    }
}

/// What a verdict hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// What the customer said.
    Statement(Consent),
    /// What was noted about reaching the customer, and when.
    Note {
        /// The channel it is about; none means every channel.
        channel: Option<String>,
        /// When it was noted.
        at: EventTime,
    },
    /// An earlier contact.
    Contact {
        /// Its trigger's name.
        trigger: String,
        /// Its trigger's id.
        trigger_id: [u8; 16],
        /// When it fired.
        at: EventTime,
        /// How long it stands in the way.
        until: EventTime,
    },
    /// Messages in the window.
    Count {
        /// The channel they were counted on; none for all together.
        channel: Option<String>,
        /// How many there were before this one.
        count: u32,
        /// How many there may be.
        limit: u32,
    },
    /// The customer's place in the draw, 0 to 9999, and how many places are held out.
    Bucket {
        /// The place.
        bucket: u32,
        /// Places below this are held out.
        held_out_below: u32,
    },
    /// Where the customer is.
    LocalTime {
        /// IANA name of the zone.
        zone: String,
        /// Until when it is night.
        until: Option<EventTime>,
    },
}

/// Where the customer stands in the comparison with those who are left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experiment {
    /// The customer's place in the draw, 0 to 9999.
    pub bucket: u32,
    /// Whether the customer is left alone.
    pub held_out: bool,
}

/// What the gates say, up to the first that stops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// One verdict for each gate that was asked, in order.
    pub verdicts: Vec<Verdict>,
    /// Set where the holdout was asked and concerns the request.
    pub experiment: Option<Experiment>,
    /// From when on it may be sent, where that is not at once.
    pub not_before: Option<EventTime>,
}

impl Judgement {
    /// The gate that stopped the request, if one did.
    pub fn stopped_by(&self) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| !verdict.passed)
    }

    /// Whether the request would have gone out, had the customer not been left alone to compare with.
    pub fn is_held_out(&self) -> bool {
        self.stopped_by().is_some_and(|verdict| verdict.gate == Gate::Holdout)
    }

    /// Whether it uses up cooldowns and caps: what is held out does, as if it had been sent.
    pub fn counts_as_contact(&self) -> bool {
        self.stopped_by().is_none_or(|verdict| verdict.gate == Gate::Holdout)
    }
}

/// Asks the enabled gates in their order, until one stops.
pub fn judge(settings: &Settings, request: &Request<'_>, profile: &Profile, history: &History) -> Judgement {
    let question = Question { settings, request, profile, history };
    let mut judgement = Judgement::default();
    for gate in Gate::ALL.into_iter().filter(|gate| settings.enabled.contains(gate)) {
        let verdict = match gate {
            Gate::Identity => gates::identity::ask(&question),
            Gate::Consent => gates::consent::ask(&question),
            Gate::SuppressionList => gates::suppression_list::ask(&question),
            Gate::Precedence => gates::precedence::ask(&question),
            Gate::Cooldown => gates::cooldown::ask(&question),
            Gate::FrequencyCap => gates::frequency_cap::ask(&question),
            Gate::Holdout => gates::holdout::ask(&question, &mut judgement.experiment),
            Gate::QuietHours => gates::quiet_hours::ask(&question, &mut judgement.not_before),
        };
        let passed = verdict.passed;
        judgement.verdicts.push(verdict);
        if !passed {
            break;
        }
    }
    judgement
}
