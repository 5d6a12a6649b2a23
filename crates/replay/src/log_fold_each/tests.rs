use std::io;

use engine::Output;
use engine::ports::Offset;
use events::Span;
use events::codec::{Peeked, peek};

use super::*;
use crate::log_replay::tests::{END, Idle, lines, log, run, settings, waiting};
use crate::log_replay::{LogReplaySettings, replay_log};

/// What was heard: events of the stretch and before it, and outputs by fold.
#[derive(Default)]
struct Heard {
    events: usize,
    before: usize,
    outputs: [Vec<String>; 2],
}

impl Audience for Heard {
    fn event(&mut self, event: &SortedEvent) -> io::Result<()> {
        assert!(matches!(peek(&event.record), Ok(Peeked::Event(_))));
        self.events += 1;
        Ok(())
    }

    fn event_before(&mut self, _: &SortedEvent) -> io::Result<()> {
        self.before += 1;
        Ok(())
    }

    fn output(&mut self, place: usize, output: &Output) -> io::Result<()> {
        self.outputs[place].push(String::from_utf8(output.payload.to_vec()).unwrap());
        Ok(())
    }
}

/// By settings under which time passes more slowly.
fn slow() -> TaskSettings {
    TaskSettings { grace: Span::from_secs(40), ..settings(1).task }
}

fn pass(folds: &[(Idle, TaskSettings)], tell_from: Offset, threads: usize) -> (Heard, Vec<Passage>) {
    let stretch = |partition| Stretch { partition, read_from: 0, tell_from, end: END };
    let LogReplaySettings { topic, log_partitions, cached_customers, .. } = settings(threads);
    let settings = LogPassSettings { topic, log_partitions, cached_customers, threads };
    let (mut heard, passed) = (Heard::default(), AtomicU64::new(0));
    let stretches = (0..3).map(stretch).collect();
    let passages = fold_log_each(folds, &log(), stretches, &settings, &mut heard, &passed).unwrap();
    assert_eq!(passed.into_inner(), 3 * END);
    heard.outputs.iter_mut().for_each(|lines| lines.sort());
    (heard, passages)
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// The partition, and the time at which the line's timer was due.
fn due(line: &str) -> (i32, i64) {
    let mut words = line.split(' ');
    let (customer, due) = (words.next().unwrap(), words.nth(1).unwrap());
    (customer[1..2].parse().unwrap(), due.parse().unwrap())
}

#[test]
fn each_fold_tells_what_it_tells_alone_however_many_threads_there_are() {
    let alone = sorted(lines(run(&log(), waiting(0), 1)));
    let slow_alone = |threads| {
        let settings = LogReplaySettings { task: slow(), ..settings(threads) };
        let told =
            replay_log(&Idle, &log(), waiting(0), &settings, &AtomicBool::new(false), &AtomicU64::new(0));
        sorted(lines(told.unwrap()))
    };
    let slow_alone = slow_alone(1);
    assert_ne!(alone, slow_alone);
    for threads in [1, 3] {
        let (heard, passages) = pass(&[(Idle, settings(1).task), (Idle, slow())], 0, threads);
        assert_eq!(heard.outputs, [alone.clone(), slow_alone.clone()]);
        assert_eq!((heard.events, heard.before), (3 * 400, 0));
        assert!(passages.iter().all(|passage| passage.began == EventTime::MIN));
    }
}

#[test]
fn what_came_due_while_time_passed_over_the_stretch_is_what_was_told_in_it() {
    for tell_from in [0, 50, 301, END] {
        let (heard, passages) = pass(&[(Idle, settings(1).task)], tell_from, 2);
        let is_within = |line: &String| {
            let (partition, due) = due(line);
            let Passage { began, ended, .. } = passages[partition as usize];
            due > began.as_millis() && due <= ended.as_millis()
        };
        let told: Vec<String> = heard.outputs[0].iter().filter(|line| is_within(line)).cloned().collect();
        assert_eq!(told, sorted(lines(run(&log(), waiting(tell_from), 1))), "from {tell_from}");
        assert_eq!(heard.events + heard.before, 3 * 400);
    }
}

#[test]
fn without_what_lies_before_it_a_stretch_begins_where_time_is_first_known() {
    let settings =
        LogPassSettings { topic: "log".into(), log_partitions: 3, cached_customers: 8, threads: 1 };
    let stretch = Stretch { partition: 0, read_from: 100, tell_from: 100, end: 300 };
    let folds = [(Idle, super::tests::settings(1).task)];
    let (mut heard, passed) = (Heard::default(), AtomicU64::new(0));
    let passages = fold_log_each(&folds, &log(), vec![stretch], &settings, &mut heard, &passed).unwrap();
    let Passage { began, ended, .. } = passages[0];
    assert!(began.is_finite() && began < ended, "{began} {ended}");
}
