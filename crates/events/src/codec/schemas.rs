//! The schemas that the binary carries, so that no registry is needed to read or write.
//!
//! The files under `schemas/` are the truth; they are compiled in. An id or GUID stays with its schema for ever: a
//! changed schema gets new ones and joins the table, so that an older log stays readable.

use std::sync::LazyLock;

use serde_avro_fast::Schema;

/// A schema that the binary carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltInSchema {
    /// A customer's event in `customer-events`.
    Event,
    /// A tick, in `customer-events` and in `anonymous-events`.
    Tick,
    /// A visitor's event in `anonymous-events`.
    AnonymousEvent,
    /// A raw record of `clickstream` in the native vocabulary.
    Clickstream,
    /// A raw record of `purchase` in the native vocabulary.
    Purchase,
    /// A raw record of `support` in the native vocabulary.
    Support,
    /// A raw record of `profile` in the native vocabulary.
    Profile,
    /// A raw record of `engagement` in the native vocabulary.
    Engagement,
}

static PARSED: LazyLock<[Schema; BuiltInSchema::ALL.len()]> = LazyLock::new(|| {
    BuiltInSchema::ALL
        .map(|schema| schema.text().parse().expect("the built-in schemas parse; a test reads each"))
});

impl BuiltInSchema {
    /// Every built-in schema.
    pub const ALL: [Self; 8] = [
        Self::Event,
        Self::Tick,
        Self::AnonymousEvent,
        Self::Clickstream,
        Self::Purchase,
        Self::Support,
        Self::Profile,
        Self::Engagement,
    ];

    /// The id in the prefix `00`, id. `RK` leads it, far above the small numbers that a registry hands out, so that
    /// a record written against somebody's registry is never taken for one of these.
    pub const fn id(self) -> u32 {
        0x524b_0000 | (self as u32 + 1)
    }

    /// The GUID in the header `__value_schema_id`: the UUIDv5 of `rekindle:<path below the repository's root>/1`,
    /// where the path goes without its extension, in the namespace of URLs.
    pub const fn guid(self) -> [u8; 16] {
        let guid: u128 = match self {
            Self::Event => 0xf5be_7425_79df_5760_9282_0a2d_a02e_ffb0,
            Self::Tick => 0x0a7d_748b_59b7_5d10_83f5_3e56_65c3_bdda,
            Self::AnonymousEvent => 0xb7e8_0701_2601_587b_ab48_e429_a8b2_e769,
            Self::Clickstream => 0x0fa5_ebb9_dcac_5d5e_89bc_c975_21d1_c6ea,
            Self::Purchase => 0x3c4e_7a8a_56bc_561a_920f_0637_5926_e825,
            Self::Support => 0x215f_4be0_ddea_5b38_be43_4163_dd6f_50ad,
            Self::Profile => 0xd951_5511_2bd6_5a98_a237_664e_56af_570c,
            Self::Engagement => 0x9d4b_e1c8_70a1_5143_8d4e_77ff_68c0_787d,
        };
        guid.to_be_bytes()
    }

    /// The schema as it is published.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Event => include_str!("../../../../schemas/customer-events/event.avsc"),
            Self::Tick => include_str!("../../../../schemas/customer-events/tick.avsc"),
            Self::AnonymousEvent => include_str!("../../../../schemas/anonymous-events/event.avsc"),
            Self::Clickstream => include_str!("../../../../schemas/clickstream/clickstream.avsc"),
            Self::Purchase => include_str!("../../../../schemas/purchase/purchase.avsc"),
            Self::Support => include_str!("../../../../schemas/support/support.avsc"),
            Self::Profile => include_str!("../../../../schemas/profile/profile.avsc"),
            Self::Engagement => include_str!("../../../../schemas/engagement/engagement.avsc"),
        }
    }

    /// Whether it describes a raw record, not one that this program writes.
    pub const fn is_raw(self) -> bool {
        matches!(self, Self::Clickstream | Self::Purchase | Self::Support | Self::Profile | Self::Engagement)
    }

    /// The schema with this id.
    pub fn from_id(id: u32) -> Option<Self> {
        let place = id.checked_sub(Self::ALL[0].id())?;
        Self::ALL.get(place as usize).copied()
    }

    /// The schema with this GUID.
    pub fn from_guid(guid: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|schema| schema.guid() == guid)
    }

    /// Whether records of the schema `text` have the same bytes: the two have one canonical form, whatever they say of
    /// documentation and defaults.
    pub fn has_layout_of(self, text: &str) -> bool {
        let other = text.parse::<Schema>();
        other.is_ok_and(|other| other.rabin_fingerprint() == self.parsed().rabin_fingerprint())
    }

    pub(crate) fn parsed(self) -> &'static Schema {
        &PARSED[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_found_by_its_id_and_its_guid() {
        for (place, schema) in BuiltInSchema::ALL.into_iter().enumerate() {
            assert_eq!(schema as usize, place);
            assert_eq!(BuiltInSchema::from_id(schema.id()), Some(schema));
            assert_eq!(BuiltInSchema::from_guid(&schema.guid()), Some(schema));
        }
        assert_eq!(BuiltInSchema::from_id(1), None);
        assert_eq!(BuiltInSchema::from_guid(&[0; 15]), None);
    }
}
