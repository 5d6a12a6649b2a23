//! What is remembered of a customer for the churn score, and what an event does to it.
//!
//! One protocol buffer message, bounded, without a map. An event never fires anything: where it can have moved the
//! score, a look is set for its time, and the timer does the rest. So the order in which events of one moment arrive
//! does not matter.

use customer::recent::{fingerprint, remember};
use customer::text::bounded_id;
use customer::{Moment, Profile};
use events::view::Event;
use events::{Body, EventTime, Span};
use serde::Serialize;

use crate::purchase_days::{Day, PurchaseDays};
use crate::purchase_model::PurchaseModel;
use crate::score::{Scorer, Signals};
use crate::spending::{HighValue, Spending, TypicalSpend};
use crate::trend::Activity;
use crate::watch::{Candidate, InvalidRule, Rules, WatchState};
use crate::weights::Weights;

/// Days of activity that the trend needs: nine weeks, and today.
const ACTIVITY_DAYS: usize = 64;
/// Tickets that are remembered as open or unanswered; older ones are taken to be closed.
const MAX_TICKETS: usize = 8;

/// Everything about churn risk that can be configured. All of it affects output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    /// When a score is worth telling of.
    pub rules: Rules,
    /// The purchase model.
    pub model: PurchaseModel,
    /// What each feature is worth.
    pub weights: Weights,
    /// Churn is no order within this.
    pub horizon: Span,
    /// The gap between orders of customers who have none of their own yet.
    pub usual_gap: Span,
    /// By how much the shop's clock, which says what a day is, is ahead of UTC.
    pub ahead: Span,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Span,
    /// What a customer's spend is held against; `None` where the score does not see it, and then not in the fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub typical_spend: Option<TypicalSpend>,
    /// Whose risk is told of apart; `None` to tell of everybody alike, and then not in the fingerprint either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high_value: Option<HighValue>,
}

impl Settings {
    /// Checks the settings.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        self.rules.validate()?;
        for (key, span) in
            [("horizon", self.horizon), ("usual_gap", self.usual_gap), ("valid_for", self.valid_for)]
        {
            if span <= Span::ZERO {
                return Err(InvalidRule { key, problem: "must be longer than nothing".to_owned() });
            }
        }
        self.typical_spend.as_ref().map_or(Ok(()), TypicalSpend::validate)?;
        self.high_value.as_ref().map_or(Ok(()), HighValue::validate)?;
        if let Some((typical, rule)) = self.typical_spend.as_ref().zip(self.high_value.as_ref())
            && typical.currency != rule.currency
        {
            let problem = format!("is not that of the model, {}", typical.currency);
            return Err(InvalidRule { key: "high_value.currency", problem });
        }
        self.weights.validate().map_err(|unfit| InvalidRule { key: "weights", problem: unfit.to_string() })
    }

    /// The currency in which spend is remembered, if it is.
    fn currency(&self) -> Option<&str> {
        let typical = self.typical_spend.as_ref().map(|typical| typical.currency.as_str());
        typical.or(self.high_value.as_ref().map(|rule| rule.currency.as_str()))
    }

    /// What turns signals into a score.
    pub fn scorer(&self) -> Scorer {
        Scorer { model: self.model, weights: self.weights, horizon: self.horizon, ahead: self.ahead }
    }
}

/// Everything remembered for the churn score. Times are milliseconds of event time, days those of [`Day`].
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ChurnState {
    /// The first day with an order.
    #[prost(sint64, tag = "1")]
    pub first_day: i64,
    /// The last day with an order.
    #[prost(sint64, tag = "2")]
    pub last_day: i64,
    /// How many days there are with an order.
    #[prost(uint32, tag = "3")]
    pub order_days: u32,
    /// The last order's event: silence is counted from it.
    #[prost(string, tag = "4")]
    pub last_order_event: String,
    /// When that was.
    #[prost(sint64, tag = "5")]
    pub last_order_ms: i64,
    /// What the customer did on each day up to `active_until`.
    #[prost(uint32, repeated, tag = "6")]
    pub activity: Vec<u32>,
    /// The day of the last activity.
    #[prost(sint64, optional, tag = "7")]
    pub active_until: Option<i64>,
    /// Hashes of open tickets, oldest first.
    #[prost(fixed64, repeated, tag = "8")]
    pub open_tickets: Vec<u64>,
    /// Hashes of those of them that nobody has answered.
    #[prost(fixed64, repeated, tag = "9")]
    pub unanswered_tickets: Vec<u64>,
    /// Tickets that were opened again since the last order.
    #[prost(uint32, tag = "10")]
    pub reopened: u32,
    /// The last CSAT.
    #[prost(message, optional, tag = "11")]
    pub csat: Option<Answer>,
    /// The last NPS.
    #[prost(message, optional, tag = "12")]
    pub nps: Option<Answer>,
    /// Orders refunded since the last order.
    #[prost(uint32, tag = "13")]
    pub refunds: u32,
    /// How often was told of this silence.
    #[prost(uint32, tag = "14")]
    pub told_in_silence: u32,
    /// The watch over the score.
    #[prost(message, required, tag = "15")]
    pub watch: WatchState,
    /// What was spent; nothing while neither the score nor the value hangs on it.
    #[prost(message, optional, tag = "16")]
    pub spending: Option<Spending>,
}

