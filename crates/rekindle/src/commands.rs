//! The commands, one module each: from arguments and configuration to an exit.

pub mod check;
pub mod generate;
pub mod replay;
