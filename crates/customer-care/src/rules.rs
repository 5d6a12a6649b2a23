//! What can be configured about customer care, and what of it makes sense.

use events::{EventTime, Span};
use serde::Serialize;

use crate::business_hours::{BusinessHours, LONGEST_DEADLINE};
use crate::state::MOST_MARKS;
use crate::trigger::Trigger;

/// The rules of customer care. All of them affect output; a trigger without a rule is off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// A ticket of which nothing is heard for this long counts as closed, or it would mute promotions for ever.
    pub ticket_forgotten_after: Span,
    /// How long after it fired a trigger can be retracted.
    pub retract_within: Span,
    /// Support has let the customer down.
    pub support_frustration: Option<FrustrationRule>,
    /// A low CSAT.
    pub csat_low: Option<AlertRule>,
    /// A low NPS.
    pub nps_detractor: Option<AlertRule>,
    /// A high NPS.
    pub nps_promoter: Option<PromoterRule>,
    /// An order to ask a review of.
    pub review_request: Option<ReviewRule>,
    /// A broken promise of delivery.
    pub delivery_delayed: Option<DelayRule>,
}

/// When a customer counts as frustrated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrustrationRule {
    /// So many reopenings within `within`, of one ticket or of several; 1 to 8.
    pub reopens: u32,
    /// So many tickets opened within `within`; 1 to 8.
    pub tickets: u32,
    /// The time within which reopenings and tickets are counted, its end included.
    pub within: Span,
    /// The time that support has for its first reply, its end included; at most 30 days.
    pub reply_within: Span,
    /// The hours in which `reply_within` runs; without them it runs by the clock.
    pub business_hours: Option<BusinessHours>,
    /// A CSAT of this much, for a ticket that is resolved, ends it; 1 to 5.
    pub content_from: u32,
    /// Within this time after it began, frustration is the same and not told again, unless it had ended.
    pub again_after: Span,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// When a low score is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AlertRule {
    /// The highest score that is low.
    pub up_to: u32,
    /// How long after it fired it is worth sending; until then further low scores are not reported, unless a follow-up
    /// was recorded.
    pub valid_for: Span,
}

/// When a high score is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PromoterRule {
    /// The lowest score that is high; 0 to 10.
    pub from: u32,
    /// How long after the answer.
    pub wait: Span,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// When a review is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewRule {
    /// How long after the delivery.
    pub after_delivery: Span,
    /// How long after the order, as long as no delivery is known.
    pub after_order: Span,
    /// A CSAT of at most this much since the order, and no review is asked for; 0 to 5.
    pub low_csat: u32,
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

/// When a delay is reported: as soon as the promised time has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DelayRule {
    /// How long after it fired it is worth sending.
    pub valid_for: Span,
}

impl Default for Rules {
    /// The catalogue's numbers, with every trigger on.
    fn default() -> Self {
        Self {
            ticket_forgotten_after: Span::from_days(30),
            retract_within: Span::from_days(7),
            support_frustration: Some(FrustrationRule::default()),
            csat_low: Some(AlertRule { up_to: 2, valid_for: Span::from_hours(48) }),
            nps_detractor: Some(AlertRule { up_to: 6, valid_for: Span::from_hours(48) }),
            nps_promoter: Some(PromoterRule::default()),
            review_request: Some(ReviewRule::default()),
            delivery_delayed: Some(DelayRule::default()),
        }
    }
}

impl Default for FrustrationRule {
    fn default() -> Self {
        Self {
            reopens: 2,
            tickets: 3,
            within: Span::from_days(14),
            reply_within: Span::from_hours(24),
            business_hours: None,
            content_from: 4,
            again_after: Span::from_days(30),
            valid_for: Span::from_hours(48),
        }
    }
}

impl Default for PromoterRule {
    fn default() -> Self {
        Self { from: 9, wait: Span::from_hours(24), valid_for: Span::from_days(7) }
    }
}

impl Default for ReviewRule {
    fn default() -> Self {
        Self {
            after_delivery: Span::from_days(7),
            after_order: Span::from_days(14),
            low_csat: 2,
            valid_for: Span::from_days(7),
        }
    }
}

impl Default for DelayRule {
    fn default() -> Self {
        Self { valid_for: Span::from_hours(48) }
    }
}

impl FrustrationRule {
    /// By when a ticket opened at `opened` has to be answered.
    pub fn reply_due(&self, opened: EventTime) -> EventTime {
        match &self.business_hours {
            Some(hours) => hours.after(opened, self.reply_within),
            None => opened + self.reply_within,
        }
    }
}

impl Rules {
    /// How long after it fired a trigger is worth sending; `None` if it is off.
    pub fn valid_for(&self, trigger: Trigger) -> Option<Span> {
        match trigger {
            Trigger::SupportFrustration => self.support_frustration.as_ref().map(|rule| rule.valid_for),
            Trigger::CsatLow => self.csat_low.as_ref().map(|rule| rule.valid_for),
            Trigger::NpsDetractor => self.nps_detractor.as_ref().map(|rule| rule.valid_for),
            Trigger::NpsPromoter => self.nps_promoter.as_ref().map(|rule| rule.valid_for),
            Trigger::ReviewRequest => self.review_request.as_ref().map(|rule| rule.valid_for),
            Trigger::DeliveryDelayed => self.delivery_delayed.as_ref().map(|rule| rule.valid_for),
        }
    }

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
