//! Are the topics there, and set up as the configuration has them?

use std::collections::{BTreeMap, BTreeSet};

use kafka::{ActualTopic, DesiredTopic, Step, plan_topics};
use smol_str::SmolStr;

use super::finding::Finding;

/// How to mend what a plan can mend.
const APPLY: &str = "`rekindle topics plan` shows the change, `rekindle topics apply --execute` makes it";
/// Whose clock a topic's timestamps are.
const TIMESTAMPS: &str = "message.timestamp.type";

/// Judges each topic, in the order of `desired`; `raw` are those that somebody else fills.
pub fn judge(
    desired: &[DesiredTopic],
    actual: &BTreeMap<SmolStr, ActualTopic>,
    raw: &BTreeSet<SmolStr>,
) -> Vec<Finding> {
    desired.iter().flat_map(|topic| judge_topic(topic, actual, raw.contains(&topic.name))).collect()
}

fn judge_topic(topic: &DesiredTopic, actual: &BTreeMap<SmolStr, ActualTopic>, is_raw: bool) -> Vec<Finding> {
    let subject = format!("topic {}", topic.name);
    let plan = plan_topics(std::slice::from_ref(topic), actual);
    let mut findings = Vec::new();
    for step in &plan.steps {
        match step {
            Step::Create(_) => findings.push(Finding::problem(&subject, "is missing", APPLY)),
            Step::AddPartitions { from, to, .. } => {
                let what = format!("has {from} partitions instead of {to}");
                findings.push(Finding::warning(&subject, what, APPLY));
            }
            Step::ChangeConfigs { changes, .. } => {
                findings.extend(changes.iter().map(|(name, (has, wants))| {
                    judge_setting(&subject, name, has.as_deref().unwrap_or("(none)"), wants, is_raw)
                }))
            }
        }
    }
    findings.extend(plan.cautions.iter().map(|caution| {
        let advice = "set [topics] to what is there, or change it with Kafka's own tools while nothing runs";
        Finding::warning(&subject, caution.to_string(), advice)
    }));
    match actual.get(&topic.name) {
        Some(found) if findings.is_empty() => vec![Finding::ok(subject, in_order(found))],
        _ => findings,
    }
}

fn judge_setting(subject: &str, name: &str, has: &str, wants: &str, is_raw: bool) -> Finding {
    let what = format!("{name} is {has} instead of {wants}");
    match (name, is_raw) {
        (TIMESTAMPS, true) => Finding::warning(
            subject,
            format!(
                "{what}: its times are the producers' clocks, and catching up is slow, since only evidence moves its watermark"
            ),
            APPLY,
        ),
        (TIMESTAMPS, false) => {
            Finding::problem(subject, format!("{what}: watermarks rest on the brokers' time in it"), APPLY)
        }
        ("cleanup.policy", false) => {
            Finding::problem(subject, format!("{what}: records that are needed vanish, or never go"), APPLY)
        }
        _ => Finding::warning(subject, what, APPLY),
    }
}

fn in_order(found: &ActualTopic) -> String {
    let setting = |name: &str| found.configs.get(name).map_or("?", String::as_str);
    format!(
        "{} partitions, {} replicas, {} in sync, {}, kept {}",
        found.partitions,
        found.replication,
        setting("min.insync.replicas"),
        setting(TIMESTAMPS),
        kept(setting("retention.ms")),
    )
}

/// A retention in words.
fn kept(millis: &str) -> String {
    match millis.parse::<i64>() {
        Ok(millis) if millis < 0 => "for ever".to_owned(),
        Ok(millis) if millis >= 172_800_000 => format!("{} days", millis / 86_400_000),
        Ok(millis) => format!("{} min", millis / 60_000),
        Err(_) => millis.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kafka::PartitionGrowth;

    use super::super::finding::Level;
    use super::*;

    fn judged(name: &str, actual: Option<ActualTopic>) -> Vec<Finding> {
        let configs = [(TIMESTAMPS, "LogAppendTime"), ("retention.ms", "604800000")];
        let configs = configs.map(|(name, value)| (SmolStr::new(name), value.to_owned()));
        let growth = PartitionGrowth::Fixed;
        let desired = DesiredTopic {
            name: name.into(),
            partitions: 4,
            replication: 3,
            growth,
            configs: configs.into(),
        };
        let actual = actual.map(|topic| (SmolStr::new(name), topic));
        judge(&[desired], &actual.into_iter().collect(), &BTreeSet::from(["raw".into()]))
    }

    fn actual(partitions: u32, timestamps: &str) -> ActualTopic {
        let configs = [(TIMESTAMPS, timestamps), ("retention.ms", "604800000"), ("min.insync.replicas", "2")];
        let configs = configs.map(|(name, value)| (SmolStr::new(name), value.to_owned()));
        ActualTopic { partitions, replication: 3, configs: configs.into() }
    }

    #[test]
    fn a_topic_that_is_missing_is_a_problem_and_one_as_it_should_be_is_shown() {
        assert_eq!(judged("raw", None), [Finding::problem("topic raw", "is missing", APPLY)]);
        let found = judged("raw", Some(actual(4, "LogAppendTime")));
        let what = "4 partitions, 3 replicas, 2 in sync, LogAppendTime, kept 7 days";
        assert_eq!(found, [Finding::ok("topic raw", what)]);
    }

    #[test]
    fn the_producers_time_is_a_warning_in_a_raw_topic_and_a_problem_in_the_log() {
        let level = |name| judged(name, Some(actual(4, "CreateTime")))[0].level;
        assert_eq!((level("raw"), level("customer-events")), (Level::Warning, Level::Problem));
    }

    #[test]
    fn a_log_of_another_size_is_warned_of() {
        let found = judged("customer-events", Some(actual(2, "LogAppendTime")));
        assert_eq!((found.len(), found[0].level), (1, Level::Warning));
        assert!(found[0].what.contains("2 partitions instead of 4"), "{found:?}");
    }
}
