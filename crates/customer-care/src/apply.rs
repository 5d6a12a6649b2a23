//! What an event does to a customer's care: one step for each kind of event.
//!
//! Events are told apart by their place in time, not by when they come: one that is older than what is known of its
//! ticket, order or survey is history, which may retract and never brings back what is over.

use customer::Moment;
use events::Body;
use events::view::Event;

use crate::arming::Application;
use crate::effect::{Effect, Reason};
use crate::rules::Rules;
use crate::state::CareState;

impl CareState {
    /// Applies an event that was not applied before.
    pub fn apply(&mut self, rules: &Rules, event: &Event, moment: &Moment) -> Vec<Effect> {
        let at = &Application { rules, event, moment };
        let effects = &mut Vec::new();
        self.forget_old(at);
        match &event.body {
            Body::TicketOpened(ticket) => self.open_ticket(at, ticket.ticket_id, effects),
            Body::TicketUpdated(update) => {
                self.update_ticket(at, update.ticket_id, update.author, effects);
            }
            Body::TicketReopened(ticket) => self.reopen_ticket(at, ticket.ticket_id, effects),
            Body::TicketResolved(ticket) => self.resolve_ticket(at, ticket.ticket_id, effects),
            Body::SurveyAnswered(answer) => self.note_answer(at, answer, effects),
            Body::FollowUpRecorded(follow_up) => self.follow_up(at, follow_up, effects),
            Body::OrderRefunded(refund) => {
                self.note_refund(at, refund.order_id, effects);
                self.end_review(at, refund.order_id, Reason::OrderRefundedLate, effects);
            }
            Body::OrderCompleted(order) => self.expect_order(at, order.order_id),
            Body::DeliveryUpdated(news) => self.promise(at, news, effects),
            Body::Delivered(delivery) => self.deliver(at, delivery.order_id, effects),
            Body::OrderCancelled(order) => self.cancel_order(at, order.order_id, effects),
            Body::ReviewSubmitted(review) => match &review.order_id {
                Some(order_id) => self.end_review(at, order_id, Reason::ReviewedLate, effects),
                // Which orders held the product is not kept; asking again who has just reviewed is worse than not asking.
                None => self.end_all_reviews(at, Reason::ReviewedLate, effects),
            },
            _ => {}
        }
        std::mem::take(effects)
    }

    /// Forgets what neither waits for anything nor can be retracted any more. For an event in its order it is the time
    /// of that event: how far the watermark is ahead of it hangs on what came with it.
    fn forget_old(&mut self, at: &Application<'_>) {
        let now = if at.moment.late { at.moment.watermark } else { at.event.occurred_at };
        self.tickets.retain(|ticket| ticket.is_open() || ticket.forget_ms >= now.as_millis());
        let armed = &self.armed;
        self.orders.retain(|order| {
            order.forget_ms >= now.as_millis()
                || armed.iter().any(|armed| armed.is_about_order(&order.order_id))
        });
        self.fired.retain(|fired| now.since(fired.fired.at()) <= at.rules.retract_within);
        self.strip_orders();
    }
}
