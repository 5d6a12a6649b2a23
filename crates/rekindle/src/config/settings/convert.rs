//! The same settings in each crate's own types; whatever could be wrong with them was refused before.

use engine::settings::{ChangedRules, MissingState, PublishFrom, TaskSettings, WorkerSettings};
use events::normalise::{FutureTimes, Limits, NormaliserSettings, SettingsError};
use smol_str::SmolStr;
use strict_toml::{Duration, Origins, Problem};

use crate::config::sections::{
    Activity, Dormancy, EndedBy, Engine, Identity, Ingest, OnMissingState, Sections, Vocabulary,
};
use crate::config::settings::{care, churn, intent, lifecycle, policy};

pub(super) fn task(engine: &Engine) -> TaskSettings {
    TaskSettings {
        grace: engine.grace.span(),
        settle: engine.settle.span(),
        max_buffered_records: engine.max_buffered_records,
        max_applications_per_record: engine.max_applications_per_record,
    }
}

pub(super) fn worker(engine: &Engine, publish_from: PublishFrom) -> WorkerSettings {
    WorkerSettings {
        cached_customers: engine.cached_customers,
        read_customers: engine.read_customers,
        due_page: engine.due_page,
        transaction_outputs: engine.transaction_outputs,
        commit_records: engine.commit_records,
        commit_interval: engine.commit_interval.span(),
        checkpoint_interval: engine.checkpoint_interval.span(),
        checkpoint_customers: engine.checkpoint_customers,
        publish_from,
        missing_state: match engine.on_missing_state {
            OnMissingState::Rebuild => MissingState::Rebuild,
            OnMissingState::Stop => MissingState::Stop,
            OnMissingState::Partial => MissingState::Partial,
        },
        // Adopting other rules is a decision about one start, not a setting.
        changed_rules: ChangedRules::Refuse,
    }
}

pub(super) fn normaliser(ingest: &Ingest) -> NormaliserSettings {
    let vocabularies =
        ingest.topics.iter().map(|(name, topic)| (SmolStr::new(name), vocabulary(topic.vocabulary)));
    NormaliserSettings {
        vocabularies: vocabularies.collect(),
        source: None,
        event_names: ingest.event_names.clone(),
        id_prefix: ingest.id_prefix.as_ref().map(SmolStr::new),
        default_currency: ingest.default_currency.as_ref().map(SmolStr::new),
        future_times: FutureTimes::Clamp,
        limits: Limits {
            record_bytes: ingest.max_record_bytes,
            items: ingest.max_items,
            earliest: ingest.earliest.event_time(),
            ..Limits::default()
        },
    }
}

/// The words that a topic's records are written in.
pub fn vocabulary(vocabulary: Vocabulary) -> events::normalise::Vocabulary {
    match vocabulary {
        Vocabulary::Auto => events::normalise::Vocabulary::Auto,
        Vocabulary::Native => events::normalise::Vocabulary::Native,
        Vocabulary::Segment => events::normalise::Vocabulary::Segment,
    }
}

/// The key that a complaint of the normaliser is about.
pub(super) fn key_of(error: &SettingsError) -> &'static str {
    match error {
        SettingsError::UnknownEventName { .. } => "ingest.event_names",
        SettingsError::BadCurrency(_) => "ingest.default_currency",
        SettingsError::TooManyItems(_) => "ingest.max_items",
    }
}

pub(super) fn ingest(sections: &Sections) -> ingest::Settings {
    let (ingest, topics) = (&sections.ingest, &sections.topics);
    ingest::Settings {
        raw_topics: ingest.topics.keys().map(SmolStr::new).collect(),
        customer_events: SmolStr::new(&topics.customer_events),
        anonymous_events: SmolStr::new(&topics.anonymous_events),
        dead_letters: SmolStr::new(&topics.dead_letters),
        allowed_lateness: ingest.allowed_lateness.span(),
        grace: ingest.grace.span(),
        tick_interval: ingest.tick_interval.span(),
        idle_tick_interval: ingest.idle_tick_interval.span(),
        full_set_interval: ingest.full_set_interval.span(),
        transaction_records: ingest.transaction_records,
        transaction_bytes: ingest.transaction_bytes,
        events_per_tick: ingest.events_per_tick,
        identity: match ingest.identity {
            Identity::Absent => ingest::Identity::Absent,
            Identity::Running => ingest::Identity::Running,
        },
    }
}

