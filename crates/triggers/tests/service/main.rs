//! The triggers service from outside: events in, records on action topics out.

mod audit;
mod care;
mod churn;
mod duplicates;
mod examples;
mod gates;
mod intent;
mod lifecycle;
mod log;
mod occasions;
mod otto;
mod silence;
