//! Churn risk: models of who still buys, fitted to purchases and judged out of time.
//!
//! A customer's purchases are reduced to a [`PurchaseHistory`]; a [`PurchaseModel`] (BG/NBD or MBG/NBD) says from it
//! how likely the customer is to be active still, how many orders to expect, and when the probability will fall below
//! a threshold if nothing comes; [`GammaGamma`] says what an order is worth. [`merit`] measures how well
//! probabilities agreed with what happened, and a [`Model`] is what `rekindle fit` writes and a service reads.
//! A [`Scorer`] adds up what the model says and what it does not see, by weights that [`training`] estimates, and a [`WatchState`] notices, by a computed timer
//! and not by looking at everybody, when the score has risen and stays high.
//!
//! Pure, and the same to the last bit on every machine that replays: all mathematics that IEEE 754 does not round
//! exactly comes from `libm`, never from the platform. Time is in weeks, as in the papers, and in milliseconds of event
//! time where a timer is set.

mod bfgs;
pub mod crossing;
pub mod expectation;
pub mod features;
pub mod fit;
pub mod gamma_gamma;
pub mod history;
pub mod judgement;
mod likelihood;
pub mod merit;
pub mod model;
pub mod parameters;
pub mod purchase_days;
pub mod purchase_model;
mod regression;
pub mod rivals;
pub mod sample;
pub mod score;
mod special;
pub mod spending;
pub mod standing;
pub mod state;
pub mod training;
pub mod trend;
pub mod watch;
pub mod weights;

pub use features::Features;
pub use fit::{FitError, Fitted};
pub use gamma_gamma::{GammaGamma, Spend};
pub use history::{InvalidHistory, PurchaseHistory};
pub use judgement::{Merit, Subject, judge};
pub use model::Model;
pub use parameters::{Parameters, UnfitParameter};
pub use purchase_days::PurchaseDays;
pub use purchase_model::{PurchaseModel, Variant};
pub use rivals::Figures;
pub use sample::Sample;
pub use score::{Reason, Score, Scorer, Signals};
pub use spending::{HighValue, TypicalSpend};
pub use state::{ChurnState, Settings};
pub use training::Case;
pub use trend::Activity;
pub use watch::{Candidate, InvalidRule, Rules, WatchState};
pub use weights::{UnfitWeight, Weights};
