//! Avro's binary encoding of the canonical types, written out: the schemas of what this program writes are its own
//! and fixed, so nothing has to be looked up by name on the way.
//!
//! The order of the fields is the order of the schema. `tests/own_avro.rs` holds every byte against an encoder and a
//! decoder that do follow the schema. Reading is safe on any bytes: a length is believed only as far as there are
//! bytes behind it.

use ascii::AsciiStr;
use smol_str::SmolStr;

use super::CodecError;
use crate::EventTime;

/// Why bytes are no value of their type. Small, because every field that is read may return one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// They end too early.
    Truncated,
    /// A varint of more than 64 bits.
    LongNumber,
    /// A number beyond the range of its field.
    NumberRange,
    /// A text of a negative length.
    NegativeLength,
    /// A text that is not UTF-8.
    NotUtf8,
    /// The index of no branch of a union.
    NoSuchBranch,
    /// A truth value that is neither.
    NoTruthValue,
}

impl From<Fault> for CodecError {
    fn from(fault: Fault) -> Self {
        Self::malformed(match fault {
            Fault::Truncated => return Self::Truncated,
            Fault::LongNumber => "a number is too long",
            Fault::NumberRange => "a number is out of range",
            Fault::NegativeLength => "a negative length",
            Fault::NotUtf8 => "a text is not UTF-8",
            Fault::NoSuchBranch => "the index of a union is out of range",
            Fault::NoTruthValue => "a truth value is neither 0 nor 1",
        })
    }
}

/// A value in Avro's binary encoding. It may borrow from the record `'r` that it is read out of.
pub trait Wire<'r>: Sized {
    /// Appends the value.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes a value off the front of `rest`.
    fn read(rest: &mut &'r [u8]) -> Result<Self, Fault>;
}

/// A record is its fields in order.
macro_rules! wire_record {
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl<'r, T: $crate::codec::Wire<'r>> $crate::codec::Wire<'r> for $name<T> {
            fn write(&self, out: &mut Vec<u8>) {
                $($crate::codec::Wire::write(&self.$field, out);)*
            }

            fn read(rest: &mut &'r [u8]) -> Result<Self, $crate::codec::Fault> {
                Ok(Self { $($field: $crate::codec::Wire::read(rest)?,)* })
            }
        }

        impl $crate::view::Viewed for $name {
            type View<'a> = $name<&'a str>;

            fn view(&self) -> $name<&str> {
                $name { $($field: $crate::view::Viewed::view(&self.$field),)* }
            }
        }
    };
}

pub(crate) use wire_record;

/// Takes a text off the front of `rest`.
pub(crate) fn take_text<'a>(rest: &mut &'a [u8]) -> Result<&'a str, Fault> {
    to_text(take_bytes(rest)?).ok_or(Fault::NotUtf8)
}

/// The text that these bytes are, if they are UTF-8. Nearly all texts are ASCII, which is told in a third of the time.
#[inline]
pub(crate) fn to_text(bytes: &[u8]) -> Option<&str> {
    match AsciiStr::from_ascii(bytes) {
        Ok(text) => Some(text.as_str()),
        Err(_) => std::str::from_utf8(bytes).ok(),
    }
}

/// Takes the bytes of a text off the front of `rest`.
pub(crate) fn take_bytes<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let length = take_long(rest)?;
    if length < 0 {
        return Err(Fault::NegativeLength);
    }
    let length = usize::try_from(length).map_err(|_| Fault::Truncated)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Fault::Truncated)?;
    *rest = after;
    Ok(text)
}

/// The most bytes that a long takes.
pub const LONGEST_LONG: usize = 10;

/// Takes a long off the front of `rest`. Avro's is zigzag, 7 bits a byte, least significant first; most are lengths and
/// indexes of one byte.
///
/// # Errors
/// [`Fault::Truncated`], or [`Fault::LongNumber`] if it has more than 64 bits.
#[inline]
pub fn take_long(rest: &mut &[u8]) -> Result<i64, Fault> {
    match *rest {
        [byte, after @ ..] if *byte < 0x80 => {
            *rest = after;
            Ok(unzigzag(u64::from(*byte)))
        }
        _ => take_long_of_many_bytes(rest),
    }
}

fn take_long_of_many_bytes(rest: &mut &[u8]) -> Result<i64, Fault> {
    match rest.first_chunk().and_then(|first| long_within(u64::from_le_bytes(*first))) {
        Some((value, length)) => {
            *rest = &rest[length..];
            Ok(unzigzag(value))
        }
        None => take_long_by_bytes(rest),
    }
}