/// An answer to a survey.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Answer {
    /// What was answered.
    #[prost(uint32, tag = "1")]
    pub score: u32,
    /// When.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
}

/// What an event means for the score.
enum Change {
    /// Nothing.
    None,
    /// The customer did something.
    Activity,
    /// The score can have moved by itself.
    Signal,
}

impl ChurnState {
    /// When to [`look`](Self::look) at the score.
    pub fn next_due(&self) -> Option<EventTime> {
        self.watch.next_due()
    }

    /// Applies an event that was not applied before, and that the profile has already taken in.
    pub fn apply(&mut self, settings: &Settings, event: &Event, moment: &Moment) {
        let change = self.note(settings, event);
        let is_new_trend = customer::profile::is_activity(&event.body) && self.note_activity(settings, event);
        let could_fall = !self.watch.is_armed || self.watch.risen_ms.is_some();
        let look = match change {
            Change::Signal => event.occurred_at,
            // What is done today is part of the trend from tomorrow on.
            Change::Activity if could_fall || is_new_trend => {
                Day::of(event.occurred_at, settings.ahead).next().start(settings.ahead)
            }
            Change::Activity | Change::None => return,
        };
        if self.order_days > 0 {
            let look = moment.timer_at(look).max(EventTime::from_millis(self.last_order_ms)).as_millis();
            self.watch.look_ms = Some(self.watch.look_ms.map_or(look, |known| known.min(look)));
        }
    }

    /// Looks at the score at `now`, which is [`next_due`](Self::next_due).
    pub fn look(&mut self, settings: &Settings, profile: &Profile, now: EventTime) -> Option<Candidate> {
        let mut watch = self.watch;
        let Some(signals) = self.signals(settings, profile) else {
            self.watch.look_ms = None;
            return None;
        };
        let candidate = watch.look(&settings.rules, &settings.scorer(), &signals, now);
        self.watch = watch;
        self.told_in_silence += u32::from(candidate.is_some());
        candidate
    }

    /// What the customer's orders within the rule's horizon are worth, in minor units of its currency, as foretold at
    /// the last order; `None` without a rule, or if nothing is known of it.
    pub fn predicted_value(&self, settings: &Settings) -> Option<i64> {
        let rule = settings.high_value.as_ref()?;
        let days = PurchaseDays::from_parts(self.first_day, self.last_day, self.order_days)?;
        let known = self.spending.as_ref().filter(|known| known.currency == rule.currency);
        rule.predict(&settings.model, &days, known.and_then(Spending::on_repeat_days).as_ref())
    }

    /// The predicted value, if it makes the customer one to tell of apart.
    pub fn high_value(&self, settings: &Settings) -> Option<i64> {
        let threshold = settings.high_value.as_ref()?.threshold_minor;
        self.predicted_value(settings).filter(|value| *value >= threshold)
    }

