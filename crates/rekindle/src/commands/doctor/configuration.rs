//! Settings that are allowed, and about which somebody should have thought.

use super::finding::Finding;
use crate::config::Config;

/// Judges the configuration by itself.
pub fn examine(config: &Config) -> Vec<Finding> {
    let topics = &config.sections.topics;
    let mut findings = Vec::new();
    if topics.replication == 1 {
        findings.push(Finding::warning(
            "topics.replication",
            "a single replica: a broker that is lost takes records and triggers with it",
            "set topics.replication = 3 and topics.min_insync_replicas = 2 on a cluster of three or more brokers",
        ));
    } else if topics.min_insync_replicas < 2 {
        findings.push(Finding::warning(
            "topics.min_insync_replicas",
            "a record counts once a single broker has it, and is lost with that broker",
            "set topics.min_insync_replicas = 2",
        ));
    } else if u32::from(topics.min_insync_replicas) >= u32::from(topics.replication) {
        findings.push(Finding::warning(
            "topics.min_insync_replicas",
            format!(
                "all {} replicas have to take part: one broker less, and nothing is written",
                topics.replication
            ),
            "set topics.min_insync_replicas one below topics.replication",
        ));
    }
    if config.settings.admin.is_none() {
        findings.push(Finding::warning(
            "admin.address",
            "off: no metrics, no health for whoever restarts the processes",
            "set admin.address, such as 0.0.0.0:9464, and keep the port inside",
        ));
    }
    if topics.events_retention.span() < topics.actions_retention.span() {
        findings.push(Finding::warning(
            "topics.events_retention",
            "customer-events are kept for a shorter time than what came of them: a lost Redis cannot be rebuilt",
            "keep them at least as long as the oldest backup of Redis",
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("configuration", "valid, and nothing in it is risky"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn subjects(assignments: &[&str]) -> Vec<String> {
        let assignments = ["gates.enabled=[]"].iter().chain(assignments).map(|&text| text.to_owned());
        let sources = Sources { assignments: assignments.collect(), ..Sources::default() };
        let findings = examine(&Config::load(&sources).unwrap());
        findings.into_iter().map(|finding| finding.subject).collect()
    }

    #[test]
    fn the_defaults_are_in_order_and_what_is_risky_is_named() {
        assert_eq!(subjects(&[]), ["configuration"]);
        let one = ["topics.replication=1", "topics.min_insync_replicas=1", "admin.address=off"];
        assert_eq!(subjects(&one), ["topics.replication", "admin.address"]);
        assert_eq!(subjects(&["topics.min_insync_replicas=3"]), ["topics.min_insync_replicas"]);
        assert_eq!(subjects(&["topics.min_insync_replicas=1"]), ["topics.min_insync_replicas"]);
        assert_eq!(subjects(&["topics.events_retention=1d"]), ["topics.events_retention"]);
    }
}
