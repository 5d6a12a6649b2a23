//! What can be configured about abandoned carts, and what of it makes sense.

use events::Span;
use serde::Serialize;

/// The rules of cart abandonment. All of them affect output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// How long after the last change of the cart the first step is due.
    pub wait: Span,
    /// When the further steps are due, each counted from the last change; strictly increasing, beyond `wait`.
    pub further_steps: Vec<Span>,
    /// Which orders end the cart.
    pub ended_by: OrderMatch,
    /// How long after its last change a cart is forgotten.
    pub forget_after: Span,
    /// How long after it fired a step can be retracted.
    pub retract_within: Span,
    /// How long after it fired a step is worth sending.
    pub valid_for: Span,
    /// How many products of a cart are kept one by one; of the rest only how many there are.
    pub max_items: usize,
    /// How many fired steps are remembered for retraction.
    pub max_remembered: usize,
    /// Bytes kept of a text such as a product's name or URL.
    pub text_bytes: usize,
}

/// Which orders end a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderMatch {
    /// Any order by the customer; many sources do not say which cart an order was made of.
    AnyOrder,
    /// Only an order that names the same cart, or the checkout that was started from it.
    SameCartOrCheckout,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            wait: Span::from_hours(4),
            further_steps: vec![Span::from_hours(24), Span::from_hours(72)],
            ended_by: OrderMatch::AnyOrder,
            forget_after: Span::from_days(30),
            retract_within: Span::from_days(7),
            valid_for: Span::from_hours(24),
            max_items: 20,
            max_remembered: 8,
            text_bytes: 256,
        }
    }
}

impl Rules {
    /// The span from the last change to the due time of step `step`, counted from 0.
    pub fn step_span(&self, step: u32) -> Option<Span> {
        match step.checked_sub(1) {
            None => Some(self.wait),
            Some(further) => self.further_steps.get(usize::try_from(further).ok()?).copied(),
        }
    }

    /// Checks the rules.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        self.validate_spans()?;
        let counts = [
            ("max_items", self.max_items, 1..=1_000),
            ("max_remembered", self.max_remembered, 1..=1_000),
            ("text_bytes", self.text_bytes, 16..=65_536),
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
        let refuse = |key, problem: String| Err(InvalidRule { key, problem });
        for (key, span) in [("wait", self.wait), ("valid_for", self.valid_for)] {
            if span <= Span::ZERO {
                return refuse(key, "must be longer than nothing".to_owned());
            }
        }
        if self.retract_within < Span::ZERO {
            return refuse("retract_within", "must not be negative".to_owned());
        }
        let mut before = self.wait;
        for &step in &self.further_steps {
            if step <= before {
                return refuse(
                    "steps",
                    format!("{step} must lie after {before}; steps count from the last change"),
                );
            }
            before = step;
        }
        if self.forget_after <= before {
            return refuse(
                "forget_after",
                format!("is {}, and must lie after the last step ({before})", self.forget_after),
            );
        }
        Ok(())
    }
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidRule {
    /// The setting's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(rules: Rules) -> Option<&'static str> {
        rules.validate().err().map(|error| error.key)
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused_by_name() {
        let hours = |hours: &[i64]| hours.iter().copied().map(Span::from_hours).collect();
        let usual = Rules::default;
        assert_eq!(refused(usual()), None);
        assert_eq!(refused(Rules { wait: Span::ZERO, ..usual() }), Some("wait"));
        assert_eq!(refused(Rules { further_steps: hours(&[4]), ..usual() }), Some("steps"));
        assert_eq!(refused(Rules { further_steps: hours(&[24, 24]), ..usual() }), Some("steps"));
        assert_eq!(refused(Rules { forget_after: Span::from_hours(72), ..usual() }), Some("forget_after"));
        assert_eq!(
            refused(Rules { retract_within: Span::from_millis(-1), ..usual() }),
            Some("retract_within")
        );
        assert_eq!(refused(Rules { valid_for: Span::ZERO, ..usual() }), Some("valid_for"));
        assert_eq!(refused(Rules { max_items: 0, ..usual() }), Some("max_items"));
    }

    #[test]
    fn steps_count_from_zero() {
        let rules = Rules::default();
        assert_eq!(rules.step_span(0), Some(Span::from_hours(4)));
        assert_eq!(rules.step_span(2), Some(Span::from_hours(72)));
        assert_eq!(rules.step_span(3), None);
    }
}
