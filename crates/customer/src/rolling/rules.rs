//! What can be configured about the rolling profile, and what of it makes sense.

use events::Span;
use events::view::Money;
use serde::Serialize;

use super::rfm::Cuts;
use crate::limits::InvalidLimit;

/// The rules of the rolling profile. All of them affect output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// ISO 4217 code of the currency in which spend is counted; amounts in others do not count.
    pub currency: String,
    /// Where the scores of RFM change.
    pub rfm: Cuts,
    /// The gap between orders of customers with fewer than three, for the lifecycle stage.
    pub usual_gap: Span,
    /// The shortest silence of the stages slipping, at_risk and inactive; not decreasing.
    pub floors: [Span; 3],
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            currency: "EUR".to_owned(),
            rfm: Cuts::default(),
            usual_gap: Span::from_days(30),
            floors: [Span::from_days(14), Span::from_days(30), Span::from_days(90)],
        }
    }
}

impl Rules {
    /// Checks the rules.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidLimit> {
        let refuse = |key, problem: &str| Err(InvalidLimit { key, problem: problem.to_owned() });
        if self.currency.len() != 3 || !self.currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return refuse("currency", "must be three upper-case letters, such as EUR");
        }
        self.rfm.validate()?;
        if self.usual_gap <= Span::ZERO || self.floors[0] <= Span::ZERO || !self.floors.is_sorted() {
            return refuse("floors", "and `usual_gap` must be longer than nothing, and floors not decrease");
        }
        Ok(())
    }

    /// What an amount counts for; `None` in another currency.
    pub(super) fn amount_of(&self, money: &Money) -> Option<i64> {
        (money.currency == self.currency).then_some(money.amount_minor.max(0))
    }
}
