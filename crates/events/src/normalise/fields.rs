//! Reads single fields of a native record under the limits: ids, texts, quantities, amounts.

use std::borrow::Cow;

use smol_str::SmolStr;

use super::money::{currency_code, minor_unit_digits, to_minor_units};
use super::native::Scalar;
use super::refusal::{Refusal, RefusalReason};
use super::settings::NormaliserSettings;
use super::{Notes, junk, money};
use crate::Money;

/// An optional value, or the reason to refuse the record.
pub(super) type Maybe<T> = Result<Option<T>, Refusal>;

/// Reads the fields of one record, and notes what had to be done to them.
pub(super) struct FieldReader<'n> {
    pub(super) settings: &'n NormaliserSettings,
    pub(super) notes: Notes,
    /// The record's currency.
    currency: Option<SmolStr>,
}

/// An amount as it came: minor units, else decimal text.
#[derive(Clone, Copy)]
pub(super) struct RawAmount<'r, 'a> {
    pub(super) field: &'static str,
    pub(super) minor: &'r Option<Scalar<'a>>,
    pub(super) decimal: &'r Option<Scalar<'a>>,
}

impl<'n> FieldReader<'n> {
    pub(super) fn new(
        settings: &'n NormaliserSettings,
        record_currency: &Option<Scalar<'_>>,
    ) -> Result<Self, Refusal> {
        let mut reader = Self { settings, notes: Notes::default(), currency: None };
        reader.currency = reader.currency(record_currency)?.or_else(|| settings.default_currency.clone());
        Ok(reader)
    }

    /// An id of a person: junk is none, and the prefix goes before it.
    pub(super) fn person_id(&self, field: &str, value: &Option<Scalar<'_>>) -> Maybe<SmolStr> {
        let Some(text) = id_text(field, value)? else { return Ok(None) };
        let text = trimmed(&text);
        if junk::is_nobody(text) {
            return Ok(None);
        }
        match &self.settings.id_prefix {
            Some(prefix) => self.short_id(field, &format!("{prefix}{text}")).map(Some),
            None if junk::is_junk_number(text) => Ok(None),
            None => self.short_id(field, text).map(Some),
        }
    }

    /// Any other id or word: `null` is none, though `0` may well name a cart or a step.
    pub(super) fn id(&self, field: &str, value: &Option<Scalar<'_>>) -> Maybe<SmolStr> {
        let Some(text) = id_text(field, value)? else { return Ok(None) };
        let text = trimmed(&text);
        if junk::is_nothing(text) {
            return Ok(None);
        }
        self.short_id(field, text).map(Some)
    }

    pub(super) fn required_id(&self, field: &str, value: &Option<Scalar<'_>>) -> Result<SmolStr, Refusal> {
        self.id(field, value)?.ok_or_else(|| Refusal::missing(field))
    }

    /// A descriptive text, cut to the limit at the end of a character.
    pub(super) fn text(&mut self, field: &str, value: &Option<Scalar<'_>>) -> Maybe<SmolStr> {
        let Some(text) = id_text(field, value)? else { return Ok(None) };
        let text = trimmed(&text);
        if text.is_empty() {
            return Ok(None);
        }
        let limit = self.settings.limits.text_bytes;
        if text.len() <= limit {
            return Ok(Some(SmolStr::new(text)));
        }
        self.notes.text_cut = true;
        let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        Ok(Some(SmolStr::new(&text[..end])))
    }

    /// A page's address. One that carries an e-mail address loses its query and fragment.
    pub(super) fn url(&mut self, field: &str, value: &Option<Scalar<'_>>) -> Maybe<SmolStr> {
        let Some(url) = self.text(field, value)? else { return Ok(None) };
        match url.bytes().position(|byte| matches!(byte, b'?' | b'#')) {
            Some(place)
                if url[place..].contains('@') || url[place..].to_ascii_lowercase().contains("%40") =>
            {
                Ok(Some(SmolStr::new(&url[..place])))
            }
            _ => Ok(Some(url)),
        }
    }

    pub(super) fn quantity(&self, field: &str, value: &Option<Scalar<'_>>) -> Result<u32, Refusal> {
        let limit = self.settings.limits.quantity;
        let refused =
            || Refusal::new(RefusalReason::BadQuantity, format!("`{field}` is not from 1 to {limit}"));
        let quantity = match value {
            None => return Ok(1),
            Some(Scalar::Whole(whole)) => *whole,
            Some(Scalar::Text(text)) => whole_number(text).ok_or_else(refused)?,
            Some(_) => return Err(Refusal::wrong_type(field, "a whole number")),
        };
        u32::try_from(quantity).ok().filter(|quantity| (1..=limit).contains(quantity)).ok_or_else(refused)
    }

    pub(super) fn whole(&self, field: &str, value: &Option<Scalar<'_>>) -> Maybe<i64> {
        match value {
            None => Ok(None),
            Some(Scalar::Whole(whole)) => Ok(Some(*whole)),
            Some(Scalar::Text(text)) if text.trim().is_empty() => Ok(None),
            Some(Scalar::Text(text)) => {
                whole_number(text).map(Some).ok_or_else(|| Refusal::wrong_type(field, "a whole number"))
            }
            Some(_) => Err(Refusal::wrong_type(field, "a whole number")),
        }
    }

    /// An amount in the record's currency.
    pub(super) fn amount(&mut self, raw: RawAmount<'_, '_>) -> Maybe<Money> {
        self.amount_in(raw, self.currency.clone())
    }

