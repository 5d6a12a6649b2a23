//! The machine that was measured on, as far as figures of another day need it to be compared.

use serde::Serialize;

/// What it is, and how busy.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// Threads that can run at once.
    pub cores: usize,
    /// Its processor, where Linux tells.
    pub processor: Option<String>,
    /// Load average of the last minute, at the beginning.
    pub load_before: Option<f64>,
    /// The same at the end.
    pub load_after: Option<f64>,
    /// Version of this program.
    pub version: &'static str,
    /// Whether this build checks what a release does not.
    pub debug_assertions: bool,
}

impl Machine {
    /// Looks at it.
    pub fn look() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            processor: model.map(|(_, name)| name.trim().to_owned()),
            load_before: load(),
            load_after: None,
            version: env!("CARGO_PKG_VERSION"),
            debug_assertions: cfg!(debug_assertions),
        }
    }

    /// Notes the load at the end.
    pub fn look_again(&mut self) {
        self.load_after = load();
    }
}

fn load() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}
