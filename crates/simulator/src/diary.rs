//! A fold that forgets nothing while it knows a customer: each event and timer leaves its mark in the order in which
//! it was applied, and each output tells the whole story.
//!
//! The real triggers drop duplicates and look only at the cart, so that many a wrong state goes unnoticed for long.
//! Here no wrong order, no loss and no repetition does.

use bytes::Bytes;
use customer::Moment;
use engine::{Applied, CorruptRecord, Fold, Output};
use events::view::Event;
use events::{CustomerId, EventTime, Span};
use smol_str::SmolStr;

/// The topic of a diary's outputs.
pub const DIARY_TOPIC: &str = "actions.diary";

/// The fold. After `wait` without events the story is told, and after as much again it is forgotten.
#[derive(Clone, Copy, Debug)]
pub struct Diary {
    wait: Span,
}

/// One customer's story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    text: String,
    tell_at: Option<i64>,
    forget_at: Option<i64>,
}

impl Diary {
    /// A diary that tells a story after `wait`.
    pub fn new(wait: Span) -> Self {
        Self { wait }
    }
}

impl Fold for Diary {
    type Customer = Story;

    fn rules_hash(&self) -> &str {
        "diary"
    }

    fn create(&self, _: &CustomerId) -> Story {
        Story::default()
    }

    fn decode(&self, bytes: &[u8]) -> Result<Story, CorruptRecord> {
        let text = std::str::from_utf8(bytes).map_err(|error| CorruptRecord(error.to_string()))?;
        let mut parts = text.splitn(3, '|');
        let mut time = || parts.next().and_then(|text| text.parse().ok());
        let (tell_at, forget_at) = (time(), time());
        Ok(Story { tell_at, forget_at, text: parts.next().unwrap_or_default().to_owned() })
    }

    fn encode(&self, story: &Story) -> Vec<u8> {
        let time = |time: Option<i64>| time.map_or(String::new(), |time| time.to_string());
        format!("{}|{}|{}", time(story.tell_at), time(story.forget_at), story.text).into_bytes()
    }

    fn apply(&self, story: &mut Story, event: &Event, moment: &Moment, _: &mut Vec<Output>) -> Applied {
        let late = if moment.late { " late" } else { "" };
        story.text += &format!("{}/{}{late} ", event.event_id, event.origin.offset);
        story.tell_at = Some(moment.timer_at(event.occurred_at + self.wait).as_millis());
        story.forget_at = None;
        Applied::Applied
    }

    fn fire(
        &self,
        id: &CustomerId,
        story: &mut Story,
        due: EventTime,
        moment: &Moment,
        outputs: &mut Vec<Output>,
    ) {
        if story.tell_at.take_if(|at| *at <= due.as_millis()).is_none() {
            *story = Story::default();
            return;
        }
        story.text += "told ";
        story.forget_at = Some((due + self.wait).as_millis());
        outputs.push(Output {
            topic: SmolStr::new_static(DIARY_TOPIC),
            key: id.clone(),
            headers: vec![("watermark".into(), moment.watermark.to_string())],
            payload: Bytes::from(format!("{due}: {}", story.text)),
        });
    }

    fn next_due(&self, story: &Story) -> Option<EventTime> {
        story.tell_at.or(story.forget_at).map(EventTime::from_millis)
    }

    fn is_forgotten(&self, story: &Story) -> bool {
        story.text.is_empty()
    }
}
