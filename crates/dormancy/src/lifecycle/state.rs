//! What is remembered of a customer's lifecycle: one protocol buffer message, kept in the customer's record.
//!
//! Tags are never reused, and there is no map in it. Its size is bounded by three orders, [`MAX_PRODUCTS`] products and
//! the buckets of [`Spend`](super::Spend): a few hundred bytes for most, under 8 kB whatever a source sends.

use super::value::ValueState;
use super::wait::Wait;
use super::yearly::YearlyState;

/// Products that are remembered; the one bought least recently makes room.
pub const MAX_PRODUCTS: usize = 16;

/// Everything remembered for the lifecycle. Times are milliseconds of event time.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct LifecycleState {
    /// Since the last order.
    #[prost(message, optional, tag = "1")]
    pub winback: Option<Wait>,
    /// The first order, until it was welcomed.
    #[prost(message, optional, tag = "2")]
    pub welcome: Option<Wait>,
    /// Since the first order, until the second.
    #[prost(message, optional, tag = "3")]
    pub second_order: Option<Wait>,
    /// The products bought last, the latest at the end.
    #[prost(message, repeated, tag = "4")]
    pub products: Vec<Product>,
    /// What the customer spends.
    #[prost(message, optional, tag = "5")]
    pub value: Option<ValueState>,
    /// The next birthday.
    #[prost(message, optional, tag = "6")]
    pub birthday: Option<YearlyState>,
    /// The next day of the first order.
    #[prost(message, optional, tag = "7")]
    pub anniversary: Option<YearlyState>,
}

/// A product that was bought.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Product {
    /// The shop's id of it.
    #[prost(string, tag = "1")]
    pub product_id: String,
    /// How many orders it was in.
    #[prost(uint32, tag = "2")]
    pub orders: u32,
    /// When the first of them was placed.
    #[prost(sint64, tag = "3")]
    pub first_ms: i64,
    /// Since the last of them.
    #[prost(message, required, tag = "4")]
    pub wait: Wait,
}
