//! Ids that name a trigger and each record about it: functions of what happened, never of a clock or a counter.

use uuid::Uuid;

/// The namespace of all ids made here. Never change it: every id that was ever sent hangs on it.
const REKINDLE: Uuid = Uuid::from_u128(0x6f0d_3c1e_52b7_4c8a_9a67_1f8e_04d2_b95c);

/// What a trigger's id is made of.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The installation.
    pub namespace: &'a str,
    /// The trigger's name.
    pub trigger: &'a str,
    /// The customer's id.
    pub customer: &'a str,
}

/// The ids of a trigger and of its episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The trigger's.
    pub trigger: Uuid,
    /// The episode's.
    pub episode: Uuid,
}

impl Ids {
    /// Both as records keep them, the trigger's first.
    pub(crate) fn into_bytes(self) -> ([u8; 16], [u8; 16]) {
        (self.trigger.into_bytes(), self.episode.into_bytes())
    }
}

/// Names a trigger through its whole life: by the event that armed it and the step, counted from 0.
pub fn trigger_id(subject: &Subject<'_>, arming_event: &str, step: u32) -> Uuid {
    named("trigger", subject, arming_event, &step.to_string())
}

/// Names an episode by the event that began it.
pub fn episode_id(subject: &Subject<'_>, opening_event: &str) -> Uuid {
    named("episode", subject, opening_event, "")
}

/// Names one record about a trigger: a stage of its life, and which revision of it, counted from 1.
pub fn record_id(trigger_id: Uuid, stage: &str, revision: u32) -> Uuid {
    Uuid::new_v5(&trigger_id, format!("{stage}.{revision}").as_bytes())
}

/// Each part comes with its length, so that no two lists of parts read the same.
fn named(kind: &str, subject: &Subject<'_>, event: &str, rest: &str) -> Uuid {
    let mut name = String::new();
    for part in [kind, subject.namespace, subject.trigger, subject.customer, event, rest] {
        name.push_str(&part.len().to_string());
        name.push(':');
        name.push_str(part);
    }
    Uuid::new_v5(&REKINDLE, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject<'a>(namespace: &'a str, customer: &'a str) -> Subject<'a> {
        Subject { namespace, trigger: "cart_abandonment", customer }
    }

    #[test]
    fn ids_never_change() {
        // Computed independently, with Python's uuid.uuid5.
        let id = trigger_id(&subject("default", "c-1"), "e-1", 0);
        assert_eq!(id.to_string(), "b15da494-dd0b-57b1-87a6-a97b9449e297");
        assert_eq!(record_id(id, "fired", 1).to_string(), "6c5548b8-5049-5760-97e8-04396f3bb47a");
    }

    #[test]
    fn every_part_sets_ids_apart_and_parts_do_not_run_into_each_other() {
        let ids = [
            trigger_id(&subject("n", "c"), "e", 0),
            trigger_id(&subject("n", "c"), "e", 1),
            trigger_id(&subject("n", "c"), "e2", 0),
            trigger_id(&subject("nc", ""), "e", 0),
            trigger_id(&subject("n", "ce"), "", 0),
            episode_id(&subject("n", "c"), "e"),
        ];
        for (place, id) in ids.iter().enumerate() {
            assert!(!ids[..place].contains(id), "{place}");
        }
    }

    #[test]
    fn a_retraction_has_an_id_of_its_own() {
        let id = trigger_id(&subject("n", "c"), "e", 0);
        assert_ne!(record_id(id, "fired", 1), record_id(id, "cancelled", 1));
        assert_ne!(record_id(id, "updated", 1), record_id(id, "updated", 2));
    }
}
