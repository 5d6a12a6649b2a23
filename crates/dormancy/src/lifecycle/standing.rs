//! Where the triggers of the lifecycle stand for a customer, for a person to read.

mod days;
mod orders;
mod products;
mod value;

use customer::Profile;
use customer::standing::{Fired, Input, Standing, Waiting};
use events::{EventTime, Span};

use super::effect::Trigger;
use super::rules::Rules;
use super::state::LifecycleState;
use super::wait::Wait;

/// Tells of each trigger that is switched on what waits, what was sent, or why nothing waits.
pub fn standings(
    state: &LifecycleState,
    rules: &Rules,
    profile: &Profile,
    watermark: EventTime,
) -> Vec<Standing> {
    let outlook = Outlook { state, rules, profile, watermark };
    let on = Trigger::ALL.into_iter().filter_map(|trigger| Some((trigger, rules.valid_for(trigger)?)));
    on.map(|(trigger, valid_for)| outlook.standing(trigger, valid_for)).collect()
}

/// What is known when the log has been read so far.
struct Outlook<'a> {
    state: &'a LifecycleState,
    rules: &'a Rules,
    profile: &'a Profile,
    watermark: EventTime,
}

impl Outlook<'_> {
    fn standing(&self, trigger: Trigger, valid_for: Span) -> Standing {
        let waits = match trigger {
            Trigger::Winback => self.winback(valid_for),
            Trigger::Welcome => self.welcome(valid_for),
            Trigger::SecondOrderDue => self.second_order(valid_for),
            Trigger::ReplenishmentDue => self.products(valid_for),
            Trigger::VipPromoted | Trigger::VipSlipping => {
                self.next_move(trigger, valid_for).into_iter().collect()
            }
            Trigger::Birthday => self.birthday(valid_for).into_iter().collect(),
            Trigger::Anniversary => self.anniversary(valid_for).into_iter().collect(),
        };
        let obstacle = || match trigger {
            Trigger::Winback => self.no_winback(),
            Trigger::Welcome => self.no_welcome(),
            Trigger::SecondOrderDue => self.no_second_order(),
            Trigger::ReplenishmentDue => self.no_product(),
            Trigger::VipPromoted => self.no_promotion(),
            Trigger::VipSlipping => self.no_loss(),
            Trigger::Birthday => self.no_birthday(),
            Trigger::Anniversary => self.no_anniversary(),
        };
        Standing::of(trigger.as_str(), waits, self.fired(trigger), self.watermark, obstacle)
    }

    fn fired(&self, trigger: Trigger) -> Vec<Fired> {
        let waits: Vec<&Wait> = match trigger {
            Trigger::Winback => self.state.winback.iter().collect(),
            Trigger::SecondOrderDue => self.state.second_order.iter().collect(),
            Trigger::ReplenishmentDue => self.state.products.iter().map(|product| &product.wait).collect(),
            // Nothing takes the others back.
            _ => Vec::new(),
        };
        let fired = waits.into_iter().filter_map(|wait| {
            let fired = wait.fired.as_ref()?;
            Some(Fired {
                trigger_id: fired.trigger_id.clone(),
                episode_id: fired.episode_id.clone(),
                step: 0,
                armed_at: wait.since(),
                fired_at: fired.fired_at(),
                retractable_until: fired.fired_at() + self.rules.retract_within,
            })
        });
        fired.collect()
    }
}

/// Something that waits; each occasion of the lifecycle is an episode of one step.
fn waiting(
    sentence: String,
    inputs: Vec<Input>,
    (due, fires_at): (EventTime, EventTime),
    valid_for: Span,
    occasion: &str,
) -> Waiting {
    let (armed_by, opened_by) = (occasion.to_owned(), occasion.to_owned());
    Waiting { sentence, inputs, due, fires_at, valid_for, armed_by, opened_by, step: 0 }
}

#[cfg(test)]
mod tests;
