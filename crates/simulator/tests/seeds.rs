//! The code as it is meant is green over many seeds, and each rule of the protocol that is left out is noticed.

use std::collections::BTreeSet;

use engine::mutants::Mutant;
use simulator::{Seeds, run_traced};

const THREADS: usize = 2;

/// How many seeds have to be green here; `tests/run` lets ten thousand run.
const GREEN: Seeds = Seeds { from: 0, count: 500, threads: THREADS };

/// Within so many seeds each mutant has to be caught.
const MUTATED: Seeds = Seeds { from: 0, count: 600, threads: THREADS };

/// Every trigger there is.
const CATALOGUE: [&str; 23] = [
    "anniversary",
    "birthday",
    "browse_abandonment",
    "cart_abandonment",
    "cart_recovered",
    "checkout_abandonment",
    "churn_risk",
    "csat_low",
    "delivery_delayed",
    "dormancy",
    "nps_detractor",
    "nps_promoter",
    "payment_failed",
    "reactivated",
    "replenishment_due",
    "review_request",
    "search_abandonment",
    "second_order_due",
    "support_frustration",
    "vip_promoted",
    "vip_slipping",
    "welcome",
    "winback",
];

#[test]
fn all_seeds_are_green_and_workers_crashed_wherever_they_can() {
    let summary = GREEN.run(None);
    if let Some(report) = summary.failure {
        panic!("seed {}: {:?}", report.seed, report.violation);
    }
    let crashed: BTreeSet<_> = summary.crashes.keys().copied().collect();
    for service in ["ingest", "triggers"] {
        for point in [
            "open",
            "opened",
            "poll",
            "polled",
            "read committed offset",
            "committed offset read",
            "start",
            "begin transaction",
            "append in transaction",
            "add offsets",
            "end transaction",
            "write marker",
            "published",
            "release",
        ] {
            assert!(crashed.contains(&(service, point)), "no {service} worker crashed at: {point}");
        }
    }
    for point in
        ["acquire", "acquired", "read customers", "customers read", "read timers", "await checkpoint"]
    {
        assert!(crashed.contains(&("triggers", point)), "no worker crashed at: {point}");
    }
    for (what, count) in &summary.tally {
        assert!(*count >= 50, "too rare to mean anything: {count} {what}");
    }
    for trigger in CATALOGUE {
        let fired = summary.emitted.get(&*format!("{trigger}.fired")).copied().unwrap_or_default();
        assert!(fired > 0, "{trigger} never fired");
    }
    // Only news that comes late takes a trigger back, and few triggers can be.
    for (stage, triggers) in
        [("suppressed", 6), ("expired", 6), ("converted", 6), ("unconverted", 6), ("cancelled", 3)]
    {
        let ending = format!(".{stage}");
        let of_stage: Vec<_> = summary.emitted.keys().filter(|what| what.ends_with(&ending)).collect();
        assert!(of_stage.len() >= triggers, "hardly any trigger was ever {stage}: {of_stage:?}");
    }
}

#[test]
fn a_seed_repeats_itself() {
    let trace = |seed| run_traced(seed, None, usize::MAX).trace.to_string();
    for seed in 0..5 {
        assert_eq!(trace(seed), trace(seed));
    }
    assert_ne!(trace(0), trace(1));
}

macro_rules! caught {
    ($($test:ident: $mutant:ident,)*) => {
        $(
            #[test]
            fn $test() {
                let summary = MUTATED.run(Some(Mutant::$mutant));
                assert!(summary.failure.is_some(), "not noticed in {} seeds", summary.seeds);
            }
        )*

        #[test]
        fn no_mutant_is_forgotten() {
            assert_eq!(Mutant::ALL, [$(Mutant::$mutant,)*]);
        }
    };
}

caught! {
    a_checkpoint_before_its_publication_is_noticed: CheckpointBeforePublish,
    a_store_without_compare_and_set_is_noticed: NoCompareAndSet,
    reads_at_any_position_are_noticed: UnvalidatedReads,
    outputs_below_the_published_position_are_noticed: NoSuppressionBelowK,
    an_unstable_published_position_is_noticed: UnstableK,
    doubt_taken_for_a_commit_is_noticed: DoubtAsCommit,
    doubt_taken_for_an_abort_is_noticed: DoubtAsAbort,
    a_buffer_that_is_not_rebuilt_is_noticed: BufferNotRebuilt,
    buffer_membership_by_the_watermark_is_noticed: BufferMembershipByWatermark,
    a_checkpoint_in_two_parts_is_noticed: CheckpointInTwoParts,
    a_tick_before_its_events_is_noticed: TickBeforeEvents,
    evidence_against_what_was_fetched_is_noticed: EvidenceAgainstFetched,
    a_clock_without_evidence_is_noticed: ClockWithoutEvidence,
    offsets_of_a_past_generation_are_noticed: PastGenerationAccepted,
    a_producer_that_is_not_fenced_is_noticed: ProducerNotFenced,
}
