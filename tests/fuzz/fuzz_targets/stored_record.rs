//! A customer record as the state store holds it: what can be read is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use triggers::Record;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = Record::read(bytes) {
        let _ = record.next_due();
        assert_eq!(Record::read(&record.write()), Ok(record));
    }
});
