//! Some of the triggers, as if the others were switched off.
//!
//! The gates see what is selected and nothing else: cooldowns, caps and precedence do not know of what other processes
//! send.

use std::collections::BTreeSet;

use crate::kind::Kind;
use crate::settings::Settings;

/// A name that was selected and is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not one of the triggers that are switched on: {}", .known.join(", "))]
pub struct UnknownTrigger {
    /// The name.
    pub name: String,
    /// What is there.
    pub known: Vec<&'static str>,
}

impl Settings {
    /// These settings with the triggers of these names alone. `dormancy` and `reactivated` go together, and so do
    /// `churn_risk` and `high_value_at_risk`: of a customer one of the two is told.
    ///
    /// # Errors
    /// [`UnknownTrigger`] at the first name that is not switched on.
    pub fn only(mut self, names: &BTreeSet<String>) -> Result<Self, UnknownTrigger> {
        let known: Vec<&'static str> = self.kinds().iter().map(|kind| kind.name).collect();
        if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(UnknownTrigger { name: name.clone(), known });
        }
        let is_left_out = |name: &str| !names.contains(name);
        self.cart_abandonment.take_if(|_| is_left_out("cart_abandonment"));
        self.churn_risk.take_if(|_| is_left_out("churn_risk") && is_left_out("high_value_at_risk"));
        self.dormancy.take_if(|_| is_left_out("dormancy") && is_left_out("reactivated"));
        if let Some(rules) = &mut self.intent {
            rules.checkout.take_if(|_| is_left_out("checkout_abandonment"));
            rules.payment_failed.take_if(|_| is_left_out("payment_failed"));
            rules.browse.take_if(|_| is_left_out("browse_abandonment"));
            rules.search.take_if(|_| is_left_out("search_abandonment"));
            rules.recovered.take_if(|_| is_left_out("cart_recovered"));
        }
        self.intent.take_if(|rules| rules.is_off());
        if let Some(rules) = &mut self.lifecycle {
            rules.winback.take_if(|_| is_left_out("winback"));
            rules.welcome.take_if(|_| is_left_out("welcome"));
            rules.second_order_due.take_if(|_| is_left_out("second_order_due"));
            rules.replenishment_due.take_if(|_| is_left_out("replenishment_due"));
            rules.vip_promoted.take_if(|_| is_left_out("vip_promoted"));
            rules.vip_slipping.take_if(|_| is_left_out("vip_slipping"));
            rules.birthday.take_if(|_| is_left_out("birthday"));
            rules.anniversary.take_if(|_| is_left_out("anniversary"));
        }
        self.lifecycle.take_if(|rules| rules.are_off());
        if let Some(rules) = &mut self.care {
            rules.support_frustration.take_if(|_| is_left_out("support_frustration"));
            rules.csat_low.take_if(|_| is_left_out("csat_low"));
            rules.nps_detractor.take_if(|_| is_left_out("nps_detractor"));
            rules.nps_promoter.take_if(|_| is_left_out("nps_promoter"));
            rules.review_request.take_if(|_| is_left_out("review_request"));
            rules.delivery_delayed.take_if(|_| is_left_out("delivery_delayed"));
        }
        self.care.take_if(|rules| crate::families::care::kinds(rules).is_empty());
        Ok(self)
    }

    /// Whether something of it wants to sell.
    pub fn has_advertising(&self) -> bool {
        self.kinds().into_iter().any(Kind::is_advertising)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Settings {
        Settings {
            care: Some(customer_care::Rules::default()),
            intent: Some(cart_abandonment::intent::Rules::default()),
            dormancy: Some(dormancy::Rules::default()),
            lifecycle: Some(dormancy::lifecycle::Rules::all()),
            ..Settings::default()
        }
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn each_trigger_can_be_selected_alone() {
        let all: Vec<&str> = everything().kinds().iter().map(|kind| kind.name).collect();
        assert!(all.len() > 20, "{all:?}");
        for name in all {
            let selected = everything().only(&names(&[name])).expect("it is switched on");
            let left: Vec<&str> = selected.kinds().iter().map(|kind| kind.name).collect();
            match name {
                "dormancy" | "reactivated" => assert_eq!(left, ["dormancy", "reactivated"]),
                _ => assert_eq!(left, [name]),
            }
        }
    }

    #[test]
    fn a_name_that_is_not_switched_on_is_refused() {
        let refused = Settings::default().only(&names(&["cart_abandonment", "winback"]));
        let expected = UnknownTrigger { name: "winback".to_owned(), known: vec!["cart_abandonment"] };
        assert_eq!(refused, Err(expected));
    }

    #[test]
    fn service_messages_alone_are_no_advertising() {
        let selling = |selected: &[&str]| everything().only(&names(selected)).map(|it| it.has_advertising());
        assert_eq!(selling(&["csat_low", "delivery_delayed"]), Ok(false));
        assert_eq!(selling(&["csat_low", "winback"]), Ok(true));
    }
}
