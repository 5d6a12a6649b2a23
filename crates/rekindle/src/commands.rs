//! The commands, one module each: from arguments and configuration to an exit.

pub mod backfill;
pub mod backtest;
pub mod bench;
pub mod check;
pub mod dlq;
pub mod doctor;
pub mod explain;
pub mod fit;
pub mod generate;
pub mod replay;
pub mod report;
pub mod snapshot;
pub mod sources;
mod table;
pub mod top;
pub mod topics;
