//! Which kind of event a name stands for: names match whatever their case, `_`, space and `-`, so that
//! `Product Added`, `product_added` and `productAdded` are one.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use smol_str::SmolStr;

use crate::event::Kind;

/// Names longer than this are nobody's.
const LONGEST_NAME: usize = 100;

/// What an event name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Events of this kind.
    Kind(Kind),
    /// Events that are known, and that nothing here uses.
    Unused,
}

/// The names of one vocabulary, with the aliases of the configuration. They are looked up and never walked.
#[derive(Clone, Debug)]
pub(super) struct Names(HashMap<SmolStr, Meaning, BuildHasherDefault<ShortText>>);

/// FNV-1a (Fowler, Noll, Vo), quick for short texts. The names are the configuration's, so nobody can make them
/// collide from outside.
#[derive(Clone, Debug)]
struct ShortText(u64);

impl Default for ShortText {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for ShortText {
    fn write(&mut self, bytes: &[u8]) {
        self.0 =
            bytes.iter().fold(self.0, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Names {
    /// The names of the kinds, and of Segment's e-commerce specification, version 2 and 1.
    pub(super) fn known() -> Self {
        let kinds = Kind::ALL.iter().map(|kind| (fold(kind.name()), Meaning::Kind(*kind)));
        let segment = SEGMENT_NAMES.iter().map(|(name, kind)| (fold(name), Meaning::Kind(*kind)));
        let unused = SEGMENT_UNUSED.iter().map(|name| (fold(name), Meaning::Unused));
        Self(kinds.chain(segment).chain(unused).collect())
    }

    /// Makes `alias` stand for what `name` stands for; says whether `name` is known.
    pub(super) fn add_alias(&mut self, alias: &str, name: &str) -> bool {
        let Some(meaning) = self.meaning(name) else { return false };
        self.0.insert(fold(alias), meaning);
        true
    }

    pub(super) fn meaning(&self, name: &str) -> Option<Meaning> {
        if name.len() > LONGEST_NAME {
            return None;
        }
        let mut folded = [0_u8; LONGEST_NAME];
        match fold_ascii(name, &mut folded) {
            Some(folded) => self.0.get(folded).copied(),
            None => self.0.get(&fold(name)).copied(),
        }
    }
}

/// As [`fold`], without allocating, for the names that nearly all are; `None` for a name beyond ASCII.
fn fold_ascii<'b>(name: &str, buffer: &'b mut [u8; LONGEST_NAME]) -> Option<&'b str> {
    if !name.is_ascii() || name.len() > LONGEST_NAME {
        return None;
    }
    let mut length = 0;
    for byte in name.bytes() {
        if !matches!(byte, b'_' | b'-' | 0x0b) && !byte.is_ascii_whitespace() {
            *buffer.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    std::str::from_utf8(buffer.get(..length)?).ok()
}

fn fold(name: &str) -> SmolStr {
    let kept = name.chars().filter(|char| !matches!(char, '_' | '-') && !char.is_whitespace());
    kept.flat_map(char::to_lowercase).collect()
}

/// Names of `track` calls, beside those that fold to a kind's own name (`Product Viewed`, `Order Completed`, …).
const SEGMENT_NAMES: [(&str, Kind); 33] = [
    ("Products Searched", Kind::Searched),
    ("Viewed Product", Kind::ProductViewed),
    ("Product Added", Kind::CartItemAdded),
    ("Added Product", Kind::CartItemAdded),
    ("Wishlist Product Added to Cart", Kind::CartItemAdded),
    ("Product Removed", Kind::CartItemRemoved),
    ("Removed Product", Kind::CartItemRemoved),
    ("Cart Viewed", Kind::CartSnapshot),
    ("Viewed Cart", Kind::CartSnapshot),
    ("Started Order", Kind::CheckoutStarted),
    ("Started Checkout", Kind::CheckoutStarted),
    ("Checkout Step Viewed", Kind::CheckoutStep),
    ("Checkout Step Completed", Kind::CheckoutStep),
    ("Viewed Checkout Step", Kind::CheckoutStep),
    ("Completed Checkout Step", Kind::CheckoutStep),
    ("Payment Info Entered", Kind::CheckoutStep),
    ("Entered Payment Info", Kind::CheckoutStep),
    ("Completed Order", Kind::OrderCompleted),
    ("Cancelled Order", Kind::OrderCancelled),
    ("Order Canceled", Kind::OrderCancelled),
    ("Refunded Order", Kind::OrderRefunded),
    ("Order Shipped", Kind::DeliveryUpdated),
    ("Order Delivered", Kind::Delivered),
    ("Product Reviewed", Kind::ReviewSubmitted),
    ("Denied Coupon", Kind::CouponDenied),
    ("Product Added to Wishlist", Kind::WishlistItemAdded),
    ("Added Product to Wishlist", Kind::WishlistItemAdded),
    ("Live Chat Conversation Started", Kind::TicketOpened),
    ("Live Chat Conversation Ended", Kind::TicketResolved),
    ("Viewed Page", Kind::PageViewed),
    ("Email Delivered", Kind::MessageDelivered),
    ("Email Opened", Kind::MessageOpened),
    ("Email Link Clicked", Kind::MessageClicked),
];

/// Names of `track` calls that the specification knows and no kind stands for.
const SEGMENT_UNUSED: [&str; 26] = [
    "Product List Viewed",
    "Viewed Product Category",
    "Product List Filtered",
    "Promotion Viewed",
    "Viewed Promotion",
    "Promotion Clicked",
    "Clicked Promotion",
    "Product Clicked",
    "Clicked Product",
    "Order Updated",
    "Updated Order",
    "Coupon Entered",
    "Coupon Applied",
    "Coupon Removed",
    "Product Removed from Wishlist",
    "Product Shared",
    "Cart Shared",
    "Live Chat Message Sent",
    "Live Chat Message Received",
    "Application Installed",
    "Application Opened",
    "Application Updated",
    "Application Backgrounded",
    "Application Uninstalled",
    "Application Crashed",
    "Install Attributed",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_in_snake_case_and_in_title_case() {
        let names = Names::known();
        for kind in Kind::ALL {
            let spaced: String = kind
                .name()
                .chars()
                .flat_map(|c| c.is_uppercase().then_some('_').into_iter().chain([c]))
                .collect();
            let snake = spaced.trim_start_matches('_').to_lowercase();
            assert_eq!(names.meaning(&snake), Some(Meaning::Kind(*kind)), "{snake}");
            assert_eq!(names.meaning(&spaced.replace('_', " ")), Some(Meaning::Kind(*kind)));
        }
    }

    #[test]
    fn no_name_stands_for_two_things() {
        let names = Names::known();
        for (name, kind) in SEGMENT_NAMES {
            assert_eq!(names.meaning(name), Some(Meaning::Kind(kind)), "{name}");
        }
        for name in SEGMENT_UNUSED {
            assert_eq!(names.meaning(name), Some(Meaning::Unused), "{name}");
        }
        assert_eq!(names.0.len(), Kind::ALL.len() + SEGMENT_NAMES.len() + SEGMENT_UNUSED.len());
    }

    #[test]
    fn both_ways_of_folding_agree() {
        for name in ["Product Added", "product_added", "\tproduct\u{b}-ADDED ", "", "_"] {
            assert_eq!(fold_ascii(name, &mut [0; LONGEST_NAME]), Some(fold(name).as_str()), "{name:?}");
        }
        let mut names = Names::known();
        assert!(names.add_alias("Größe Gewählt", "Product Viewed"));
        assert_eq!(names.meaning("GRÖßE_gewählt"), Some(Meaning::Kind(Kind::ProductViewed)));
    }

    #[test]
    fn aliases_stand_for_known_names_only() {
        let mut names = Names::known();
        assert!(names.add_alias("Basket Filled", "Product Added"));
        assert_eq!(names.meaning("basket-filled"), Some(Meaning::Kind(Kind::CartItemAdded)));
        assert!(!names.add_alias("Basket Filled", "Basket Emptied"));
        assert_eq!(names.meaning(&"x".repeat(101)), None);
    }
}
