//! A desk at which requests for one customer come in, one after the other.

use contact_policy::{ConsentDefault, Gate, Group, History, Judgement, Outcome, Request, Settings, judge};
use customer::consent::{ADVERTISING, Consent};
use customer::profile::Fact;
use customer::{Moment, Profile};
use events::{CustomerId, EventTime, Span};

/// 2026-03-02T10:00:00Z, a Monday.
pub const START: EventTime = EventTime::from_millis(1_772_445_600_000);

pub struct Desk {
    pub settings: Settings,
    pub profile: Profile,
    pub history: History,
    pub customer_id: CustomerId,
    pub has_open_ticket: bool,
    requests: u8,
}

/// A trigger as a test writes it.
#[derive(Clone, Copy)]
pub struct Trigger {
    pub name: &'static str,
    pub group: Group,
    pub rank: u8,
    pub purpose: &'static str,
    /// Episodes with equal numbers are one.
    pub episode: u8,
    pub valid_for: Span,
}

pub const CART: Trigger = Trigger {
    name: "cart_abandonment",
    group: Group::Intent,
    rank: 30,
    purpose: ADVERTISING,
    episode: 1,
    valid_for: Span::from_hours(24),
};
pub const CHECKOUT: Trigger = Trigger { name: "checkout_abandonment", rank: 40, episode: 2, ..CART };
pub const BROWSE: Trigger = Trigger { name: "browse_abandonment", rank: 10, episode: 3, ..CART };
pub const DORMANCY: Trigger =
    Trigger { name: "dormancy", group: Group::Lifecycle, rank: 12, episode: 4, ..CART };
pub const DELAY: Trigger =
    Trigger { name: "delivery_delayed", group: Group::Care, purpose: "service", episode: 5, ..CART };

/// The catalogue's settings, of which these gates are asked.
pub fn asking(gates: &[Gate]) -> Settings {
    let consent_default = Some(ConsentDefault::Granted);
    Settings { enabled: gates.to_vec(), consent_default, ..Settings::default() }
}

pub fn hour(hours: i64) -> EventTime {
    START + Span::from_hours(hours)
}

pub fn time(text: &str) -> EventTime {
    let timestamp: jiff::Timestamp = text.parse().expect("RFC 3339");
    EventTime::from_millis(timestamp.as_millisecond())
}

pub fn statement(purpose: &str, granted: bool) -> Consent {
    let purpose = Some(purpose.to_owned());
    Consent { channel: None, purpose, granted, at_ms: 5, event_id: "e1".to_owned() }
}

impl Desk {
    pub fn new(settings: Settings) -> Self {
        settings.validate().expect("usable settings");
        let customer_id = CustomerId::new("customer-17");
        Self {
            settings,
            profile: Profile::default(),
            history: History::default(),
            customer_id,
            has_open_ticket: false,
            requests: 0,
        }
    }

    pub fn living_in(mut self, zone: &str) -> Self {
        self.profile.time_zone = Some(Fact { text: zone.to_owned(), at_ms: 0 });
        self
    }

    /// Asks the gates, and remembers what they say.
    pub fn ask(&mut self, trigger: Trigger, at: EventTime) -> Judgement {
        self.requests += 1;
        let request = Request {
            customer_id: &self.customer_id,
            trigger: trigger.name,
            group: trigger.group,
            rank: trigger.rank,
            purpose: trigger.purpose,
            trigger_id: [self.requests; 16],
            episode_id: [trigger.episode; 16],
            at,
            valid_until: at + trigger.valid_for,
            open_ticket: self.has_open_ticket,
        };
        let judgement = judge(&self.settings, &request, &self.profile, &self.history);
        self.history.remember(&self.settings, &request, &judgement, (&self.profile, &moment(at)));
        judgement
    }

    /// What is said of the trigger: the reason of the gate that stopped it, else `sent`.
    pub fn says(&mut self, trigger: Trigger, at: EventTime) -> &'static str {
        self.ask(trigger, at).stopped_by().map_or("sent", |verdict| verdict.reason)
    }

    pub fn orders(&mut self, at: EventTime) -> Vec<Outcome> {
        self.history.order(&self.settings, at)
    }
}

pub fn moment(watermark: EventTime) -> Moment {
    Moment { watermark, appended_at: None, settle: Span::from_secs(60), late: false }
}
