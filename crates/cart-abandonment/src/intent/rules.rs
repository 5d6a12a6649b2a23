//! What can be configured about intent beside the cart, and what of it makes sense.

use events::Span;
use serde::Serialize;

use crate::intent::trigger::Trigger;

/// The rules of the triggers beside the cart; `None` leaves a trigger alone. All of them affect output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// Checkouts that were left.
    pub checkout: Option<CheckoutRules>,
    /// Payments that were refused.
    pub payment_failed: Option<PaymentFailedRules>,
    /// Products that were looked at.
    pub browse: Option<BrowseRules>,
    /// Searches.
    pub search: Option<SearchRules>,
    /// Purchases after a trigger of the family had fired.
    pub recovered: Option<RecoveredRules>,
    /// How long after its last event a session ends; an event at the very end still belongs to it.
    pub session_idle: Span,
    /// How long after its first event a session's id is believed across an idle time: some sources never change it.
    pub session_max: Span,
    /// How long after it fired a trigger can be retracted.
    pub retract_within: Span,
    /// How many products of a session are kept; the one looked at longest ago goes first.
    pub max_products: usize,
    /// How many queries of a session are kept; the oldest goes first.
    pub max_queries: usize,
    /// How many fired triggers are remembered for retraction and recovery.
    pub max_remembered: usize,
    /// Bytes kept of a text such as a product's name or a query.
    pub text_bytes: usize,
}

/// When a checkout was left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CheckoutRules {
    /// How long after the last step the trigger is due.
    pub wait: Span,
    /// How long after its last step a checkout is over, so that the next step begins another.
    pub forget_after: Span,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Span,
}

/// When a refused payment is worth a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentFailedRules {
    /// How long after the attempt the trigger is due.
    pub wait: Span,
    /// At most one is sent within so long.
    pub once_per: Span,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Span,
}

/// When products were looked at and left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrowseRules {
    /// How many products have to be viewed in a session; the same one twice counts as two.
    pub views: u32,
    /// How long after the session's end the trigger is due.
    pub wait: Span,
    /// Views within so long after an order arm nothing.
    pub not_after_order: Span,
    /// At most one is sent within so long.
    pub once_per: Span,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Span,
}

/// When searches led nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SearchRules {
    /// How long after the session's end the trigger is due.
    pub wait: Span,
    /// At most one is sent within so long.
    pub once_per: Span,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Span,
}

/// Which orders follow from a trigger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecoveredRules {
    /// How long after a trigger fired an order counts as its success.
    pub within: Span,
    /// How long after the order it is worth telling.
    pub valid_for: Span,
}

impl Default for CheckoutRules {
    fn default() -> Self {
        Self { wait: Span::from_hours(1), forget_after: Span::from_days(30), valid_for: Span::from_hours(24) }
    }
}

impl Default for PaymentFailedRules {
    fn default() -> Self {
        Self { wait: Span::from_minutes(15), once_per: Span::from_hours(24), valid_for: Span::from_hours(24) }
    }
}

impl Default for BrowseRules {
    fn default() -> Self {
        Self {
            views: 2,
            wait: Span::from_hours(1),
            not_after_order: Span::from_days(10),
            once_per: Span::from_days(14),
            valid_for: Span::from_hours(24),
        }
    }
}

impl Default for SearchRules {
    fn default() -> Self {
        Self { wait: Span::from_hours(1), once_per: Span::from_days(7), valid_for: Span::from_hours(24) }
    }
}

impl Default for RecoveredRules {
    fn default() -> Self {
        Self { within: Span::from_days(3), valid_for: Span::from_hours(24) }
    }
}

impl Default for Rules {
    /// The catalogue's numbers, with every trigger on.
    fn default() -> Self {
        Self {
            checkout: Some(CheckoutRules::default()),
            payment_failed: Some(PaymentFailedRules::default()),
            browse: Some(BrowseRules::default()),
            search: Some(SearchRules::default()),
            recovered: Some(RecoveredRules::default()),
            ..Self::off()
        }
    }
}

impl Rules {
    /// The catalogue's numbers, with every trigger off.
    pub fn off() -> Self {
        Self {
            checkout: None,
            payment_failed: None,
            browse: None,
            search: None,
            recovered: None,
            session_idle: Span::from_minutes(30),
            session_max: Span::from_hours(24),
            retract_within: Span::from_days(7),
            max_products: 10,
            max_queries: 5,
            max_remembered: 4,
            text_bytes: 256,
        }
    }

    /// Whether every trigger is off.
    pub fn is_off(&self) -> bool {
        self.recovered.is_none() && Trigger::ALL.into_iter().all(|trigger| self.wait(trigger).is_none())
    }

