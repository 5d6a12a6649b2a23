//! What can be configured about customer care; [`validation`](crate::validation) says what of it makes sense.

use events::{EventTime, Span};
use serde::Serialize;

use crate::business_hours::BusinessHours;
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
}
