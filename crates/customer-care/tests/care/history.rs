//! What is told of a history, found by looking at the whole of it again for every question.

use std::collections::BTreeMap;

use events::EventTime;
use events::event::{Body, Event};

use crate::story::{HOUR_MS, show};

const DAY_MS: i64 = 24 * HOUR_MS;
pub const TICKETS: [&str; 4] = ["t-0", "t-1", "t-2", "t-3"];
pub const ORDERS: [&str; 4] = ["o-0", "o-1", "o-2", "o-3"];

/// A place in the order: an event's, or after all events of a time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    at_ms: i64,
    is_timer: bool,
    index: usize,
}

pub struct History<'a> {
    pub events: &'a [Event],
    pub end_ms: i64,
}

fn ticket_of(event: &Event) -> Option<&str> {
    match &event.body {
        Body::TicketOpened(ticket) => Some(&ticket.ticket_id),
        Body::TicketUpdated(ticket) => Some(&ticket.ticket_id),
        Body::TicketReopened(ticket) => Some(&ticket.ticket_id),
        Body::TicketResolved(ticket) => Some(&ticket.ticket_id),
        _ => None,
    }
}

fn order_of(event: &Event) -> Option<&str> {
    match &event.body {
        Body::OrderCompleted(order) => Some(&order.order_id),
        Body::Delivered(order) => Some(&order.order_id),
        Body::DeliveryUpdated(order) => Some(&order.order_id),
        Body::OrderCancelled(order) => Some(&order.order_id),
        Body::OrderRefunded(order) => Some(&order.order_id),
        Body::ReviewSubmitted(review) => review.order_id.as_deref(),
        _ => None,
    }
}

fn ms(event: &Event) -> i64 {
    event.occurred_at.as_millis()
}

impl<'a> History<'a> {
    fn events(&self) -> impl Iterator<Item = (Place, &'a Event)> {
        let place = |(index, event)| (Place { at_ms: ms(event), is_timer: false, index }, event);
        self.events.iter().enumerate().map(place)
    }

    fn timer(at_ms: i64) -> Place {
        Place { at_ms, is_timer: true, index: usize::MAX }
    }

    /// Whether the ticket is open just before that place.
    fn is_open(&self, ticket: &str, place: Place) -> bool {
        let (mut is_open, mut heard_ms) = (false, 0);
        let its = self.events().filter(|(at, event)| *at < place && ticket_of(event) == Some(ticket));
        for (at, event) in its {
            is_open &= at.at_ms <= heard_ms + 30 * DAY_MS;
            heard_ms = at.at_ms;
            match event.body {
                Body::TicketOpened(_) | Body::TicketReopened(_) => is_open = true,
                Body::TicketResolved(_) => is_open = false,
                _ => {}
            }
        }
        is_open && Self::timer(heard_ms + 30 * DAY_MS) > place
    }

