//! The shipped alerts with shorter times, so that faults of seconds show them.
//!
//! Must stay true: nothing but times changes. Each time of the rules is replaced by that of the table: in `for:`, in
//! ranges, in offsets, and in thresholds that are marked `# seconds`. The order of the times stays. A time that the table
//! does not have is an error, so that a rule that is added is not run as it is.

use anyhow::Context;

/// As written, in seconds as written, and in seconds instead.
const TABLE: [(&str, u32, u32); 9] = [
    ("1m", 60, 2),
    ("2m", 120, 4),
    ("5m", 300, 10),
    ("10m", 600, 15),
    ("15m", 900, 20),
    ("1h", 3_600, 30),
    ("1d", 86_400, 60),
    ("2d", 172_800, 90),
    ("7d", 604_800, 120),
];

/// The rules with shorter times.
pub fn shortened(rules: &str) -> anyhow::Result<String> {
    let lines = rules.lines().map(|line| shorten(line).with_context(|| format!("in the rules: {line}")));
    Ok(lines.collect::<anyhow::Result<Vec<_>>>()?.join("\n") + "\n")
}

fn shorten(line: &str) -> anyhow::Result<String> {
    if line.trim_start().starts_with('#') {
        return Ok(line.to_owned());
    }
    if let Some(head) = line.strip_suffix(" # seconds") {
        return Ok(format!("{} # seconds", threshold(head)?));
    }
    if let Some((head, time)) = line.split_once("for: ") {
        return Ok(format!("{head}for: {}", instead(time)?));
    }
    let line = replace_after(line, "[", "]")?;
    replace_after(&line, " offset ", ",")
}

/// Replaces each time between `open` and `close`.
fn replace_after(line: &str, open: &str, close: &str) -> anyhow::Result<String> {
    let mut parts = line.split(open);
    let mut replaced = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_once(close).context("a time ends")?;
        replaced += &format!("{open}{}{close}{rest}", instead(time)?);
    }
    Ok(replaced)
}

fn instead(time: &str) -> anyhow::Result<String> {
    let row = TABLE.iter().find(|(written, ..)| *written == time);
    Ok(format!("{}s", row.with_context(|| format!("{time} is not in the table"))?.2))
}

/// The last number of a line, whatever brackets follow it.
fn threshold(head: &str) -> anyhow::Result<String> {
    let number = head.trim_end_matches(')');
    let (before, seconds) = number.rsplit_once(' ').context("a threshold is a number")?;
    let seconds: u32 = seconds.parse().context("a threshold is in whole seconds")?;
    let row = TABLE.iter().find(|(_, written, _)| *written == seconds);
    let shorter = row.with_context(|| format!("{seconds} seconds are not in the table"))?.2;
    Ok(format!("{before} {shorter}{}", &head[number.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = include_str!("../../../deploy/prometheus/rekindle.rules.yml");

    #[test]
    fn the_order_of_the_times_stays() {
        assert!(TABLE.is_sorted_by_key(|(_, written, _)| written));
        assert!(TABLE.is_sorted_by(|one, next| one.2 < next.2));
    }

    #[test]
    fn each_kind_of_time_is_replaced() {
        for (line, expected) in [
            ("        for: 5m", "        for: 10s"),
            ("  deriv(x[15m]) > 0.2", "  deriv(x[20s]) > 0.2"),
            ("  f(a[1h]) / f(b[5m])", "  f(a[30s]) / f(b[10s])"),
            ("  label_replace(x offset 1d, \"ago\")", "  label_replace(x offset 60s, \"ago\")"),
            ("    > 300 # seconds", "    > 10 # seconds"),
            ("    < 900) # seconds", "    < 20) # seconds"),
            ("  has waited for 5 minutes, 300 of them", "  has waited for 5 minutes, 300 of them"),
        ] {
            assert_eq!(shorten(line).unwrap(), expected);
        }
        assert!(shorten("for: 7m").is_err() && shorten("x > 7 # seconds").is_err());
    }

    #[test]
    fn of_the_shipped_rules_nothing_but_times_changes() {
        let short = shortened(RULES).unwrap();
        assert_eq!(RULES.lines().count(), short.lines().count());
        let without_numbers =
            |text: &str| text.replace(|c: char| c.is_ascii_digit(), "").replace(['s', 'm', 'h', 'd'], "");
        assert_eq!(without_numbers(RULES), without_numbers(&short));
        let changed = RULES.lines().zip(short.lines()).filter(|(one, other)| one != other).count();
        assert!(changed > 30, "{changed}");
        assert!(!short.contains("[5m]") && !short.contains("for: 5m") && !short.contains("offset 1d"));
    }
}
