//! Random histories, in order and through a log that shuffles and doubles them, held against a naive computation.

use events::event::Event;
use events::{EventId, EventKey, EventTime, Span};
use proptest::prelude::*;

use crate::history::{History, ORDERS, TICKETS};
use crate::story::*;

/// How long a history is at most: shorter than orders that wait for nothing are kept.
const DAYS: i64 = 85;

const LATENESS_MS: i64 = 6 * HOUR_MS;

#[derive(Clone, Debug)]
struct Step {
    gap_hours: i64,
    kind: usize,
    subject: usize,
    extra: i64,
    delays_ms: [i64; 2],
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let gap = prop_oneof![3 => Just(0_i64), 4 => 1_i64..30, 2 => 30_i64..90, 1 => Just(24), 1 => Just(48), 1 => Just(336)];
    let delay = || prop_oneof![Just(0), Just(LATENESS_MS), 0..=LATENESS_MS];
    let step = (gap, 0_usize..16, 0_usize..4, 0_i64..12, [delay(), delay()]);
    let step = step.prop_map(|(gap_hours, kind, subject, extra, delays_ms)| Step {
        gap_hours,
        kind,
        subject,
        extra,
        delays_ms,
    });
    proptest::collection::vec(step, 1..28)
}

/// A history that can be: a ticket's first event is its opening, and an order is placed once.
fn history(steps: &[Step]) -> Vec<Event> {
    let mut hour = 0;
    let mut seen: Vec<&str> = Vec::new();
    let mut events = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        hour = (hour + step.gap_hours).min(DAYS * 24);
        let (ticket, order) = (TICKETS[step.subject], ORDERS[step.subject]);
        let is_first = |seen: &mut Vec<&'static str>, id| {
            !seen.contains(&id) && {
                seen.push(id);
                true
            }
        };
        let maybe = |id| Some(id).filter(|_| step.extra % 2 == 0);
        let score = u32::try_from(step.extra).unwrap();
        let body = match step.kind {
            0..=4 if is_first(&mut seen, ticket) => opened(ticket),
            0 | 1 => reopened(ticket),
            2 => resolved(ticket),
            3 => updated(ticket, Some("customer")),
            4 => updated(ticket, [None, Some("agent")][step.subject % 2]),
            5 | 6 => answered("csat", score % 5 + 1, maybe(ticket)),
            7 => answered("nps", score.min(10), None),
            8 => followed_up([None, Some("csat"), Some("nps")][step.subject % 3], maybe(ticket)),
            9 | 10 if is_first(&mut seen, order) => ordered(order),
            9..=11 => promised(order, Some(at(hour + step.extra * 17 - 20)).filter(|_| step.extra != 5)),
            12 => delivered(order),
            13 => [cancelled(order), refunded(order)][step.subject % 2].clone(),
            14 => refunded(order),
            _ => reviewed(maybe(order)),
        };
        let event = happened(at(hour), body);
        events.push(Event { event_id: EventId::new(format!("e-{number:02}")), ..event });
    }
    events.sort_by_key(key);
    events
}

fn key(event: &Event) -> EventKey {
    EventKey {
        occurred_at: event.occurred_at,
        rank: event.body.rank(),
        event_id: event.event_id.clone(),
        offset: 0,
    }
}

/// The events in the order in which they arrive, some twice, through a buffer that waits for the lateness.
fn through_a_log(events: &[Event], delays: &[[i64; 2]], end: EventTime) -> Vec<String> {
    let mut arrivals = Vec::new();
    for (event, [first, second]) in events.iter().zip(delays) {
        arrivals.push((event.occurred_at.as_millis() + first, event));
        arrivals.push((event.occurred_at.as_millis() + second, event));
    }
    arrivals.sort_by_key(|(at, event)| (*at, std::cmp::Reverse(event.event_id.clone())));
    let mut story = Story::new();
    let mut waiting: Vec<(EventKey, &Event)> = Vec::new();
    for (offset, (arrived_ms, event)) in arrivals.into_iter().enumerate() {
        waiting.push((EventKey { offset: u64::try_from(offset).unwrap(), ..key(event) }, event));
        waiting.sort_by(|one, other| one.0.cmp(&other.0));
        let watermark = EventTime::from_millis(arrived_ms - LATENESS_MS - 1);
        let ready = waiting.partition_point(|(key, _)| key.occurred_at <= watermark);
        for (_, event) in waiting.drain(..ready) {
            story.take(event.clone());
        }
        story.until(watermark);
    }
    for (_, event) in waiting {
        story.take(event.clone());
    }
    let mut told = story.until(end).told();
    told.sort();
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn what_is_told_is_what_a_look_at_the_whole_history_says(steps in steps()) {
        let events = history(&steps);
        let end = events.last().unwrap().occurred_at + Span::from_days(60);
        let expected = History { events: &events, end_ms: end.as_millis() }.told();
        let delays: Vec<_> = steps.iter().map(|step| step.delays_ms).collect();
        prop_assert_eq!(through_a_log(&events, &vec![[0, 0]; delays.len()], end), expected.clone(), "{:#?}", events);
        prop_assert_eq!(through_a_log(&events, &delays, end), expected, "shuffled and doubled");
    }
}
