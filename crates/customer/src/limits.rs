//! The bounds of a customer's record: it stays a few hundred bytes whatever a source sends.

use events::Span;
use serde::Serialize;

use crate::rolling;

/// How much of a customer is remembered, and for how long. All of it affects output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// How many event ids are remembered to drop duplicates; 8 bytes each.
    pub recent_events: usize,
    /// How many order ids are remembered to drop duplicates; 8 bytes each.
    pub recent_orders: usize,
    /// How many statements of consent are kept, at most one for each channel and purpose.
    pub consents: usize,
    /// Bytes kept of a text such as a time zone or a channel.
    pub text_bytes: usize,
    /// A customer of whom nothing was heard for this long is forgotten.
    pub retention: Span,
    /// The rolling profile; `None` to keep none, and then not in a fingerprint either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolling: Option<rolling::Rules>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            recent_events: 16,
            recent_orders: 8,
            consents: 16,
            text_bytes: 64,
            retention: Span::from_days(400),
            rolling: Some(rolling::Rules::default()),
        }
    }
}

impl Limits {
    /// Checks the bounds.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidLimit> {
        let counts = [
            ("recent_events", self.recent_events, 1..=4096),
            ("recent_orders", self.recent_orders, 1..=4096),
            ("consents", self.consents, 1..=256),
            ("text_bytes", self.text_bytes, 16..=4096),
        ];
        for (key, value, range) in counts {
            if !range.contains(&value) {
                let problem =
                    format!("is {value}, and must lie between {} and {}", range.start(), range.end());
                return Err(InvalidLimit { key, problem });
            }
        }
        if self.retention <= Span::ZERO {
            return Err(InvalidLimit { key: "retention", problem: "must be longer than nothing".to_owned() });
        }
        self.rolling.as_ref().map_or(Ok(()), rolling::Rules::validate)
    }
}

/// A limit that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidLimit {
    /// The setting's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_out_of_range_is_named() {
        assert_eq!(Limits::default().validate(), Ok(()));
        let no_window = Limits { recent_events: 0, ..Limits::default() };
        assert_eq!(no_window.validate().map_err(|e| e.key), Err("recent_events"));
        let no_retention = Limits { retention: Span::ZERO, ..Limits::default() };
        assert_eq!(no_retention.validate().map_err(|e| e.key), Err("retention"));
        let rolling = |change: &dyn Fn(&mut rolling::Rules)| {
            let mut rules = rolling::Rules::default();
            change(&mut rules);
            Limits { rolling: Some(rules), ..Limits::default() }.validate().map_err(|e| e.key)
        };
        assert_eq!(rolling(&|_| {}), Ok(()));
        assert_eq!(rolling(&|rules| rules.currency = "euro".to_owned()), Err("currency"));
        assert_eq!(rolling(&|rules| rules.floors[2] = Span::ZERO), Err("floors"));
        assert_eq!(rolling(&|rules| rules.rfm.frequency[0] = 0), Err("rfm.frequency"));
        assert_eq!(rolling(&|rules| rules.rfm.recency[3] = Span::ZERO), Err("rfm.recency"));
        assert_eq!(rolling(&|rules| rules.rfm.monetary_minor.reverse()), Err("rfm.monetary_minor"));
    }
}
