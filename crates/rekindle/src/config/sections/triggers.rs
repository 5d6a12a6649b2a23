//! `[triggers]`: what all triggers share, and a table for each.

use std::path::PathBuf;

use events::Span;
use serde::{Deserialize, Serialize};
use strict_toml::Duration;

use crate::config::sections::care::{
    AlertTable, CareTable, DeliveryDelayedTable, NpsPromoterTable, ReviewRequestTable,
    SupportFrustrationTable,
};
use crate::config::sections::intent::{
    BrowseAbandonmentTable, CartRecoveredTable, CheckoutAbandonmentTable, IntentTable, PaymentFailedTable,
    SearchAbandonmentTable,
};
use crate::config::sections::lifecycle::{
    LifecycleTable, ReplenishmentDueTable, SecondOrderDueTable, VipTable, WelcomeTable, WinbackTable,
    YearlyTable,
};

/// `[triggers]`: what all triggers share, and a table for each.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Triggers {
    /// Sets this installation's trigger ids apart from another's.
    pub namespace: String,
    /// A trigger that is further behind its due time than this is recorded as expired, not sent.
    pub max_staleness: Duration,
    /// The names of the triggers to run, of those that are switched on; `[]` for all. The gates then know of these
    /// alone, and they are a service of their own, with a consumer group and state of its own.
    pub only: std::collections::BTreeSet<String>,
    /// A customer of whom nothing was heard for this long is forgotten.
    pub retention: Duration,
    /// How many event ids are remembered per customer, to drop duplicates.
    pub recent_events: usize,
    /// How many order ids are remembered per customer, to drop duplicates.
    pub recent_orders: usize,
    /// How many statements of consent are kept per customer.
    pub consents: usize,
    /// Bytes kept of a text of the profile.
    pub text_bytes: usize,
    #[serde(rename = "cart-abandonment")]
    pub cart_abandonment: CartAbandonment,
    pub care: CareTable,
    #[serde(rename = "support-frustration")]
    pub support_frustration: SupportFrustrationTable,
    #[serde(rename = "csat-low")]
    pub csat_low: AlertTable,
    #[serde(rename = "nps-detractor")]
    pub nps_detractor: AlertTable,
    #[serde(rename = "nps-promoter")]
    pub nps_promoter: NpsPromoterTable,
    #[serde(rename = "review-request")]
    pub review_request: ReviewRequestTable,
    #[serde(rename = "delivery-delayed")]
    pub delivery_delayed: DeliveryDelayedTable,
    pub intent: IntentTable,
    #[serde(rename = "checkout-abandonment")]
    pub checkout_abandonment: CheckoutAbandonmentTable,
    #[serde(rename = "payment-failed")]
    pub payment_failed: PaymentFailedTable,
    #[serde(rename = "browse-abandonment")]
    pub browse_abandonment: BrowseAbandonmentTable,
    #[serde(rename = "search-abandonment")]
    pub search_abandonment: SearchAbandonmentTable,
    #[serde(rename = "cart-recovered")]
    pub cart_recovered: CartRecoveredTable,
    #[serde(rename = "churn-risk")]
    pub churn_risk: ChurnRisk,
    pub dormancy: Dormancy,
    pub lifecycle: LifecycleTable,
    pub winback: WinbackTable,
    pub welcome: WelcomeTable,
    #[serde(rename = "second-order-due")]
    pub second_order_due: SecondOrderDueTable,
    #[serde(rename = "replenishment-due")]
    pub replenishment_due: ReplenishmentDueTable,
    pub vip: VipTable,
    pub birthday: YearlyTable,
    pub anniversary: YearlyTable,
}

impl Default for Triggers {
    fn default() -> Self {
        let settings = triggers::Settings::default();
        let limits = settings.limits;
        Self {
            namespace: settings.namespace,
            max_staleness: settings.max_staleness.into(),
            only: std::collections::BTreeSet::new(),
            retention: limits.retention.into(),
            recent_events: limits.recent_events,
            recent_orders: limits.recent_orders,
            consents: limits.consents,
            text_bytes: limits.text_bytes,
            cart_abandonment: CartAbandonment::default(),
            care: CareTable::default(),
            support_frustration: SupportFrustrationTable::default(),
            csat_low: AlertTable::default(),
            nps_detractor: AlertTable::default(),
            nps_promoter: NpsPromoterTable::default(),
            review_request: ReviewRequestTable::default(),
            delivery_delayed: DeliveryDelayedTable::default(),
            intent: IntentTable::default(),
            checkout_abandonment: CheckoutAbandonmentTable::default(),
            payment_failed: PaymentFailedTable::default(),
            browse_abandonment: BrowseAbandonmentTable::default(),
            search_abandonment: SearchAbandonmentTable::default(),
            cart_recovered: CartRecoveredTable::default(),
            churn_risk: ChurnRisk::default(),
            dormancy: Dormancy::default(),
            lifecycle: LifecycleTable::default(),
            winback: WinbackTable::default(),
            welcome: WelcomeTable::default(),
            second_order_due: SecondOrderDueTable::default(),
            replenishment_due: ReplenishmentDueTable::default(),
            vip: VipTable::default(),
            birthday: YearlyTable::default(),
            anniversary: YearlyTable::default(),
        }
    }
}

