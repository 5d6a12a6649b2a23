//! `customer-events` and `anonymous-events`: whatever the bytes are, the three readers agree, and what is read can be
//! written and read again.

#![no_main]

use events::codec::{self, AnonymousEntry, Peeked};
use events::{LogEntry, Viewed};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let decoded = codec::decode(bytes);
    let viewed = codec::view_event(bytes);
    match &decoded {
        Ok(LogEntry::Event(event)) => {
            assert_eq!(viewed.as_ref(), Ok(&event.view()));
            let Ok(Peeked::Event(head)) = codec::peek(bytes) else { panic!("decoded, and not to be peeked at") };
            assert_eq!(head.event_id(bytes), event.event_id.as_str().as_bytes());
            assert_eq!(head.customer_id(bytes), event.customer_id.as_str());
            assert_eq!((head.occurred_at, head.rank), (event.occurred_at, event.body.rank()));
            assert_eq!(codec::decode(&codec::encode_event(event.as_ref())).as_ref(), Ok(&LogEntry::Event(event.clone())));
        }
        Ok(LogEntry::Tick(tick)) => {
            assert!(viewed.is_err());
            assert_eq!(codec::decode(&codec::encode_tick(tick)).as_ref(), Ok(&LogEntry::Tick(tick.clone())));
        }
        Err(_) => assert!(viewed.is_err()),
    }
    if let Ok(AnonymousEntry::Event(event)) = codec::decode_anonymous(bytes) {
        let again = codec::decode_anonymous(&codec::encode_anonymous(&event));
        assert_eq!(again, Ok(AnonymousEntry::Event(event)));
    }
});
