//! What a replay says at its end: every row in one outcome, what came of the events, and how fast it went.

use std::fmt;
use std::time::Duration;

use replay::{Folded, RowCounts, kind_name};

/// Everything worth saying.
pub struct Summary {
    /// How the rows ended.
    pub rows: RowCounts,
    /// What came of the events.
    pub folded: Folded,
    /// How much went to temporary files.
    pub spilled_bytes: u64,
    /// How long reading and sorting took.
    pub read_in: Duration,
    /// How long all of it took.
    pub took: Duration,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rows(&self.rows, f)?;
        self.write_events(f)?;
        let records = &self.folded.records;
        writeln!(
            f,
            "records:  {} customers; a record has {} bytes (median), {} (99th percentile), {} (largest)",
            records.records, records.median, records.p99, records.max
        )?;
        self.write_kinds(f)?;
        let (took, read_in) = (self.took.as_secs_f64(), self.read_in.as_secs_f64());
        let rate = self.rows.rows as f64 / took.max(1e-6);
        writeln!(f, "time:     {took:.2} s, of which reading and sorting {read_in:.2} s; {rate:.0} rows/s")?;
        if self.spilled_bytes > 0 {
            writeln!(f, "sorting:  {} MB went through temporary files", self.spilled_bytes / 1_000_000)?;
        }
        writeln!(f, "digest:   xxh3:{:032x}", self.folded.digest)
    }
}

impl Summary {
    /// What the events were, so that what was left out shows.
    fn write_kinds(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (whose, kinds) in [("known", &self.rows.kinds), ("anonymous", &self.rows.anonymous_kinds)] {
            let mut kinds: Vec<_> = kinds.iter().map(|(rank, count)| (count, kind_name(*rank))).collect();
            kinds.sort_by(|a, b| b.0.cmp(a.0).then_with(|| a.1.cmp(&b.1)));
            let kinds: Vec<_> = kinds.into_iter().map(|(count, kind)| format!("{count} {kind}")).collect();
            if !kinds.is_empty() {
                writeln!(f, "kinds:    {}, of {whose} customers", kinds.join(", "))?;
            }
        }
        Ok(())
    }

    fn write_events(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.folded.counts;
        writeln!(
            f,
            "events:   {} = {} applied + {} duplicate; {} timers fired",
            self.rows.events, counts.applied, counts.duplicates, counts.timers
        )?;
        writeln!(f, "triggers: {}", self.folded.outputs.values().sum::<u64>())?;
        for (topic, count) in &self.folded.outputs {
            writeln!(f, "            {topic}: {count}")?;
        }
        Ok(())
    }
}

/// How the rows ended, each in one outcome.
pub fn write_rows(rows: &RowCounts, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    writeln!(
        f,
        "rows:     {} = {} event + {} anonymous + {} ignored + {} refused",
        rows.rows,
        rows.event_rows,
        rows.anonymous_rows,
        rows.ignored_rows(),
        rows.refused_rows()
    )?;
    for (rule, count) in &rows.ignored {
        writeln!(f, "            ignored {rule}: {count}")?;
    }
    for (reason, count) in &rows.refused {
        writeln!(f, "            refused {reason}: {count}")?;
    }
    if rows.texts_cut > 0 {
        writeln!(f, "            {} events with a text that was too long, and cut", rows.texts_cut)?;
    }
    if rows.amounts_dropped > 0 {
        writeln!(f, "            {} events without a currency, their amounts dropped", rows.amounts_dropped)?;
    }
    Ok(())
}
