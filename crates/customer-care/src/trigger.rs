//! The triggers of the family, and the signs of frustration, by name and by the number that is stored.

/// A trigger of the family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// Support has let the customer down.
    SupportFrustration,
    /// A low CSAT was answered.
    CsatLow,
    /// The customer would not recommend the shop.
    NpsDetractor,
    /// The customer would recommend the shop, and has had a day for second thoughts.
    NpsPromoter,
    /// The customer has had an order long enough to have an opinion on it.
    ReviewRequest,
    /// An order has not arrived when it was promised.
    DeliveryDelayed,
}

impl Trigger {
    /// Every trigger, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::SupportFrustration,
        Self::CsatLow,
        Self::NpsDetractor,
        Self::NpsPromoter,
        Self::ReviewRequest,
        Self::DeliveryDelayed,
    ];

    /// The trigger as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SupportFrustration => "support_frustration",
            Self::CsatLow => "csat_low",
            Self::NpsDetractor => "nps_detractor",
            Self::NpsPromoter => "nps_promoter",
            Self::ReviewRequest => "review_request",
            Self::DeliveryDelayed => "delivery_delayed",
        }
    }

    /// Its number in stored records, counted from 1. Never change one.
    pub const fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The trigger of that number; none for one that only another release knows.
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.number() == number)
    }
}

/// What shows that support has let a customer down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Tickets were opened again.
    Reopened,
    /// Many tickets were opened.
    Tickets,
    /// A ticket was not answered in time.
    Unanswered,
    /// An order was refunded while a ticket was open.
    Refunded,
}

impl Sign {
    /// Every sign, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Reopened, Self::Tickets, Self::Unanswered, Self::Refunded];

    /// The sign as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reopened => "reopened",
            Self::Tickets => "many_tickets",
            Self::Unanswered => "unanswered",
            Self::Refunded => "refunded",
        }
    }

    /// Its number in stored records, counted from 1. Never change one.
    pub const fn number(self) -> u32 {
        self as u32 + 1
    }

    /// The sign of that number.
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|sign| sign.number() == number)
    }
}