/// # Errors
/// If the model file of churn risk cannot be read, or is none; if a time of day is none.
pub(super) fn triggers(sections: &Sections, origins: &Origins) -> Result<triggers::Settings, Problem> {
    let section = &sections.triggers;
    let all = triggers::Settings {
        namespace: section.namespace.clone(),
        mode: triggers::Mode::Live,
        actions_prefix: sections.topics.actions_prefix.clone(),
        outcomes_topic: sections.topics.outcomes.clone(),
        max_staleness: section.max_staleness.span(),
        limits: customer::Limits {
            recent_events: section.recent_events,
            recent_orders: section.recent_orders,
            consents: section.consents,
            text_bytes: section.text_bytes,
            retention: section.retention.span(),
            rolling: sections.profile.rolling.then(|| rolling(sections)),
        },
        gates: policy::gates(sections, origins)?,
        cart_abandonment: section.cart_abandonment.enabled.then(|| cart_rules(sections)),
        care: care::rules(section, origins)?,
        intent: intent::rules(section),
        churn_risk: churn::settings(section, origins)?,
        lifecycle: lifecycle::rules(section, origins)?,
        dormancy: section.dormancy.enabled.then(|| dormancy_rules(&section.dormancy)),
    };
    if section.only.is_empty() {
        return Ok(all);
    }
    all.only(&section.only).map_err(|unknown| origins.problem("triggers.only", unknown.to_string()))
}

/// The name of the service: that of all triggers, or of a selection. It stands in the group's name, in the ids of
/// transactions and in the keys in Redis, so that a selection takes no partitions and no state from the others.
pub(super) fn service(sections: &Sections) -> SmolStr {
    let selected: Vec<&str> = sections.triggers.only.iter().map(String::as_str).collect();
    match selected.is_empty() {
        true => SmolStr::new_static("triggers"),
        false => SmolStr::from(format!("triggers-{}", selected.join("+"))),
    }
}

/// The stages of the rolling profile are those of dormancy, whether that is switched on or not.
fn rolling(sections: &Sections) -> customer::rolling::Rules {
    let (profile, dormancy) = (&sections.profile, &sections.triggers.dormancy);
    customer::rolling::Rules {
        currency: profile.currency.clone(),
        rfm: customer::rolling::Cuts {
            recency: profile.rfm.recency.map(Duration::span),
            frequency: profile.rfm.frequency,
            monetary_minor: profile.rfm.monetary_minor,
        },
        usual_gap: dormancy.usual_gap.span(),
        floors: dormancy.floors.map(Duration::span),
    }
}

fn dormancy_rules(section: &Dormancy) -> dormancy::Rules {
    dormancy::Rules {
        activity: match section.activity {
            Activity::Order => dormancy::ActivityKind::Order,
            Activity::Any => dormancy::ActivityKind::Any,
        },
        usual_gap: section.usual_gap.span(),
        floors: section.floors.map(Duration::span),
        retract_within: section.retract_within.span(),
        valid_for: section.valid_for.span(),
    }
}

fn cart_rules(sections: &Sections) -> cart_abandonment::Rules {
    let cart = &sections.triggers.cart_abandonment;
    cart_abandonment::Rules {
        wait: cart.wait.span(),
        further_steps: cart.steps.iter().copied().map(Duration::span).collect(),
        ended_by: match cart.ended_by {
            EndedBy::AnyOrder => cart_abandonment::OrderMatch::AnyOrder,
            EndedBy::SameCart => cart_abandonment::OrderMatch::SameCartOrCheckout,
        },
        forget_after: cart.forget_after.span(),
        retract_within: cart.retract_within.span(),
        valid_for: cart.valid_for.span(),
        max_items: cart.max_items,
        max_remembered: cart.max_remembered,
        text_bytes: cart.text_bytes,
    }
}
