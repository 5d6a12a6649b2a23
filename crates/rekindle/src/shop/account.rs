//! What customers say about themselves, and the messages that they get.

use events::EventTime;
use rand::Rng;
use serde_json::{Value, json};

use super::back_office::System;
use super::visit::Visit;

/// How customers are, and how messages go.
mod habits {
    /// Share of the customers who name a birthday.
    pub const BIRTHDAY: f64 = 0.4;
    /// Share of the customers who name the channel they prefer.
    pub const PREFERS: f64 = 0.3;
    /// Share of the new customers who say whether they want advertising.
    pub const SAYS_CONSENT: f64 = 0.75;
    /// Share of these who do.
    pub const CONSENTS: f64 = 0.85;
    /// Share of the later visits with a login that change a fact.
    pub const CHANGES_FACT: f64 = 0.01;
    /// Share of the later visits with a login that change consent.
    pub const CHANGES_CONSENT: f64 = 0.005;
    /// Where customers are, and what they speak, each as often as its weight.
    pub const PLACES: [(&str, &str); 6] = [
        ("Europe/Berlin", "de-DE"),
        ("Europe/Vienna", "de-AT"),
        ("Europe/Paris", "fr-FR"),
        ("Europe/London", "en-GB"),
        ("America/New_York", "en-US"),
        ("Asia/Seoul", "ko-KR"),
    ];
    pub const PLACE_WEIGHTS: [u32; 6] = [40, 10, 15, 15, 12, 8];

    /// Share of the visits with a login that are followed by a newsletter or the like within three days.
    pub const GETS_MESSAGE: f64 = 0.25;
    /// Share of the messages that do not arrive.
    pub const BOUNCES: f64 = 0.02;
    /// Share of these that never will.
    pub const BOUNCES_FOR_GOOD: f64 = 0.25;
    /// Share of the messages that are opened.
    pub const OPENS: f64 = 0.3;
    /// Share of the opened messages in which a link is followed.
    pub const CLICKS: f64 = 0.12;
    /// Share of the opened messages after which the customer wants no more.
    pub const UNSUBSCRIBES: f64 = 0.012;
    /// Share of the opened messages that are complained about, so that the customer is not to be contacted any more.
    pub const COMPLAINS: f64 = 0.003;
    /// Share of the complaints that are taken back.
    pub const RELENTS: f64 = 0.3;
}

impl Visit<'_> {
    /// A new customer tells of themselves, another may change something.
    pub(super) fn keep_account(&mut self) {
        let change = format!("u-{}", self.visitor.visit);
        if self.visitor.is_new {
            let facts = self.introduction();
            self.notice(System::Accounts, "profile_updated", &change, facts);
            if self.happens(habits::SAYS_CONSENT) {
                self.state_consent(&change);
            }
            return;
        }
        if self.happens(habits::CHANGES_FACT) {
            let channel = self.channel();
            self.notice(
                System::Accounts,
                "profile_updated",
                &change,
                json!({ "preferred_channel": channel }),
            );
        }
        if self.happens(habits::CHANGES_CONSENT) {
            self.state_consent(&change);
        }
    }

    fn introduction(&mut self) -> Value {
        let (time_zone, locale) = habits::PLACES[self.weighted(&habits::PLACE_WEIGHTS) as usize];
        let mut facts = json!({ "time_zone": time_zone, "locale": locale });
        if self.happens(habits::BIRTHDAY) {
            let (month, day) = (self.rng.random_range(1..=12), self.rng.random_range(1..=28));
            facts["birthday"] = json!(match self.happens(0.5) {
                true => format!("{}-{month:02}-{day:02}", self.rng.random_range(1950..2006)),
                false => format!("--{month:02}-{day:02}"),
            });
        }
        if self.happens(habits::PREFERS) {
            facts["preferred_channel"] = json!(self.channel());
        }
        facts
    }

    fn channel(&mut self) -> &'static str {
        ["email", "push", "sms"][self.weighted(&[70, 20, 10]) as usize]
    }

    fn state_consent(&mut self, change: &str) {
        let granted = self.happens(habits::CONSENTS);
        let facts = json!({ "consent_channel": "email", "purpose": "advertising", "granted": granted });
        self.notice(System::Accounts, "consent_changed", change, facts);
    }

    /// A message that the shop sends on its own, after a visit at `visited`.
    pub(super) fn receive_message(&mut self, visited: EventTime) {
        if !self.happens(habits::GETS_MESSAGE) {
            return;
        }
        self.now = visited;
        self.wait_hours(6..72);
        self.about_message("message_sent", json!({}));
        self.wait_minutes(1..3);
        if self.happens(habits::BOUNCES) {
            let permanent = self.happens(habits::BOUNCES_FOR_GOOD);
            let facts = json!({ "consent_channel": "email", "permanent": permanent });
            return self.about_message("message_bounced", facts);
        }
        self.about_message("message_delivered", json!({}));
        if self.happens(habits::OPENS) {
            self.wait_minutes(5..20 * 60);
            self.open_message();
        }
    }

    fn open_message(&mut self) {
        self.about_message("message_opened", json!({}));
        self.wait_minutes(1..4);
        if self.happens(habits::CLICKS) {
            self.about_message("message_clicked", json!({ "url": "https://shop.example/offers" }));
        } else if self.happens(habits::UNSUBSCRIBES) {
            self.about_message("unsubscribed", json!({ "consent_channel": "email" }));
        } else if self.happens(habits::COMPLAINS) {
            self.complain();
        }
    }

    fn complain(&mut self) {
        let subject = format!("s-{}", self.visitor.visit);
        let facts = json!({ "suppressed": true, "reason": "complained" });
        self.notice(System::Accounts, "suppression_changed", &subject, facts);
        if self.happens(habits::RELENTS) {
            self.wait_hours(5 * 24..60 * 24);
            let subject = format!("{subject}-relented");
            self.notice(System::Accounts, "suppression_changed", &subject, json!({ "suppressed": false }));
        }
    }

    fn about_message(&mut self, kind: &'static str, facts: Value) {
        let message_id = format!("n-{}", self.visitor.visit);
        let mut facts = facts;
        facts["message_id"] = json!(message_id);
        self.notice(System::Messaging, kind, &message_id, facts);
    }
}
