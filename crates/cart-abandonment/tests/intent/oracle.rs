//! What has to be told of a history, computed by looking over the whole sorted list again and again: slow, without any
//! state that is carried along, and independent of the code under test. It knows no late events and no backfill.

use events::{Body, Event};

use crate::story::{DAY, HOUR, MINUTE};

/// Those that give way first; a cart waits elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Browse,
    Search,
    Checkout,
    Payment,
}

/// What waits from an event on, unless something stops it.
#[derive(Clone, Copy, Debug)]
struct Armed {
    kind: Kind,
    /// The arming event's place.
    by: usize,
    due: i64,
    session: usize,
}

pub struct Oracle<'a> {
    events: &'a [Event],
    sessions: Vec<usize>,
    /// The place of the event that began the checkout to which the event belongs.
    checkouts: Vec<Option<usize>>,
    armed: Vec<Option<Armed>>,
}

/// What is told, in the words of the story, sorted.
pub fn expected(events: &[Event]) -> Vec<String> {
    let mut oracle = Oracle { events, sessions: sessions(events), checkouts: Vec::new(), armed: Vec::new() };
    for place in 0..events.len() {
        let checkout = oracle.checkout_of(place);
        oracle.checkouts.push(checkout);
        let armed = oracle.arms(place).or_else(|| oracle.put_off(place));
        oracle.armed.push(armed);
    }
    let mut told: Vec<String> = oracle.fired().map(|fired| oracle.tell(fired)).collect();
    told.extend((0..events.len()).filter_map(|place| oracle.recovered_by(place)));
    told.sort();
    told
}

/// The session of each event, by the place of its first.
fn sessions(events: &[Event]) -> Vec<usize> {
    let mut sessions: Vec<usize> = Vec::new();
    for (place, event) in events.iter().enumerate() {
        let Some(&current) = sessions.last() else {
            sessions.push(place);
            continue;
        };
        let own = (current..place).rev().find_map(|known| events[known].context.session_id.as_ref());
        let gap = at(event) - at(&events[place - 1]);
        let goes_on = match (own, &event.context.session_id) {
            (Some(own), Some(other)) => {
                own == other && (gap <= 30 * MINUTE || at(event) - at(&events[current]) <= DAY)
            }
            _ => gap <= 30 * MINUTE,
        };
        sessions.push(if goes_on { current } else { place });
    }
    sessions
}