/// The varint that begins in the lowest byte, and how many bytes it has, if it ends within the eight. All groups of seven
/// bits are moved together at once: pairs, then pairs of pairs, then both halves.
#[inline]
fn long_within(bytes: u64) -> Option<(u64, usize)> {
    let ends = !bytes & 0x8080_8080_8080_8080;
    // All bits up to the first end; there is none if no byte ends it.
    let of_it = (ends & ends.wrapping_neg()).checked_sub(1)?;
    let groups = bytes & of_it & 0x7f7f_7f7f_7f7f_7f7f;
    let pairs = groups & 0x007f_007f_007f_007f | (groups & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = pairs & 0x0000_3fff_0000_3fff | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    let value = fours & 0x0000_0000_0fff_ffff | (fours & 0x0fff_ffff_0000_0000) >> 4;
    Some((value, ends.trailing_zeros() as usize / 8 + 1))
}

/// Near the end of a record, and for longs of more than eight bytes.
fn take_long_by_bytes(rest: &mut &[u8]) -> Result<i64, Fault> {
    let mut value: u64 = 0;
    for (place, byte) in rest.iter().take(LONGEST_LONG).enumerate() {
        if place == 9 && *byte > 1 {
            return Err(Fault::LongNumber);
        }
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *rest = &rest[place + 1..];
            return Ok(unzigzag(value));
        }
    }
    Err(Fault::Truncated)
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Appends a long.
#[inline]
pub fn write_long(long: i64, out: &mut Vec<u8>) {
    let mut value = (long << 1 ^ long >> 63) as u64;
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a text.
fn write_text(text: &str, out: &mut Vec<u8>) {
    write_long(text.len() as i64, out);
    out.extend_from_slice(text.as_bytes());
}

impl<'r> Wire<'r> for SmolStr {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }

    fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
        take_text(rest).map(Self::new)
    }
}

impl<'r> Wire<'r> for &'r str {
    fn write(&self, out: &mut Vec<u8>) {
        write_text(self, out);
    }

    fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
        take_text(rest)
    }
}

impl<'r> Wire<'r> for EventTime {
    fn write(&self, out: &mut Vec<u8>) {
        write_long(self.as_millis(), out);
    }

    fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
        take_long(rest).map(Self::from_millis)
    }
}

impl<'r> Wire<'r> for bool {
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
        let (byte, after) = rest.split_first().ok_or(Fault::Truncated)?;
        *rest = after;
        match byte {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Fault::NoTruthValue),
        }
    }
}

macro_rules! wire_number {
    ($($number:ty)*) => {
        $(impl<'r> Wire<'r> for $number {
            fn write(&self, out: &mut Vec<u8>) {
                write_long(i64::from(*self), out);
            }

            fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
                Self::try_from(take_long(rest)?).map_err(|_| Fault::NumberRange)
            }
        })*
    };
}

wire_number! { i64 i32 u32 }

/// The union of null and `T`.
impl<'r, T: Wire<'r>> Wire<'r> for Option<T> {
    fn write(&self, out: &mut Vec<u8>) {
        write_long(i64::from(self.is_some()), out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
        match take_long(rest)? {
            0 => Ok(None),
            1 => T::read(rest).map(Some),
            _ => Err(Fault::NoSuchBranch),
        }
    }
}

/// What is set aside for the elements of an array at once. More than that grows as they are really there.
const LINES_AT_ONCE: usize = 16;

/// An array of records, of which none is empty: it is written as one block, and read as any number of them.
impl<'r, T: Wire<'r>> Wire<'r> for Vec<T> {
    fn write(&self, out: &mut Vec<u8>) {
        if !self.is_empty() {
            write_long(self.len() as i64, out);
            self.iter().for_each(|element| element.write(out));
        }
        out.push(0);
    }

    fn read(rest: &mut &'r [u8]) -> Result<Self, Fault> {
        let mut elements = Self::new();
        loop {
            let count = take_long(rest)?;
            if count == 0 {
                return Ok(elements);
            }
            if count < 0 {
                // The length of the block in bytes, for those who skip it.
                take_long(rest)?;
            }
            let count = count.unsigned_abs();
            elements.reserve(usize::try_from(count).map_or(LINES_AT_ONCE, |count| count.min(LINES_AT_ONCE)));
            for _ in 0..count {
                elements.push(T::read(rest)?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longs_are_zigzag() {
        for (bytes, expected) in
            [(&[0_u8][..], 0), (&[1], -1), (&[2], 1), (&[0x80, 1], 64), (&[0xff, 1], -128)]
        {
            assert_eq!(take_long(&mut &*bytes), Ok(expected));
        }
        let least = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(take_long(&mut &least[..]), Ok(i64::MIN));
        assert_eq!(take_long(&mut &[0x80][..]), Err(Fault::Truncated));
        assert_eq!(take_long(&mut &[0x80; 11][..]), Err(Fault::LongNumber));
        let over = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2];
        assert_eq!(take_long(&mut &over[..]), Err(Fault::LongNumber));
    }

    #[test]
    fn longs_are_read_as_they_were_written() {
        for bits in 0..64 {
            for long in [1_i64 << bits, -(1_i64 << bits.min(62)), (1_i64 << bits).wrapping_sub(1)] {
                let mut out = Vec::new();
                write_long(long, &mut out);
                let length = out.len();
                // At the end of a record, and before more of it, whatever that is.
                for after in [&[][..], &[0; 8], &[0xff; 8]] {
                    out.truncate(length);
                    out.extend_from_slice(after);
                    let mut rest = &out[..];
                    assert_eq!((take_long(&mut rest), rest), (Ok(long), after));
                }
            }
        }
    }

    #[test]
    fn an_array_comes_in_blocks_with_and_without_their_size() {
        let two = [&[2][..], &[2, b'a'], &[1, 4], &[2, b'b'], &[0]].concat();
        let mut rest = &two[..];
        assert_eq!(Vec::<SmolStr>::read(&mut rest), Ok(vec!["a".into(), "b".into()]));
        assert!(rest.is_empty());
        let bomb = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, b'a'];
        assert_eq!(Vec::<SmolStr>::read(&mut &bomb[..]), Err(Fault::Truncated));
        let negative_bomb = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 2, b'a'];
        assert_eq!(Vec::<SmolStr>::read(&mut &negative_bomb[..]), Err(Fault::Truncated));
    }
}