    fn open_tickets(&self, place: Place) -> Vec<&'static str> {
        TICKETS.into_iter().filter(|ticket| self.is_open(ticket, place)).collect()
    }

    /// Where the customer became content.
    fn contentments(&self) -> Vec<Place> {
        let mut found = Vec::new();
        let mut rated: BTreeMap<&str, ()> = BTreeMap::new();
        for (place, event) in self.events() {
            let open = self.open_tickets(place);
            rated.retain(|ticket, _| open.contains(ticket));
            match &event.body {
                Body::SurveyAnswered(answer) if answer.survey == "csat" && answer.score >= 4 => {
                    let about: Vec<_> = match answer.ticket_id.as_deref() {
                        Some(ticket) => open.into_iter().filter(|open| *open == ticket).collect(),
                        None => open,
                    };
                    match about[..] {
                        [] => found.push(place),
                        [ticket] => drop(rated.insert(ticket, ())),
                        _ => {}
                    }
                }
                Body::TicketReopened(ticket) => drop(rated.remove(ticket.ticket_id.as_str())),
                Body::TicketResolved(ticket) if rated.remove(ticket.ticket_id.as_str()).is_some() => {
                    found.push(place);
                }
                _ => {}
            }
        }
        found
    }

    fn signs(&self, contentments: &[Place]) -> Vec<(Place, &'static str)> {
        let mut signs = Vec::new();
        for (place, event) in self.events() {
            let content = contentments.iter().rfind(|content| **content < place).copied();
            let many = |needed: usize, is_one: &dyn Fn(&Body) -> bool| {
                let counts = |(at, event): &(Place, &Event)| {
                    *at <= place
                        && Some(*at) > content
                        && at.at_ms >= place.at_ms - 14 * DAY_MS
                        && is_one(&event.body)
                };
                self.events().filter(counts).count() >= needed
            };
            match &event.body {
                Body::TicketReopened(_) if many(2, &|body| matches!(body, Body::TicketReopened(_))) => {
                    signs.push((place, "reopened"));
                }
                Body::TicketOpened(ticket) => {
                    if many(3, &|body| matches!(body, Body::TicketOpened(_))) {
                        signs.push((place, "many_tickets"));
                    }
                    let due_ms = place.at_ms + DAY_MS;
                    let replies = |event: &Event| match &event.body {
                        Body::TicketUpdated(update) => update.author.as_deref() != Some("customer"),
                        Body::TicketResolved(_) => true,
                        _ => false,
                    };
                    let is_reply = |(at, event): (Place, &Event)| {
                        at.at_ms <= due_ms && ticket_of(event) == Some(&ticket.ticket_id) && replies(event)
                    };
                    if !self.events().any(is_reply) {
                        signs.push((Self::timer(due_ms), "unanswered"));
                    }
                }
                Body::OrderRefunded(_) if !self.open_tickets(place).is_empty() => {
                    signs.push((place, "refunded"));
                }
                _ => {}
            }
        }
        signs.sort();
        signs
    }

    fn frustrations(&self, told: &mut Vec<String>) {
        let contentments = self.contentments();
        let mut since: Option<Place> = None;
        for (place, sign) in self.signs(&contentments) {
            let has_ended = |since: Place| {
                let was_content = contentments.iter().any(|content| since < *content && *content < place);
                was_content || place.at_ms - since.at_ms > 30 * DAY_MS
            };
            if place.at_ms <= self.end_ms && since.is_none_or(has_ended) {
                since = Some(place);
                told.push(format!(
                    "support_frustration {sign} {}",
                    show(EventTime::from_millis(place.at_ms))
                ));
            }
        }
    }

    /// The answers that were the last when they came.
    fn answers(&self, survey: &str) -> Vec<(Place, u32, Option<&'a str>)> {
        let mut answers: Vec<(Place, u32, Option<&str>)> = Vec::new();
        for (place, event) in self.events() {
            let Body::SurveyAnswered(answer) = &event.body else { continue };
            let is_last = answers.last().is_none_or(|(last, ..)| last.at_ms < place.at_ms);
            if answer.survey == survey && is_last {
                answers.push((place, answer.score, answer.ticket_id.as_deref()));
            }
        }
        answers
    }

    fn alerts(&self, (survey, up_to, name): (&str, u32, &str), told: &mut Vec<String>) {
        let mut open: Option<(Place, Option<&str>)> = None;
        for (place, score, ticket) in self.answers(survey) {
            let is_seen_to = |(since, about): (Place, Option<&str>)| {
                self.events().any(|(at, event)| match &event.body {
                    Body::FollowUpRecorded(follow_up) => {
                        let its = follow_up.survey.as_deref().is_none_or(|followed| followed == survey);
                        let tickets = follow_up.ticket_id.as_deref().zip(about);
                        since < at && at < place && its && tickets.is_none_or(|(one, other)| one == other)
                    }
                    _ => false,
                })
            };
            let is_over =
                |open: (Place, Option<&str>)| place.at_ms - open.0.at_ms > 2 * DAY_MS || is_seen_to(open);
            if score <= up_to && open.is_none_or(is_over) {
                open = Some((place, ticket));
                told.push(format!("{name} {score} {}", show(EventTime::from_millis(place.at_ms))));
            }
        }
    }

    fn promoters(&self, told: &mut Vec<String>) {
        let answers = self.answers("nps");
        for (number, (place, score, _)) in answers.iter().enumerate() {
            let due = Self::timer(place.at_ms + DAY_MS);
            let is_last = answers.get(number + 1).is_none_or(|(next, ..)| *next > due);
            if *score >= 9 && is_last && self.open_tickets(due).is_empty() {
                told.push(format!("nps_promoter {score} {}", show(EventTime::from_millis(due.at_ms))));
            }
        }
    }

    /// The first time at which a timer set by one event runs out before the next event that concerns it.
    fn first_run_out<'e>(&self, concerns: impl Fn(Place, &Event) -> Option<Option<i64>> + 'e) -> Option<i64> {
        let mut due_ms: Option<i64> = None;
        for (place, event) in self.events() {
            if due_ms.is_some_and(|due_ms| Self::timer(due_ms) < place) {
                break;
            }
            if let Some(next) = concerns(place, event) {
                due_ms = next;
            }
        }
        due_ms
    }

    fn delays(&self, order: &str, told: &mut Vec<String>) {
        let is_its = |event: &Event| order_of(event) == Some(order);
        let is_end = |body: &Body| matches!(body, Body::Delivered(_) | Body::OrderCancelled(_));
        let ended =
            self.events().find(|(_, event)| is_its(event) && is_end(&event.body)).map(|(place, _)| place);
        let mut promised_ms = None;
        // Of two promises of one moment the first counts.
        let promises: Vec<_> = self
            .events()
            .filter_map(|(place, event)| match &event.body {
                Body::DeliveryUpdated(news) if is_its(event) => Some((place, news.promised_at?)),
                _ => None,
            })
            .filter(|(place, _)| promised_ms.replace(place.at_ms) != Some(place.at_ms))
            .collect();
        let due = self.first_run_out(|place, event| {
            if is_its(event) && is_end(&event.body) {
                return Some(None);
            }
            let (_, promised_at) = promises.iter().find(|(made, _)| *made == place)?;
            let is_over = ended.is_some_and(|ended| ended < place);
            Some((!is_over).then(|| promised_at.as_millis().max(place.at_ms)))
        });
        told.extend(
            due.map(|due_ms| format!("delivery_delayed {order} {}", show(EventTime::from_millis(due_ms)))),
        );
    }

    fn reviews(&self, order: &str, told: &mut Vec<String>) {
        let is_its = |event: &Event| order_of(event) == Some(order);
        let known = self.events().find(|(_, event)| is_its(event)).map(|(place, _)| place);
        let ends = |place: Place, event: &Event| match &event.body {
            Body::OrderCancelled(_) | Body::OrderRefunded(_) => is_its(event),
            Body::ReviewSubmitted(review) if review.order_id.is_some() => is_its(event),
            Body::ReviewSubmitted(_) => known.is_some_and(|known| known < place),
            Body::SurveyAnswered(answer) => {
                answer.survey == "csat" && answer.score <= 2 && known.is_some_and(|known| known < place)
            }
            _ => false,
        };
        let ended = self.events().find(|(place, event)| ends(*place, event)).map(|(place, _)| place);
        let delivered =
            self.events().find(|(_, event)| is_its(event) && matches!(event.body, Body::Delivered(_)));
        let due = self.first_run_out(|place, event| {
            if ended.is_some_and(|ended| ended <= place) {
                return Some(None);
            }
            match event.body {
                Body::Delivered(_) if is_its(event) => Some(Some(place.at_ms + 7 * DAY_MS)),
                Body::OrderCompleted(_)
                    if is_its(event) && delivered.is_none_or(|(other, _)| place < other) =>
                {
                    Some(Some(place.at_ms + 14 * DAY_MS))
                }
                _ => None,
            }
        });
        let Some(due_ms) = due else { return };
        if self.open_tickets(Self::timer(due_ms)).is_empty() {
            told.push(format!("review_request {order} {}", show(EventTime::from_millis(due_ms))));
        }
    }

    /// Everything that is told, sorted.
    pub fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        self.frustrations(&mut told);
        self.alerts(("csat", 2, "csat_low"), &mut told);
        self.alerts(("nps", 6, "nps_detractor"), &mut told);
        self.promoters(&mut told);
        ORDERS.into_iter().for_each(|order| self.delays(order, &mut told));
        ORDERS.into_iter().for_each(|order| self.reviews(order, &mut told));
        told.sort();
        told
    }
}
