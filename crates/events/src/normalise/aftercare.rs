//! Builds the bodies of what follows an order or an answer: news of a delivery, reviews, follow-ups.

use smol_str::SmolStr;

use super::fields::{FieldReader, Maybe};
use super::instant::optional_instant;
use super::native::NativeRecord;
use super::refusal::{Refusal, RefusalReason};
use crate::EventTime;
use crate::event::*;

pub(super) fn aftercare(
    kind: Kind,
    record: &NativeRecord<'_>,
    reader: &mut FieldReader<'_>,
) -> Result<Body, Refusal> {
    Ok(match kind {
        Kind::DeliveryUpdated => Body::DeliveryUpdated(DeliveryUpdated {
            order_id: reader.required_id("order_id", &record.order_id)?,
            status: reader.id("status", &record.status)?,
            promised_at: promised_at(record, reader)?,
        }),
        Kind::ReviewSubmitted => Body::ReviewSubmitted(ReviewSubmitted {
            order_id: reader.id("order_id", &record.order_id)?,
            product_id: match &record.item {
                Some(item) => reader.id("item.product_id", &item.product_id)?,
                None => None,
            },
        }),
        _ => Body::FollowUpRecorded(FollowUpRecorded {
            ticket_id: reader.id("ticket_id", &record.ticket_id)?,
            survey: reader.id("survey", &record.survey)?.map(|survey| survey_name(&survey)).transpose()?,
        }),
    })
}

/// A promise lies in the future, so nothing clamps it; before the earliest time it is one in a wrong unit.
fn promised_at(record: &NativeRecord<'_>, reader: &FieldReader<'_>) -> Maybe<EventTime> {
    let promised_at = optional_instant("promised_at", &record.promised_at)?;
    let earliest = reader.settings.limits.earliest;
    if promised_at.is_some_and(|promised_at| promised_at < earliest) {
        let detail = format!("`promised_at` lies before {earliest}");
        return Err(Refusal::new(RefusalReason::BeforeEarliest, detail));
    }
    Ok(promised_at)
}

/// A survey by its name, whatever its case.
pub(super) fn survey_name(survey: &str) -> Result<SmolStr, Refusal> {
    let known = ["nps", "csat", "ces"].into_iter().find(|known| survey.eq_ignore_ascii_case(known));
    let refused = || Refusal::new(RefusalReason::BadValue, "`survey` is not nps, csat or ces");
    known.map(SmolStr::new_static).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalise::NormaliserSettings;
    use crate::normalise::native::Scalar;

    #[test]
    fn a_promise_may_lie_in_the_future_and_not_before_all_that_is_believed() {
        let settings = NormaliserSettings::default();
        let read = |promised: &str| {
            let record =
                NativeRecord { promised_at: Some(Scalar::from(promised)), ..NativeRecord::default() };
            promised_at(&record, &FieldReader::new(&settings, &None).unwrap())
        };
        assert_eq!(read("2099-01-01T00:00:00Z"), Ok(Some(EventTime::from_millis(4_070_908_800_000))));
        assert_eq!(read(" "), Ok(None));
        let reason = |promised| read(promised).unwrap_err().reason;
        assert_eq!(reason("1772751600"), RefusalReason::BeforeEarliest, "seconds");
        assert_eq!(reason("2026-03-05"), RefusalReason::BadTimestamp, "a date is no instant");
    }

    #[test]
    fn surveys_go_by_one_name_each() {
        assert_eq!(survey_name("CSAT").as_deref(), Ok("csat"));
        assert_eq!(survey_name("stars").unwrap_err().reason, RefusalReason::BadValue);
    }
}
