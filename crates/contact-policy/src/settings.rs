//! Which gates are asked, and what they need to know. The numbers are the catalogue's.

use customer::Zone;
use events::Span;
use serde::Serialize;

use crate::clock_time::ClockTime;
use crate::history::MAX_CONTACTS;

/// A condition of contacting a customer. The order of the variants is the order in which they are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// The customer's id is one that can be contacted.
    Identity,
    /// The customer agrees to the channel and the purpose.
    Consent,
    /// The customer has not objected, and messages to them do not bounce.
    SuppressionList,
    /// No ticket is open, and no other intent trigger of the same or a higher rank is under way.
    Precedence,
    /// The last intent trigger is long enough ago.
    Cooldown,
    /// Not too many messages in the window, on the channel and in all.
    FrequencyCap,
    /// The customer is not in the share that is left alone, to compare with.
    Holdout,
    /// It is not night where the customer is; stops nothing, and says from when on it may be sent.
    QuietHours,
}

impl Gate {
    /// Every gate, in the order in which they are asked.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Consent,
        Self::SuppressionList,
        Self::Precedence,
        Self::Cooldown,
        Self::FrequencyCap,
        Self::Holdout,
        Self::QuietHours,
    ];

    /// The gate's name in records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Consent => "consent",
            Self::SuppressionList => "suppression_list",
            Self::Precedence => "precedence",
            Self::Cooldown => "cooldown",
            Self::FrequencyCap => "frequency_cap",
            Self::Holdout => "holdout",
            Self::QuietHours => "quiet_hours",
        }
    }

    /// The gate of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|gate| gate.as_str() == name)
    }
}

/// What counts for a customer who has said nothing about consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentDefault {
    /// Contact is allowed.
    Granted,
    /// Contact is not allowed.
    Denied,
}

/// The settings of the gates. All of them affect output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settings {
    /// The gates that are asked, in whatever order they are listed; none switches them off.
    pub enabled: Vec<Gate>,
    /// What counts without a statement; has to be given where the consent gate is enabled.
    pub consent_default: Option<ConsentDefault>,
    /// The channel for which consent is asked; none leaves the choice to the sender, and any refusal stops.
    pub consent_channel: Option<String>,
    /// Ids that begin with one of these cannot be contacted.
    pub uncontactable_prefixes: Vec<String>,
    /// The pause between intent triggers.
    pub cooldown: Cooldown,
    /// How many messages are too many.
    pub frequency_cap: FrequencyCap,
    /// Who is left alone to compare with.
    pub holdout: Holdout,
    /// When nobody is disturbed.
    pub quiet_hours: QuietHours,
    /// Which orders count for a trigger; none reports no outcomes.
    pub attribution: Option<Attribution>,
}

/// The pause between intent triggers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cooldown {
    /// How long after one the next is still stopped; its end included.
    pub intent: Span,
    /// Whether the later steps of one episode are part of what was begun, or triggers like any other.
    pub further_steps: FurtherSteps,
}

/// What the gates of precedence and cooldown make of the later steps of an episode that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FurtherSteps {
    /// They go on.
    Exempt,
    /// They are stopped like another trigger.
    Counted,
}

/// How many messages are too many. Service messages are neither counted nor stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FrequencyCap {
    /// In what time.
    pub window: CapWindow,
    /// How many on all channels together.
    pub in_all: u32,
    /// How many on one channel, where the channel is known.
    pub per_channel: u32,
}

/// The time in which messages are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CapWindow {
    /// The time up to now, both ends included.
    Rolling(Span),
    /// This many days of the customer's calendar, today included.
    CalendarDays(u32),
}

/// Who is left alone to compare with: always the same customers, by a keyed hash. Service messages go to everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holdout {
    /// The share of customers, in ten-thousandths.
    pub share_basis_points: u32,
    /// Another key draws other customers.
    pub key: String,
}

/// When nobody is disturbed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct QuietHours {
    /// When the night begins, in the customer's time zone.
    pub from: ClockTime,
    /// When it is over.
    pub to: ClockTime,
    /// The zone of customers who stated none that is known: an IANA name.
    pub time_zone: String,
    /// A purpose; who agreed to it gets advertising at night too. Korea asks for such a consent of its own.
    pub night_purpose: Option<String>,
    /// Whether service messages wait too.
    pub service_too: bool,
}

/// The time after a trigger in which orders count for it; its end included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribution {
    /// After an intent trigger.
    pub intent: Span,
    /// After any other.
    pub other: Span,
}

