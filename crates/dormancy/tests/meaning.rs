//! What dormancy means, told as small stories, and held against a computation of its own.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

use customer::{Limits, Moment, Profile};
use dormancy::{ActivityKind, DormancyState, Effect, FiredAs, Rules, Tier};
use events::Viewed as _;
use events::event::{OrderCompleted, PageViewed};
use events::{Body, Context, CustomerId, Event, EventId, EventTime, Origin, Span};
use proptest::prelude::*;
use prost::Message as _;

fn at(day: i64) -> EventTime {
    EventTime::from_millis(0) + Span::from_days(day)
}

fn event(day: i64, body: Body) -> Event {
    Event {
        event_id: EventId::new(format!("day-{day}")),
        customer_id: CustomerId::new("c"),
        occurred_at: at(day),
        body,
        received_at: at(day),
        source: "test".into(),
        origin: Origin { topic: "t".into(), partition: 0, offset: 0 },
        anonymous_id: None,
        context: Context::default(),
        backfill: false,
    }
}

fn order(day: i64) -> Event {
    event(
        day,
        Body::OrderCompleted(OrderCompleted { order_id: format!("o-{day}").into(), ..Default::default() }),
    )
}

fn visit(day: i64) -> Event {
    event(day, Body::PageViewed(PageViewed::default()))
}

/// One customer in a log: what is told, as a line each.
struct Story {
    rules: Rules,
    profile: Profile,
    state: DormancyState,
    watermark: EventTime,
    told: Vec<String>,
}

impl Story {
    fn with(rules: Rules) -> Self {
        let (profile, state) = Default::default();
        Self { rules, profile, state, watermark: EventTime::MIN, told: Vec::new() }
    }

    fn until(&mut self, day: i64) -> &mut Self {
        self.fire_until(at(day));
        self.watermark = self.watermark.max(at(day));
        self
    }

    fn fire_until(&mut self, end: EventTime) {
        while let Some(due) = self.state.next_due().filter(|due| *due <= end) {
            if let Some(candidate) = self.state.fire(&self.rules, &self.profile, due) {
                let sent = FiredAs { trigger_id: [1; 16], episode_id: [2; 16] };
                self.state.remember(&candidate, sent);
                self.told.push(format!("{} day {}", candidate.tier.as_str(), days(candidate.fired_at)));
            }
            assert!(self.state.next_due().is_none_or(|next| next > due));
        }
    }

    /// An event in its order: timers before it have fired, those of its own moment have not.
    fn on(&mut self, event: Event) -> &mut Self {
        self.fire_until(event.occurred_at - Span::from_millis(1));
        self.apply(event, false)
    }

    fn apply(&mut self, event: Event, late: bool) -> &mut Self {
        let moment =
            Moment { watermark: self.watermark, appended_at: None, settle: Span::from_days(1), late };
        self.profile.apply(&event.view(), &moment, &Limits::default());
        for effect in self.state.apply(&self.rules, &self.profile, &event.view(), &moment) {
            self.told.push(match effect {
                Effect::Retracted(retraction) => {
                    format!("back {}", Tier::numbered(retraction.fired.tier).unwrap().as_str())
                }
                Effect::Returned(back) => format!(
                    "returned day {} after {} days, {}",
                    days(back.at),
                    days(back.at) - days(back.silent_since),
                    back.tier.as_str()
                ),
                Effect::Due(_) => panic!("an event fires nothing"),
            });
        }
        let bytes = self.state.encode_to_vec();
        assert_eq!(DormancyState::decode(bytes.as_slice()).as_ref(), Ok(&self.state));
        self
    }

    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }
}

fn days(time: EventTime) -> i64 {
    time.since(at(0)).as_millis() / Span::from_days(1).as_millis()
}

#[test]
fn a_silence_reaches_its_tiers_without_any_event_and_ends_with_the_return() {
    let mut story = Story::with(Rules::default());
    story.on(order(0)).on(order(40)).on(order(80)).until(300);
    assert_eq!(
        story.told(),
        [
            "slipping day 30",
            "returned day 40 after 40 days, slipping",
            "slipping day 70",
            "returned day 80 after 40 days, slipping",
            "slipping day 120",
            "at_risk day 160",
            "inactive day 200"
        ]
    );
    story.on(order(310));
    assert_eq!(story.told(), ["returned day 310 after 230 days, inactive"]);
}

