//! The triggers of the family, and which of them speaks where several could.

/// A trigger of the family, those that give way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trigger {
    /// Products were looked at, and nothing was put into a cart.
    BrowseAbandonment,
    /// A search led to no cart.
    SearchAbandonment,
    /// A cart was left behind; decided by [`CartState`](crate::CartState).
    CartAbandonment,
    /// A checkout was left.
    CheckoutAbandonment,
    /// A payment was refused, and nothing was bought after it.
    PaymentFailed,
    /// The customer bought after one of the others had fired. It waits for nothing.
    CartRecovered,
}

impl Trigger {
    /// Every trigger, those that give way first.
    pub const ALL: [Self; 6] = [
        Self::BrowseAbandonment,
        Self::SearchAbandonment,
        Self::CartAbandonment,
        Self::CheckoutAbandonment,
        Self::PaymentFailed,
        Self::CartRecovered,
    ];

    /// The trigger's name in records, ids and topics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BrowseAbandonment => "browse_abandonment",
            Self::SearchAbandonment => "search_abandonment",
            Self::CartAbandonment => "cart_abandonment",
            Self::CheckoutAbandonment => "checkout_abandonment",
            Self::PaymentFailed => "payment_failed",
            Self::CartRecovered => "cart_recovered",
        }
    }

    /// Whether a waiting step of the cart is to be dropped when this trigger is sent.
    pub fn outranks_cart(self) -> bool {
        matches!(self, Self::CheckoutAbandonment | Self::PaymentFailed)
    }

    /// Its number in stored records, which never changes; 0 stands for none.
    pub const fn number(self) -> u32 {
        match self {
            Self::BrowseAbandonment => 1,
            Self::SearchAbandonment => 2,
            Self::CartAbandonment => 3,
            Self::CheckoutAbandonment => 4,
            Self::PaymentFailed => 5,
            Self::CartRecovered => 6,
        }
    }

    /// The trigger of that number; `None` for those of a later release.
    pub fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|trigger| trigger.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stored_and_never_change() {
        assert_eq!(Trigger::ALL.map(Trigger::number), [1, 2, 3, 4, 5, 6]);
        assert!(Trigger::ALL.iter().all(|trigger| Trigger::numbered(trigger.number()) == Some(*trigger)));
        assert_eq!(Trigger::numbered(0), None);
    }

    #[test]
    fn precedence_is_payment_checkout_cart_search_browse() {
        assert!(Trigger::ALL.is_sorted());
        let above = Trigger::ALL.map(Trigger::outranks_cart);
        assert_eq!(above, [false, false, false, true, true, false], "a purchase outranks nothing");
    }
}
