//! The triggers service: composes the trigger families over one customer record, asks the gates, and writes what
//! comes of it as CloudEvents.
//!
//! [`TriggerFold`] is a pure function of the log (I5): what it emits depends on its [`Settings`], the record, the
//! event or timer, and the [`Moment`](customer::Moment) alone.

mod cloud_event;
mod compression;
mod decision;
mod dispatch;
mod families;
pub mod fold;
pub mod ids;
pub mod kind;
mod occasion;
mod outcome;
mod payload;
pub mod record;
mod render;
mod rule;
mod selection;
pub mod settings;
pub mod standing;
pub mod structured;

pub use fold::TriggerFold;
pub use record::Record;
pub use selection::UnknownTrigger;
pub use settings::{InvalidSetting, LOGIC_VERSION, Mode, Settings};
pub use standing::{Standpoint, TriggerStanding, standings};
pub use structured::{structured, structured_text};