    /// How long a trigger waits, after its arming event or the end of its session; `None` where it is off, or waits
    /// for nothing.
    pub fn wait(&self, trigger: Trigger) -> Option<Span> {
        match trigger {
            Trigger::BrowseAbandonment => self.browse.as_ref().map(|rules| rules.wait),
            Trigger::SearchAbandonment => self.search.as_ref().map(|rules| rules.wait),
            Trigger::CheckoutAbandonment => self.checkout.as_ref().map(|rules| rules.wait),
            Trigger::PaymentFailed => self.payment_failed.as_ref().map(|rules| rules.wait),
            Trigger::CartAbandonment | Trigger::CartRecovered => None,
        }
    }

    /// How long after it fired a trigger is worth sending; `None` where it is off, or is not of these rules.
    pub fn valid_for(&self, trigger: Trigger) -> Option<Span> {
        match trigger {
            Trigger::BrowseAbandonment => self.browse.as_ref().map(|rules| rules.valid_for),
            Trigger::SearchAbandonment => self.search.as_ref().map(|rules| rules.valid_for),
            Trigger::CheckoutAbandonment => self.checkout.as_ref().map(|rules| rules.valid_for),
            Trigger::PaymentFailed => self.payment_failed.as_ref().map(|rules| rules.valid_for),
            Trigger::CartRecovered => self.recovered.as_ref().map(|rules| rules.valid_for),
            Trigger::CartAbandonment => None,
        }
    }

    /// Whether sessions have to be followed.
    pub(crate) fn follows_sessions(&self) -> bool {
        self.browse.is_some() || self.search.is_some()
    }

    /// How long a fired trigger is remembered.
    pub(crate) fn remembered_for(&self) -> Span {
        self.recovered.as_ref().map_or(self.retract_within, |rules| rules.within.max(self.retract_within))
    }

    /// Checks the rules.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        self.validate_spans()?;
        let views = self.browse.as_ref().map_or(1, |rules| rules.views as usize);
        let counts = [
            ("browse-abandonment.views", views, 1..=1_000),
            ("intent.max_products", self.max_products, 1..=100),
            ("intent.max_queries", self.max_queries, 1..=100),
            ("intent.max_remembered", self.max_remembered, 1..=100),
            ("intent.text_bytes", self.text_bytes, 16..=65_536),
        ];
        for (key, value, range) in counts {
            if !range.contains(&value) {
                let problem =
                    format!("is {value}, and must lie between {} and {}", range.start(), range.end());
                return Err(InvalidRule { key, problem });
            }
        }
        Ok(())
    }

    fn validate_spans(&self) -> Result<(), InvalidRule> {
        let refuse = |key, problem: &str| Err(InvalidRule { key, problem: problem.to_owned() });
        for (key, span) in self.spans() {
            if span <= Span::ZERO {
                return refuse(key, "must be longer than nothing");
            }
        }
        let or_none = [
            ("payment-failed.once_per", self.payment_failed.as_ref().map(|rules| rules.once_per)),
            ("browse-abandonment.once_per", self.browse.as_ref().map(|rules| rules.once_per)),
            ("browse-abandonment.not_after_order", self.browse.as_ref().map(|rules| rules.not_after_order)),
            ("search-abandonment.once_per", self.search.as_ref().map(|rules| rules.once_per)),
            ("intent.retract_within", Some(self.retract_within)),
        ];
        match or_none.into_iter().find(|(_, span)| span.is_some_and(|span| span < Span::ZERO)) {
            Some((key, _)) => refuse(key, "must not be negative"),
            None if self.checkout.as_ref().is_some_and(|rules| rules.forget_after <= rules.wait) => {
                refuse("checkout-abandonment.forget_after", "must lie after `wait`")
            }
            None => Ok(()),
        }
    }

    /// The spans that cannot be zero, of what is on.
    fn spans(&self) -> Vec<(&'static str, Span)> {
        let mut spans =
            vec![("intent.session_idle", self.session_idle), ("intent.session_max", self.session_max)];
        if let Some(rules) = &self.checkout {
            spans.push(("checkout-abandonment.wait", rules.wait));
            spans.push(("checkout-abandonment.valid_for", rules.valid_for));
        }
        if let Some(rules) = &self.payment_failed {
            spans.push(("payment-failed.wait", rules.wait));
            spans.push(("payment-failed.valid_for", rules.valid_for));
        }
        if let Some(rules) = &self.browse {
            spans.push(("browse-abandonment.wait", rules.wait));
            spans.push(("browse-abandonment.valid_for", rules.valid_for));
        }
        if let Some(rules) = &self.search {
            spans.push(("search-abandonment.wait", rules.wait));
            spans.push(("search-abandonment.valid_for", rules.valid_for));
        }
        if let Some(rules) = &self.recovered {
            spans.push(("cart-recovered.within", rules.within));
            spans.push(("cart-recovered.valid_for", rules.valid_for));
        }
        spans
    }
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidRule {
    /// The setting: the trigger's section and the key in it.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

#[cfg(test)]
mod tests;
