//! Orders on their way: until when delivery was promised, and when to ask for a review. Each is told once per order.

use customer::text::bounded_id;
use events::view::DeliveryUpdated;
use events::{EventTime, Span};

use crate::arming::Application;
use crate::effect::{Effect, Reason};
use crate::state::{Armed, AwaitedOrder, CareState, MOST_ORDERS};
use crate::trigger::Trigger;

/// How long after the last event of it an order that waits for nothing is still known: a delivery that is reported
/// later than that asks for a review once more.
const KEPT: Span = Span::from_days(90);

impl CareState {
    /// An order is placed. Of an order that is told twice the earlier time counts.
    pub(crate) fn expect_order(&mut self, at: &Application<'_>, order_id: &str) {
        let mark = at.mark();
        let Some(order) = self.order(at, order_id) else { return };
        if order.ordered.is_some_and(|known| known <= mark) {
            return;
        }
        order.ordered = Some(mark);
        order.ordered_by = at.event_id();
        let waits = order.delivered.is_none();
        if let (true, Some(rule)) = (waits, &at.rules.review_request) {
            self.time_review(at, order_id, at.event.occurred_at + rule.after_order);
        }
    }

    /// A date of delivery is promised, or moved: the promise that was made last counts.
    pub(crate) fn promise(
        &mut self,
        at: &Application<'_>,
        news: &DeliveryUpdated,
        effects: &mut Vec<Effect>,
    ) {
        let mark = at.mark();
        let Some(order) = self.order(at, news.order_id) else { return };
        let Some(promised_at) = news.promised_at else { return };
        if order.promised.is_some_and(|known| mark <= known) {
            return;
        }
        order.promised = Some(mark);
        let (is_its, order_id) = (|armed: &Armed| armed.is_about_order(news.order_id), &news.order_id);
        let what = (Trigger::DeliveryDelayed, Reason::PromiseMovedLate);
        let taken_back =
            self.retract(at, what, |fired| is_its(&fired.armed) && fired.fired.at() < promised_at, effects);
        self.disarm(Trigger::DeliveryDelayed, is_its);
        let Some(order) = self.order(at, order_id) else { return };
        order.is_delay_over &= taken_back.is_empty();
        if order.is_delay_over || at.rules.delivery_delayed.is_none() {
            return;
        }
        let episode_by = Some(order.ordered_by.clone()).filter(|event| !event.is_empty());
        let episode_ms = order.ordered.map(|ordered| ordered.at_ms);
        // A promise that was broken before it was told is due when it is told.
        let due = promised_at.max(at.event.occurred_at);
        let armed = Armed {
            order_id: Some(bounded_id(order_id)),
            promised_ms: Some(promised_at.as_millis()),
            episode_by,
            episode_ms,
            ..at.armed(Trigger::DeliveryDelayed, due)
        };
        self.arm(at, armed);
    }

    /// An order, or the last of it so far, has arrived.
    pub(crate) fn deliver(&mut self, at: &Application<'_>, order_id: &str, effects: &mut Vec<Effect>) {
        self.end_delay(at, order_id, Reason::DeliveredLate, effects);
        let mark = at.mark();
        let Some(order) = self.order(at, order_id) else { return };
        if order.delivered.is_some_and(|known| mark <= known) {
            return;
        }
        order.delivered = Some(mark);
        if let Some(rule) = &at.rules.review_request {
            self.time_review(at, order_id, at.event.occurred_at + rule.after_delivery);
        }
    }

    pub(crate) fn cancel_order(&mut self, at: &Application<'_>, order_id: &str, effects: &mut Vec<Effect>) {
        self.end_delay(at, order_id, Reason::OrderCancelledLate, effects);
        self.end_review(at, order_id, Reason::OrderCancelledLate, effects);
    }

    /// No review of this order is to be asked for any more.
    pub(crate) fn end_review(
        &mut self,
        at: &Application<'_>,
        order_id: &str,
        reason: Reason,
        effects: &mut Vec<Effect>,
    ) {
        let Some(order) = self.order(at, order_id) else { return };
        order.is_review_over = true;
        let is_its = |armed: &Armed| armed.is_about_order(order_id);
        self.disarm(Trigger::ReviewRequest, is_its);
        self.retract(at, (Trigger::ReviewRequest, reason), |fired| is_its(&fired.armed), effects);
    }

