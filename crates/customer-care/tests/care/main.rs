//! What customer care means, told as small stories, and held against a computation of its own.
#![allow(clippy::unwrap_used, reason = "a test may stop")]

mod frustration;
mod history;
mod late;
mod naive;
mod orders;
mod stored;
mod story;
mod surveys;
