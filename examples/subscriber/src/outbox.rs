//! What waits, what was sent, and what must not be sent any more: every decision of the subscriber, without Kafka, clock
//! or disk.
//!
//! Must stay true:
//! - a record whose `ce_id` was seen changes nothing;
//! - a trigger is sent at most once, not before its `not_before`, and not from its `expires_at` on;
//! - a withdrawal stops what was not sent yet, and what comes only after it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::record::{Message, Record, Request, Withdrawal};

/// What has expired would not be sent if it came again, so there is no need to remember it. A day more, for a clock that
/// is set back.
const REMEMBERED_AFTER_EXPIRY: SignedDuration = SignedDuration::from_hours(24);

/// The triggers, and the records that were seen. It is bounded by what fires within the time until a trigger expires,
/// and a day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// By `ce_triggerid`.
    triggers: BTreeMap<String, Trigger>,
    /// By `ce_id`: until when the record can matter.
    seen: BTreeMap<String, Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Trigger {
    state: State,
    /// Until when it can matter.
    until: Timestamp,
}

/// What has become of a trigger. What a message is made of is kept only as long as it waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Waiting(Message),
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
    /// Nothing any more: the message was sent and the customer bought, or it had expired.
    Settled,
}

impl Outbox {
    /// Takes a record in.
    pub fn take(&mut self, record: Record) -> Taken {
        let until = match &record.request {
            Request::Send(message) => message.expires_at,
            Request::Withdraw(withdrawal) => withdrawal.until,
        };
        if self.seen.insert(record.ce_id, until).is_some() {
            return Taken::Repeated;
        }
        match record.request {
            Request::Send(message) => self.hold(record.trigger_id, message),
            Request::Withdraw(withdrawal) => self.withdraw(record.trigger_id, &withdrawal),
        }
    }

    fn hold(&mut self, trigger_id: String, message: Message) -> Taken {
        match self.triggers.entry(trigger_id) {
            Entry::Vacant(place) => {
                let until = message.expires_at;
                place.insert(Trigger { state: State::Waiting(message), until });
                Taken::Held
            }
            Entry::Occupied(known) if known.get().state == State::Withdrawn => Taken::Withdrawn,
            Entry::Occupied(_) => Taken::Repeated,
        }
    }

    fn withdraw(&mut self, trigger_id: String, withdrawal: &Withdrawal) -> Taken {
        let fresh = Trigger { state: State::Withdrawn, until: withdrawal.until };
        let known = self.triggers.entry(trigger_id).or_insert(fresh);
        match known.state {
            State::Sent if withdrawal.was_wrong => Taken::TooLate,
            State::Sent | State::Expired => Taken::Settled,
            State::Waiting(_) | State::Withdrawn => {
                known.state = State::Withdrawn;
                Taken::Withdrawn
            }
        }
    }

    /// The message that is to be sent next, if one is due, with the id of its trigger: of several the one with the highest
    /// priority, and of those the one that expires first.
    pub fn next_due(&self, now: Timestamp) -> Option<(&str, &Message)> {
        let waiting = self.triggers.iter().filter_map(|(id, trigger)| match &trigger.state {
            State::Waiting(message) => Some((id.as_str(), message)),
            State::Sent | State::Withdrawn | State::Expired => None,
        });
        waiting
            .filter(|(_, it)| it.not_before.is_none_or(|from| from <= now) && now < it.expires_at)
            .min_by_key(|(_, it)| (Reverse(it.priority), it.expires_at))
    }

    /// Notes that a trigger's message was sent.
    pub fn note_sent(&mut self, trigger_id: &str) {
        if let Some(trigger) = self.triggers.get_mut(trigger_id) {
            trigger.state = State::Sent;
        }
    }