impl Default for Settings {
    /// Every gate; `consent_default` is still to be given.
    fn default() -> Self {
        Self {
            enabled: Gate::ALL.to_vec(),
            consent_default: None,
            consent_channel: None,
            uncontactable_prefixes: Vec::new(),
            cooldown: Cooldown { intent: Span::from_hours(48), further_steps: FurtherSteps::Exempt },
            frequency_cap: FrequencyCap {
                window: CapWindow::Rolling(Span::from_days(7)),
                in_all: 5,
                per_channel: 3,
            },
            holdout: Holdout { share_basis_points: 500, key: "rekindle".to_owned() },
            quiet_hours: QuietHours::default(),
            attribution: Some(Attribution::default()),
        }
    }
}

impl Default for QuietHours {
    fn default() -> Self {
        Self {
            from: ClockTime::hour(21),
            to: ClockTime::hour(8),
            time_zone: "UTC".to_owned(),
            night_purpose: None,
            service_too: true,
        }
    }
}

impl Default for Attribution {
    fn default() -> Self {
        Self { intent: Span::from_days(3), other: Span::from_days(5) }
    }
}

impl QuietHours {
    /// Korea's rule: advertising between 21:00 and 08:00 needs a consent of its own (Act on Promotion of Information
    /// and Communications Network Utilization, article 50 (3)). Service messages are not concerned.
    pub fn korea() -> Self {
        Self {
            time_zone: "Asia/Seoul".to_owned(),
            night_purpose: Some("advertising_at_night".to_owned()),
            service_too: false,
            ..Self::default()
        }
    }
}

impl Settings {
    /// Whether contacts have to be remembered.
    pub fn needs_history(&self) -> bool {
        let remembering = [Gate::Precedence, Gate::Cooldown, Gate::FrequencyCap];
        self.attribution.is_some() || remembering.iter().any(|gate| self.enabled.contains(gate))
    }

    /// The attribution window of triggers of that group.
    pub(crate) fn attribution_window(&self, is_intent: bool) -> Option<Span> {
        let window = |attribution: &Attribution| match is_intent {
            true => attribution.intent,
            false => attribution.other,
        };
        self.attribution.as_ref().map(window)
    }

    /// How long a contact can matter to a later one.
    pub(crate) fn horizon(&self) -> Span {
        let cap = match self.frequency_cap.window {
            CapWindow::Rolling(span) => span,
            // A local day has at most 25 hours; a customer may move across all zones.
            CapWindow::CalendarDays(days) => Span::from_hours(i64::from(days).saturating_mul(25) + 26),
        };
        self.cooldown.intent.max(cap)
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// Names the first key that cannot be used.
    pub fn validate(&self) -> Result<(), InvalidPolicy> {
        let listed_twice = |(place, gate): (usize, &Gate)| self.enabled[..place].contains(gate);
        if self.enabled.iter().enumerate().any(listed_twice) {
            return refuse("gates.enabled", "lists a gate twice");
        }
        if self.enabled.contains(&Gate::Consent) && self.consent_default.is_none() {
            return refuse(
                "gates.consent.default",
                "has to be set to `granted` or `denied` while the consent gate is enabled",
            );
        }
        if self.consent_channel.as_ref().is_some_and(String::is_empty) {
            return refuse("gates.consent.channel", "is empty; leave it out to ask for every channel");
        }
        if self.uncontactable_prefixes.iter().any(String::is_empty) {
            return refuse(
                "gates.identity.uncontactable_prefixes",
                "holds an empty prefix, which every id begins with",
            );
        }
        if self.cooldown.intent <= Span::ZERO {
            return refuse("gates.cooldown.intent", "must be longer than nothing; take the gate out instead");
        }
        self.frequency_cap.validate()?;
        if self.holdout.share_basis_points > 10_000 {
            return refuse("gates.holdout.share", "must lie between 0 and 1");
        }
        if self.holdout.key.is_empty() {
            return refuse("gates.holdout.key", "is empty");
        }
        self.quiet_hours.validate()?;
        self.attribution.as_ref().map_or(Ok(()), Attribution::validate)
    }
}

impl FrequencyCap {
    fn validate(&self) -> Result<(), InvalidPolicy> {
        /// Half of what is remembered, so that service messages cannot push counted ones out of the window.
        const MOST: u32 = MAX_CONTACTS as u32 / 2;
        for (key, cap) in [
            ("gates.frequency-cap.in_all", self.in_all),
            ("gates.frequency-cap.per_channel", self.per_channel),
        ] {
            if !(1..=MOST).contains(&cap) {
                return refuse(key, &format!("is {cap}, and must lie between 1 and {MOST}"));
            }
        }
        match self.window {
            CapWindow::Rolling(span) if !(Span::ZERO < span && span <= Span::from_days(31)) => {
                refuse("gates.frequency-cap.window", "must be longer than nothing and at most 31d")
            }
            CapWindow::CalendarDays(days) if !(1..=31).contains(&days) => {
                refuse("gates.frequency-cap.calendar_days", "must lie between 1 and 31")
            }
            _ => Ok(()),
        }
    }
}

impl QuietHours {
    fn validate(&self) -> Result<(), InvalidPolicy> {
        if self.from == self.to {
            return refuse(
                "gates.quiet-hours.from",
                "is the same as `to`: that is all day or never; take the gate out instead",
            );
        }
        if Zone::named(&self.time_zone).is_none() {
            let problem = format!("`{}` is not an IANA time zone, such as `Europe/Berlin`", self.time_zone);
            return refuse("gates.quiet-hours.time_zone", &problem);
        }
        Ok(())
    }
}

impl Attribution {
    fn validate(&self) -> Result<(), InvalidPolicy> {
        for (key, window) in [("outcomes.intent", self.intent), ("outcomes.other", self.other)] {
            if !(Span::ZERO < window && window <= Span::from_days(60)) {
                return refuse(key, "must be longer than nothing and at most 60d");
            }
        }
        Ok(())
    }
}

fn refuse(key: &'static str, problem: &str) -> Result<(), InvalidPolicy> {
    Err(InvalidPolicy { key, problem: problem.to_owned() })
}

/// A setting of the gates that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` {problem}")]
pub struct InvalidPolicy {
    /// The setting's name.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_found_by_their_names() {
        for gate in Gate::ALL {
            assert_eq!(Gate::named(gate.as_str()), Some(gate));
        }
        assert_eq!(Gate::named("holiday"), None);
        assert!(Gate::ALL.is_sorted());
    }

