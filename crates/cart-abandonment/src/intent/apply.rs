//! What an event does: first it ends, then it is part of a session, then it arms.

use customer::{Moment, Profile};
use events::view::{Event, OrderCompleted};
use events::{Body, EventTime, Span};

use crate::effect::Reason;
use crate::intent::effect::Effect;
use crate::intent::rules::Rules;
use crate::intent::state::{Episode, IntentState};
use crate::intent::trigger::Trigger;
use crate::state::{CartState, Mark};

/// What else is known of the customer; both have taken the event in already.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The profile.
    pub profile: &'a Profile,
    /// The cart; one that holds nothing, where carts are left alone.
    pub cart: &'a CartState,
}

/// An event in the moment of its application, under the rules that are in force.
pub(crate) struct Application<'a> {
    pub rules: &'a Rules,
    pub known: Known<'a>,
    pub event: &'a Event<'a>,
    pub moment: &'a Moment,
    pub mark: Mark,
}

/// What an event puts an end to.
#[derive(Clone, Copy)]
pub(crate) enum Ending<'a> {
    /// An order: to all that waits.
    Order(&'a OrderCompleted<'a>),
    /// A checkout is under way: to sessions that led nowhere.
    Checkout,
    /// A cart is in use: to sessions that led nowhere.
    Cart,
}

impl IntentState {
    /// Applies an event that was not applied before, and that the profile and the cart have already taken in.
    pub fn apply(&mut self, rules: &Rules, known: Known<'_>, event: &Event, moment: &Moment) -> Vec<Effect> {
        let at = &Application { rules, known, event, moment, mark: Mark::of(event) };
        let mut effects = Vec::new();
        if let Some(ending) = Ending::of(&event.body) {
            self.end(at, ending, &mut effects);
        }
        if rules.follows_sessions() {
            self.visit(at);
        }
        match &event.body {
            Body::CheckoutStarted(started) => self.start_checkout(at, started),
            Body::CheckoutStep(step) => self.step_on(at, step),
            Body::PaymentFailed(failed) => effects.extend(self.fail_payment(at, failed)),
            _ => {}
        }
        self.forget_left_session();
        effects
    }

    fn end(&mut self, at: &Application<'_>, ending: Ending<'_>, effects: &mut Vec<Effect>) {
        effects.extend(self.retract(at, ending));
        self.pending.take_if(|pending| pending.episode.is_ended_by(at, ending));
        if let Ending::Order(order) = ending {
            effects.extend(self.recover(at, order));
            self.close_checkout(at, order);
        }
    }
}

impl<'a> Ending<'a> {
    /// An empty cart that is shown puts an end to nothing: it may never have held anything.
    pub(crate) fn of(body: &'a Body<&'a str>) -> Option<Self> {
        match body {
            Body::OrderCompleted(order) => Some(Self::Order(order)),
            Body::CheckoutStarted(_) | Body::CheckoutStep(_) | Body::PaymentFailed(_) => Some(Self::Checkout),
            Body::CartItemAdded(_) | Body::CartItemRemoved(_) => Some(Self::Cart),
            Body::CartSnapshot(snapshot) if !snapshot.items.is_empty() => Some(Self::Cart),
            _ => None,
        }
    }

    /// Why what has fired is taken back.
    pub(crate) fn reason(self) -> Reason {
        match self {
            Self::Order(_) => Reason::OrderCompletedLate,
            Self::Checkout => Reason::CheckoutStartedLate,
            Self::Cart => Reason::CartChangedLate,
        }
    }
}

impl Episode {
    /// Whether an event of that kind leaves the episode nothing to wait for, or shows that it never had.
    ///
    /// What happened before the episode began does not, but for two cases: an order after which views do not count,
    /// and a cart that still holds something.
    pub(crate) fn is_ended_by(&self, at: &Application<'_>, ending: Ending<'_>) -> bool {
        let since_opened = self.opened <= at.mark;
        match (self.trigger(), ending) {
            (Some(Trigger::BrowseAbandonment), Ending::Order(_)) => {
                since_opened || at.rules.is_soon_after_order(self.armed.at(), at.mark.at())
            }
            (Some(Trigger::BrowseAbandonment | Trigger::SearchAbandonment), Ending::Cart) => {
                since_opened || at.known.cart.open.is_some()
            }
            (Some(Trigger::BrowseAbandonment | Trigger::SearchAbandonment), _) => since_opened,
            (Some(Trigger::CheckoutAbandonment | Trigger::PaymentFailed), Ending::Order(_)) => since_opened,
            _ => false,
        }
    }
}

impl Rules {
    /// Whether views at `view` are too soon after an order, or before it, to arm anything.
    pub(crate) fn is_soon_after_order(&self, view: EventTime, order: EventTime) -> bool {
        view.since(order) <= self.browse.as_ref().map_or(Span::ZERO, |browse| browse.not_after_order)
    }
}

impl Application<'_> {
    /// When the customer last ordered.
    pub(crate) fn last_order(&self) -> Option<EventTime> {
        self.known.profile.last_order_ms.map(EventTime::from_millis)
    }

    /// Whether the customer has ordered since: at equal times, an order comes last.
    pub(crate) fn is_before_last_order(&self) -> bool {
        self.last_order().is_some_and(|order| self.event.occurred_at <= order)
    }

    /// When a timer meant for `due` is to fire, unless the last one that was sent is too near to that.
    pub(crate) fn timer_at(&self, due: EventTime, sent_ms: Option<i64>, once_per: Span) -> Option<EventTime> {
        let timer = self.moment.timer_at(due);
        let is_too_near = |sent: i64| timer.since(EventTime::from_millis(sent)) <= once_per;
        (!sent_ms.is_some_and(is_too_near)).then_some(timer)
    }
}
