//! The rules of a shop whose time runs faster than the clock of the servers that it runs on.
//!
//! Must stay true: every waiting time of a rule or a gate is divided by the speed; what is measured in real time stays:
//! lateness, grace, staleness, and the calendar, so days of the year and quiet hours.

use cart_abandonment::intent;
use contact_policy::CapWindow;
use dormancy::lifecycle;
use events::Span;

use crate::config::settings::Settings;

/// Seconds of the shop in a second.
#[derive(Clone, Copy)]
struct Haste(f64);

/// The settings with the waiting times of the rules divided by `speed`.
pub fn hasten(settings: &Settings, speed: f64) -> Settings {
    let haste = Haste(speed);
    let mut settings = settings.clone();
    let triggers = &mut settings.triggers;
    triggers.cart_abandonment.iter_mut().for_each(|rules| haste.cart(rules));
    triggers.intent.iter_mut().for_each(|rules| haste.intent(rules));
    triggers.care.iter_mut().for_each(|rules| haste.care(rules));
    triggers.churn_risk.iter_mut().for_each(|settings| haste.churn(settings));
    triggers.dormancy.iter_mut().for_each(|rules| haste.dormancy(rules));
    triggers.lifecycle.iter_mut().for_each(|rules| haste.lifecycle(rules));
    haste.gates(&mut triggers.gates);
    settings
}

impl Haste {
    fn span(self, span: Span) -> Span {
        Span::from_millis(((span.as_millis() as f64 / self.0) as i64).max(1))
    }

    fn all<'a>(self, spans: impl IntoIterator<Item = &'a mut Span>) {
        spans.into_iter().for_each(|span| *span = self.span(*span));
    }

    fn cart(self, rules: &mut cart_abandonment::Rules) {
        rules.wait = self.span(rules.wait);
        let mut before = rules.wait;
        for step in &mut rules.further_steps {
            // However fast, steps stay apart.
            *step = self.span(*step).max(after(before));
            before = *step;
        }
        rules.forget_after = self.span(rules.forget_after).max(after(before));
        self.all([&mut rules.retract_within, &mut rules.valid_for]);
    }

    fn intent(self, rules: &mut intent::Rules) {
        self.all([&mut rules.session_idle, &mut rules.session_max, &mut rules.retract_within]);
        rules.session_max = rules.session_max.max(after(rules.session_idle));
        if let Some(rule) = &mut rules.checkout {
            self.all([&mut rule.wait, &mut rule.forget_after, &mut rule.valid_for]);
            rule.forget_after = rule.forget_after.max(after(rule.wait));
        }
        if let Some(rule) = &mut rules.payment_failed {
            self.all([&mut rule.wait, &mut rule.once_per, &mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.browse {
            self.all([&mut rule.wait, &mut rule.not_after_order, &mut rule.once_per, &mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.search {
            self.all([&mut rule.wait, &mut rule.once_per, &mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.recovered {
            self.all([&mut rule.within, &mut rule.valid_for]);
        }
    }

    fn care(self, rules: &mut customer_care::Rules) {
        self.all([&mut rules.ticket_forgotten_after, &mut rules.retract_within]);
        if let Some(rule) = &mut rules.support_frustration {
            self.all([&mut rule.within, &mut rule.reply_within, &mut rule.again_after, &mut rule.valid_for]);
        }
        for rule in [&mut rules.csat_low, &mut rules.nps_detractor].into_iter().flatten() {
            self.all([&mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.nps_promoter {
            self.all([&mut rule.wait, &mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.review_request {
            self.all([&mut rule.after_delivery, &mut rule.after_order, &mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.delivery_delayed {
            self.all([&mut rule.valid_for]);
        }
    }

    /// The model's weeks become as much shorter as the shop's are; its shape stays.
    fn churn(self, settings: &mut churn_risk::Settings) {
        let rules = &mut settings.rules;
        self.all([&mut rules.hold, &mut rules.not_again_within, &mut settings.valid_for]);
    }

    fn dormancy(self, rules: &mut dormancy::Rules) {
        self.all(&mut rules.floors);
        self.all([&mut rules.usual_gap, &mut rules.retract_within, &mut rules.valid_for]);
    }

    fn lifecycle(self, rules: &mut lifecycle::Rules) {
        self.all([&mut rules.retract_within]);
        if let Some(rule) = &mut rules.winback {
            self.all([&mut rule.after, &mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.second_order_due {
            self.all([&mut rule.after, &mut rule.valid_for]);
        }
        if let Some(rule) = &mut rules.replenishment_due {
            self.all(rule.intervals.values_mut());
            self.all([&mut rule.valid_for]);
        }
        self.all(rules.welcome.iter_mut().map(|rule| &mut rule.valid_for));
        let moves = [&mut rules.vip_promoted, &mut rules.vip_slipping].into_iter().flatten();
        self.all(moves.map(|rule| &mut rule.valid_for));
    }

    fn gates(self, gates: &mut contact_policy::Settings) {
        self.all([&mut gates.cooldown.intent]);
        if let CapWindow::Rolling(window) = &mut gates.frequency_cap.window {
            self.all([window]);
        }
        if let Some(attribution) = &mut gates.attribution {
            self.all([&mut attribution.intent, &mut attribution.other]);
        }
    }
}

/// The next moment.
const fn after(span: Span) -> Span {
    Span::from_millis(span.as_millis() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};
    use crate::up::demonstration;

    fn settings() -> Settings {
        let sources = Sources { preset: Some(demonstration::CONFIGURATION), ..Sources::default() };
        let mut config = Config::load(&sources).expect("in order");
        demonstration::watch_churn(&mut config).expect("in order");
        config.settings
    }

    #[test]
    fn hastened_rules_stay_in_order_whatever_the_speed() {
        let settings = settings();
        for speed in [0.5, 1.0, 1_800.0, 1e9] {
            let hastened = hasten(&settings, speed);
            assert_eq!(hastened.triggers.validate().map_err(|error| error.to_string()), Ok(()), "{speed}");
        }
        assert_eq!(hasten(&settings, 1.0).triggers, settings.triggers);
    }

    #[test]
    fn waits_of_every_family_are_divided() {
        let triggers = hasten(&settings(), 1_800.0).triggers;
        assert_eq!(triggers.cart_abandonment.expect("on").wait, Span::from_secs(8));
        let browse = triggers.intent.expect("on").browse.expect("on");
        assert_eq!((browse.wait, browse.once_per), (Span::from_secs(2), Span::from_secs(48)));
        let review = triggers.care.expect("on").review_request.expect("on");
        assert_eq!(review.after_delivery, Span::from_secs(12));
        assert_eq!(triggers.dormancy.expect("on").floors[0], Span::from_secs(24));
        let lifecycle = triggers.lifecycle.expect("on");
        assert_eq!(lifecycle.winback.expect("on").after, Span::from_secs(72));
        assert_eq!(lifecycle.replenishment_due.expect("on").intervals["p-000"], Span::from_secs(48));
        assert_eq!(triggers.gates.cooldown.intent, Span::from_secs(24));
    }
}
