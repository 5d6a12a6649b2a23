//! The names of a task's keys: `{rk:<namespace>:<service>:<partition>}:pos|:state|:due`.
//!
//! Must stay true: the braces make one hash tag per task, so its keys share a slot in Redis Cluster; two tasks never
//! share a key, whatever characters their names hold.

use engine::ports::TaskId;

/// The keys of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskKeys {
    /// What stands in the braces, braces included.
    pub tag: String,
    /// Hash: the position.
    pub pos: String,
    /// Hash: customer id -> customer record.
    pub state: String,
    /// Sorted set: customer id, scored by its earliest timer.
    pub due: String,
}

impl TaskKeys {
    /// The keys of `task` in `namespace`.
    pub fn new(namespace: &str, task: &TaskId) -> Self {
        let tag = format!("{}{}}}", tag_prefix(namespace, &task.service), task.partition.partition);
        Self::of_tag(tag, "")
    }

    /// Keys beside these for the time of one command, on the same node. No scan for positions finds them.
    pub fn beside(&self, purpose: &str) -> Self {
        Self::of_tag(self.tag.clone(), &format!("{purpose}:"))
    }

    fn of_tag(tag: String, prefix: &str) -> Self {
        let key = |name: &str| format!("{tag}:{prefix}{name}");
        Self { pos: key("pos"), state: key("state"), due: key("due"), tag }
    }
}

/// A `MATCH` pattern for the positions of all partitions of a service.
pub fn positions_pattern(namespace: &str, service: &str) -> String {
    format!("{}*}}:pos", tag_prefix(namespace, service))
}

/// The partition that a position's key speaks of; `None` if it is not of this service.
pub fn partition_of(pos_key: &str, namespace: &str, service: &str) -> Option<i32> {
    let partition = pos_key.strip_prefix(&tag_prefix(namespace, service))?.strip_suffix("}:pos")?;
    partition.parse().ok()
}

fn tag_prefix(namespace: &str, service: &str) -> String {
    format!("{{rk:{}:{}:", escaped(namespace), escaped(service))
}

/// Writes as `%xx` what would end a hash tag, run two names into one, or mean something in a `MATCH` pattern.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '{' | '}' | ':' | '%' | '*' | '?' | '[' | ']' | '\\' | '^' | '\0'..=' ' => {
                escaped.push_str(&format!("%{:02x}", u32::from(character)));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use events::TopicPartition;

    use super::*;

    fn keys(namespace: &str, service: &str, partition: i32) -> TaskKeys {
        let partition = TopicPartition::new("customer-events", partition);
        TaskKeys::new(namespace, &TaskId { service: service.into(), partition })
    }

    #[test]
    fn keys_are_named_as_documented_and_share_one_tag() {
        let keys = keys("shop", "triggers", 7);
        assert_eq!(keys.tag, "{rk:shop:triggers:7}");
        assert_eq!(
            [keys.pos, keys.state, keys.due],
            ["{rk:shop:triggers:7}:pos", "{rk:shop:triggers:7}:state", "{rk:shop:triggers:7}:due"]
        );
    }

    #[test]
    fn keys_beside_a_tasks_own_share_its_tag_and_are_nobodys_position() {
        let keys = keys("shop", "triggers", 7).beside("import");
        assert_eq!([&keys.tag, &keys.due], ["{rk:shop:triggers:7}", "{rk:shop:triggers:7}:import:due"]);
        assert_eq!(partition_of(&keys.pos, "shop", "triggers"), None);
    }

    #[test]
    fn no_name_ends_the_tag_or_runs_into_another() {
        assert_ne!(keys("a:b", "c", 0), keys("a", "b:c", 0));
        let braces = keys("a}b", "{}", 0);
        assert_eq!(braces.tag, "{rk:a%7db:%7b%7d:0}");
    }

    #[test]
    fn a_position_key_tells_its_partition_and_no_other_service() {
        let key = keys("shop", "triggers", 12).pos;
        assert_eq!(partition_of(&key, "shop", "triggers"), Some(12));
        assert_eq!(partition_of(&key, "shop", "trigger"), None);
        assert_eq!(positions_pattern("shop", "triggers"), "{rk:shop:triggers:*}:pos");
    }
}
