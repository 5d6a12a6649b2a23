//! Birthday and anniversary: days that come every year, told at a local time, some days before.
//!
//! Each is told at most once for a year. Where the day is stated, or the first order or the time zone becomes another,
//! the next time is computed anew: the first that does not lie before the event. A move to a time zone where the hour
//! has passed already does not lose the day: it is told at once, as long as it would be worth sending. So is a day whose
//! news comes late; days that backfilled events put at or below the watermark are passed over.

use customer::Profile;
use customer::local_time::Zone;
use events::{Body, EventTime, Span};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, ToSpan as _};

use super::application::Application;
use super::effect::{Candidate, Subject, Trigger};
use super::rules::{Rules, YearlyOccasion};
use super::state::LifecycleState;

/// Years in which the next time is looked for. One of three comes; the calendar's end comes first.
const YEARS_AHEAD: i32 = 3;

/// A day of the year, and when it is told next.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct YearlyState {
    /// The year of the day that is told next.
    #[prost(sint32, tag = "1")]
    pub year: i32,
    /// When its timer fires.
    #[prost(sint64, optional, tag = "2")]
    pub timer_ms: Option<i64>,
    /// The year that was told last.
    #[prost(sint32, optional, tag = "3")]
    pub told_year: Option<i32>,
    /// The first order, of the anniversary.
    #[prost(sint64, optional, tag = "4")]
    pub first_order_ms: Option<i64>,
}

/// A day of the year, where the customer is.
pub(super) struct Day<'a> {
    rule: &'a YearlyOccasion,
    trigger: Trigger,
    month: i8,
    day: i8,
    /// The year of the first order, of the anniversary.
    since_year: Option<i32>,
    zone: Zone,
}

impl LifecycleState {
    pub(super) fn note_birthday(&mut self, at: &Application<'_>) {
        if self.birthday.is_some() && !states_facts(at) {
            return;
        }
        if let Some(day) = Day::birthday(at.rules, at.profile) {
            self.birthday.get_or_insert_default().time(&day, at);
        }
    }

    pub(super) fn note_anniversary(&mut self, at: &Application<'_>) {
        let first_order_ms = at.profile.first_order_ms;
        let is_known = self.anniversary.is_some_and(|state| state.first_order_ms == first_order_ms);
        if is_known && !states_facts(at) {
            return;
        }
        if let Some(day) = Day::anniversary(at.rules, at.profile) {
            let state = self.anniversary.get_or_insert_default();
            state.first_order_ms = first_order_ms;
            state.time(&day, at);
        }
    }

    pub(super) fn fire_birthday(
        &mut self,
        rules: &Rules,
        profile: &Profile,
        now: EventTime,
    ) -> Option<Candidate> {
        let state = self.birthday.as_mut().filter(|state| state.is_due(now))?;
        state.fire(Day::birthday(rules, profile), now)
    }

    pub(super) fn fire_anniversary(
        &mut self,
        rules: &Rules,
        profile: &Profile,
        now: EventTime,
    ) -> Option<Candidate> {
        let state = self.anniversary.as_mut().filter(|state| state.is_due(now))?;
        state.fire(Day::anniversary(rules, profile), now)
    }
}

fn states_facts(at: &Application<'_>) -> bool {
    matches!(at.event.body, Body::ProfileUpdated(_))
}

impl YearlyState {
    /// Times the next of these days.
    fn time(&mut self, day: &Day<'_>, at: &Application<'_>) {
        let earliest = day.earliest(at);
        let pending = self.timer_ms.map(|_| self.year);
        // A day that was to come is not over because the clock on the wall has jumped over its hour.
        let grace = |year| if pending == Some(year) { day.rule.valid_for } else { Span::ZERO };
        let this_year = i32::from(day.zone.local(earliest).year());
        let untold = self.told_year.map_or(i32::MIN, |told| told + 1);
        let from = pending.map_or(this_year, |year| year.min(this_year)).max(untold);
        let mut next = (from..=from + YEARS_AHEAD).filter_map(|year| Some((year, day.due_in(year)?)));
        let next = next.find(|(year, due)| *due + grace(*year) >= earliest);
        self.year = next.map_or(0, |(year, _)| year);
        let timer = next.map(|(_, due)| at.moment.timer_at(due).max(at.event.occurred_at));
        self.timer_ms = timer.map(EventTime::as_millis);
    }

