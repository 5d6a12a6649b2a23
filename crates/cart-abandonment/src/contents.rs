//! What is in a cart: built from what is added and removed, put right by a snapshot of the whole.
//!
//! Sources leave things out, so pieces that cannot be told apart are counted in `other_quantity`. The bound on lines
//! moves the product that was touched longest ago there.

use customer::text::{bounded, bounded_id};
use events::view::{Item, Money};

use crate::rules::Rules;
use crate::state::{Line, OpenCart};

impl OpenCart {
    /// How many pieces the cart holds.
    pub fn quantity(&self) -> u64 {
        self.lines.iter().fold(self.other_quantity, |sum, line| sum.saturating_add(line.quantity))
    }

    /// What the cart is worth, where each piece has a price and all prices are in one currency.
    pub fn value(&self) -> Option<Money<'_>> {
        if self.other_quantity > 0 {
            return None;
        }
        let currency = self.lines.first()?.currency.as_deref()?;
        let mut sum = 0_i64;
        for line in &self.lines {
            if line.currency.as_deref() != Some(currency) {
                return None;
            }
            let quantity = i64::try_from(line.quantity).ok()?;
            sum = sum.checked_add(line.unit_price_minor?.checked_mul(quantity)?)?;
        }
        Some(Money { amount_minor: sum, currency })
    }

    /// Adds an item; one whose product is unknown still counts.
    pub(crate) fn add(&mut self, item: Option<&Item>, rules: &Rules) {
        let Some(item) = item else {
            self.other_quantity = self.other_quantity.saturating_add(1);
            return;
        };
        let mut line = Line::of(item, rules.text_bytes);
        if let Some(place) = self.lines.iter().position(|known| known.is_same_product(&line)) {
            let known = self.lines.remove(place);
            line.quantity = line.quantity.saturating_add(known.quantity);
            line.fill_gaps_from(known);
        }
        self.lines.push(line);
        self.bound_lines(rules);
    }

    /// Removes an item, as far as the cart is known to hold it.
    pub(crate) fn remove(&mut self, item: Option<&Item>, rules: &Rules) {
        let place = match item {
            Some(item) => self.place_of(&Line::of(item, rules.text_bytes)),
            // Which product it was is unknown, and so are the others: take one of them first.
            None if self.other_quantity > 0 => None,
            None => self.lines.len().checked_sub(1),
        };
        let quantity = item.map_or(1, pieces);
        let Some(place) = place else {
            self.other_quantity = self.other_quantity.saturating_sub(quantity);
            return;
        };
        let line = &mut self.lines[place];
        line.quantity = line.quantity.saturating_sub(quantity);
        if line.quantity == 0 {
            self.lines.remove(place);
        }
    }

    /// Whether a snapshot shows what the cart is known to hold: then it is a view, and changes nothing.
    ///
    /// Pieces that were only counted may turn out to be anything.
    pub(crate) fn agrees_with(&self, snapshot: &Self) -> bool {
        let shown = |line: &Line| snapshot.lines.iter().find(|other| other.is_same_product(line));
        let is_in_snapshot = |line: &Line| match shown(line) {
            Some(shown) => line.quantity <= shown.quantity,
            None => line.quantity <= snapshot.other_quantity,
        };
        self.quantity() == snapshot.quantity() && self.lines.iter().all(is_in_snapshot)
    }

    /// Replaces what the cart holds by a snapshot of it; of a product, what the snapshot leaves out stays known.
    pub(crate) fn resynchronise(&mut self, snapshot: Self) {
        let known = std::mem::replace(&mut self.lines, snapshot.lines);
        self.other_quantity = snapshot.other_quantity;
        for line in known {
            if let Some(shown) = self.lines.iter_mut().find(|shown| shown.is_same_product(&line)) {
                shown.fill_gaps_from(line);
            }
        }
    }

    /// The contents that a snapshot shows, in the form in which they are kept.
    pub(crate) fn of_snapshot(items: &[Item], rules: &Rules) -> Self {
        let mut contents = Self::default();
        for item in items {
            contents.add(Some(item), rules);
        }
        contents
    }

    /// The line of a product: of this variant, else of any, since a removal often does not name it.
    fn place_of(&self, line: &Line) -> Option<usize> {
        let exact = self.lines.iter().position(|known| known.is_same_product(line));
        exact.or_else(|| self.lines.iter().rposition(|known| known.product_id == line.product_id))
    }

    fn bound_lines(&mut self, rules: &Rules) {
        let excess = self.lines.len().saturating_sub(rules.max_items);
        for line in self.lines.drain(..excess) {
            self.other_quantity = self.other_quantity.saturating_add(line.quantity);
        }
    }
}

/// How many pieces an item stands for; a quantity of none would make a change of nothing.
fn pieces(item: &Item) -> u64 {
    u64::from(item.quantity.max(1))
}

impl Line {
    /// What an item says, its texts cut to so many bytes.
    pub(crate) fn of(item: &Item, text_bytes: usize) -> Self {
        let text = |text: &Option<_>| text.as_deref().map(|text| bounded(text, text_bytes));
        Self {
            product_id: bounded_id(item.product_id),
            variant: text(&item.variant),
            quantity: pieces(item),
            unit_price_minor: item.unit_price.as_ref().map(|price| price.amount_minor),
            currency: item.unit_price.as_ref().map(|price| bounded(price.currency, text_bytes)),
            name: text(&item.name),
            category: text(&item.category),
            url: text(&item.url),
            image_url: text(&item.image_url),
        }
    }

