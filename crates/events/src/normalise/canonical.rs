//! From a native record to the canonical event: who, when, and the id.

use smol_str::SmolStr;

use super::bodies::{body_of, is_said};
use super::fields::FieldReader;
use super::fingerprint::content_id;
use super::instant::optional_instant;
use super::native::NativeRecord;
use super::refusal::{IgnoreReason, Refusal, RefusalReason};
use super::settings::{FutureTimes, NormaliserSettings};
use super::{Arrival, Normalised, Outcome};
use crate::event::Kind;
use crate::{AnonymousEvent, AnonymousId, Body, Context, CustomerId, Event, EventId, EventTime};

/// When it happened, and when it was received, both believable.
struct Times {
    occurred_at: EventTime,
    received_at: EventTime,
    /// `occurred_at` before it was clamped: what the source says, whenever it is read.
    stated: EventTime,
}

/// Validates a record of a known kind and builds its event.
pub(super) fn canonicalise(
    kind: Kind,
    record: &NativeRecord<'_>,
    arrival: &Arrival<'_>,
    source: &SmolStr,
    settings: &NormaliserSettings,
) -> Result<Outcome, Refusal> {
    if kind == Kind::ProfileUpdated && !says_profile(record) {
        return Ok(Outcome::Ignored(IgnoreReason::NothingSaid));
    }
    let mut reader = FieldReader::new(settings, &record.currency)?;
    let customer_id = reader.person_id("customer_id", &record.customer_id)?;
    if customer_id.is_none() && kind == Kind::ErasureRequested {
        return Err(Refusal::missing("customer_id"));
    }
    let anonymous_id = reader.person_id("anonymous_id", &record.anonymous_id)?.map(AnonymousId::from);
    if kind == Kind::IdentityLinked && (customer_id.is_none() || anonymous_id.is_none()) {
        return Ok(Outcome::Ignored(IgnoreReason::NothingSaid));
    }
    let times = times_of(record, arrival, settings)?;
    let event_id = match reader.id("event_id", &record.event_id)? {
        Some(event_id) if !super::junk::is_junk_number(&event_id) => EventId::from(event_id),
        _ => content_id(kind, times.stated, record),
    };
    let body = named_order(body_of(kind, record, &mut reader)?, &event_id);
    let context = context_of(kind, record, &mut reader)?;
    let mut notes = reader.notes;
    notes.clamped = times.occurred_at != times.stated;
    let event = AnonymousEvent {
        event_id,
        anonymous_id,
        occurred_at: times.occurred_at,
        body,
        received_at: times.received_at,
        source: source.clone(),
        origin: arrival.origin.clone(),
        context,
        backfill: arrival.backfill,
    };
    Ok(match customer_id {
        Some(customer_id) => {
            let event = Box::new(identified(event, CustomerId::from(customer_id)));
            Outcome::Event(Normalised { event, notes })
        }
        None => Outcome::Anonymous(Normalised { event: Box::new(event), notes }),
    })
}

fn identified(event: AnonymousEvent, customer_id: CustomerId) -> Event {
    Event {
        event_id: event.event_id,
        customer_id,
        occurred_at: event.occurred_at,
        body: event.body,
        received_at: event.received_at,
        source: event.source,
        origin: event.origin,
        anonymous_id: event.anonymous_id,
        context: event.context,
        backfill: event.backfill,
    }
}

fn says_profile(record: &NativeRecord<'_>) -> bool {
    [&record.time_zone, &record.locale, &record.birthday, &record.preferred_channel].into_iter().any(is_said)
}

/// A completed order without an id goes by its event's: losing it would remind somebody who has bought.
fn named_order(body: Body, event_id: &EventId) -> Body {
    match body {
        Body::OrderCompleted(mut order) if order.order_id.is_empty() => {
            order.order_id = SmolStr::new(event_id.as_str());
            Body::OrderCompleted(order)
        }
        other => other,
    }
}

fn context_of(
    kind: Kind,
    record: &NativeRecord<'_>,
    reader: &mut FieldReader<'_>,
) -> Result<Context, Refusal> {
    let about_channel =
        matches!(kind, Kind::ConsentChanged | Kind::Unsubscribed) && record.consent_channel.is_none();
    Ok(Context {
        session_id: reader.id("session_id", &record.session_id)?,
        url: reader.url("url", &record.url)?,
        channel: if about_channel { None } else { reader.text("channel", &record.channel)? },
    })
}

fn times_of(
    record: &NativeRecord<'_>,
    arrival: &Arrival<'_>,
    settings: &NormaliserSettings,
) -> Result<Times, Refusal> {
    let stated = optional_instant("occurred_at", &record.occurred_at)?
        .ok_or_else(|| Refusal::missing("occurred_at"))?;
    let earliest = settings.limits.earliest;
    if stated < earliest {
        let detail = format!("`occurred_at` lies before {earliest}");
        return Err(Refusal::new(RefusalReason::BeforeEarliest, detail));
    }
    let received =
        optional_instant("received_at", &record.received_at)?.filter(|received| *received >= earliest);
    let received_at = received.map_or(arrival.timestamp, |received| received.min(arrival.timestamp));
    let latest = match settings.future_times {
        FutureTimes::Clamp => arrival.timestamp,
        FutureTimes::Refuse => received_at,
    };
    if stated > latest && settings.future_times == FutureTimes::Refuse {
        let detail = "`occurred_at` lies after the time at which the record was received";
        return Err(Refusal::new(RefusalReason::InTheFuture, detail));
    }
    Ok(Times { occurred_at: stated.min(latest), received_at, stated })
}
