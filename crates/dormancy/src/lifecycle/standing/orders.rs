//! What waits since an order: winback, welcome, the second order.

use customer::standing::{Input, Obstacle, Waiting};
use customer::words::{ago, in_words};
use events::{EventTime, Span};

use super::{Outlook, waiting};
use crate::lifecycle::wait::Wait;

impl Outlook<'_> {
    pub(super) fn winback(&self, valid_for: Span) -> Vec<Waiting> {
        let Some(rule) = &self.rules.winback else { return Vec::new() };
        let sentence = |since, due| {
            let last = ago(since, self.watermark);
            format!("Last order {last}; due {due}, {} after it, unless ordered", in_words(rule.after))
        };
        self.since_order(self.state.winback.as_ref(), rule.after, valid_for, sentence).into_iter().collect()
    }

    pub(super) fn welcome(&self, valid_for: Span) -> Vec<Waiting> {
        let sentence = |_, due| format!("First order at {due}; due with it");
        self.since_order(self.state.welcome.as_ref(), Span::ZERO, valid_for, sentence).into_iter().collect()
    }

    pub(super) fn second_order(&self, valid_for: Span) -> Vec<Waiting> {
        let Some(rule) = &self.rules.second_order_due else { return Vec::new() };
        let sentence = |since, due| {
            let first = ago(since, self.watermark);
            format!("First order {first}; due {due}, {} after it, unless ordered again", in_words(rule.after))
        };
        let wait = self.state.second_order.as_ref();
        self.since_order(wait, rule.after, valid_for, sentence).into_iter().collect()
    }

    fn since_order(
        &self,
        wait: Option<&Wait>,
        after: Span,
        valid_for: Span,
        sentence: impl Fn(EventTime, EventTime) -> String,
    ) -> Option<Waiting> {
        let wait = wait?;
        let fires_at = EventTime::from_millis(wait.timer_ms?);
        let due = wait.since() + after;
        let inputs = vec![
            Input::event("order", Some(&wait.since_event), wait.since()),
            Input::limit("no_order_for", in_words(after)),
        ];
        let words = sentence(wait.since(), due);
        Some(waiting(words, inputs, (due, fires_at), valid_for, &wait.since_event))
    }

    pub(super) fn no_winback(&self) -> Obstacle {
        let Some(wait) = &self.state.winback else {
            return self.no_order_since_on("no order; it counts from the last");
        };
        let sentence = format!(
            "last order {}; that was told, or was history when it became known, and the next order begins anew",
            ago(wait.since(), self.watermark)
        );
        Obstacle::held("once_per_silence", sentence).because(last_order(wait))
    }

    pub(super) fn no_welcome(&self) -> Obstacle {
        match self.profile.first_order_ms.map(EventTime::from_millis) {
            None => Obstacle::missing("first_order", "no first order"),
            Some(first) => {
                let sentence = format!("first order {}; it is welcomed once", ago(first, self.watermark));
                Obstacle::held("once_per_customer", sentence).because(Input::event(
                    "first_order",
                    None,
                    first,
                ))
            }
        }
    }

    pub(super) fn no_second_order(&self) -> Obstacle {
        let orders = self.profile.orders;
        let last = self.profile.last_order_ms.map(EventTime::from_millis);
        match (&self.state.second_order, last) {
            (_, None) => Obstacle::missing("first_order", "no first order"),
            (_, Some(last)) if orders > 1 => {
                let sentence = format!("{orders} orders; the second has come");
                Obstacle::missing("one_order_only", sentence).because(Input::event("last_order", None, last))
            }
            (Some(wait), _) => {
                let since = ago(wait.since(), self.watermark);
                let sentence =
                    format!("first order {since}; that was told, or was history when it became known");
                Obstacle::held("once_per_customer", sentence).because(last_order(wait))
            }
            (None, _) => self.no_order_since_on("no first order"),
        }
    }

    /// No order is remembered: there was none, or none since the trigger was switched on.
    pub(super) fn no_order_since_on(&self, never: &str) -> Obstacle {
        match self.profile.last_order_ms.map(EventTime::from_millis) {
            None => Obstacle::missing("order_completed", never),
            Some(last) => {
                let sentence =
                    format!("no order since it was switched on; last order {}", ago(last, self.watermark));
                Obstacle::missing("order_completed", sentence).because(Input::event("last_order", None, last))
            }
        }
    }
}

fn last_order(wait: &Wait) -> Input {
    Input::event("order", Some(&wait.since_event), wait.since())
}
