//! What a year's spend is short of, and when two bands are lost.

use customer::standing::{Input, Obstacle, Waiting};
use customer::words::money;
use events::{EventTime, Span};

use super::{Outlook, waiting};
use crate::lifecycle::effect::Trigger;
use crate::lifecycle::value::{Move, ValueState};

/// Looks that are gone through at most: one for an event, and one for each band that can be lost after it.
const MOST_LOOKS: usize = 8;

impl Outlook<'_> {
    /// The next move between bands that `trigger` tells of, if nothing happens: the looks are gone through on a copy.
    pub(super) fn next_move(&self, trigger: Trigger, valid_for: Span) -> Option<Waiting> {
        let mut value = self.state.value.clone()?;
        for _ in 0..MOST_LOOKS {
            let look = EventTime::from_millis(value.look_ms?);
            let moved = value.look(&self.rules.bands, look);
            if let Some(moved) = moved.filter(|moved| moved.trigger == trigger) {
                return Some(self.move_at(look, &moved, &value, valid_for));
            }
        }
        None
    }

    fn move_at(&self, look: EventTime, moved: &Move, value: &ValueState, valid_for: Span) -> Waiting {
        let currency = &self.rules.bands.currency;
        let spend_minor = value.spend.total(look);
        let spend = money(spend_minor, currency);
        let (armed_at, armed_by) = moved.occasion(look);
        let sentence = match &moved.by {
            Some(by) => format!(
                "The spend of a year comes to {spend} with event {}: from value band {} to {}; due {armed_at}",
                by.event_id, moved.from, moved.to
            ),
            None => format!(
                "The spend of a year comes down to {spend} at {look}: from value band {} to {}; due then, unless ordered",
                moved.from, moved.to
            ),
        };
        let inputs = vec![
            Input::event("change_of_spend", moved.by.as_ref().map(|by| by.event_id.as_str()), armed_at),
            Input::measured("value_band", moved.to, moved.from),
        ];
        waiting(sentence, inputs, (armed_at, look), valid_for, &armed_by)
    }

    pub(super) fn no_promotion(&self) -> Obstacle {
        let bands = &self.rules.bands;
        let Some(value) = &self.state.value else { return self.no_spend() };
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
        let spend = self.spend_in_words(value);
        let sentence =
            format!("{spend} of a year, in band {}; whoever is below band 2 has no two to lose", value.held);
        Obstacle::missing("two_bands_to_lose", sentence).because(self.spend_input(value, value.held))
    }

    fn no_spend(&self) -> Obstacle {
        self.no_order_since_on("no order, and so no spend")
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
