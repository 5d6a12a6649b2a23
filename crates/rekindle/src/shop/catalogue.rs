//! What the generated shop sells, and how it picks with the skew of a real one.

use rand::Rng;
use rand::rngs::SmallRng;

/// A product.
#[derive(Clone, Debug)]
pub struct Product {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Where it stands in the shop.
    pub category: &'static str,
    /// Its price, in cents.
    pub price_minor: i64,
}

const KINDS: [(&str, &str, i64); 12] = [
    ("kitchen", "coffee grinder", 8_900),
    ("kitchen", "cast-iron pan", 5_450),
    ("kitchen", "tea kettle", 3_990),
    ("home", "wool blanket", 7_500),
    ("home", "reading lamp", 4_900),
    ("home", "linen curtain", 6_200),
    ("outdoor", "rain jacket", 12_900),
    ("outdoor", "trail shoes", 11_900),
    ("outdoor", "water bottle", 2_490),
    ("office", "fountain pen", 3_200),
    ("office", "notebook", 1_490),
    ("office", "desk mat", 2_990),
];
const COLOURS: [&str; 8] = ["black", "white", "grey", "blue", "green", "red", "sand", "walnut"];

/// What is searched for, the most frequent first.
pub const QUERIES: [&str; 8] = [
    "coffee grinder",
    "rain jacket",
    "wool blanket",
    "trail shoes",
    "lamp",
    "pan cast iron",
    "gift",
    "notebook a5",
];

/// Every product of the shop, the most popular first.
pub fn products() -> Vec<Product> {
    let variants = COLOURS.iter().flat_map(|colour| KINDS.iter().map(move |kind| (colour, kind)));
    variants
        .enumerate()
        .map(|(number, (colour, (category, name, price_minor)))| Product {
            id: format!("p-{number:03}"),
            name: format!("{colour} {name}"),
            category,
            price_minor: *price_minor,
        })
        .collect()
}

/// An index below `count`, small ones far more often than large ones: the share of the first tenth is about a half.
pub fn skewed(rng: &mut SmallRng, count: usize) -> usize {
    let uniform: f64 = rng.random();
    ((uniform.powi(3) * count as f64) as usize).min(count.saturating_sub(1))
}
