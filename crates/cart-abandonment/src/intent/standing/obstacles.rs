//! Why nothing waits: the conditions in the order in which arming asks them, but for what holds all occasions alike.

use customer::standing::{Input, Obstacle};
use customer::words::{ago, count_of, in_words};
use events::{EventTime, Span};

use super::Outlook;
use crate::intent::state::{Fired, Session};
use crate::intent::trigger::Trigger;

impl Outlook<'_> {
    pub(super) fn obstacle(&self, trigger: Trigger) -> Obstacle {
        match trigger {
            Trigger::CartRecovered | Trigger::CartAbandonment => self.nothing_recovered(),
            Trigger::PaymentFailed => self.once_per(trigger).unwrap_or_else(|| {
                Obstacle::missing("payment_failed", "no refused payment waits for an order")
            }),
            Trigger::CheckoutAbandonment => self.no_checkout_left(),
            Trigger::BrowseAbandonment | Trigger::SearchAbandonment => {
                let held = self.once_per(trigger).or_else(|| self.outranked(trigger));
                held.unwrap_or_else(|| self.session_leads_on(trigger))
            }
        }
    }

    /// It was sent so lately that another now would be one too many.
    fn once_per(&self, trigger: Trigger) -> Option<Obstacle> {
        let (state, rules) = (self.state, self.rules);
        let (sent_ms, once_per) = match trigger {
            Trigger::BrowseAbandonment => (state.browse_sent_ms, rules.browse.as_ref()?.once_per),
            Trigger::SearchAbandonment => (state.search_sent_ms, rules.search.as_ref()?.once_per),
            _ => (state.payment_sent_ms, rules.payment_failed.as_ref()?.once_per),
        };
        let sent_at = EventTime::from_millis(sent_ms?);
        let until = sent_at + once_per;
        let per = in_words(once_per);
        (self.watermark <= until).then(|| {
            let sentence = format!("sent {}, and at most once in {per}", ago(sent_at, self.watermark));
            Obstacle::held("once_per", sentence)
                .because(Input::event("sent", None, sent_at))
                .because(Input::limit("once_per", per))
                .until(until + Span::from_millis(1))
        })
    }

    /// One trigger waits at a time, and the highest.
    fn outranked(&self, trigger: Trigger) -> Option<Obstacle> {
        let pending = self.state.pending.as_ref()?;
        let above = pending.trigger().filter(|above| *above > trigger)?;
        let fires_at = EventTime::from_millis(pending.timer_ms);
        let sentence = format!("{} waits until {fires_at}, and outranks it", above.as_str());
        Some(Obstacle::held("precedence", sentence).until(fires_at))
    }

    fn session_leads_on(&self, trigger: Trigger) -> Obstacle {
        let needed = self.rules.browse.as_ref().map_or(0, |browse| browse.views);
        let Some(session) = &self.state.session else {
            return match trigger {
                Trigger::BrowseAbandonment => Obstacle::missing(
                    "views",
                    format!("no product was viewed; {needed} views in one session are needed"),
                ),
                _ => Obstacle::missing("search", "nothing was searched for"),
            };
        };
        let end = session.end(self.rules);
        let which = match self.watermark > end {
            true => format!("the last session, over since {end}"),
            false => "this session".to_owned(),
        };
        let seen = Input::event("last_seen", None, session.last.at());
        let cart = self.known.cart.open.as_ref();
        let obstacle = if session.went_on {
            let sentence = format!("the customer went on to a cart, a checkout or an order in {which}");
            Obstacle::missing("leads_nowhere", sentence)
        } else if session.has_fired {
            Obstacle::held("once_per_session", format!("it was sent for {which}"))
        } else if cart.is_some() {
            Obstacle::held("precedence", "the cart holds something, and so speaks instead")
        } else {
            self.session_makes(trigger, session, &which, needed)
        };
        obstacle.because(seen)
    }

    fn session_makes(&self, trigger: Trigger, session: &Session, which: &str, needed: u32) -> Obstacle {
        let last_order = self.known.profile.last_order_ms.map(EventTime::from_millis);
        let is_soon = |order: &EventTime| self.rules.is_soon_after_order(session.last.at(), *order);
        match (trigger, last_order.filter(is_soon)) {
            (Trigger::BrowseAbandonment, _) if session.views < needed => {
                let sentence = format!("{} in {which}; {needed} are needed", count_of(session.views, "view"));
                Obstacle::missing("views", sentence).because(Input::measured("views", session.views, needed))
            }
            (Trigger::BrowseAbandonment, Some(order)) => {
                let span = self.rules.browse.as_ref().map_or(Span::ZERO, |browse| browse.not_after_order);
                let sentence = format!(
                    "last order {}; views within {} of it arm nothing",
                    ago(order, self.watermark),
                    in_words(span)
                );
                Obstacle::missing("not_after_order", sentence)
                    .because(Input::event("last_order", None, order))
                    .until(order + span + Span::from_millis(1))
            }
            (Trigger::SearchAbandonment, _) if session.queries.is_empty() => {
                Obstacle::missing("search", format!("nothing was searched for in {which}"))
            }
            _ => Obstacle::held(
                "precedence",
                format!(
                    "something that outranks it waited or spoke during {which}; the next one begins anew"
                ),
            ),
        }
    }

    fn no_checkout_left(&self) -> Obstacle {
        let Some(checkout) = &self.state.checkout else {
            return Obstacle::missing("checkout_started", "no checkout is under way");
        };
        let last = Input::event("last_checkout_step", None, checkout.last.at());
        let obstacle = if checkout.was_sent {
            Obstacle::held("once_per_checkout", "it was sent for this checkout; the next one begins anew")
        } else if let Some(outranked) = self.outranked(Trigger::CheckoutAbandonment) {
            outranked
        } else {
            let sentence = "a refused payment spoke instead, or the last step was history that was fed in later (a \
                            backfill); the next step begins anew";
            Obstacle::held("precedence", sentence)
        };
        obstacle.because(last)
    }

    fn nothing_recovered(&self) -> Obstacle {
        let within = self.rules.recovered.as_ref().map_or(Span::ZERO, |recovered| recovered.within);
        let until = |fired: &Fired| EventTime::from_millis(fired.fired_ms) + within;
        let open =
            self.state.fired.iter().filter(|fired| !fired.is_settled && self.watermark <= until(fired));
        let Some(newest) = open.max_by_key(|fired| fired.fired_ms) else {
            let sentence = format!(
                "nothing of the family has fired within {} without an order after it",
                in_words(within)
            );
            return Obstacle::missing("fired_before", sentence);
        };
        let fired_at = EventTime::from_millis(newest.fired_ms);
        let trigger = newest.episode.trigger().map_or("a trigger", Trigger::as_str);
        let sentence =
            format!("no order since {trigger} fired at {fired_at}; one until {} tells of it", until(newest));
        Obstacle::missing("order_completed", sentence)
            .because(Input::event("fired", None, fired_at))
            .because(Input::limit("ordered_within", in_words(within)))
    }
}
