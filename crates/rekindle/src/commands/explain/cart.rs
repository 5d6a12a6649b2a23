//! The cart, as the record holds it.

use cart_abandonment::OpenCart;
use serde::Serialize;

use super::account::at;

/// A cart.
#[derive(Debug, Serialize)]
pub struct CartAccount {
    /// Its id, where the source names it.
    pub cart_id: Option<String>,
    /// When it was begun.
    pub opened_at: String,
    /// By which event.
    pub opened_by: String,
    /// When it last changed.
    pub changed_at: String,
    /// By which event; it arms the trigger.
    pub changed_by: String,
    /// When a checkout was last under way.
    pub checkout_at: Option<String>,
    /// What it holds, the product touched last at the end.
    pub lines: Vec<CartLine>,
    /// How many pieces beside those.
    pub other_quantity: u64,
    /// Its value in minor units, where it is known.
    pub value_minor: Option<i64>,
    /// The currency of that.
    pub currency: Option<String>,
    /// Whether a step has fired for it.
    pub has_fired: bool,
}

/// A product in the cart.
#[derive(Debug, Serialize)]
pub struct CartLine {
    /// The shop's id of it.
    pub product_id: String,
    /// Its name.
    pub name: Option<String>,
    /// Size, colour and the like.
    pub variant: Option<String>,
    /// How many.
    pub quantity: u64,
    /// Price of one in minor units.
    pub unit_price_minor: Option<i64>,
    /// The currency of that.
    pub currency: Option<String>,
}

impl CartAccount {
    /// Tells what it holds.
    pub fn of(cart: &OpenCart) -> Self {
        let value = cart.value();
        let lines = cart.lines.iter().map(|line| CartLine {
            product_id: line.product_id.clone(),
            name: line.name.clone(),
            variant: line.variant.clone(),
            quantity: line.quantity,
            unit_price_minor: line.unit_price_minor,
            currency: line.currency.clone(),
        });
        Self {
            cart_id: cart.cart_id.clone(),
            opened_at: at(cart.opened_ms),
            opened_by: cart.opened_by.clone(),
            changed_at: at(cart.last_change.at_ms),
            changed_by: cart.changed_by.clone(),
            checkout_at: cart.checkout.map(|checkout| at(checkout.at_ms)),
            lines: lines.collect(),
            other_quantity: cart.other_quantity,
            value_minor: value.as_ref().map(|value| value.amount_minor),
            currency: value.map(|value| value.currency.to_string()),
            has_fired: cart.has_fired,
        }
    }
}