    /// What the score is made of; `None` without an order.
    pub fn signals(&self, settings: &Settings, profile: &Profile) -> Option<Signals<'_>> {
        let purchases = PurchaseDays::from_parts(self.first_day, self.last_day, self.order_days)?;
        let count = |tickets: &Vec<u64>| u32::try_from(tickets.len()).unwrap_or(u32::MAX);
        Some(Signals {
            purchases,
            last_order: EventTime::from_millis(self.last_order_ms),
            gap: profile.own_gap().unwrap_or(settings.usual_gap),
            activity: Activity { counts: &self.activity, until: self.active_until.map(Day::from_number) },
            open_tickets: count(&self.open_tickets),
            reopened_tickets: self.reopened,
            unanswered_tickets: count(&self.unanswered_tickets),
            csat: self.csat.map(|answer| answer.score),
            nps: self.nps.map(|answer| answer.score),
            refunds: self.refunds,
            spend: self
                .spending
                .as_ref()
                .zip(settings.typical_spend.as_ref())
                .and_then(|(spent, typical)| spent.over_typical(typical)),
        })
    }

    fn note(&mut self, settings: &Settings, event: &Event) -> Change {
        match &event.body {
            Body::OrderCompleted(order) => {
                self.note_order(settings, event);
                if let Some(currency) = settings.currency() {
                    Spending::note(&mut self.spending, currency, order, event.occurred_at, settings.ahead);
                }
            }
            Body::OrderRefunded(_) => self.refunds = self.refunds.saturating_add(1),
            Body::TicketOpened(ticket) => self.open(ticket.ticket_id),
            Body::TicketReopened(ticket) => {
                self.reopened = self.reopened.saturating_add(1);
                self.open(ticket.ticket_id);
            }
            Body::TicketUpdated(ticket) if ticket.author == Some("agent") => {
                self.unanswered_tickets.retain(|known| *known != fingerprint(ticket.ticket_id));
            }
            Body::TicketResolved(ticket) => {
                let resolved = fingerprint(ticket.ticket_id);
                self.open_tickets.retain(|known| *known != resolved);
                self.unanswered_tickets.retain(|known| *known != resolved);
            }
            Body::SurveyAnswered(answer) => {
                let kept = match answer.survey {
                    "csat" => &mut self.csat,
                    "nps" => &mut self.nps,
                    _ => return Change::Activity,
                };
                let at_ms = event.occurred_at.as_millis();
                if kept.is_none_or(|known| known.at_ms <= at_ms) {
                    *kept = Some(Answer { score: answer.score, at_ms });
                }
            }
            body if customer::profile::is_activity(body) => return Change::Activity,
            _ => return Change::None,
        }
        Change::Signal
    }

    fn note_order(&mut self, settings: &Settings, event: &Event) {
        let day = Day::of(event.occurred_at, settings.ahead);
        let days = match PurchaseDays::from_parts(self.first_day, self.last_day, self.order_days) {
            Some(mut days) => {
                days.record(day);
                days
            }
            None => PurchaseDays::starting(day),
        };
        (self.first_day, self.last_day) = (days.first().number(), days.last().number());
        self.order_days = days.repeats().saturating_add(1);
        let at_ms = event.occurred_at.as_millis();
        if self.last_order_event.is_empty() || at_ms > self.last_order_ms {
            self.last_order_event = bounded_id(event.event_id.as_str());
            self.last_order_ms = at_ms;
            (self.reopened, self.refunds, self.told_in_silence) = (0, 0, 0);
        }
    }

    fn open(&mut self, ticket: &str) {
        let ticket = fingerprint(ticket);
        for tickets in [&mut self.open_tickets, &mut self.unanswered_tickets] {
            tickets.retain(|known| *known != ticket);
            remember(tickets, ticket, MAX_TICKETS);
        }
    }

    /// Counts what the customer did; whether before it there was nothing that a trend can be made of.
    fn note_activity(&mut self, settings: &Settings, event: &Event) -> bool {
        let day = Day::of(event.occurred_at, settings.ahead).number();
        let last = self.active_until.unwrap_or(day);
        let ahead = usize::try_from(day.saturating_sub(last)).unwrap_or(0);
        let was_past = self.activity.is_empty() || ahead >= ACTIVITY_DAYS;
        if was_past {
            self.activity.clear();
            self.activity.push(0);
        } else {
            self.activity.extend(std::iter::repeat_n(0, ahead));
        }
        let excess = self.activity.len().saturating_sub(ACTIVITY_DAYS);
        self.activity.drain(..excess);
        self.active_until = Some(day.max(last));
        let back = usize::try_from(last.saturating_sub(day)).unwrap_or(0);
        if back >= self.activity.len() && back < ACTIVITY_DAYS {
            let missing = back + 1 - self.activity.len();
            self.activity.splice(0..0, std::iter::repeat_n(0, missing));
        }
        if let Some(count) = self.activity.iter_mut().rev().nth(back) {
            *count = count.saturating_add(1);
        }
        was_past
    }
}
