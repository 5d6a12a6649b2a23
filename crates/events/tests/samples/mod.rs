//! Records of a usual size, for measurements.

/// A native record of about 430 bytes.
pub const NATIVE: &str = r#"{"type":"cart_item_added","event_id":"9d2f6a10-4c1e-4b7a-9a55-000000000006","customer_id":"c-1042","occurred_at":"2026-03-02T10:15:00.250Z","anonymous_id":"507f191e810c19729de860ea","session_id":"s-311","channel":"web","url":"https://shop.example/p/17","cart_id":"k-9","currency":"EUR","item":{"product_id":"p-17","quantity":3,"unit_price_minor":549,"name":"Tea, 250 g","category":"Kitchen","variant":"loose leaf"}}"#;

/// The same as a call of Segment's.
pub const CALL: &str = r#"{"type":"track","messageId":"ajs-9d2f6a10-4c1e-4b7a","userId":"c-1042","anonymousId":"507f191e810c19729de860ea","timestamp":"2026-03-02T10:15:00.250Z","receivedAt":"2026-03-02T10:15:01.000Z","event":"Product Added","properties":{"cart_id":"k-9","product_id":"p-17","name":"Tea, 250 g","category":"Kitchen","price":5.49,"quantity":3,"currency":"EUR"},"context":{"page":{"url":"https://shop.example/p/17"}}}"#;
