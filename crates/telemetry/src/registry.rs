//! The metrics of one process, and how they are written out.
//!
//! Must stay true: a registry holds the whole catalogue from its birth, so that handles can be made from it again and
//! again, and all of them speak to the same series.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Encoder, TextEncoder};

use crate::catalogue::Families;
use crate::health::Health;
use crate::process::Usage;

/// The metrics of this process. A clone is the same registry.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    exposition: prometheus::Registry,
    families: Families,
    /// What was last exported, since a counter takes differences.
    cpu_seconds: Mutex<f64>,
}

impl Registry {
    /// The catalogue at zero, for a program of this version that starts now.
    pub fn new(version: &str) -> Self {
        let exposition = prometheus::Registry::new();
        let families =
            Families::register(&exposition).expect("the catalogue is valid and names nothing twice");
        families.build.with_label_values(&[version]).set(1.0);
        families.started_at.with_label_values::<&str>(&[]).set(unix_seconds(SystemTime::now()));
        Self(Arc::new(Inner { exposition, families, cpu_seconds: Mutex::new(0.0) }))
    }

    pub(crate) fn families(&self) -> &Families {
        &self.0.families
    }

    /// Everything in the text format of Prometheus.
    pub fn render(&self) -> String {
        self.take_in(Usage::of_this_process());
        let mut text = Vec::new();
        // Only a family without series or a failing writer is an error; gathering leaves the former out.
        if let Err(error) = TextEncoder::new().encode(&self.0.exposition.gather(), &mut text) {
            tracing::error!(%error, "metrics cannot be written");
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Shows of each service that runs whether it stalls, and of no other.
    pub fn show_health(&self, health: &Health) {
        let family = &self.families().stalled;
        family.reset();
        for (service, is_stalled) in health.stalled_services() {
            family.with_label_values(&[&service]).set(f64::from(u8::from(is_stalled)));
        }
    }

    fn take_in(&self, usage: Usage) {
        if let Some(bytes) = usage.resident_bytes {
            self.families().resident_memory.with_label_values::<&str>(&[]).set(bytes);
        }
        if let Some(seconds) = usage.cpu_seconds {
            let mut exported = self.0.cpu_seconds.lock().unwrap_or_else(PoisonError::into_inner);
            self.families().cpu.with_label_values::<&str>(&[]).inc_by((seconds - *exported).max(0.0));
            *exported = exported.max(seconds);
        }
    }
}

/// Seconds since 1970; 0 for what lies before.
pub(crate) fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_described() {
        let text = Registry::new("1.2.3").render();
        assert!(text.contains("rekindle_build_info{version=\"1.2.3\"} 1\n"), "{text}");
        assert!(text.contains("\nrekindle_process_start_timestamp_seconds 1"), "{text}");
    }

    #[test]
    fn processor_time_counts_up_to_what_the_system_reports_and_never_down() {
        let registry = Registry::new("1.2.3");
        let cpu = registry.families().cpu.with_label_values::<&str>(&[]);
        for (reported, exported) in [(2.0, 2.0), (5.0, 5.0), (4.0, 5.0), (6.0, 6.0)] {
            registry.take_in(Usage { cpu_seconds: Some(reported), resident_bytes: None });
            assert_eq!(cpu.get(), exported);
        }
    }
}
