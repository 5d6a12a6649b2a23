//! The comparison itself: each side's volume, and what each side does otherwise than the base, rule by rule.
//!
//! Must stay true: it knows nothing of where the records come from; one part of the customers is held at a time, and of
//! the differences only counts and a few examples; the outcome does not hang on the order of the parts.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::Serialize;
use smol_str::SmolStr;

use super::extent::Extent;
use super::notes::{Notes, Seen};
use super::pairs::pair;
use super::reasons::{Absent, Enabled, Reason, why_absent};
use super::spool::PARTS;
use super::told::{Rule, Stage, Told};
use super::volume::{self, Volume};

/// Something that is compared.
pub struct Side {
    /// What the report calls it.
    pub name: String,
    /// The triggers that are switched on; none where nobody knows.
    pub enabled: Option<Enabled>,
    /// Whether it had heard of nothing that came after the input; of an earlier run nobody knows.
    pub ends_with_input: bool,
}

/// What became of a trigger from the base to another side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It fires on the other side only.
    New,
    /// It fires in the base only.
    Lost,
    /// It fires on both, at another time.
    Moved,
}

/// One trigger that is an example of a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Example {
    pub customer: String,
    pub trigger_id: String,
    /// When it was armed; RFC 3339 where it is written as JSON.
    #[serde(serialize_with = "rfc3339")]
    pub armed_ms: i64,
    /// When it fires in the base.
    #[serde(serialize_with = "rfc3339_or_none")]
    pub base_ms: Option<i64>,
    /// When it fires on the other side.
    #[serde(serialize_with = "rfc3339_or_none")]
    pub variant_ms: Option<i64>,
    /// What the record of it says.
    pub summary: String,
    /// What is particular to its reason.
    pub detail: String,
}

fn rfc3339<S: serde::Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&events::EventTime::from_millis(*ms))
}

fn rfc3339_or_none<S: serde::Serializer>(ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => rfc3339(ms, serializer),
        None => serializer.serialize_none(),
    }
}

/// All changes with one reason.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub label: String,
    pub count: u64,
    /// The first by time.
    pub examples: BTreeMap<(i64, String, String), Example>,
}

/// One rule of one side against the base.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    /// Fires on both at the same time.
    pub same: u64,
    /// By how much later each moved one fires, in milliseconds.
    pub shifts_ms: Vec<i64>,
    pub groups: BTreeMap<(Change, String), Group>,
}

impl Difference {
    /// How many triggers changed like this.
    pub fn count(&self, change: Change) -> u64 {
        self.groups.iter().filter(|((of, _), _)| *of == change).map(|(_, group)| group.count).sum()
    }

    fn add(&mut self, change: Change, reason: Reason, example: Example, most: usize) {
        let group = self.groups.entry((change, reason.code)).or_default();
        group.label = reason.label;
        group.count += 1;
        let at = example.base_ms.or(example.variant_ms).unwrap_or_default();
        let example = Example { detail: reason.detail, ..example };
        group.examples.insert((at, example.customer.clone(), example.trigger_id.clone()), example);
        if group.examples.len() > most {
            group.examples.pop_last();
        }
    }
}

/// Everything that was found.
pub struct Compared {
    /// By side.
    pub volumes: Vec<BTreeMap<Rule, Volume>>,
    /// By side: how many triggers fired in each hour since 1970.
    pub fired_by_hour: Vec<BTreeMap<i64, u64>>,
    /// By side; that of the base has nothing but what is the same.
    pub differences: Vec<BTreeMap<Rule, Difference>>,
}

pub const HOUR_MS: i64 = 3_600_000;

/// Compares each side with that at `base`, as far as triggers came due within the extent.
///
/// # Errors
/// If a temporary file cannot be read.
pub fn compare(
    notes: &mut Notes,
    extent: &Extent,
    sides: &[Side],
    base: usize,
    examples: usize,
) -> io::Result<Compared> {
    let mut compared = Compared {
        volumes: vec![BTreeMap::new(); sides.len()],
        fired_by_hour: vec![BTreeMap::new(); sides.len()],
        differences: vec![BTreeMap::new(); sides.len()],
    };
    for part in 0..PARTS {
        let mut customers: BTreeMap<SmolStr, Vec<Told>> = BTreeMap::new();
        notes.told.read(part, |told| customers.entry(told.customer.clone()).or_default().push(told))?;
        customers.values_mut().for_each(once);
        let mut pending = Vec::new();
        for told in customers.values() {
            let told = by_side(told.iter().filter(|told| extent.holds(told)), sides.len());
            for (side, told) in told.iter().enumerate() {
                compared.count(side, told);
            }
            for side in (0..sides.len()).filter(|side| *side != base) {
                compared.pair(side, &told[base], &told[side], examples, &mut pending);
            }
        }
        let seen = seen_of(notes, part, &pending)?;
        for Unexplained { side, change, told } in pending {
            let absent = if change == Change::New { base } else { side };
            let (all, none) = (by_side(customers[&told.customer].iter(), sides.len()), Vec::new());
            let window = extent.of(&told.customer);
            let absent_side = Absent {
                told: &all[absent],
                wait: notes.waits[absent].get(&told.rule).copied(),
                enabled: sides[absent].enabled.as_ref(),
                begins_after_ms: window.after_ms,
                ends_ms: Some(window.to_ms).filter(|_| sides[absent].ends_with_input),
            };
            let reason = why_absent(told, &absent_side, seen.get(&told.customer).unwrap_or(&none));
            let times = if change == Change::New { (None, Some(told)) } else { (Some(told), None) };
            compared.difference(side, &told.rule).add(change, reason, example(times.0, times.1), examples);
        }
    }
    Ok(compared)
}

