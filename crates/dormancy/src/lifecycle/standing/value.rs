//! What a year's spend is short of, and when two bands are lost.

use customer::standing::{Input, Obstacle, Waiting};
use customer::words::money;
use events::{EventTime, Span};

use super::{Outlook, waiting};
use crate::lifecycle::value::ValueState;

impl Outlook<'_> {
    /// Two bands are lost without an event.
    pub(super) fn loss(&self, valid_for: Span) -> Option<Waiting> {
        let value = self.state.value.as_ref()?;
        let due = EventTime::from_millis(value.look_ms?);
        let is_of_event = value.raised_by.is_some() || value.lowered_by.is_some();
        if is_of_event || value.held < 2 {
            return None;
        }
        let sentence = format!(
            "Value band {} is held by {} of a year; two bands are lost at {due}, when spend leaves the year, unless \
             ordered",
            value.held,
            self.spend_in_words(value),
        );
        let inputs = vec![self.spend_input(value, value.held), Input::event("end_of_window", None, due)];
        Some(waiting(sentence, inputs, (due, due), valid_for, &format!("window-{due}")))
    }

    pub(super) fn no_promotion(&self) -> Obstacle {
        let bands = &self.rules.bands;
        let Some(value) = &self.state.value else { return self.no_spend() };
        if let Some(obstacle) = self.look_to_come(value) {
            return obstacle;
        }
        let next = value.held.saturating_add(1);
        let spend = self.spend_in_words(value);
        let Some(threshold) = bands.thresholds_minor.get(value.held as usize) else {
            let sentence = format!("{spend} of a year; the highest band, {}, is held", value.held);
            return Obstacle::held("higher_band", sentence).because(self.spend_input(value, value.held));
        };
        let sentence = format!(
            "{spend} of a year, in band {}; band {next} begins at {}",
            value.held,
            money(*threshold, &bands.currency)
        );
        Obstacle::missing("spend", sentence).because(self.spend_input(value, next))
    }

    pub(super) fn no_loss(&self) -> Obstacle {
        let Some(value) = &self.state.value else { return self.no_spend() };
        if let Some(obstacle) = self.look_to_come(value) {
            return obstacle;
        }
        let spend = self.spend_in_words(value);
        let sentence =
            format!("{spend} of a year, in band {}; whoever is below band 2 has no two to lose", value.held);
        Obstacle::missing("two_bands_to_lose", sentence).because(self.spend_input(value, value.held))
    }

    fn no_spend(&self) -> Obstacle {
        self.no_order_since_on("no order, and so no spend")
    }

    /// An event has moved the spend, and it is looked at when all of its moment is known.
    fn look_to_come(&self, value: &ValueState) -> Option<Obstacle> {
        value.raised_by.as_ref().or(value.lowered_by.as_ref())?;
        let look = EventTime::from_millis(value.look_ms?);
        let sentence = format!("spend has changed, and is looked at at {look}");
        Some(Obstacle::missing("look", sentence).until(look))
    }

    fn spend_in_words(&self, value: &ValueState) -> String {
        money(value.spend.total(self.watermark), &self.rules.bands.currency)
    }

    /// The spend of the window, and the threshold at which that band begins.
    fn spend_input(&self, value: &ValueState, band: u32) -> Input {
        let bands = &self.rules.bands;
        let place = (band as usize).checked_sub(1);
        let threshold = place.and_then(|place| bands.thresholds_minor.get(place)).copied().unwrap_or(0);
        Input::measured("spend_minor", value.spend.total(self.watermark), threshold)
    }
}