impl Oracle<'_> {
    fn at(&self, place: usize) -> i64 {
        at(&self.events[place])
    }

    fn is_order(&self, place: usize) -> bool {
        matches!(self.events[place].body, Body::OrderCompleted(_))
    }

    fn is_purchase_intent(&self, place: usize) -> bool {
        match &self.events[place].body {
            Body::CartSnapshot(snapshot) => !snapshot.items.is_empty(),
            Body::CartItemAdded(_)
            | Body::CheckoutStarted(_)
            | Body::CheckoutStep(_)
            | Body::PaymentFailed(_)
            | Body::OrderCompleted(_) => true,
            _ => false,
        }
    }

    fn last_order_before(&self, place: usize) -> Option<i64> {
        (0..place).rev().find(|known| self.is_order(*known)).map(|known| self.at(known))
    }

    /// Whether the cart holds something when the event is applied, the event included.
    fn cart_holds(&self, place: usize) -> bool {
        let empties = |known: &usize| {
            self.is_order(*known)
                || matches!(&self.events[*known].body, Body::CartSnapshot(shown) if shown.items.is_empty())
        };
        let cleared = (0..=place).rev().find(empties).map_or(0, |known| known + 1);
        let adds = |known: &usize| matches!(self.events[*known].body, Body::CartItemAdded(_));
        (cleared..=place).rev().find(adds).is_some_and(|added| self.at(place) - self.at(added) <= 30 * DAY)
    }

    /// Whether what the event at `from` left waiting is stopped, put off or replaced by the event at `by`.
    fn stops(&self, armed: Armed, by: usize) -> bool {
        let is_session = matches!(armed.kind, Kind::Browse | Kind::Search);
        let replaced = self.armed.get(by).copied().flatten().is_some_and(|other| other.kind >= armed.kind);
        self.is_order(by) || (is_session && self.is_purchase_intent(by)) || replaced
    }

    /// What waits just before the event is applied.
    fn waiting(&self, place: usize) -> Option<Armed> {
        (0..place).rev().find_map(|from| {
            let armed = self.armed[from]?;
            let waits = self.at(place) <= armed.due && !(from + 1..place).any(|by| self.stops(armed, by));
            waits.then_some(armed)
        })
    }

    /// What has fired of all that was armed so far.
    fn fired(&self) -> impl Iterator<Item = Armed> {
        (0..self.armed.len()).filter_map(|from| {
            let armed = self.armed[from]?;
            let in_time = |by: &usize| self.at(*by) <= armed.due;
            let stopped = (from + 1..self.events.len()).take_while(in_time).any(|by| self.stops(armed, by));
            (!stopped).then_some(armed)
        })
    }

    fn fired_before(&self, place: usize) -> impl Iterator<Item = Armed> {
        self.fired().filter(move |fired| fired.due < self.at(place))
    }

    fn is_too_near(&self, place: usize, kind: Kind, due: i64, once_per: i64) -> bool {
        self.fired_before(place).any(|fired| fired.kind == kind && due - fired.due <= once_per)
    }

    fn arms(&self, place: usize) -> Option<Armed> {
        let at = self.at(place);
        let (kind, due, once_per) = match &self.events[place].body {
            Body::PaymentFailed(_) => (Kind::Payment, at + 15 * MINUTE, DAY),
            Body::CheckoutStarted(_) | Body::CheckoutStep(_) => (Kind::Checkout, at + HOUR, -1),
            Body::Searched(_) => (Kind::Search, at + 90 * MINUTE, 7 * DAY),
            Body::ProductViewed(_) => (Kind::Browse, at + 90 * MINUTE, 14 * DAY),
            _ => return None,
        };
        // What waits below is stopped by the event itself where it is of a purchase.
        let gives_way = self.waiting(place).is_some_and(|waiting| waiting.kind > kind);
        let is_wanted = match kind {
            Kind::Payment => true,
            Kind::Checkout => self.checkouts[place].is_some_and(|began| !self.was_sent(began, place)),
            Kind::Search | Kind::Browse => self.session_makes(place, kind),
        };
        let arms = is_wanted && !gives_way && !self.is_too_near(place, kind, due, once_per);
        arms.then_some(Armed { kind, by: place, due, session: self.sessions[place] })
    }

    fn session_makes(&self, place: usize, kind: Kind) -> bool {
        let session = self.sessions[place];
        let views = (session..=place)
            .filter(|known| matches!(self.events[*known].body, Body::ProductViewed(_)))
            .count();
        let soon = self.last_order_before(place).is_some_and(|order| self.at(place) - order <= 10 * DAY);
        let has_fired = self
            .fired_before(place)
            .any(|fired| matches!(fired.kind, Kind::Browse | Kind::Search) && fired.session == session);
        !has_fired
            && !(session..place).any(|known| self.is_purchase_intent(known))
            && !self.cart_holds(place)
            && (kind == Kind::Search || (views >= 2 && !soon))
    }

    /// What waits for the end of the event's session waits longer.
    fn put_off(&self, place: usize) -> Option<Armed> {
        let waiting = self.waiting(place)?;
        let is_session = matches!(waiting.kind, Kind::Browse | Kind::Search);
        let puts_off =
            is_session && waiting.session == self.sessions[place] && !self.is_purchase_intent(place);
        puts_off.then_some(Armed { due: self.at(place) + 90 * MINUTE, ..waiting })
    }

    fn checkout_id(&self, place: usize) -> Option<&str> {
        match &self.events[place].body {
            Body::CheckoutStarted(started) => started.checkout_id.as_deref(),
            Body::CheckoutStep(step) => step.checkout_id.as_deref(),
            _ => None,
        }
    }

    /// The id of the checkout that began at `began`, as far as it was told before the event.
    fn id_of(&self, began: usize, before: usize) -> Option<&str> {
        let own = |known: &usize| self.checkouts[*known] == Some(began);
        (began..before).filter(own).find_map(|known| self.checkout_id(known))
    }

    fn was_sent(&self, began: usize, place: usize) -> bool {
        self.fired_before(place)
            .any(|fired| fired.kind == Kind::Checkout && self.checkouts[fired.by] == Some(began))
    }

    fn checkout_of(&self, place: usize) -> Option<usize> {
        let is_start = match self.events[place].body {
            Body::CheckoutStarted(_) => true,
            Body::CheckoutStep(_) => false,
            _ => return None,
        };
        let id = self.checkout_id(place);
        let last_order = (0..place).rev().find(|known| self.is_order(*known));
        let newest = (0..place).rev().find_map(|known| Some((known, self.checkouts[known]?)));
        let open = newest.filter(|(step, _)| last_order.is_none_or(|order| order < *step));
        let is_done = |began: usize| {
            let is_named = id.is_some() && self.id_of(began, place) == id;
            // It was ordered if it was the newest at an order.
            let was_ordered = (began..place)
                .filter(|known| self.is_order(*known))
                .any(|order| (0..order).rev().find_map(|known| self.checkouts[known]) == Some(began));
            is_named && (was_ordered || self.was_sent(began, place))
        };
        if (0..place).filter_map(|known| self.checkouts[known]).any(is_done) {
            return None;
        }
        let goes_on = open.filter(|(step, began)| {
            let same = match (self.id_of(*began, place), id) {
                (Some(own), Some(other)) => own == other,
                _ => !(is_start && self.was_sent(*began, place)),
            };
            same && self.at(place) - self.at(*step) <= 30 * DAY
        });
        let is_rest = !is_start
            && self.last_order_before(place).is_some_and(|order| self.at(place) - order <= 30 * MINUTE);
        match goes_on {
            Some((_, began)) => Some(began),
            None if is_rest => None,
            None => Some(place),
        }
    }

    /// The success of the newest that fired before the order and after the order before.
    fn recovered_by(&self, order: usize) -> Option<String> {
        if !self.is_order(order) {
            return None;
        }
        let since = self.last_order_before(order).unwrap_or(i64::MIN);
        let newest =
            self.fired_before(order).filter(|fired| fired.due >= since).max_by_key(|fired| fired.due)?;
        let after = self.at(order) - newest.due;
        let by = self.events[order].event_id.as_str();
        (after <= 3 * DAY).then(|| {
            format!(
                "cart_recovered by {by}: {} after {}",
                name(newest.kind),
                events::Span::from_millis(after)
            )
        })
    }

    fn tell(&self, fired: Armed) -> String {
        let by = self.events[fired.by].event_id.as_str();
        format!("{} of {by} at {}", name(fired.kind), events::Span::from_millis(fired.due))
    }
}

fn at(event: &Event) -> i64 {
    event.occurred_at.as_millis()
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Browse => "browse_abandonment",
        Kind::Search => "search_abandonment",
        Kind::Checkout => "checkout_abandonment",
        Kind::Payment => "payment_failed",
    }
}
