//! Amounts, from decimal text to minor units, exactly: no float is ever involved.

use smol_str::SmolStr;

/// The largest amount that is believed, in minor units: sums over a customer's whole life stay within 64 bits.
pub const MAX_AMOUNT_MINOR: i64 = 1_000_000_000_000_000;

/// The code in upper case, if it is three letters.
pub(super) fn currency_code(text: &str) -> Option<SmolStr> {
    let code = text.trim();
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    Some(SmolStr::from_iter(code.bytes().map(|byte| char::from(byte.to_ascii_uppercase()))))
}

/// How many decimal places the currency's minor unit has (ISO 4217, list one); 2 for what is not listed.
pub fn minor_unit_digits(currency: &str) -> u32 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// `decimal` times ten to the power of `digits`, rounded half away from zero.
///
/// `None` for what is negative, larger than [`MAX_AMOUNT_MINOR`], or no decimal number (`-0.00` is zero).
pub(super) fn to_minor_units(decimal: &str, digits: u32) -> Option<i64> {
    let text = decimal.trim();
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let count = whole.len() + fraction.len();
    if count == 0 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let kept = i64::try_from(whole.len()).ok()? + exponent + i64::from(digits);
    let amount = round_digits(whole.bytes().chain(fraction.bytes()), kept, i64::try_from(count).ok()?)?;
    if negative && amount != 0 { None } else { Some(amount) }
}

/// The number made of the first `kept` digits of `count`, zeros added where there are fewer, rounded by the next.
/// Half away from zero needs no digit beyond that one.
fn round_digits(digits: impl Iterator<Item = u8>, kept: i64, count: i64) -> Option<i64> {
    let mut amount: i64 = 0;
    for (place, byte) in (0_i64..).zip(digits) {
        let digit = i64::from(byte - b'0');
        if place < kept {
            amount = bounded(amount * 10 + digit)?;
        } else {
            let round_up = place == kept && digit >= 5;
            return bounded(amount + i64::from(round_up));
        }
    }
    if amount == 0 {
        return Some(0);
    }
    (count..kept).try_fold(amount, |amount, _| bounded(amount * 10))
}

fn bounded(amount: i64) -> Option<i64> {
    (amount <= MAX_AMOUNT_MINOR).then_some(amount)
}

fn parse_exponent(text: &str) -> Option<i64> {
    text.parse::<i16>().ok().map(i64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_text_becomes_minor_units_exactly() {
        for (text, digits, expected) in [
            ("19.99", 2, 1_999),
            ("0.1", 2, 10),
            (" 1999 ", 0, 1_999),
            ("1.2345", 3, 1_235),
            ("1.005", 2, 101),
            ("2.675", 2, 268),
            ("0.004999999999999999999999999999", 2, 0),
            ("0.005", 2, 1),
            ("0.5", 0, 1),
            ("0.05", 0, 0),
            ("1e2", 2, 10_000),
            ("1.5E-1", 2, 15),
            ("5e-3", 2, 1),
            ("5e-4", 2, 0),
            ("0e30000", 2, 0),
            (".5", 2, 50),
            ("7.", 2, 700),
            ("-0.00", 2, 0),
            ("10000000000000.00", 2, MAX_AMOUNT_MINOR),
        ] {
            assert_eq!(to_minor_units(text, digits), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_none() {
        for text in [
            "",
            "-",
            ".",
            "e5",
            "NaN",
            "inf",
            "1,299.00",
            "€5",
            "-0.01",
            "1.2.3",
            "--1",
            "1e",
            "1e99999",
            "1e300",
            "10000000000000.01",
            "99999999999999999999",
            "0x10",
            "१",
            "null",
        ] {
            assert_eq!(to_minor_units(text, 2), None, "{text}");
        }
    }

    #[test]
    fn currencies_are_three_letters() {
        assert_eq!(currency_code(" eur"), Some(SmolStr::new("EUR")));
        for text in ["", "EU", "EURO", "E1R", "ÄÖ", "€€€"] {
            assert_eq!(currency_code(text), None, "{text}");
        }
        assert_eq!(["JPY", "KWD", "CLF", "EUR", "XYZ"].map(minor_unit_digits), [0, 3, 4, 2, 2]);
    }
}