    #[test]
    fn settings_that_cannot_be_meant_are_refused_by_name() {
        let refused = |change: &dyn Fn(&mut Settings)| {
            let mut settings =
                Settings { consent_default: Some(ConsentDefault::Denied), ..Settings::default() };
            change(&mut settings);
            settings.validate().err().map(|error| error.key)
        };
        assert_eq!(refused(&|_| {}), None);
        assert_eq!(refused(&|it| it.quiet_hours = QuietHours::korea()), None);
        assert_eq!(refused(&|it| it.consent_default = None), Some("gates.consent.default"));
        assert_eq!(refused(&|it| (it.consent_default, it.enabled) = (None, Vec::new())), None);
        assert_eq!(refused(&|it| it.enabled = vec![Gate::Identity; 2]), Some("gates.enabled"));
        assert_eq!(
            refused(&|it| it.uncontactable_prefixes = vec![String::new()]),
            Some("gates.identity.uncontactable_prefixes")
        );
        assert_eq!(refused(&|it| it.consent_channel = Some(String::new())), Some("gates.consent.channel"));
        assert_eq!(refused(&|it| it.cooldown.intent = Span::ZERO), Some("gates.cooldown.intent"));
        assert_eq!(refused(&|it| it.frequency_cap.in_all = 0), Some("gates.frequency-cap.in_all"));
        assert_eq!(refused(&|it| it.frequency_cap.per_channel = 17), Some("gates.frequency-cap.per_channel"));
        let rolling = |days| CapWindow::Rolling(Span::from_days(days));
        assert_eq!(refused(&|it| it.frequency_cap.window = rolling(32)), Some("gates.frequency-cap.window"));
        assert_eq!(
            refused(&|it| it.frequency_cap.window = CapWindow::CalendarDays(0)),
            Some("gates.frequency-cap.calendar_days")
        );
        assert_eq!(refused(&|it| it.holdout.share_basis_points = 10_001), Some("gates.holdout.share"));
        assert_eq!(refused(&|it| it.holdout.key.clear()), Some("gates.holdout.key"));
        assert_eq!(refused(&|it| it.quiet_hours.to = ClockTime::hour(21)), Some("gates.quiet-hours.from"));
        assert_eq!(
            refused(&|it| it.quiet_hours.time_zone = "Mars/Olympus".to_owned()),
            Some("gates.quiet-hours.time_zone")
        );
        let attribution = Attribution { intent: Span::from_days(3), other: Span::ZERO };
        assert_eq!(refused(&|it| it.attribution = Some(attribution.clone())), Some("outcomes.other"));
    }
}
