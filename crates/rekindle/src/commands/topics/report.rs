//! A plan in print: a line per change for people, or one JSON document.

use std::io::{self, Write};

use kafka::{DesiredTopic, Plan, Step};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::commands::table::Table;

/// What became of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was only shown.
    Shown,
    /// It was carried out.
    CarriedOut,
}

/// Prints a plan.
///
/// # Errors
/// If it cannot be written.
pub fn print(plan: &Plan, fate: Fate, format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Table => print_table(plan, fate, out),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &document(plan, fate))?;
            out.write_all(b"\n")
        }
    }
}

fn print_table(plan: &Plan, fate: Fate, out: &mut impl Write) -> io::Result<()> {
    if !plan.steps.is_empty() {
        let mut table = Table::new(&["CHANGE", "TOPIC", "DETAILS"]);
        plan.steps.iter().for_each(|step| add_rows(&mut table, step));
        write!(out, "{table}")?;
        writeln!(out)?;
    }
    for caution in &plan.cautions {
        writeln!(out, "left as it is: {caution}")?;
    }
    match (plan.steps.len(), fate) {
        (0, _) => writeln!(out, "No topic has to be changed."),
        (_, Fate::Shown) => {
            writeln!(out, "Nothing was changed; `rekindle topics apply --execute` carries this out.")
        }
        (count, Fate::CarriedOut) => {
            writeln!(out, "{count} change{} carried out.", if count == 1 { "" } else { "s" })
        }
    }
}

fn add_rows(table: &mut Table, step: &Step) {
    match step {
        Step::Create(DesiredTopic { name, partitions, replication, configs, .. }) => {
            let size = format!("{partitions} partitions, {replication} replicas");
            table.row(["create".to_owned(), name.to_string(), size]);
            for (key, value) in configs {
                table.row([String::new(), String::new(), format!("{key} = {value}")]);
            }
        }
        Step::AddPartitions { topic, from, to } => {
            let size = format!("{from} -> {to} partitions");
            table.row(["grow".to_owned(), topic.to_string(), size]);
        }
        Step::ChangeConfigs { topic, changes } => {
            for (key, (from, to)) in changes {
                let from = from.as_deref().unwrap_or("(none)");
                table.row(["configure".to_owned(), topic.to_string(), format!("{key} = {from} -> {to}")]);
            }
        }
    }
}

fn document(plan: &Plan, fate: Fate) -> Value {
    let cautions: Vec<_> = plan.cautions.iter().map(ToString::to_string).collect();
    json!({
        "carried_out": fate == Fate::CarriedOut,
        "changes": plan.steps.iter().map(change).collect::<Vec<_>>(),
        "cautions": cautions,
    })
}

fn change(step: &Step) -> Value {
    match step {
        Step::Create(topic) => json!({
            "change": "create",
            "topic": topic.name,
            "partitions": topic.partitions,
            "replication": topic.replication,
            "configs": topic.configs,
        }),
        Step::AddPartitions { topic, from, to } => {
            json!({ "change": "grow", "topic": topic, "from": from, "to": to })
        }
        Step::ChangeConfigs { topic, changes } => {
            let of = |(from, to): &(Option<String>, String)| json!({ "from": from, "to": to });
            let configs: serde_json::Map<_, _> =
                changes.iter().map(|(name, change)| (name.to_string(), of(change))).collect();
            json!({ "change": "configure", "topic": topic, "configs": configs })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kafka::{Caution, PartitionGrowth};

    use super::*;

    fn plan() -> Plan {
        let new = DesiredTopic {
            name: "customer-events".into(),
            partitions: 8,
            replication: 3,
            growth: PartitionGrowth::Fixed,
            configs: BTreeMap::from([("retention.ms".into(), "86400000".to_owned())]),
        };
        let change = (Some("CreateTime".to_owned()), "LogAppendTime".to_owned());
        let steps = vec![
            Step::Create(new),
            Step::AddPartitions { topic: "dead-letters".into(), from: 1, to: 8 },
            Step::ChangeConfigs {
                topic: "purchase".into(),
                changes: BTreeMap::from([("message.timestamp.type".into(), change)]),
            },
        ];
        let cautions = vec![Caution::OtherReplication { topic: "actions.x".into(), has: 1, wants: 3 }];
        Plan { steps, cautions }
    }

    fn printed(plan: &Plan, fate: Fate, format: Format) -> String {
        let mut out = Vec::new();
        print(plan, fate, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_plan_reads_line_by_line() {
        let expected = "\
CHANGE     TOPIC            DETAILS
create     customer-events  8 partitions, 3 replicas
                            retention.ms = 86400000
grow       dead-letters     1 -> 8 partitions
configure  purchase         message.timestamp.type = CreateTime -> LogAppendTime

left as it is: `actions.x` has 1 replicas instead of 3; reassign its partitions with Kafka's tools
Nothing was changed; `rekindle topics apply --execute` carries this out.
";
        assert_eq!(printed(&plan(), Fate::Shown, Format::Table), expected);
        let done = printed(&plan(), Fate::CarriedOut, Format::Table);
        assert!(done.ends_with("3 changes carried out.\n"), "{done}");
    }

    #[test]
    fn a_plan_without_changes_says_so() {
        let nothing = Plan::default();
        assert_eq!(printed(&nothing, Fate::Shown, Format::Table), "No topic has to be changed.\n");
    }

    #[test]
    fn a_program_finds_each_change_by_its_kind() {
        let document: Value = serde_json::from_str(&printed(&plan(), Fate::Shown, Format::Json)).unwrap();
        assert_eq!(document["carried_out"], false);
        assert_eq!(document["changes"][0]["configs"]["retention.ms"], "86400000");
        assert_eq!(
            document["changes"][1],
            json!({"change": "grow", "topic": "dead-letters", "from": 1, "to": 8})
        );
        assert_eq!(document["changes"][2]["configs"]["message.timestamp.type"]["to"], "LogAppendTime");
        assert_eq!(document["cautions"].as_array().unwrap().len(), 1);
    }
}
