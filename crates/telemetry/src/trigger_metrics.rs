//! What is published about triggers, counted by what its `ce_type` says.
//!
//! Must stay true: whatever the texts, the number of series stays bounded: what is no word counts as `other`.

use std::time::Duration;

use prometheus::{Histogram, IntCounterVec};

use crate::registry::Registry;

const STAGES: [&str; 7] =
    ["fired", "updated", "suppressed", "expired", "cancelled", "converted", "unconverted"];
const OTHER: &str = "other";
/// The longest word that is a label's value.
const MAX_WORD: usize = 64;

/// Counts published trigger records.
#[derive(Clone)]
pub struct TriggerMetrics {
    service: String,
    family: IntCounterVec,
    delay: Histogram,
}

impl TriggerMetrics {
    /// For one service.
    pub fn new(registry: &Registry, service: &str) -> Self {
        let families = registry.families();
        let delay = families.event_to_trigger.with_label_values(&[service]);
        Self { service: service.to_owned(), family: families.triggers.clone(), delay }
    }

    /// Counts a record whose transaction has committed: `ce_type` as in `rekindle.cart_abandonment.fired.v1`, and the
    /// gate or cause in one word; empty where there is none.
    pub fn count(&self, ce_type: &str, reason: &str) {
        let (rule, stage) = rule_and_stage(ce_type);
        let reason = if reason.is_empty() { "" } else { word(reason) };
        self.family.with_label_values(&[self.service.as_str(), rule, stage, reason]).inc();
    }

    /// A trigger that fired was published so long after it was due.
    pub fn published_after(&self, delay: Duration) {
        self.delay.observe(delay.as_secs_f64());
    }
}

fn rule_and_stage(ce_type: &str) -> (&str, &'static str) {
    let mut parts = ce_type.split('.');
    if parts.next() != Some("rekindle") {
        return (OTHER, OTHER);
    }
    let rule = parts.next().map_or(OTHER, word);
    let stage = parts.next().and_then(|stage| STAGES.into_iter().find(|known| *known == stage));
    (rule, stage.unwrap_or(OTHER))
}

fn word(text: &str) -> &str {
    let is_word = (1..=MAX_WORD).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if is_word { text } else { OTHER }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_tells_rule_and_stage() {
        let type_of = "rekindle.cart_abandonment.suppressed.v1";
        assert_eq!(rule_and_stage(type_of), ("cart_abandonment", "suppressed"));
    }

    #[test]
    fn what_is_no_type_counts_as_other() {
        for (ce_type, expected) in [
            ("", (OTHER, OTHER)),
            ("com.shop.cart.fired.v1", (OTHER, OTHER)),
            ("rekindle", (OTHER, OTHER)),
            ("rekindle.Cart Abandonment.fired.v1", (OTHER, "fired")),
            ("rekindle.dormancy.exploded.v1", ("dormancy", OTHER)),
        ] {
            assert_eq!(rule_and_stage(ce_type), expected, "{ce_type}");
        }
        assert_eq!(word(&"a".repeat(65)), OTHER);
    }

    #[test]
    fn records_are_counted_by_rule_stage_and_reason() {
        let registry = Registry::new("0");
        let triggers = TriggerMetrics::new(&registry, "triggers");
        triggers.count("rekindle.cart_abandonment.fired.v1", "");
        triggers.count("rekindle.cart_abandonment.suppressed.v1", "consent");
        triggers.count("rekindle.cart_abandonment.suppressed.v1", "consent");
        let count = |stage, reason| {
            triggers.family.with_label_values(&["triggers", "cart_abandonment", stage, reason]).get()
        };
        assert_eq!((count("fired", ""), count("suppressed", "consent")), (1, 2));
    }

    #[test]
    fn delays_fall_into_buckets_up_to_an_hour() {
        let registry = Registry::new("0");
        let triggers = TriggerMetrics::new(&registry, "triggers");
        [21, 3_599, 100_000]
            .into_iter()
            .for_each(|delay| triggers.published_after(Duration::from_secs(delay)));
        let text = registry.render();
        for (bound, count) in [("20", 0), ("25", 1), ("3600", 2), ("+Inf", 3)] {
            let line = format!(
                "rekindle_event_to_trigger_seconds_bucket{{service=\"triggers\",le=\"{bound}\"}} {count}\n"
            );
            assert!(text.contains(&line), "{line} is missing from\n{text}");
        }
    }
}
