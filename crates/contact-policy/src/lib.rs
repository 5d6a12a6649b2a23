//! The gates: what has to hold before a customer is contacted, in one order for all triggers.
//!
//! Pure: a [`Request`] and what is known of the customer come in, a [`Judgement`] comes out, with a verdict and its
//! evidence for each gate that was asked. The first gate that stops a request ends the asking.

pub mod judgement;
pub mod settings;

pub use judgement::{Judgement, Request, Verdict, judge};
pub use settings::{ConsentDefault, Gate, InvalidPolicy, Settings};
