//! What waits, what was sent, and what must not be sent any more: every decision of the subscriber, without Kafka, clock
//! or disk.
//!
//! Must stay true:
//! - a record whose `ce_id` was seen changes nothing;
//! - a trigger is sent at most once, not before its `not_before`, and not from its `expires_at` on;
//! - a cancellation stops what was not sent yet, and what comes only after it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::action::{Action, Message, Stage};

/// What has expired would not be sent if it came again, so there is no need to remember it. A day more, for a clock that
/// is set back.
const REMEMBERED_AFTER_EXPIRY: SignedDuration = SignedDuration::from_hours(24);

/// The messages by trigger, and the records that were seen. It is bounded by what fires within the time until a trigger
/// expires, and a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// By `ce_triggerid`.
    entries: BTreeMap<String, OutboxEntry>,
    /// By `ce_id`: when its trigger expires.
    seen: BTreeMap<String, Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OutboxEntry {
    state: State,
    message: Message,
}

/// What has become of a message; only one that waits can become anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Waiting,
    Sent,
    Withdrawn,
    Expired,
}

/// What a record did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// Its message waits for its time.
    Held,
    /// Nothing: it was seen before.
    Repeated,
    /// Its message will not be sent.
    Withdrawn,
    /// It takes back what was sent already.
    TooLate,
}

impl Outbox {
    /// Takes a record in.
    pub fn take(&mut self, action: Action) -> Taken {
        let Action { ce_id, stage, message, .. } = action;
        if self.seen.insert(ce_id, message.expires_at).is_some() {
            return Taken::Repeated;
        }
        match stage {
            Stage::Fired => self.hold(message),
            Stage::Cancelled => self.withdraw(message),
        }
    }

    fn hold(&mut self, message: Message) -> Taken {
        match self.entries.entry(message.trigger_id.clone()) {
            Entry::Vacant(place) => {
                place.insert(OutboxEntry { state: State::Waiting, message });
                Taken::Held
            }
            Entry::Occupied(known) if known.get().state == State::Withdrawn => Taken::Withdrawn,
            Entry::Occupied(_) => Taken::Repeated,
        }
    }

    fn withdraw(&mut self, message: Message) -> Taken {
        let entry = self.entries.entry(message.trigger_id.clone());
        let known = entry.or_insert(OutboxEntry { state: State::Waiting, message });
        match known.state {
            State::Sent => Taken::TooLate,
            State::Waiting | State::Withdrawn | State::Expired => {
                known.state = State::Withdrawn;
                Taken::Withdrawn
            }
        }
    }

    /// The message that is to be sent next, if one is due: of several the one with the highest priority, and of those the
    /// one that expires first.
    pub fn next_due(&self, now: Timestamp) -> Option<&Message> {
        let waiting = self.entries.values().filter(|entry| entry.state == State::Waiting);
        waiting
            .map(|entry| &entry.message)
            .filter(|message| message.not_before.is_none_or(|from| from <= now) && now < message.expires_at)
            .min_by_key(|message| (Reverse(message.priority), message.expires_at))
    }

    /// Notes that a message was sent.
    pub fn note_sent(&mut self, trigger_id: &str) {
        if let Some(entry) = self.entries.get_mut(trigger_id) {
            entry.state = State::Sent;
        }
    }

    /// Gives up what has expired unsent, and tells of it. Forgets what can matter no more.
    pub fn expire(&mut self, now: Timestamp) -> Vec<Message> {
        let mut expired = Vec::new();
        for entry in self.entries.values_mut() {
            if entry.state == State::Waiting && entry.message.expires_at <= now {
                entry.state = State::Expired;
                expired.push(entry.message.clone());
            }
        }
        let matters = |expiry: Timestamp| now.duration_since(expiry) < REMEMBERED_AFTER_EXPIRY;
        self.entries.retain(|_, entry| matters(entry.message.expires_at));
        self.seen.retain(|_, expiry| matters(*expiry));
        expired
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Seconds after the start of time.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn message(trigger_id: &str) -> Message {
        Message {
            trigger_id: trigger_id.to_owned(),
            trigger: "dormancy".to_owned(),
            customer_id: "c-1".to_owned(),
            template: "we_miss_you".to_owned(),
            not_before: None,
            expires_at: at(1_000),
            priority: 10,
            context: json!({}),
        }
    }

    fn action(stage: Stage, ce_id: &str, message: Message) -> Action {
        Action { ce_id: ce_id.to_owned(), stage, reason: None, message }
    }

    fn fired(trigger_id: &str) -> Action {
        action(Stage::Fired, &format!("{trigger_id}-fired"), message(trigger_id))
    }

    fn cancelled(trigger_id: &str) -> Action {
        action(Stage::Cancelled, &format!("{trigger_id}-cancelled"), message(trigger_id))
    }

    /// Sends whatever is due: the ids, in order.
    fn send_all(outbox: &mut Outbox, now: Timestamp) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(message) = outbox.next_due(now) {
            let id = message.trigger_id.clone();
            outbox.note_sent(&id);
            sent.push(id);
        }
        sent
    }

