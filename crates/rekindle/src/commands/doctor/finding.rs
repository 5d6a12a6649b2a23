//! What the doctor says: how bad, where, what, and what to do.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::Format;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but not as well or as safely as it could.
    Warning,
    /// Something is lost, stands still, or is wrong.
    Problem,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Where, such as `topic purchase`.
    pub subject: String,
    /// What was found.
    pub what: String,
    /// What to do; none where it is as it should be.
    pub advice: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { level: Level::Ok, subject: subject.into(), what: what.into(), advice: None }
    }

    /// Not as well as it could be.
    pub fn warning(subject: impl Into<String>, what: impl Into<String>, advice: impl Into<String>) -> Self {
        let (subject, what): (_, String) = (subject.into(), what.into());
        // What a server says may have several lines.
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { level: Level::Warning, subject, what, advice: Some(advice.into()) }
    }

    /// Wrong.
    pub fn problem(subject: impl Into<String>, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { level: Level::Problem, ..Self::warning(subject, what, advice) }
    }
}

/// Prints the findings, in their order.
///
/// # Errors
/// If they cannot be written.
pub fn print(findings: &[Finding], format: Format, out: &mut impl Write) -> io::Result<()> {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
    if format == Format::Json {
        let document =
            serde_json::json!({ "problems": problems, "warnings": warnings, "findings": findings });
        serde_json::to_writer_pretty(&mut *out, &document)?;
        return out.write_all(b"\n");
    }
    let width = findings.iter().map(|finding| finding.subject.chars().count()).max().unwrap_or(0);
    for Finding { level, subject, what, advice } in findings {
        let level = match level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Problem => "PROBLEM",
        };
        writeln!(out, "{level:<7}  {subject:<width$}  {what}")?;
        if let Some(advice) = advice {
            writeln!(out, "{:<7}  {:<width$}    -> {advice}", "", "")?;
        }
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    writeln!(
        out,
        "\n{problems} problem{}, {warnings} warning{}, {} in order.",
        plural(problems),
        plural(warnings),
        count(Level::Ok)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_says_where_what_and_what_to_do() {
        let findings = [
            Finding::ok("kafka", "3 brokers"),
            Finding::problem("topic purchase", "is\r\nmissing\n", "create it"),
        ];
        let mut out = Vec::new();
        print(&findings, Format::Table, &mut out).unwrap();
        let expected = "\
ok       kafka           3 brokers
PROBLEM  topic purchase  is missing
                           -> create it

1 problem, 0 warnings, 1 in order.
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let mut out = Vec::new();
        print(&findings, Format::Json, &mut out).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            (&document["problems"], &document["findings"][1]["level"]),
            (&1.into(), &"problem".into())
        );
    }
}