    /// An amount in a currency of its own, else in the record's.
    pub(super) fn amount_in(&mut self, raw: RawAmount<'_, '_>, currency: Option<SmolStr>) -> Maybe<Money> {
        let refused = || {
            let detail = format!("`{}` is negative, too large, or no decimal number", raw.field);
            Refusal::new(RefusalReason::BadAmount, detail)
        };
        let minor = self.whole(raw.field, raw.minor)?;
        let decimal = match minor {
            Some(_) => None,
            None => id_text(raw.field, raw.decimal)?.filter(|text| !text.trim().is_empty()),
        };
        if minor.is_none() && decimal.is_none() {
            return Ok(None);
        }
        let currency = currency.or_else(|| self.currency.clone());
        let digits = currency.as_deref().map_or(2, minor_unit_digits);
        let amount_minor = match (minor, decimal) {
            (Some(minor), _) => Some(minor).filter(|minor| (0..=money::MAX_AMOUNT_MINOR).contains(minor)),
            (None, Some(decimal)) => to_minor_units(&decimal, digits),
            (None, None) => None,
        };
        let amount_minor = amount_minor.ok_or_else(refused)?;
        if currency.is_none() {
            self.notes.amount_dropped = true;
        }
        Ok(currency.map(|currency| Money { amount_minor, currency }))
    }

    pub(super) fn currency(&self, value: &Option<Scalar<'_>>) -> Maybe<SmolStr> {
        let Some(text) = id_text("currency", value)?.filter(|text| !text.trim().is_empty()) else {
            return Ok(None);
        };
        let refused = || Refusal::new(RefusalReason::BadCurrency, "`currency` is not three letters");
        currency_code(&text).map(Some).ok_or_else(refused)
    }

    pub(super) fn flag(&self, field: &str, value: &Option<Scalar<'_>>) -> Maybe<bool> {
        match value {
            None => Ok(None),
            Some(Scalar::Flag(flag)) => Ok(Some(*flag)),
            Some(Scalar::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Scalar::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::wrong_type(field, "true or false")),
        }
    }

    fn short_id(&self, field: &str, id: &str) -> Result<SmolStr, Refusal> {
        let limit = self.settings.limits.id_bytes;
        if id.len() > limit {
            let detail = format!("`{field}` has {} bytes; at most {limit} are allowed", id.len());
            return Err(Refusal::new(RefusalReason::IdTooLong, detail));
        }
        Ok(SmolStr::new(id))
    }
}

/// A text or whole number, as text; anything else refuses the record.
fn id_text<'v>(field: &str, value: &'v Option<Scalar<'_>>) -> Maybe<Cow<'v, str>> {
    match value {
        None => Ok(None),
        Some(value) => {
            value.to_text().map(Some).ok_or_else(|| Refusal::wrong_type(field, "a text or a whole number"))
        }
    }
}

/// As [`str::trim`], and quick where there is nothing to trim.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// A whole number written as one, or as `2.0`.
fn whole_number(text: &str) -> Option<i64> {
    let text = trimmed(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().any(|byte| byte != b'0') {
        return None;
    }
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(settings: &NormaliserSettings) -> FieldReader<'_> {
        FieldReader::new(settings, &None).unwrap()
    }

    #[test]
    fn a_prefix_makes_numbers_ids_but_never_words() {
        let plain = NormaliserSettings::default();
        let prefixed = NormaliserSettings { id_prefix: Some("otto-".into()), ..plain.clone() };
        let id =
            |settings, value: &str| reader(settings).person_id("customer_id", &Some(Scalar::from(value)));
        assert_eq!(id(&plain, "0"), Ok(None));
        assert_eq!(id(&prefixed, "0"), Ok(Some("otto-0".into())));
        assert_eq!(id(&prefixed, "null"), Ok(None));
        assert_eq!(id(&plain, " 17 "), Ok(Some("17".into())));
    }

    #[test]
    fn long_texts_are_cut_at_a_character_and_long_ids_refused() {
        let settings = NormaliserSettings::default();
        let mut reader = reader(&settings);
        let long = Some(Scalar::from("ä".repeat(600) + "x"));
        assert_eq!(reader.text("title", &long).unwrap().map(|text| text.len()), Some(1_024));
        assert!(reader.notes.text_cut);
        assert_eq!(reader.id("cart_id", &long).unwrap_err().reason, RefusalReason::IdTooLong);
    }

    #[test]
    fn an_address_with_an_e_mail_in_its_query_loses_the_query() {
        let settings = NormaliserSettings::default();
        let url = |text: &str| reader(&settings).url("url", &Some(Scalar::from(text))).unwrap().unwrap();
        assert_eq!(url("https://shop.example/a?mail=x%40y.example"), "https://shop.example/a");
        assert_eq!(url("https://shop.example/a?page=2"), "https://shop.example/a?page=2");
        assert_eq!(url("https://shop.example/@brand"), "https://shop.example/@brand");
    }

    #[test]
    fn quantities_are_whole_positive_and_sane() {
        let settings = NormaliserSettings::default();
        let quantity = |text: &str| reader(&settings).quantity("quantity", &Some(Scalar::from(text)));
        assert_eq!(quantity("2"), Ok(2));
        assert_eq!(quantity("2.0"), Ok(2));
        for text in ["0", "-1", "2.5", "1000001", "many", ""] {
            assert_eq!(quantity(text).unwrap_err().reason, RefusalReason::BadQuantity, "{text}");
        }
        let wrong = reader(&settings).quantity("quantity", &Some(Scalar::Other));
        assert_eq!(wrong.unwrap_err().reason, RefusalReason::WrongType);
    }
}
