//! What an operator sees of a process: its metrics, its health, its log.
//!
//! Must stay true: every metric is named once, in [`catalogue`]; label values are bounded, and never a customer; a
//! customer's id reaches a log only through [`logs::customer_hash`]. This crate knows no other crate of the workspace:
//! the services hand it plain figures.

#![allow(clippy::disallowed_methods, reason = "an adapter: heartbeats and scrapes are about real time")]

pub mod admin;
pub mod catalogue;
mod definition;
pub mod health;
mod ingest_metrics;
mod log_metrics;
pub mod logs;
mod loop_time;
mod pace;
mod partition_series;
mod process;
pub mod reference;
mod registry;
mod running_totals;
mod store_metrics;
mod task_metrics;
mod trigger_metrics;
mod watermark_holders;

pub use admin::AdminServer;
pub use definition::{Kind, Label, Metric, Section};
pub use health::{Component, Health};
pub use ingest_metrics::{IngestMetrics, IngestTotals, RawPartition};
pub use log_metrics::LogMetrics;
pub use loop_time::{LoopTime, Phase};
pub use pace::Pace;
pub use registry::Registry;
pub use store_metrics::{RoundTripMetrics, StoreMetrics, StoreTotals};
pub use task_metrics::{TaskMetrics, TaskPartition, TaskTotals};
pub use trigger_metrics::TriggerMetrics;