#[test]
fn activity_at_the_very_moment_comes_before_the_tier() {
    let mut story = Story::with(Rules::default());
    story.on(order(0)).on(order(30)).until(59);
    assert_eq!(story.told(), Vec::<String>::new());
}

#[test]
fn visits_count_where_they_are_said_to() {
    let any = Rules { activity: ActivityKind::Any, ..Rules::default() };
    for (rules, expected) in [(Rules::default(), vec!["slipping day 30"]), (any, vec![])] {
        let mut story = Story::with(rules);
        story.on(order(0)).on(visit(20)).until(45);
        assert_eq!(story.told(), expected);
    }
}

#[test]
fn a_late_order_takes_back_what_it_makes_wrong_and_is_no_return() {
    let mut story = Story::with(Rules::default());
    story.on(order(0)).until(62);
    assert_eq!(story.told(), ["slipping day 30", "at_risk day 60"]);
    story.apply(order(58), true);
    assert_eq!(story.told(), ["back at_risk"], "the lower tier was right, and is over");
    story.until(90);
    assert_eq!(story.told(), ["slipping day 88"]);
}

#[test]
fn a_late_order_that_is_older_than_the_last_is_history() {
    let mut story = Story::with(Rules::default());
    story.on(order(50)).until(85);
    assert_eq!(story.told(), ["slipping day 80"]);
    story.apply(order(20), true);
    assert_eq!(story.told(), Vec::<String>::new());
}

#[test]
fn where_several_tiers_have_passed_at_once_the_highest_is_told_alone() {
    let mut story = Story::with(Rules::default());
    story.until(100).apply(order(30), true).until(300);
    assert_eq!(story.told(), ["at_risk day 101", "inactive day 120"]);
}

#[test]
fn backfilled_history_is_silent_and_tiers_to_come_are_told() {
    let mut story = Story::with(Rules::default());
    story.until(100).apply(Event { backfill: true, ..order(30) }, true).until(300);
    assert_eq!(story.told(), ["inactive day 120"]);
}

/// A customer's silence as the first release wrote it. Never regenerate these bytes: they stand for what is stored.
const FIRST_RELEASE: &[u8] = &[
    0x08, 0x14, 0x12, 0x02, b'e', b'1', 0x18, 0x01, 0x20, 0x64, 0x2a, 0x0c, 0x0a, 0x01, 7, 0x12, 0x01, 8,
    0x18, 0x01, 0x20, 0x14, 0x28, 0x28,
];

#[test]
fn the_first_release_stays_readable() {
    let state = DormancyState::decode(FIRST_RELEASE).unwrap();
    assert_eq!((state.active_ms, state.active_event.as_str(), state.reached), (Some(10), "e1", 1));
    assert_eq!((state.timer_ms, state.fired[0].silent_since_ms, state.fired[0].fired_ms), (Some(50), 10, 20));
    assert_eq!(state.encode_to_vec(), FIRST_RELEASE);
}

proptest! {
    /// Against a computation that looks at every day: which tier is reached first on which day.
    #[test]
    fn tiers_come_when_a_look_at_every_day_says_so(steps in proptest::collection::vec(1_i64..120, 1..12)) {
        let mut story = Story::with(Rules::default());
        let mut orders: Vec<i64> = Vec::new();
        for step in &steps {
            let day = orders.last().map_or(0, |last| last + step);
            story.on(order(day));
            orders.push(day);
        }
        let end = orders.last().unwrap() + 500;
        let found: Vec<_> = story.until(end).told().into_iter().filter(|line| !line.starts_with("returned")).collect();

        let mut expected = Vec::new();
        for (place, first) in orders.iter().enumerate() {
            let next = orders.get(place + 1).copied().unwrap_or(end + 1);
            let known = i64::try_from(place).unwrap() + 1;
            // In milliseconds, rounded down, as a mean of whole milliseconds is.
            let gap = if known >= 3 { (first - orders[0]) * 86_400_000 / (known - 1) } else { 30 * 86_400_000 };
            for (times, floor, name) in [(1, 14, "slipping"), (2, 30, "at_risk"), (3, 90, "inactive")] {
                let due = first * 86_400_000 + (gap * times).max(floor * 86_400_000);
                if due < next * 86_400_000 && due <= end * 86_400_000 {
                    expected.push(format!("{name} day {}", due / 86_400_000));
                }
            }
        }
        prop_assert_eq!(found, expected);
    }
}