/// `[triggers.dormancy]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Dormancy {
    /// Whether silence is watched.
    pub enabled: bool,
    /// What ends a silence.
    pub activity: Activity,
    /// The gap between orders of customers with fewer than three.
    pub usual_gap: Duration,
    /// The shortest silence of the tiers slipping, at_risk and inactive.
    pub floors: [Duration; 3],
    /// How long after it fired a tier can be retracted.
    pub retract_within: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for Dormancy {
    fn default() -> Self {
        let rules = dormancy::Rules::default();
        Self {
            enabled: false,
            activity: Activity::Order,
            usual_gap: rules.usual_gap.into(),
            floors: rules.floors.map(Duration::from),
            retract_within: rules.retract_within.into(),
            valid_for: rules.valid_for.into(),
        }
    }
}

/// What ends a silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Orders alone.
    Order,
    /// Visits and contacts too.
    Any,
}

/// `[triggers.churn-risk]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChurnRisk {
    /// The file that `rekindle fit` wrote; without one nobody is watched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// Churn is no order within this.
    pub horizon: Duration,
    /// The score, a probability, that has to be reached.
    pub enter: f64,
    /// The score below which a customer who was told of can be told of again.
    pub leave: f64,
    /// How long the score has to stay at or above `enter`.
    pub hold: Duration,
    /// Who was told of is not told of again for this long.
    pub not_again_within: Duration,
    /// The time between orders of customers with fewer than three.
    pub usual_gap: Duration,
    /// How long after it fired a trigger is worth sending.
    pub valid_for: Duration,
}

impl Default for ChurnRisk {
    fn default() -> Self {
        let rules = churn_risk::Rules::default();
        Self {
            model: None,
            horizon: Span::from_days(90).into(),
            enter: f64::from(rules.enter) / 10_000.0,
            leave: f64::from(rules.leave) / 10_000.0,
            hold: rules.hold.into(),
            not_again_within: rules.not_again_within.into(),
            usual_gap: Span::from_days(30).into(),
            valid_for: Span::from_days(7).into(),
        }
    }
}

/// `[triggers.cart-abandonment]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CartAbandonment {
    /// Whether carts are watched at all.
    pub enabled: bool,
    /// How long after the last change of the cart the trigger is due.
    pub wait: Duration,
    /// When further triggers are due, counted from the last change too; `[]` for none.
    pub steps: Vec<Duration>,
    /// Which orders end it.
    pub ended_by: EndedBy,
    /// How long after its last change a cart is forgotten.
    pub forget_after: Duration,
    /// How long after it fired a step can be retracted.
    pub retract_within: Duration,
    /// How long after it fired a step is worth sending.
    pub valid_for: Duration,
    /// How many products of a cart are kept one by one.
    pub max_items: usize,
    /// How many fired steps are remembered for retraction.
    pub max_remembered: usize,
    /// Bytes kept of a text such as a product's name or URL.
    pub text_bytes: usize,
}

impl Default for CartAbandonment {
    fn default() -> Self {
        let rules = cart_abandonment::Rules::default();
        Self {
            enabled: true,
            wait: rules.wait.into(),
            steps: rules.further_steps.into_iter().map(Duration::from).collect(),
            ended_by: EndedBy::AnyOrder,
            forget_after: rules.forget_after.into(),
            retract_within: rules.retract_within.into(),
            valid_for: rules.valid_for.into(),
            max_items: rules.max_items,
            max_remembered: rules.max_remembered,
            text_bytes: rules.text_bytes,
        }
    }
}

/// Which orders end a cart's episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// Any order by the customer.
    AnyOrder,
    /// An order that names the same cart or checkout.
    SameCart,
}
