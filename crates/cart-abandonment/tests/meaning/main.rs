//! What cart abandonment means: scenarios a person can read, and what holds for every history.

mod properties;
mod scenarios;
mod shop;
