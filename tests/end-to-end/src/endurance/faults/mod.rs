//! The faults, each of which says how many processes at work it hit, and when it was over.

mod broker;
mod group;
mod lines;
mod processes;
mod state;
