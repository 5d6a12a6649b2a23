//! One customer in a log: what is told, as a line each.

use customer::{Limits, Moment, Profile};
use customer_care::{About, Candidate, CareState, Effect, FiredAs, Retraction, Rules};
use events::Viewed as _;
use events::event::*;
use events::{CustomerId, EventId, EventTime, Span};
use prost::Message as _;

pub const HOUR_MS: i64 = 3_600_000;

/// So many hours into the story.
pub fn at(hours: i64) -> EventTime {
    EventTime::from_millis(hours * HOUR_MS)
}

pub fn days(days: i64) -> EventTime {
    at(days * 24)
}

pub fn happened(at: EventTime, body: Body) -> Event {
    Event {
        event_id: EventId::new(format!("{}-{}", body.rank(), at.as_millis())),
        customer_id: CustomerId::new("c"),
        occurred_at: at,
        body,
        received_at: at,
        source: "test".into(),
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context::default(),
        backfill: false,
    }
}

pub fn opened(ticket: &str) -> Body {
    Body::TicketOpened(TicketOpened { ticket_id: ticket.into(), topic: None })
}

pub fn updated(ticket: &str, author: Option<&str>) -> Body {
    Body::TicketUpdated(TicketUpdated { ticket_id: ticket.into(), author: author.map(Into::into) })
}

pub fn reopened(ticket: &str) -> Body {
    Body::TicketReopened(TicketReopened { ticket_id: ticket.into() })
}

pub fn resolved(ticket: &str) -> Body {
    Body::TicketResolved(TicketResolved { ticket_id: ticket.into() })
}

pub fn answered(survey: &str, score: u32, ticket: Option<&str>) -> Body {
    let ticket_id = ticket.map(Into::into);
    Body::SurveyAnswered(SurveyAnswered { survey: survey.into(), score, ticket_id })
}

pub fn followed_up(survey: Option<&str>, ticket: Option<&str>) -> Body {
    let (survey, ticket_id) = (survey.map(Into::into), ticket.map(Into::into));
    Body::FollowUpRecorded(FollowUpRecorded { ticket_id, survey })
}

pub fn ordered(order: &str) -> Body {
    Body::OrderCompleted(OrderCompleted { order_id: order.into(), ..OrderCompleted::default() })
}

pub fn delivered(order: &str) -> Body {
    Body::Delivered(Delivered { order_id: order.into() })
}

pub fn promised(order: &str, promised_at: Option<EventTime>) -> Body {
    Body::DeliveryUpdated(DeliveryUpdated { order_id: order.into(), status: None, promised_at })
}

pub fn cancelled(order: &str) -> Body {
    Body::OrderCancelled(OrderCancelled { order_id: order.into() })
}

pub fn refunded(order: &str) -> Body {
    Body::OrderRefunded(OrderRefunded { order_id: order.into(), amount: None })
}

pub fn reviewed(order: Option<&str>) -> Body {
    Body::ReviewSubmitted(ReviewSubmitted { order_id: order.map(Into::into), product_id: None })
}

/// One customer's events and timers, in the order of a task.
pub struct Story {
    pub rules: Rules,
    pub profile: Profile,
    pub state: CareState,
    pub watermark: EventTime,
    pub candidates: Vec<Candidate>,
    pub retractions: Vec<Retraction>,
    told: Vec<String>,
}

impl Story {
    pub fn new() -> Self {
        Self::with(Rules::default())
    }

    pub fn with(rules: Rules) -> Self {
        assert_eq!(rules.validate(), Ok(()));
        Self {
            rules,
            profile: Profile::default(),
            state: CareState::default(),
            watermark: EventTime::MIN,
            candidates: Vec::new(),
            retractions: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Time passes: everything up to `end` has fired.
    pub fn until(&mut self, end: EventTime) -> &mut Self {
        self.fire_until(end);
        self.watermark = self.watermark.max(end);
        self
    }

    /// An event in its order: timers before it have fired, those of its own moment have not.
    pub fn on(&mut self, at: EventTime, body: Body) -> &mut Self {
        self.take(happened(at, body))
    }

    pub fn take(&mut self, event: Event) -> &mut Self {
        self.fire_until(event.occurred_at - Span::from_millis(1));
        self.apply(&event, false)
    }

    /// An event that the order has passed.
    pub fn late(&mut self, at: EventTime, body: Body) -> &mut Self {
        self.apply(&happened(at, body), true)
    }

    /// History that is fed in later.
    pub fn backfilled(&mut self, at: EventTime, body: Body) -> &mut Self {
        self.apply(&Event { backfill: true, ..happened(at, body) }, true)
    }

    pub fn apply(&mut self, event: &Event, late: bool) -> &mut Self {
        if self.profile.has_seen(&event.view()) {
            return self;
        }
        let moment =
            Moment { watermark: self.watermark, appended_at: None, settle: Span::from_minutes(1), late };
        self.profile.apply(&event.view(), &moment, &Limits::default());
        for effect in self.state.apply(&self.rules, &event.view(), &moment) {
            match effect {
                Effect::Due(candidate) => self.tell(*candidate),
                Effect::Retracted(retraction) => {
                    let (trigger, reason) = (retraction.trigger.as_str(), retraction.reason.as_str());
                    self.told.push(format!("back {trigger}: {reason}"));
                    self.retractions.push(*retraction);
                }
            }
        }
        let bytes = self.state.encode_to_vec();
        assert_eq!(CareState::decode(bytes.as_slice()).as_ref(), Ok(&self.state));
        self
    }

    pub fn fire_until(&mut self, end: EventTime) {
        while let Some(due) = self.state.next_due().filter(|due| *due <= end) {
            for candidate in self.state.fire(&self.rules, due) {
                assert_eq!(candidate.fired_at, due);
                self.tell(candidate);
            }
            assert!(self.state.next_due().is_none_or(|next| next > due));
        }
    }

    fn tell(&mut self, candidate: Candidate) {
        let number = u8::try_from(self.candidates.len()).unwrap();
        self.state.remember(&candidate, FiredAs { trigger_id: [number; 16], episode_id: [2; 16] });
        let line = format!("{} {}", line_of(&candidate), show(candidate.fired_at));
        self.told.push(line);
        self.candidates.push(candidate);
    }

    /// What was told since this was asked last.
    pub fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

/// The trigger, and what sets it apart from others of its kind.
pub fn line_of(candidate: &Candidate) -> String {
    let about = match candidate.armed.about().unwrap() {
        About::Frustration { sign, .. } => sign.as_str().to_owned(),
        About::Answer { score, .. } => score.to_string(),
        About::Review { order_id, .. } | About::Delay { order_id, .. } => order_id.to_owned(),
    };
    format!("{} {about}", candidate.trigger.as_str())
}

/// Hours into the story, and milliseconds beyond them.
pub fn show(time: EventTime) -> String {
    let millis = time.as_millis();
    match millis.rem_euclid(HOUR_MS) {
        0 => format!("{}h", millis / HOUR_MS),
        beyond => format!("{}h+{beyond}ms", millis.div_euclid(HOUR_MS)),
    }
}
