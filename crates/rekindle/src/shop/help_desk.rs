//! A ticket, from the question to what the customer thinks of the answer.

use serde_json::{Value, json};

use super::back_office::System;
use super::visit::Visit;

/// How tickets go.
mod habits {
    /// Share of the first replies that come within a day; the others take up to three.
    pub const ANSWERED_SOON: f64 = 0.85;
    /// Share of the replies to which the customer replies.
    pub const ASKS_BACK: f64 = 0.4;
    /// Share of the resolved tickets that are opened again, also of those that were before.
    pub const REOPENED: f64 = 0.15;
    /// How often a ticket is opened again at the most.
    pub const MOST_REOPENINGS: u32 = 3;
    /// Share of the tickets after which a CSAT survey is answered.
    pub const SAYS_CSAT: f64 = 0.35;
    /// How often each CSAT, from 1 to 5.
    pub const CSAT: [u32; 5] = [8, 7, 12, 33, 40];
    /// Share of the low CSATs that somebody of the shop sees to.
    pub const FOLLOWED_UP: f64 = 0.6;
}

impl Visit<'_> {
    /// Opens a ticket now.
    pub(super) fn ask(&mut self, topic: &str) {
        let first = format!("t-{}", self.visitor.visit);
        // A visit causes two tickets at the most: one about the parcel's delay, and one about what was in it.
        let ticket_id = if topic.starts_with("Where") { format!("{first}-parcel") } else { first };
        self.say(&ticket_id, "ticket_opened", 0, json!({ "topic": topic }));
        if self.happens(habits::ANSWERED_SOON) {
            self.wait_minutes(20..20 * 60);
        } else {
            self.wait_hours(25..70);
        }
        self.work_on(&ticket_id, 0);
        for round in 1..=habits::MOST_REOPENINGS {
            if !self.happens(habits::REOPENED) {
                break;
            }
            self.wait_hours(2..72);
            self.say(&ticket_id, "ticket_reopened", round, json!({}));
            self.wait_hours(1..20);
            self.work_on(&ticket_id, round);
        }
        if self.happens(habits::SAYS_CSAT) {
            self.rate(&ticket_id);
        }
    }

    /// Support replies, perhaps more than once, and takes the ticket for resolved.
    fn work_on(&mut self, ticket_id: &str, round: u32) {
        self.say(ticket_id, "ticket_updated", 10 * round, json!({ "author": "agent" }));
        if self.happens(habits::ASKS_BACK) {
            self.wait_hours(1..20);
            self.say(ticket_id, "ticket_updated", 10 * round + 1, json!({ "author": "customer" }));
            self.wait_hours(1..16);
            self.say(ticket_id, "ticket_updated", 10 * round + 2, json!({ "author": "agent" }));
        }
        self.wait_hours(1..30);
        self.say(ticket_id, "ticket_resolved", round, json!({}));
    }

    fn rate(&mut self, ticket_id: &str) {
        self.wait_hours(1..30);
        let score = self.weighted(&habits::CSAT) + 1;
        self.say(ticket_id, "survey_answered", 0, json!({ "survey": "csat", "score": score }));
        if score <= 2 && self.happens(habits::FOLLOWED_UP) {
            self.wait_hours(1..24);
            self.say(ticket_id, "follow_up_recorded", 0, json!({ "survey": "csat" }));
        }
    }

    /// The `number`-th of its kind about a ticket.
    fn say(&mut self, ticket_id: &str, kind: &'static str, number: u32, facts: Value) {
        let mut facts = facts;
        facts["ticket_id"] = json!(ticket_id);
        self.notice(System::HelpDesk, kind, &format!("{ticket_id}-{number}"), facts);
    }
}
