//! Where one trigger stands, with the names that a document has.

use customer::standing::{Fired, Input, Obstacle, Waiting};
use customer::words::in_words;
use events::{EventTime, Span};
use serde::Serialize;
use triggers::TriggerStanding;
use triggers::standing::Prospect;
use uuid::Uuid;

use super::account::GateWord;

/// One trigger.
#[derive(Debug, Serialize)]
pub struct TriggerAccount {
    /// Which.
    pub trigger: &'static str,
    /// `waiting`, `fired`, `held` or `not_armed`.
    pub state: &'static str,
    /// What waits for its time, soonest first.
    pub waiting: Vec<WaitAccount>,
    /// What was sent and can still be taken back, oldest first.
    pub fired: Vec<FiredAccount>,
    /// The first condition that fails; none where something waits.
    pub obstacle: Option<ObstacleAccount>,
}

/// Something that waits for its time.
#[derive(Debug, Serialize)]
pub struct WaitAccount {
    /// Which step of its episode, counted from 0.
    pub step: u32,
    /// When the rule makes it due.
    pub due: String,
    /// When it fires: once the watermark has passed this.
    pub fires_at: String,
    /// From when on it would not be worth sending.
    pub expires_at: String,
    /// The id that it would have.
    pub trigger_id: String,
    /// The id of its episode.
    pub episode_id: String,
    /// Whether the gates would let it through.
    pub would_be_sent: bool,
    /// From when on it may be sent, where that is not at once.
    pub not_before: Option<String>,
    /// What the gates would say then, on what is known now.
    pub gates: Vec<GateWord>,
    /// What it hangs on.
    pub inputs: Vec<InputAccount>,
    /// The whole of it in words.
    pub words: String,
}

/// A step that was sent.
#[derive(Debug, Serialize)]
pub struct FiredAccount {
    /// Its id.
    pub trigger_id: String,
    /// Its episode's id.
    pub episode_id: String,
    /// Which step, counted from 0.
    pub step: u32,
    /// When what armed it happened.
    pub armed_at: String,
    /// When it fired.
    pub fired_at: String,
    /// Until when a late event can take it back.
    pub retractable_until: String,
}

/// Why nothing waits.
#[derive(Debug, Serialize)]
pub struct ObstacleAccount {
    /// The condition that fails, in a word that does not change.
    pub condition: &'static str,
    /// When it can become true, where that is known.
    pub possible_from: Option<String>,
    /// What it hangs on.
    pub inputs: Vec<InputAccount>,
    /// The whole of it in words.
    pub words: String,
}

/// Something that it hangs on.
#[derive(Debug, Serialize)]
pub struct InputAccount {
    /// What it is, as in the trigger's records.
    pub name: &'static str,
    /// The event, where it is remembered.
    pub event_id: Option<String>,
    /// When it happened.
    pub at: Option<String>,
    /// What was counted or measured.
    pub value: Option<String>,
    /// The rule's number.
    pub threshold: Option<String>,
}

impl TriggerAccount {
    /// Tells of a trigger when the log has been read up to the watermark.
    pub fn of(told: &TriggerStanding, watermark: EventTime) -> Self {
        let standing = &told.standing;
        let waiting = standing.waiting.iter().zip(&told.prospects);
        Self {
            trigger: told.kind.name,
            state: standing.state().as_str(),
            waiting: waiting.map(|(wait, prospect)| WaitAccount::of(wait, prospect, watermark)).collect(),
            fired: standing.fired.iter().map(FiredAccount::of).collect(),
            obstacle: standing.obstacle.as_ref().map(ObstacleAccount::of),
        }
    }
}

impl WaitAccount {
    fn of(wait: &Waiting, prospect: &Prospect, watermark: EventTime) -> Self {
        let judgement = &prospect.judgement;
        let not_before = judgement.not_before.map(|time| time.to_string());
        let outcome = match (judgement.stopped_by(), &not_before) {
            (Some(verdict), _) => {
                format!("it is not sent: the gate `{}` says {}", verdict.gate.as_str(), verdict.reason)
            }
            (None, Some(time)) => format!("it is sent, to go out at {time}"),
            (None, None) => "it is sent".to_owned(),
        };
        Self {
            step: wait.step,
            due: wait.due.to_string(),
            fires_at: wait.fires_at.to_string(),
            expires_at: (wait.fires_at + wait.valid_for).to_string(),
            trigger_id: prospect.ids.trigger.to_string(),
            episode_id: prospect.ids.episode.to_string(),
            would_be_sent: judgement.stopped_by().is_none(),
            not_before,
            gates: GateWord::all(judgement),
            inputs: inputs(&wait.inputs),
            words: format!("{} ({}); then {outcome}.", wait.sentence, to_go(wait.fires_at, watermark)),
        }
    }
}

impl FiredAccount {
    fn of(fired: &Fired) -> Self {
        Self {
            trigger_id: id_text(&fired.trigger_id),
            episode_id: id_text(&fired.episode_id),
            step: fired.step,
            armed_at: fired.armed_at.to_string(),
            fired_at: fired.fired_at.to_string(),
            retractable_until: fired.retractable_until.to_string(),
        }
    }
}

impl ObstacleAccount {
    fn of(obstacle: &Obstacle) -> Self {
        Self {
            condition: obstacle.condition,
            possible_from: obstacle.possible_from.map(|time| time.to_string()),
            inputs: inputs(&obstacle.inputs),
            words: obstacle.sentence.clone(),
        }
    }
}

fn inputs(inputs: &[Input]) -> Vec<InputAccount> {
    let account = |input: &Input| InputAccount {
        name: input.name,
        event_id: input.event_id.clone(),
        at: input.at.map(|at| at.to_string()),
        value: input.value.clone(),
        threshold: input.threshold.clone(),
    };
    inputs.iter().map(account).collect()
}

fn to_go(due: EventTime, watermark: EventTime) -> String {
    match due.since(watermark) {
        _ if watermark == EventTime::MIN => "not every source has been heard of yet".to_owned(),
        left if left <= Span::ZERO => "the watermark has passed it".to_owned(),
        left => format!("{} of event time to go", in_words(left)),
    }
}

/// An id of 16 bytes.
pub fn id_text(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map_or_else(|_| "unreadable".to_owned(), |id| id.to_string())
}
