//! Why nothing waits.

use customer::standing::{Input, Obstacle};
use customer::words::{ago, count_of, in_words};
use events::Span;

use super::Outlook;
use crate::rules::{AlertRule, FrustrationRule};
use crate::state::{Alert, Mark};
use crate::tickets::count_within;
use crate::trigger::Trigger;

impl Outlook<'_> {
    pub(super) fn obstacle(&self, trigger: Trigger) -> Obstacle {
        let (state, rules) = (self.state, self.rules);
        match trigger {
            Trigger::SupportFrustration => self.not_frustrated(),
            Trigger::CsatLow => self.no_low_answer(
                "CSAT",
                state.last_csat,
                state.csat_alert.as_ref(),
                rules.csat_low.as_ref(),
            ),
            Trigger::NpsDetractor => self.no_low_answer(
                "NPS",
                state.last_nps,
                state.nps_alert.as_ref(),
                rules.nps_detractor.as_ref(),
            ),
            Trigger::NpsPromoter => self.no_high_answer(),
            Trigger::ReviewRequest => self.no_review(),
            Trigger::DeliveryDelayed => self.no_delay(),
        }
    }

    fn not_frustrated(&self) -> Obstacle {
        if let (Some(since), Some(until)) = (self.state.frustrated, self.frustrated_until())
            && self.watermark <= until
        {
            let sentence = format!(
                "frustrated since {}, which was told; the same until {until}, or until the customer is content",
                since.at()
            );
            return Obstacle::held("once_per_frustration", sentence)
                .because(Input::event("frustrated", None, since.at()))
                .until(until + Span::from_millis(1));
        }
        match &self.rules.support_frustration {
            Some(rule) => self.no_sign(rule),
            None => Obstacle::missing("sign", "no sign of frustration"),
        }
    }

    fn no_sign(&self, rule: &FrustrationRule) -> Obstacle {
        let now_ms = self.watermark.as_millis();
        let count = |marks| u32::try_from(count_within(marks, now_ms, rule.within)).unwrap_or(u32::MAX);
        let (reopens, tickets) = (count(&self.state.reopenings), count(&self.state.openings));
        let open = match self.state.has_open_ticket() {
            true => "an open ticket that was answered in time or is past it, and no refund with it",
            false => "no open ticket",
        };
        let sentence = format!(
            "{} of {} and {} of {} within {}, and {open}",
            count_of(reopens, "reopening"),
            rule.reopens,
            count_of(tickets, "ticket"),
            rule.tickets,
            in_words(rule.within)
        );
        Obstacle::missing("sign", sentence)
            .because(Input::measured("reopened", reopens, rule.reopens))
            .because(Input::measured("many_tickets", tickets, rule.tickets))
    }

    fn no_low_answer(
        &self,
        survey: &str,
        last: Option<Mark>,
        alert: Option<&Alert>,
        rule: Option<&AlertRule>,
    ) -> Obstacle {
        let (up_to, valid_for) = rule.map_or((0, Span::ZERO), |rule| (rule.up_to, rule.valid_for));
        let alert = alert.map(|alert| (alert.answered.at(), alert.answered.at() + valid_for));
        if let Some((answered_at, until)) = alert.filter(|(_, until)| self.watermark <= *until) {
            let sentence = format!(
                "a low {survey} was answered {}; nothing more is told until {until}, or a follow-up is recorded",
                ago(answered_at, self.watermark)
            );
            return Obstacle::held("once_per_alert", sentence)
                .because(Input::event("answered", None, answered_at))
                .until(until + Span::from_millis(1));
        }
        self.no_answer("score", format!("no {survey} of {up_to} or less that is not told"), last)
            .because(Input::limit("score", up_to))
    }

    fn no_high_answer(&self) -> Obstacle {
        let from = self.rules.nps_promoter.as_ref().map_or(0, |rule| rule.from);
        self.no_answer(
            "score",
            format!("no NPS answer of {from} or more that is not told"),
            self.state.last_nps,
        )
        .because(Input::limit("score", from))
    }

    fn no_answer(&self, condition: &'static str, sentence: String, last: Option<Mark>) -> Obstacle {
        let Some(last) = last else { return Obstacle::missing(condition, sentence) };
        let sentence = format!("{sentence}; the last answer was given {}", ago(last.at(), self.watermark));
        Obstacle::missing(condition, sentence).because(Input::event("answered", None, last.at()))
    }

    fn no_review(&self) -> Obstacle {
        let Some(last) = self.state.orders.last() else {
            return Obstacle::missing("order_completed", "no order that a review could be asked of");
        };
        let seen = Input::event("order", Some(&last.ordered_by), last.first.at());
        if self.state.orders.iter().all(|order| order.is_review_over) {
            let sentence = "of each order known a review was asked, or it was reviewed, refunded, cancelled or rated low";
            return Obstacle::held("once_per_order", sentence).because(seen);
        }
        let sentence = format!("order {} was neither seen to be placed nor delivered", last.order_id);
        Obstacle::missing("order_completed", sentence).because(seen)
    }

    fn no_delay(&self) -> Obstacle {
        let promised = self.state.orders.iter().filter_map(|order| Some((order, order.promised?)));
        match promised.max_by_key(|(_, promised)| *promised) {
            None => Obstacle::missing("promise", "no date of delivery is promised"),
            Some((order, promised)) => {
                let sentence = format!(
                    "order {} was delivered or cancelled, or its delay was told; the last promise was made {}",
                    order.order_id,
                    ago(promised.at(), self.watermark)
                );
                Obstacle::held("once_per_order", sentence).because(Input::event(
                    "promise",
                    None,
                    promised.at(),
                ))
            }
        }
    }
}