/// What is told twice counts once.
fn once(told: &mut Vec<Told>) {
    let mut known = BTreeSet::new();
    told.retain(|told| known.insert((told.side, told.trigger_id.clone(), told.stage)));
}

/// A trigger that fired on one side alone.
struct Unexplained<'t> {
    side: usize,
    change: Change,
    told: &'t Told,
}

impl Compared {
    fn count(&mut self, side: usize, told: &[&Told]) {
        volume::count(told, &mut self.volumes[side]);
        for told in told.iter().filter(|told| told.stage == Stage::Fired) {
            *self.fired_by_hour[side].entry(told.fired_ms.div_euclid(HOUR_MS)).or_default() += 1;
        }
    }

    fn difference(&mut self, side: usize, rule: &Rule) -> &mut Difference {
        self.differences[side].entry(rule.clone()).or_default()
    }

    fn pair<'t>(
        &mut self,
        side: usize,
        base: &[&'t Told],
        variant: &[&'t Told],
        examples: usize,
        pending: &mut Vec<Unexplained<'t>>,
    ) {
        let rules: BTreeSet<&Rule> = fired(base).chain(fired(variant)).map(|told| &told.rule).collect();
        for rule in rules {
            let of = |told: &[&'t Told]| {
                let mut of: Vec<_> = fired(told).filter(|told| told.rule == *rule).collect();
                of.sort_by(|a, b| (a.fired_ms, &a.trigger_id).cmp(&(b.fired_ms, &b.trigger_id)));
                of
            };
            let pairs = pair(of(base), of(variant));
            let difference = self.difference(side, rule);
            for (before, after) in pairs.both {
                match after.fired_ms - before.fired_ms {
                    0 => difference.same += 1,
                    shift => {
                        difference.shifts_ms.push(shift);
                        let reason = moved(before, after);
                        difference.add(Change::Moved, reason, example(Some(before), Some(after)), examples);
                    }
                }
            }
            let alone = |change| move |told| Unexplained { side, change, told };
            pending.extend(pairs.new.into_iter().map(alone(Change::New)));
            pending.extend(pairs.lost.into_iter().map(alone(Change::Lost)));
        }
    }
}

fn moved(before: &Told, after: &Told) -> Reason {
    let shift = after.fired_ms - before.fired_ms;
    let (code, label) = if shift > 0 { ("later", "fires later") } else { ("earlier", "fires earlier") };
    let armed = match after.armed_ms == before.armed_ms {
        true => String::new(),
        false => format!(", armed at {}", super::reasons::moment(after.armed_ms)),
    };
    let by = super::reasons::lasting(shift);
    let word = if shift > 0 { "later" } else { "earlier" };
    Reason { code: code.to_owned(), label: label.to_owned(), detail: format!("{by} {word}{armed}") }
}

fn fired<'a, 't: 'a>(told: &'a [&'t Told]) -> impl Iterator<Item = &'t Told> + 'a {
    told.iter().copied().filter(|told| told.stage == Stage::Fired)
}

fn by_side<'t>(told: impl Iterator<Item = &'t Told>, sides: usize) -> Vec<Vec<&'t Told>> {
    let mut by_side = vec![Vec::new(); sides];
    for told in told {
        by_side[told.side].push(told);
    }
    by_side
}

/// The events of the customers about whom something is to be explained, in the order of time.
fn seen_of(
    notes: &mut Notes,
    part: usize,
    pending: &[Unexplained<'_>],
) -> io::Result<BTreeMap<SmolStr, Vec<Seen>>> {
    let mut seen: BTreeMap<SmolStr, Vec<Seen>> =
        pending.iter().map(|pending| (pending.told.customer.clone(), Vec::new())).collect();
    if !seen.is_empty() {
        notes.seen.read(part, |event| {
            if let Some(events) = seen.get_mut(&event.customer) {
                events.push(event);
            }
        })?;
    }
    seen.values_mut().for_each(|events| events.sort_by_key(|event| (event.at_ms, event.rank)));
    Ok(seen)
}

fn example(base: Option<&Told>, variant: Option<&Told>) -> Example {
    let told = base.or(variant);
    let text = |of: fn(&Told) -> &str| told.map(of).unwrap_or_default().to_owned();
    Example {
        customer: text(|told| &told.customer),
        trigger_id: text(|told| &told.trigger_id),
        armed_ms: told.map(|told| told.armed_ms).unwrap_or_default(),
        base_ms: base.map(|told| told.fired_ms),
        variant_ms: variant.map(|told| told.fired_ms),
        summary: text(|told| &told.summary),
        detail: String::new(),
    }
}
