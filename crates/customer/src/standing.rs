//! Where a trigger stands for one customer, told to a person by its family: what waits for its time, what has fired,
//! and where nothing waits, what is in the way.
//!
//! It is only ever told: nothing that is emitted hangs on it. What it says of the future holds if nothing happens.

use events::{EventTime, Span};

/// Where one trigger stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The trigger's name.
    pub trigger: &'static str,
    /// What waits for its time, soonest first.
    pub waiting: Vec<Waiting>,
    /// What has fired and can still be taken back, oldest first.
    pub fired: Vec<Fired>,
    /// The first condition that fails; none where something waits.
    pub obstacle: Option<Obstacle>,
}

/// The same in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is going to fire if nothing happens.
    Waiting,
    /// It has fired, can still be taken back, and waits for nothing.
    Fired,
    /// Its own rule holds it back: once per so long, one at a time.
    Held,
    /// A condition is missing.
    NotArmed,
}

/// Something that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// What it waits for, and what would end it; without a full stop.
    pub sentence: String,
    /// What that hangs on.
    pub inputs: Vec<Input>,
    /// When the rule makes it due.
    pub due: EventTime,
    /// When its timer fires: `due`, or later where a late event armed it.
    pub fires_at: EventTime,
    /// How long after that it is worth sending.
    pub valid_for: Span,
    /// The event that armed it, or what stands for one.
    pub armed_by: String,
    /// The event that began its episode, or what stands for one.
    pub opened_by: String,
    /// Which step of the episode, counted from 0.
    pub step: u32,
}

/// Something that has fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// The trigger's id, 16 bytes.
    pub trigger_id: Vec<u8>,
    /// The episode's id, 16 bytes.
    pub episode_id: Vec<u8>,
    /// Which step, counted from 0.
    pub step: u32,
    /// When what armed it happened.
    pub armed_at: EventTime,
    /// When it fired.
    pub fired_at: EventTime,
    /// Until when a late event can take it back, the end included.
    pub retractable_until: EventTime,
}

/// Why nothing waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Whether it is the trigger's own rule that holds it back, and not a condition that is missing.
    pub is_held: bool,
    /// The condition that fails, as one word that does not change.
    pub condition: &'static str,
    /// The same for a person; without a full stop.
    pub sentence: String,
    /// What that hangs on.
    pub inputs: Vec<Input>,
    /// When the condition can become true, where that is known.
    pub possible_from: Option<EventTime>,
}

/// Something that a standing hangs on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// What it is, as in the trigger's records.
    pub name: &'static str,
    /// The event, where it is remembered.
    pub event_id: Option<String>,
    /// When it happened.
    pub at: Option<EventTime>,
    /// What was counted or measured.
    pub value: Option<String>,
    /// The rule's number.
    pub threshold: Option<String>,
}

impl Standing {
    /// A trigger of which this waits, this has fired, and else that is in the way. What fired too long before
    /// `watermark` to be taken back is left out.
    pub fn of(
        trigger: &'static str,
        waiting: impl IntoIterator<Item = Waiting>,
        fired: impl IntoIterator<Item = Fired>,
        watermark: EventTime,
        obstacle: impl FnOnce() -> Obstacle,
    ) -> Self {
        let mut waiting: Vec<_> = waiting.into_iter().collect();
        waiting.sort_by_key(|waiting| waiting.fires_at);
        let obstacle = waiting.is_empty().then(obstacle);
        let fired = fired.into_iter().filter(|fired| watermark <= fired.retractable_until).collect();
        Self { trigger, waiting, fired, obstacle }
    }

    /// In a word: what waits goes before what has fired, and that before what is in the way.
    pub fn state(&self) -> State {
        match &self.obstacle {
            _ if !self.waiting.is_empty() => State::Waiting,
            _ if !self.fired.is_empty() => State::Fired,
            Some(obstacle) if obstacle.is_held => State::Held,
            _ => State::NotArmed,
        }
    }
}

impl State {
    /// The word, which does not change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Fired => "fired",
            Self::Held => "held",
            Self::NotArmed => "not_armed",
        }
    }
}

impl Obstacle {
    /// A condition is missing.
    pub fn missing(condition: &'static str, sentence: impl Into<String>) -> Self {
        Self { is_held: false, condition, sentence: sentence.into(), inputs: Vec::new(), possible_from: None }
    }

    /// The trigger's own rule holds it back.
    pub fn held(condition: &'static str, sentence: impl Into<String>) -> Self {
        Self { is_held: true, ..Self::missing(condition, sentence) }
    }

    /// It can come to an end then.
    #[must_use]
    pub fn until(self, possible_from: EventTime) -> Self {
        Self { possible_from: Some(possible_from), ..self }
    }

    /// It hangs on this, too.
    #[must_use]
    pub fn because(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }
}

impl Input {
    /// Something that happened; its id where it is remembered.
    pub fn event(name: &'static str, event_id: Option<&str>, at: EventTime) -> Self {
        let event_id = event_id.filter(|id| !id.is_empty()).map(str::to_owned);
        Self { name, event_id, at: Some(at), ..Self::default() }
    }

    /// A rule's number.
    pub fn limit(name: &'static str, threshold: impl ToString) -> Self {
        Self { name, threshold: Some(threshold.to_string()), ..Self::default() }
    }

    /// A number, and the rule's number that it is held against.
    pub fn measured(name: &'static str, value: impl ToString, threshold: impl ToString) -> Self {
        Self { value: Some(value.to_string()), ..Self::limit(name, threshold) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fired(until: i64) -> Fired {
        Fired {
            trigger_id: vec![1],
            episode_id: vec![2],
            step: 0,
            armed_at: EventTime::from_millis(0),
            fired_at: EventTime::from_millis(1),
            retractable_until: EventTime::from_millis(until),
        }
    }

    fn waiting(at: i64) -> Waiting {
        Waiting {
            sentence: String::new(),
            inputs: Vec::new(),
            due: EventTime::from_millis(at),
            fires_at: EventTime::from_millis(at),
            valid_for: Span::ZERO,
            armed_by: String::new(),
            opened_by: String::new(),
            step: 0,
        }
    }

    #[test]
    fn what_waits_goes_before_what_fired_and_that_before_what_is_in_the_way() {
        let now = EventTime::from_millis(50);
        let standing = |waits: &[i64], until: i64| {
            let waits: Vec<_> = waits.iter().copied().map(waiting).collect();
            Standing::of("t", waits, [fired(until)], now, || Obstacle::held("once_per", "told"))
        };
        let both = standing(&[90, 70], 50);
        assert_eq!((both.state(), both.fired.len(), &both.obstacle), (State::Waiting, 1, &None));
        assert_eq!(both.waiting[0].due, EventTime::from_millis(70));
        assert_eq!(standing(&[], 50).state(), State::Fired);
        assert_eq!(standing(&[], 49).state(), State::Held, "too long ago to be taken back");
        let missing = Standing::of("t", [], [], now, || Obstacle::missing("order", "no order"));
        assert_eq!(missing.state(), State::NotArmed);
    }
}