    /// No review of any order from before the event is to be asked for any more.
    pub(crate) fn end_all_reviews(
        &mut self,
        at: &Application<'_>,
        reason: Reason,
        effects: &mut Vec<Effect>,
    ) {
        let mark = at.mark();
        let mut is_over = Vec::new();
        for order in self.orders.iter_mut().filter(|order| order.first <= mark) {
            order.is_review_over = true;
            is_over.push(order.order_id.clone());
        }
        let is_its = |armed: &Armed| armed.order_id.as_ref().is_some_and(|id| is_over.contains(id));
        self.disarm(Trigger::ReviewRequest, is_its);
        self.retract(at, (Trigger::ReviewRequest, reason), |fired| is_its(&fired.armed), effects);
    }

    /// The review is asked for now, or never.
    pub(crate) fn end_review_of(&mut self, armed: &Armed) {
        let is_its = |order: &&mut AwaitedOrder| Some(&order.order_id) == armed.order_id.as_ref();
        self.orders.iter_mut().filter(is_its).for_each(|order| order.is_review_over = true);
    }

    /// The delay is told now.
    pub(crate) fn end_delay_of(&mut self, armed: &Armed) {
        let is_its = |order: &&mut AwaitedOrder| Some(&order.order_id) == armed.order_id.as_ref();
        self.orders.iter_mut().filter(is_its).for_each(|order| order.is_delay_over = true);
    }

    fn end_delay(&mut self, at: &Application<'_>, order_id: &str, reason: Reason, effects: &mut Vec<Effect>) {
        let Some(order) = self.order(at, order_id) else { return };
        order.is_delay_over = true;
        let is_its = |armed: &Armed| armed.is_about_order(order_id);
        self.disarm(Trigger::DeliveryDelayed, is_its);
        self.retract(at, (Trigger::DeliveryDelayed, reason), |fired| is_its(&fired.armed), effects);
    }

    /// Times the review anew, unless it is over.
    fn time_review(&mut self, at: &Application<'_>, order_id: &str, due: EventTime) {
        let Some(order) = self.order(at, order_id).filter(|order| !order.is_review_over) else { return };
        let opened = order.ordered.map(|ordered| (order.ordered_by.clone(), ordered.at_ms));
        let (episode_by, episode_ms) = opened.unzip();
        self.disarm(Trigger::ReviewRequest, |armed| armed.is_about_order(order_id));
        let order_id = Some(bounded_id(order_id));
        self.arm(at, Armed { order_id, episode_by, episode_ms, ..at.armed(Trigger::ReviewRequest, due) });
    }

    /// The order of that id, known from now on if it was not; none if no trigger asks for orders.
    fn order(&mut self, at: &Application<'_>, order_id: &str) -> Option<&mut AwaitedOrder> {
        if at.rules.review_request.is_none() && at.rules.delivery_delayed.is_none() {
            return None;
        }
        let id = bounded_id(order_id);
        let mark = at.mark();
        let place = match self.orders.iter().position(|order| order.order_id == id) {
            Some(place) => place,
            None => {
                self.make_room_for_order();
                self.orders.push(AwaitedOrder { order_id: id, first: mark, ..AwaitedOrder::default() });
                self.orders.len() - 1
            }
        };
        let order = &mut self.orders[place];
        order.first = order.first.min(mark);
        order.forget_ms = order.forget_ms.max((at.event.occurred_at + KEPT).as_millis());
        Some(order)
    }

    /// Of an order about which nothing can be told, armed or taken back any more, only that is kept: eight of them
    /// would otherwise be a third of a record.
    pub(crate) fn strip_orders(&mut self) {
        let Self { orders, fired, armed, .. } = self;
        let told = fired.iter().map(|fired| &fired.armed);
        let of_an_order: Vec<&str> =
            armed.iter().chain(told).filter_map(|armed| armed.order_id.as_deref()).collect();
        let is_over = |order: &&mut AwaitedOrder| {
            order.is_review_over && order.is_delay_over && !of_an_order.contains(&order.order_id.as_str())
        };
        for order in orders.iter_mut().filter(is_over) {
            order.ordered_by.clear();
            (order.ordered, order.delivered, order.promised) = (None, None, None);
        }
    }

    fn make_room_for_order(&mut self) {
        if self.orders.len() < MOST_ORDERS {
            return;
        }
        let armed = &self.armed;
        let waits = |order: &AwaitedOrder| armed.iter().any(|armed| armed.is_about_order(&order.order_id));
        let over = self.orders.iter().position(|order| !waits(order)).unwrap_or(0);
        let forgotten = self.orders.remove(over);
        for trigger in [Trigger::ReviewRequest, Trigger::DeliveryDelayed] {
            self.disarm(trigger, |armed| armed.is_about_order(&forgotten.order_id));
        }
    }
}
