//! Whether an occasion is used: staleness first, then the gates.

use contact_policy::{History, Judgement, Request, judge};
use customer::{Moment, Profile};
use events::{EventTime, Span};

use crate::settings::Settings;

/// What becomes of an occasion.
pub(crate) enum Decision {
    /// It is sent.
    Fire(Judgement),
    /// A gate stops it.
    Suppress(Judgement),
    /// The log got to it too long after it was due.
    Expire { staleness: Span },
}

impl Decision {
    /// Decides about a request that its rule made due at `due`, for a customer of whom this is known.
    ///
    /// Staleness counts from `due`, also where a late event armed the timer: a reminder of what was left behind days
    /// ago is not worth more because the news of it came late.
    pub(crate) fn about(
        settings: &Settings,
        request: &Request<'_>,
        due: EventTime,
        (profile, contacts): (&Profile, &History),
        moment: &Moment,
    ) -> Self {
        let staleness = moment.staleness(due);
        if staleness > settings.max_staleness {
            return Self::Expire { staleness };
        }
        let judgement = judge(&settings.gates, request, profile, contacts);
        match judgement.stopped_by() {
            Some(_) => Self::Suppress(judgement),
            None => Self::Fire(judgement),
        }
    }
}
