//! The models against values from elsewhere, their own definition, and what must hold for any customer.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may stop, and reads its own sources"
)]

mod crossing;
mod definition;
mod determinism;
mod fits;
mod known;
mod properties;
mod shop;
