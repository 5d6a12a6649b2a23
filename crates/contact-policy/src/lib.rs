//! The gates: what has to hold before a customer is contacted, in one order for all triggers; and what came of it.
//!
//! Pure: a [`Request`], what is known of the customer and whom the [`History`] shows as contacted come in, a
//! [`Judgement`] comes out, with a verdict and its evidence for each gate that was asked. The first gate that stops a
//! request ends the asking. Who passes every gate, and who is held out at the seventh, is remembered as a contact: it
//! uses up cooldowns and caps, and orders within the attribution window become its [`Outcome`].

pub mod clock_time;
pub mod gates;
pub mod history;
pub mod judgement;
pub mod outcome;
pub mod request;
pub mod settings;

pub use clock_time::ClockTime;
pub use history::{Contact, History};
pub use judgement::{Evidence, Experiment, Judgement, Verdict, judge};
pub use outcome::{Conversion, Outcome};
pub use request::{Group, Request};
pub use settings::{
    Attribution, CapWindow, ConsentDefault, Cooldown, FrequencyCap, FurtherSteps, Gate, Holdout,
    InvalidPolicy, QuietHours, Settings,
};
