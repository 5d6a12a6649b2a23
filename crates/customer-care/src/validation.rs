//! Which rules cannot be meant.

use events::Span;

use crate::business_hours::{BusinessHours, LONGEST_DEADLINE};
use crate::rules::Rules;
use crate::state::MOST_MARKS;

impl Rules {
    /// Checks the rules.
    ///
    /// # Errors
    /// Names the first key that cannot be used, a trigger's with the trigger before it: `csat-low.up_to`.
    pub fn validate(&self) -> Result<(), InvalidRule> {
        self.validate_spans()?;
        self.validate_scores()?;
        let Some(rule) = &self.support_frustration else { return Ok(()) };
        for (key, count) in
            [("support-frustration.reopens", rule.reopens), ("support-frustration.tickets", rule.tickets)]
        {
            in_range(key, count, 1, MOST_MARKS as u32)?;
        }
        if rule.reply_within > LONGEST_DEADLINE {
            return Err(InvalidRule::new("support-frustration.reply_within", "must not be longer than 30d"));
        }
        match rule.business_hours.as_ref().and_then(BusinessHours::problem) {
            Some(("days", problem)) => {
                Err(InvalidRule::new("support-frustration.business_hours.days", problem))
            }
            Some(("to", problem)) => Err(InvalidRule::new("support-frustration.business_hours.to", problem)),
            Some((_, problem)) => Err(InvalidRule::new("support-frustration.business_hours.zone", problem)),
            None => Ok(()),
        }
    }

    fn validate_spans(&self) -> Result<(), InvalidRule> {
        if self.retract_within < Span::ZERO {
            return Err(InvalidRule::new("retract_within", "must not be negative"));
        }
        let mut spans = vec![("ticket_forgotten_after", self.ticket_forgotten_after)];
        if let Some(rule) = &self.support_frustration {
            spans.extend([
                ("support-frustration.within", rule.within),
                ("support-frustration.reply_within", rule.reply_within),
                ("support-frustration.again_after", rule.again_after),
                ("support-frustration.valid_for", rule.valid_for),
            ]);
        }
        spans.extend(self.csat_low.iter().map(|rule| ("csat-low.valid_for", rule.valid_for)));
        spans.extend(self.nps_detractor.iter().map(|rule| ("nps-detractor.valid_for", rule.valid_for)));
        if let Some(rule) = &self.nps_promoter {
            spans.extend([("nps-promoter.wait", rule.wait), ("nps-promoter.valid_for", rule.valid_for)]);
        }
        if let Some(rule) = &self.review_request {
            spans.extend([
                ("review-request.after_delivery", rule.after_delivery),
                ("review-request.after_order", rule.after_order),
                ("review-request.valid_for", rule.valid_for),
            ]);
        }
        spans.extend(self.delivery_delayed.iter().map(|rule| ("delivery-delayed.valid_for", rule.valid_for)));
        match spans.into_iter().find(|(_, span)| *span <= Span::ZERO) {
            Some((key, _)) => Err(InvalidRule::new(key, "must be longer than nothing")),
            None => Ok(()),
        }
    }

    fn validate_scores(&self) -> Result<(), InvalidRule> {
        let content_from = self.support_frustration.as_ref().map(|rule| rule.content_from);
        let low_from = self.csat_low.as_ref().map(|rule| rule.up_to);
        let (promoter, detractor) = (&self.nps_promoter, &self.nps_detractor);
        let (promoter, detractor) =
            (promoter.as_ref().map(|rule| rule.from), detractor.as_ref().map(|rule| rule.up_to));
        let review = self.review_request.as_ref().map(|rule| rule.low_csat);
        for (key, score, least, most) in [
            ("support-frustration.content_from", content_from, 1, 5),
            ("csat-low.up_to", low_from, 1, 5),
            ("nps-detractor.up_to", detractor, 0, 10),
            ("nps-promoter.from", promoter, 0, 10),
            ("review-request.low_csat", review, 0, 5),
        ] {
            score.map_or(Ok(()), |score| in_range(key, score, least, most))?;
        }
        if content_from.zip(low_from).is_some_and(|(content, low)| content <= low) {
            let problem = "must lie above what `csat-low` calls low";
            return Err(InvalidRule::new("support-frustration.content_from", problem));
        }
        if promoter.zip(detractor).is_some_and(|(promoter, detractor)| promoter <= detractor) {
            return Err(InvalidRule::new("nps-promoter.from", "must lie above `nps-detractor.up_to`"));
        }
        Ok(())
    }
}

fn in_range(key: &'static str, number: u32, least: u32, most: u32) -> Result<(), InvalidRule> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(InvalidRule::new(key, format!("is {number}, and must lie between {least} and {most}")))
}

/// A rule that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidRule {
    /// The setting's name, a trigger's with the trigger before it.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl InvalidRule {
    fn new(key: &'static str, problem: impl Into<String>) -> Self {
        Self { key, problem: problem.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::business_hours::Day;
    use crate::rules::FrustrationRule;

    fn refused(change: impl Fn(&mut Rules)) -> Option<&'static str> {
        let mut rules = Rules::default();
        change(&mut rules);
        rules.validate().err().map(|error| error.key)
    }

    fn frustration(change: impl Fn(&mut FrustrationRule)) -> Option<&'static str> {
        refused(|rules| change(rules.support_frustration.as_mut().unwrap()))
    }

    #[test]
    fn rules_that_cannot_be_meant_are_refused_by_name() {
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|rules| rules.retract_within = Span::from_hours(-1)), Some("retract_within"));
        assert_eq!(
            refused(|rules| rules.ticket_forgotten_after = Span::ZERO),
            Some("ticket_forgotten_after")
        );
        assert_eq!(
            refused(|rules| rules.csat_low.as_mut().unwrap().up_to = 4),
            Some("support-frustration.content_from")
        );
        assert_eq!(refused(|rules| rules.nps_promoter.as_mut().unwrap().from = 6), Some("nps-promoter.from"));
        assert_eq!(
            refused(|rules| rules.nps_promoter.as_mut().unwrap().wait = Span::ZERO),
            Some("nps-promoter.wait")
        );
        assert_eq!(frustration(|rule| rule.reopens = 9), Some("support-frustration.reopens"));
        assert_eq!(frustration(|rule| rule.tickets = 0), Some("support-frustration.tickets"));
        assert_eq!(
            frustration(|rule| rule.reply_within = Span::from_days(31)),
            Some("support-frustration.reply_within")
        );
    }

    #[test]
    fn hours_that_cannot_be_meant_are_refused_by_name() {
        let hours = |change: &dyn Fn(&mut BusinessHours)| {
            let mut hours = BusinessHours {
                days: Day::WORKING.to_vec(),
                from: "09:00".parse().unwrap(),
                to: "17:00".parse().unwrap(),
                zone: "Europe/Berlin".to_owned(),
            };
            change(&mut hours);
            frustration(|rule| rule.business_hours = Some(hours.clone()))
        };
        assert_eq!(hours(&|_| {}), None);
        assert_eq!(hours(&|hours| hours.days.clear()), Some("support-frustration.business_hours.days"));
        assert_eq!(
            hours(&|hours| hours.to = "09:59".parse().unwrap()),
            Some("support-frustration.business_hours.to")
        );
        assert_eq!(
            hours(&|hours| hours.zone = "Europe/Bonn".to_owned()),
            Some("support-frustration.business_hours.zone")
        );
    }
}