    fn is_due(&self, now: EventTime) -> bool {
        self.timer_ms.is_some_and(|timer| timer <= now.as_millis())
    }

    fn fire(&mut self, day: Option<Day<'_>>, now: EventTime) -> Option<Candidate> {
        self.timer_ms = None;
        let (day, year) = (day?, self.year);
        let due = day.due_in(year)?;
        if due > now {
            // The rule was changed after the timer was set.
            self.timer_ms = Some(due.as_millis());
            return None;
        }
        self.told_year = Some(year);
        let mut later = (year + 1..=year + YEARS_AHEAD).filter_map(|year| Some((year, day.due_in(year)?)));
        if let Some((next, due)) = later.find(|(_, due)| *due > now) {
            (self.year, self.timer_ms) = (next, Some(due.as_millis()));
        }
        day.candidate(year, due, now)
    }
}

impl<'a> Day<'a> {
    pub(super) fn birthday(rules: &'a Rules, profile: &Profile) -> Option<Self> {
        let rule = rules.birthday.as_ref()?;
        let stated = profile.birthday.as_ref()?.text.as_str();
        // 2000 is a leap year, so 29 February needs no year.
        let date = stated.strip_prefix("--").map_or_else(|| stated.to_owned(), |day| format!("2000-{day}"));
        let date: Date = date.parse().ok()?;
        Some(Self::of(date, Trigger::Birthday, rule, zone_of(rules, profile)))
    }

    pub(super) fn anniversary(rules: &'a Rules, profile: &Profile) -> Option<Self> {
        let rule = rules.anniversary.as_ref()?;
        let first_order = EventTime::from_millis(profile.first_order_ms?);
        let zone = zone_of(rules, profile);
        let date = zone.local(first_order).date();
        let since_year = Some(i32::from(date.year()));
        Some(Self { since_year, ..Self::of(date, Trigger::Anniversary, rule, zone) })
    }

    fn of(date: Date, trigger: Trigger, rule: &'a YearlyOccasion, zone: Zone) -> Self {
        Self { rule, trigger, month: date.month(), day: date.day(), since_year: None, zone }
    }

    /// The day in that year; none up to the first order.
    fn date_in(&self, year: i32) -> Option<Date> {
        if self.since_year.is_some_and(|since| year <= since) {
            return None;
        }
        let year = i16::try_from(year).ok()?;
        Date::new(year, self.month, self.day).or_else(|_| Date::new(year, 2, 28)).ok()
    }

    /// When the day of that year is to be told.
    pub(super) fn due_in(&self, year: i32) -> Option<EventTime> {
        let told_on = self.date_in(year)?.checked_sub(i64::from(self.rule.days_before).days()).ok()?;
        let time = Time::midnight().saturating_add(SignedDuration::from_millis(self.rule.at.as_millis()));
        Some(self.zone.instant(told_on, time))
    }

    /// Before which the event makes nothing due.
    fn earliest(&self, at: &Application<'_>) -> EventTime {
        let (happened, watermark) = (at.event.occurred_at, at.moment.watermark);
        match (at.event.backfill, at.moment.late) {
            (true, _) => happened.max(watermark + Span::from_millis(1)),
            (false, true) => happened.max(watermark - self.rule.valid_for),
            (false, false) => happened,
        }
    }

    pub(super) fn candidate(&self, year: i32, due: EventTime, now: EventTime) -> Option<Candidate> {
        let occasion = format!("{}-{year}", self.trigger.as_str());
        Some(Candidate {
            trigger: self.trigger,
            armed_by: occasion.clone(),
            opened_by: occasion,
            opened_at: due,
            armed_at: due,
            due,
            fired_at: now,
            valid_for: self.rule.valid_for,
            subject: Subject::Day {
                date: self.date_in(year)?.to_string(),
                anniversary: self.since_year.and_then(|since| u32::try_from(year - since).ok()),
                time_zone: self.zone.name().to_owned(),
            },
        })
    }
}

/// The customer's time zone, else the configured one.
fn zone_of(rules: &Rules, profile: &Profile) -> Zone {
    let stated = profile.time_zone.as_ref().and_then(|zone| Zone::named(&zone.text));
    stated.or_else(|| Zone::named(&rules.time_zone)).unwrap_or(Zone::UTC)
}
