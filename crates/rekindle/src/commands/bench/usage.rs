//! What another process has taken, as Linux tells it under `/proc`.
//!
//! Must stay true: processor time is read from a process that has ended too, before it is waited for.

use std::fs::read_to_string;

use anyhow::{Context, Result};

/// Clock ticks per second in `/proc/PID/stat`: `USER_HZ`, which Linux fixes at 100 on every current architecture
/// (`man 5 proc_pid_stat`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What a process has taken so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Processor time in seconds, user and system, all threads.
    pub cpu_seconds: f64,
    /// The most memory that it ever had in RAM, in bytes.
    pub peak_rss_bytes: u64,
    /// Whether it has ended, and nobody has asked for its exit code yet.
    pub has_ended: bool,
}

impl Usage {
    /// Looks at a child that was not waited for.
    ///
    /// # Errors
    /// Where there is no `/proc`.
    pub fn of_child(pid: u32) -> Result<Self> {
        let stat = read_to_string(format!("/proc/{pid}/stat"))
            .context("the bench reads /proc/PID/stat, which Linux alone has")?;
        let (cpu_seconds, has_ended) =
            from_stat(&stat).context("/proc/PID/stat reads otherwise than expected")?;
        // A process that has ended has no memory any more.
        let status = read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        Ok(Self { cpu_seconds, peak_rss_bytes: peak_rss_bytes(&status).unwrap_or(0), has_ended })
    }

    /// This, after another look.
    pub fn then(self, later: Self) -> Self {
        Self { peak_rss_bytes: self.peak_rss_bytes.max(later.peak_rss_bytes), ..later }
    }
}

/// Fields 14 and 15, and the state; counted from the last parenthesis, since the program's name may hold anything.
fn from_stat(stat: &str) -> Option<(f64, bool)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let state = fields.next()?;
    let mut fields = fields.skip(10);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some(((ticks()? + ticks()?) / TICKS_PER_SECOND, matches!(state, "Z" | "X")))
}

/// From the line `VmHWM:    1234 kB`.
fn peak_rss_bytes(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_state_are_read_past_any_program_name() {
        assert_eq!(from_stat("7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20"), Some((2.0, false)));
        assert_eq!(from_stat("7 (a) Z 1 2 3 4 5 6 7 8 9 10 1 1 0"), Some((0.02, true)));
        assert_eq!(from_stat("7 (a) R 1"), None);
    }

    #[test]
    fn the_peak_outlasts_the_process() {
        assert_eq!(peak_rss_bytes("VmPeak:\t 9 kB\nVmHWM:\t    2 kB\n"), Some(2048));
        let (alive, ended) =
            (Usage { peak_rss_bytes: 9, ..Usage::default() }, Usage { cpu_seconds: 1.0, ..Usage::default() });
        assert_eq!(alive.then(ended), Usage { peak_rss_bytes: 9, cpu_seconds: 1.0, has_ended: false });
    }
}
