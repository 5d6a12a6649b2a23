//! The products that the customer last looked at, put into the cart and bought.
//!
//! Of each deed the newest are kept, each product once, with the last time. At equal times the id decides.

use events::view::Item;
use std::cmp::Reverse;

/// Longer ids are passed over: a shortened one would name no product.
const ID_BYTES: usize = 64;

/// A product, and when the customer last did that with it.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Product {
    /// The shop's id of the product.
    #[prost(string, tag = "1")]
    pub product_id: String,
    /// When.
    #[prost(sint64, tag = "2")]
    pub at_ms: i64,
}

/// What is done with a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Its page was looked at.
    Viewed,
    /// It was put, or lay, in the cart.
    Carted,
    /// It was bought.
    Bought,
}

impl Deed {
    /// The deed as consumers see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewed => "viewed",
            Self::Carted => "carted",
            Self::Bought => "bought",
        }
    }

    /// How many products are kept.
    pub const fn bound(self) -> usize {
        match self {
            Self::Viewed | Self::Bought => 3,
            Self::Carted => 2,
        }
    }
}

pub(super) fn note<'a>(
    products: &mut Vec<Product>,
    deed: Deed,
    items: impl IntoIterator<Item = &'a Item<'a>>,
    at_ms: i64,
) {
    for item in items {
        let id = item.product_id;
        if !id.is_empty() && id.len() <= ID_BYTES {
            note_one(products, deed, id, at_ms);
        }
    }
}

fn note_one(products: &mut Vec<Product>, deed: Deed, id: &str, at_ms: i64) {
    match products.iter_mut().find(|known| known.product_id == id) {
        Some(known) if known.at_ms >= at_ms => return,
        Some(known) => known.at_ms = at_ms,
        None => {
            let is_older = |known: &Product| rank(known) < (Reverse(at_ms), id);
            if products.len() >= deed.bound() && products.last().is_some_and(is_older) {
                return;
            }
            products.push(Product { product_id: id.to_owned(), at_ms });
        }
    }
    products.sort_unstable_by(|one, other| rank(one).cmp(&rank(other)));
    products.truncate(deed.bound());
}

/// The newest has the lowest.
fn rank(product: &Product) -> (Reverse<i64>, &str) {
    (Reverse(product.at_ms), &product.product_id)
}
