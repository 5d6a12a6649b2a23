//! Memory and processor time of this process, as Linux tells them under `/proc/self`.
//!
//! Must stay true: elsewhere, and whenever a file reads otherwise than expected, the figure is absent and not zero.

/// Clock ticks per second in `/proc/self/stat`: `USER_HZ`, which Linux fixes at 100 for programs on every current
/// architecture (`man 5 proc_pid_stat`, `man 7 time`).
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    pub resident_bytes: Option<f64>,
    pub cpu_seconds: Option<f64>,
}

impl Usage {
    pub(crate) fn of_this_process() -> Self {
        let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
        Self {
            resident_bytes: resident_bytes(&read("/proc/self/status")),
            cpu_seconds: cpu_seconds(&read("/proc/self/stat")),
        }
    }
}

/// From the line `VmRSS:    1234 kB`.
fn resident_bytes(status: &str) -> Option<f64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// Fields 14 and 15; counted from the last parenthesis, since the program's name may hold anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(resident_bytes("VmSize:\t 9 kB\nVmRSS:\t    2 kB\n"), Some(2048.0));
        assert_eq!(resident_bytes("VmRSS: many\n"), None);
        assert_eq!(resident_bytes(""), None);
    }

    #[test]
    fn processor_time_is_read_past_any_program_name() {
        let stat = "7 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("7 (a) R 1"), None);
        assert_eq!(cpu_seconds(""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_both() {
        let usage = Usage::of_this_process();
        assert!(usage.resident_bytes > Some(0.0) && usage.cpu_seconds >= Some(0.0), "{usage:?}");
    }
}