    #[test]
    fn a_record_that_comes_again_sends_nothing_again() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.take(fired("a")), Taken::Held);
        assert_eq!(outbox.take(fired("a")), Taken::Repeated);
        assert_eq!(send_all(&mut outbox, at(0)), ["a"]);
        assert_eq!(outbox.take(fired("a")), Taken::Repeated);
        assert_eq!(send_all(&mut outbox, at(0)), [""; 0]);
    }

    #[test]
    fn a_trigger_is_sent_once_even_under_a_second_record_id() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        send_all(&mut outbox, at(0));
        assert_eq!(outbox.take(action(Stage::Fired, "other", message("a"))), Taken::Repeated);
        assert_eq!(outbox.next_due(at(0)), None);
    }

    #[test]
    fn nothing_goes_out_before_its_time_or_from_its_end_on() {
        let mut outbox = Outbox::default();
        outbox.take(action(Stage::Fired, "1", Message { not_before: Some(at(500)), ..message("a") }));
        let is_due = |outbox: &Outbox, now| outbox.next_due(now).is_some();
        assert!(!is_due(&outbox, at(499)));
        assert!(is_due(&outbox, at(500)), "the time itself is not before it");
        assert!(is_due(&outbox, at(999)));
        assert!(!is_due(&outbox, at(1_000)), "the end itself is too late");
    }

    #[test]
    fn what_expires_unsent_is_told_of_once() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        outbox.take(fired("sent"));
        outbox.note_sent("sent");
        assert_eq!(outbox.expire(at(999)), []);
        assert_eq!(outbox.expire(at(1_000)), [message("a")]);
        assert_eq!(outbox.expire(at(1_001)), []);
        assert_eq!(outbox.next_due(at(0)), None, "given up is given up, also if the clock is set back");
    }

    #[test]
    fn what_waits_past_its_own_end_is_never_sent() {
        let mut outbox = Outbox::default();
        outbox.take(action(Stage::Fired, "1", Message { not_before: Some(at(2_000)), ..message("a") }));
        for now in [0, 1_000, 2_000] {
            assert_eq!(outbox.next_due(at(now)), None);
        }
        assert_eq!(outbox.expire(at(2_000)).len(), 1);
    }

    #[test]
    fn a_cancellation_stops_what_was_not_sent_yet() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        assert_eq!(outbox.take(cancelled("a")), Taken::Withdrawn);
        assert_eq!(outbox.take(cancelled("a")), Taken::Repeated);
        assert_eq!(outbox.next_due(at(0)), None);
        assert_eq!(outbox.expire(at(1_000)), [], "it did not expire, it was withdrawn");
    }

    #[test]
    fn a_cancellation_after_sending_is_too_late() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        send_all(&mut outbox, at(0));
        assert_eq!(outbox.take(cancelled("a")), Taken::TooLate);
    }

    #[test]
    fn a_cancellation_also_stops_what_comes_after_it() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.take(cancelled("a")), Taken::Withdrawn);
        assert_eq!(outbox.take(fired("a")), Taken::Withdrawn);
        assert_eq!(outbox.next_due(at(0)), None);
    }

    #[test]
    fn the_most_important_goes_first_then_what_expires_first() {
        let mut outbox = Outbox::default();
        for (id, priority, expires_at) in [("a", 10, 900), ("b", 30, 950), ("c", 10, 800)] {
            let message = Message { priority, expires_at: at(expires_at), ..message(id) };
            outbox.take(action(Stage::Fired, id, message));
        }
        assert_eq!(send_all(&mut outbox, at(0)), ["b", "c", "a"]);
    }

    #[test]
    fn it_forgets_a_day_after_the_end_and_not_before() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        send_all(&mut outbox, at(0));
        let day = 24 * 3_600;
        outbox.expire(at(1_000 + day - 1));
        assert_eq!(outbox.take(fired("a")), Taken::Repeated);
        outbox.expire(at(1_000 + day));
        assert_eq!(outbox, Outbox::default());
        // Should it come once more, its age alone stops it.
        outbox.take(fired("a"));
        assert_eq!(outbox.next_due(at(1_000 + day)), None);
    }

    #[test]
    fn it_is_the_same_after_a_restart() {
        let mut outbox = Outbox::default();
        outbox.take(action(Stage::Fired, "1", Message { not_before: Some(at(5)), ..message("a") }));
        outbox.take(fired("b"));
        outbox.note_sent("b");
        outbox.take(cancelled("c"));
        let stored = serde_json::to_vec(&outbox).unwrap();
        assert_eq!(serde_json::from_slice::<Outbox>(&stored).unwrap(), outbox);
    }
}
