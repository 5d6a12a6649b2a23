//! What the lifecycle triggers mean, told as small stories, and held against a computation of its own.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod bounds;
mod days;
mod naive;
mod orders;
mod replenishment;
mod story;
mod value;
