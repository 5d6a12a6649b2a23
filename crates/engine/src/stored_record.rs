//! How a customer record lies in the store: the position it was written at (I4), then the service's own bytes.

use bytes::Bytes;

use crate::ports::Offset;

const STAMP_BYTES: usize = size_of::<Offset>();

/// Puts the stamp before the record.
pub fn stamp(position: Offset, record: &[u8]) -> Bytes {
    let mut stamped = Vec::with_capacity(STAMP_BYTES + record.len());
    stamped.extend_from_slice(&position.to_be_bytes());
    stamped.extend_from_slice(record);
    stamped.into()
}

/// Takes the stamp off; `None` if there is none.
pub fn unstamp(stored: &[u8]) -> Option<(Offset, &[u8])> {
    let (stamp, record) = stored.split_first_chunk::<STAMP_BYTES>()?;
    Some((Offset::from_be_bytes(*stamp), record))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_comes_off_as_it_went_on() {
        assert_eq!(unstamp(&stamp(77, b"record")), Some((77, b"record".as_slice())));
        assert_eq!(unstamp(b"short"), None);
    }
}
