//! The answers that are known for the OTTO clickstream: real traffic, every trigger at every horizon.
//!
//! Needs the folder `data/otto` under `REKINDLE_SHARED_DATA`; says so and passes where it is not there.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use cart_abandonment::Rules;
use events::{Body, CustomerId, Event, EventTime, Span};
use triggers::{Settings, structured};

use crate::log::{Log, added, event, ordered, text};

/// Visitor, last change of the cart, firing.
type Answers = BTreeSet<(String, String, String)>;

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("REKINDLE_SHARED_DATA")?).join("otto");
    folder.is_dir().then_some(folder)
}

#[expect(clippy::disallowed_methods, reason = "fixtures are files")]
fn rows(path: &Path) -> Vec<csv::StringRecord> {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("the file is there");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("gzip");
    csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.expect("a row")).collect()
}

fn history(folder: &Path) -> Vec<Event> {
    let to_event = |(line, row): (usize, csv::StringRecord)| {
        let id = format!("line-{line:06}");
        let mut event = match &row[2] {
            "cart" => added(&id, 0, &row[3]),
            "purchase" => ordered(&id, 0, &id),
            _ => event(&id, 0, Body::ProductViewed(Default::default())),
        };
        event.occurred_at = EventTime::from_millis(row[0].parse().expect("milliseconds"));
        event.customer_id = CustomerId::new(format!("otto-{}", &row[1]));
        event
    };
    let mut events: Vec<Event> =
        rows(&folder.join("events_flat.csv.gz")).into_iter().enumerate().map(to_event).collect();
    let key = |event: &Event| (event.occurred_at, event.body.rank(), event.event_id.clone());
    events.sort_by_key(key);
    events
}

fn fired(history: &[Event], wait: Span, end: EventTime) -> Answers {
    let gates = contact_policy::Settings { enabled: Vec::new(), attribution: None, ..Default::default() };
    let rules = Rules { wait, further_steps: Vec::new(), ..Rules::default() };
    let mut log = Log::new(Settings { gates, cart_abandonment: Some(rules), ..Settings::default() });
    for event in history {
        log.event(event);
    }
    let outputs = log.until(end).written();
    let answer = |output| {
        let event = structured(output);
        let of = |pointer| text(&event, pointer).to_owned();
        (of("/subject"), of("/data/armed_at"), of("/time"))
    };
    outputs.iter().map(answer).collect()
}

#[test]
fn every_known_trigger_and_no_other_fires() {
    let Some(folder) = folder() else {
        eprintln!("skipped: REKINDLE_SHARED_DATA does not name a folder with `otto` in it");
        return;
    };
    let history = history(&folder);
    let end = history.last().expect("events").occurred_at;
    let expected = rows(&folder.join("expected_triggers_D2.csv.gz"));
    for (label, wait) in [
        ("30m", Span::from_minutes(30)),
        ("1h", Span::from_hours(1)),
        ("4h", Span::from_hours(4)),
        ("24h", Span::from_hours(24)),
    ] {
        let time = |text: &str| EventTime::from_millis(text.parse().expect("milliseconds")).to_string();
        let rows = expected.iter().filter(|row| &row[0] == label);
        let all: Vec<_> =
            rows.map(|row| (&row[5], (format!("otto-{}", &row[1]), time(&row[2]), time(&row[3])))).collect();
        let flushed: Answers = all.iter().map(|(_, answer)| answer.clone()).collect();
        let unflushed: Answers = all
            .iter()
            .filter(|(by_end, _)| by_end.eq_ignore_ascii_case("true"))
            .map(|(_, answer)| answer.clone())
            .collect();
        assert_eq!(fired(&history, wait, EventTime::MAX), flushed, "{label}, flushed");
        assert_eq!(fired(&history, wait, end), unflushed, "{label}, unflushed");
    }
}
