//! The triggers service from outside: events in, records on action topics out.

mod audit;
mod duplicates;
mod examples;
mod lifecycle;
mod log;
mod otto;