    /// Gives up what has expired unsent: the ids of its triggers. Forgets what can matter no more.
    pub fn expire(&mut self, now: Timestamp) -> Vec<String> {
        let mut expired = Vec::new();
        for (id, trigger) in &mut self.triggers {
            if matches!(&trigger.state, State::Waiting(message) if message.expires_at <= now) {
                trigger.state = State::Expired;
                expired.push(id.clone());
            }
        }
        let matters = |until: Timestamp| now.duration_since(until) < REMEMBERED_AFTER_EXPIRY;
        self.triggers.retain(|_, trigger| matters(trigger.until));
        self.seen.retain(|_, until| matters(*until));
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

    fn message() -> Message {
        Message {
            trigger: "dormancy".to_owned(),
            customer_id: "c-1".to_owned(),
            template: "we_miss_you".to_owned(),
            not_before: None,
            expires_at: at(1_000),
            priority: 10,
            context: json!({}),
        }
    }

    fn record(ce_id: &str, trigger_id: &str, request: Request) -> Record {
        Record { ce_id: ce_id.to_owned(), trigger_id: trigger_id.to_owned(), request }
    }

    fn fired_as(id: &str, message: Message) -> Record {
        record(&format!("{id}-fired"), id, Request::Send(message))
    }

    fn fired(id: &str) -> Record {
        fired_as(id, message())
    }

    fn withdrawn(id: &str, stage: &str) -> Record {
        let withdrawal =
            Withdrawal { reason: "because".to_owned(), was_wrong: stage == "cancelled", until: at(1_000) };
        record(&format!("{id}-{stage}"), id, Request::Withdraw(withdrawal))
    }

    fn cancelled(id: &str) -> Record {
        withdrawn(id, "cancelled")
    }

    /// Sends whatever is due: the ids, in order.
    fn send_all(outbox: &mut Outbox, now: Timestamp) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some((id, _)) = outbox.next_due(now) {
            let id = id.to_owned();
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
        assert_eq!(outbox.next_due(at(0)), None);
    }

    #[test]
    fn a_trigger_is_sent_once_even_under_a_second_record_id() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        send_all(&mut outbox, at(0));
        assert_eq!(outbox.take(record("other", "a", Request::Send(message()))), Taken::Repeated);
        assert_eq!(outbox.next_due(at(0)), None);
    }

    #[test]
    fn nothing_goes_out_before_its_time_or_from_its_end_on() {
        let mut outbox = Outbox::default();
        outbox.take(fired_as("a", Message { not_before: Some(at(500)), ..message() }));
        let is_due = |now| outbox.next_due(now).is_some();
        assert!(!is_due(at(499)));
        assert!(is_due(at(500)), "the time itself is not before it");
        assert!(is_due(at(999)));
        assert!(!is_due(at(1_000)), "the end itself is too late");
    }

    #[test]
    fn what_expires_unsent_is_told_of_once() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        outbox.take(fired("sent"));
        outbox.note_sent("sent");
        assert_eq!(outbox.expire(at(999)), [""; 0]);
        assert_eq!(outbox.expire(at(1_000)), ["a"]);
        assert_eq!(outbox.expire(at(1_001)), [""; 0]);
        assert_eq!(outbox.take(cancelled("a")), Taken::Settled);
        assert_eq!(outbox.next_due(at(0)), None, "given up is given up, also if the clock is set back");
    }

    #[test]
    fn what_waits_past_its_own_end_is_never_sent() {
        let mut outbox = Outbox::default();
        outbox.take(fired_as("a", Message { not_before: Some(at(2_000)), ..message() }));
        for now in [0, 1_000, 2_000] {
            assert_eq!(outbox.next_due(at(now)), None);
        }
        assert_eq!(outbox.expire(at(2_000)), ["a"]);
    }

    #[test]
    fn a_cancellation_stops_what_was_not_sent_yet() {
        let mut outbox = Outbox::default();
        outbox.take(fired("a"));
        assert_eq!(outbox.take(cancelled("a")), Taken::Withdrawn);
        assert_eq!(outbox.take(cancelled("a")), Taken::Repeated);
        assert_eq!(outbox.next_due(at(0)), None);
        assert_eq!(outbox.expire(at(1_000)), [""; 0], "it did not expire, it was withdrawn");
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
    fn who_buys_while_the_message_waits_gets_none_and_who_buys_after_it_is_good_news() {
        let mut outbox = Outbox::default();
        outbox.take(fired_as("a", Message { not_before: Some(at(500)), ..message() }));
        assert_eq!(outbox.take(withdrawn("a", "converted")), Taken::Withdrawn);
        assert_eq!(outbox.next_due(at(500)), None);
        outbox.take(fired("b"));
        send_all(&mut outbox, at(500));
        assert_eq!(outbox.take(withdrawn("b", "converted")), Taken::Settled);
    }

    #[test]
    fn the_most_important_goes_first_then_what_expires_first() {
        let mut outbox = Outbox::default();
        for (id, priority, expires_at) in [("a", 10, 900), ("b", 30, 950), ("c", 10, 800)] {
            outbox.take(fired_as(id, Message { priority, expires_at: at(expires_at), ..message() }));
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
        outbox.take(fired_as("a", Message { not_before: Some(at(5)), ..message() }));
        outbox.take(fired("b"));
        outbox.note_sent("b");
        outbox.take(cancelled("c"));
        let stored = serde_json::to_vec(&outbox).unwrap();
        assert_eq!(serde_json::from_slice::<Outbox>(&stored).unwrap(), outbox);
    }
}