    fn is_same_product(&self, other: &Self) -> bool {
        self.product_id == other.product_id && self.variant == other.variant
    }

    /// Keeps what was known of the product where the newer event does not say it.
    pub(crate) fn fill_gaps_from(&mut self, known: Self) {
        if self.unit_price_minor.is_none() {
            (self.unit_price_minor, self.currency) = (known.unit_price_minor, known.currency);
        }
        self.name = self.name.take().or(known.name);
        self.category = self.category.take().or(known.category);
        self.url = self.url.take().or(known.url);
        self.image_url = self.image_url.take().or(known.image_url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(product: &'static str, quantity: u32, price: Option<(i64, &'static str)>) -> Item<'static> {
        Item {
            product_id: product,
            quantity,
            unit_price: price.map(|(amount_minor, currency)| Money { amount_minor, currency }),
            name: None,
            category: None,
            variant: None,
            url: None,
            image_url: None,
        }
    }

    fn cart(items: &[Item]) -> OpenCart {
        OpenCart::of_snapshot(items, &Rules::default())
    }

    fn products(cart: &OpenCart) -> Vec<(&str, u64)> {
        cart.lines.iter().map(|line| (line.product_id.as_str(), line.quantity)).collect()
    }

    #[test]
    fn adding_a_product_again_adds_to_its_line_and_keeps_what_was_known() {
        let contents = cart(&[item("a", 1, Some((500, "EUR"))), item("b", 1, None), item("a", 2, None)]);
        assert_eq!(products(&contents), [("b", 1), ("a", 3)]);
        assert_eq!(contents.lines[1].unit_price_minor, Some(500));
    }

    #[test]
    fn the_value_is_a_sum_only_where_all_is_priced_in_one_currency() {
        let euro = |product, amount| item(product, 2, Some((amount, "EUR")));
        let value = |items: &[Item]| cart(items).value().map(|value| value.amount_minor);
        assert_eq!(value(&[euro("a", 500), euro("b", 250)]), Some(1_500));
        assert_eq!(value(&[euro("a", 500), item("b", 1, Some((1, "USD")))]), None);
        assert_eq!(value(&[euro("a", 500), item("b", 1, None)]), None);
        assert_eq!(value(&[euro("a", i64::MAX)]), None);
        assert_eq!(value(&[]), None);
        let mut with_unknown = cart(&[euro("a", 500)]);
        with_unknown.add(None, &Rules::default());
        assert_eq!(with_unknown.value(), None);
    }

    #[test]
    fn products_beyond_the_bound_are_only_counted() {
        let rules = Rules { max_items: 2, ..Rules::default() };
        let mut contents = OpenCart::default();
        for product in ["a", "b", "c"] {
            contents.add(Some(&item(product, 2, None)), &rules);
        }
        assert_eq!((products(&contents), contents.other_quantity), (vec![("b", 2), ("c", 2)], 2));
        contents.remove(Some(&item("a", 2, None)), &rules);
        assert_eq!(contents.quantity(), 4);
    }

    #[test]
    fn a_removal_without_a_variant_takes_the_product() {
        let rules = Rules::default();
        let mut contents = cart(&[Item { variant: Some("blue"), ..item("a", 2, None) }]);
        contents.remove(Some(&item("a", 1, None)), &rules);
        assert_eq!(contents.quantity(), 1);
        contents.remove(Some(&item("unheard of", 1, None)), &rules);
        assert_eq!(contents.quantity(), 1);
        contents.remove(None, &rules);
        assert_eq!(contents.quantity(), 0);
    }

    #[test]
    fn a_snapshot_of_what_is_known_agrees_whatever_its_order_and_details() {
        let contents = cart(&[item("a", 1, None), item("b", 2, None)]);
        assert!(contents.agrees_with(&cart(&[item("b", 2, Some((1, "EUR"))), item("a", 1, None)])));
        assert!(!contents.agrees_with(&cart(&[item("b", 1, None), item("a", 2, None)])));
        assert!(!contents.agrees_with(&cart(&[item("b", 2, None)])));
        assert!(!contents.agrees_with(&cart(&[item("b", 2, None), item("c", 1, None)])));
    }

    #[test]
    fn a_snapshot_may_name_what_was_only_counted() {
        let mut contents = cart(&[item("a", 1, None)]);
        contents.add(None, &Rules::default());
        assert!(contents.agrees_with(&cart(&[item("a", 1, None), item("b", 1, None)])));
        assert!(!contents.agrees_with(&cart(&[item("b", 1, None), item("c", 1, None)])));
    }

    #[test]
    fn a_cart_beyond_the_bound_agrees_with_its_own_snapshot() {
        let rules = Rules { max_items: 2, ..Rules::default() };
        let items: Vec<Item> = ["a", "b", "c", "d"].map(|product| item(product, 1, None)).to_vec();
        let (forward, backward) = (OpenCart::of_snapshot(&items, &rules), {
            let reversed: Vec<Item> = items.iter().rev().cloned().collect();
            OpenCart::of_snapshot(&reversed, &rules)
        });
        assert!(forward.agrees_with(&forward) && forward.agrees_with(&backward));
    }
}
