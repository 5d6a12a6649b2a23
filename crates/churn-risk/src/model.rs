//! The model file: what `rekindle fit` writes and the triggers read. TOML, for people too; read strictly.

use serde::{Deserialize, Serialize};
use strict_toml::{Document, Duration, Instant, Problem};

use crate::gamma_gamma::GammaGamma;
use crate::judgement::Merit;
use crate::parameters::{Parameters, UnfitParameter};
use crate::purchase_model::{PurchaseModel, Variant};
use crate::spending::{HighValue, TypicalSpend};
use crate::weights::Weights;

/// The version of the file's form that is written; 1, which has no weights and no high value, is read too.
pub const VERSION: u32 = 2;

/// The model for shops without a history of their own: its file says where it comes from.
const BUILT_IN: &str = include_str!("../built-in-model.toml");

/// The content of a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The form of the file: [`VERSION`], or 1.
    pub version: u32,
    /// What the models were fitted to and judged by.
    pub data: Data,
    /// BG/NBD, in weeks; not used for alerts, but what others publish.
    pub bg_nbd: PurchaseFit,
    /// MBG/NBD, in weeks.
    pub mbg_nbd: PurchaseFit,
    /// Gamma-Gamma; absent if the data hold too few amounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_gamma: Option<SpendFit>,
    /// What each feature of the score is worth, of judgements at [`WeightsData::horizon`]; absent where the data were too
    /// few to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weights>,
    /// What a customer's spend is held against; absent where no order has an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typical_spend: Option<TypicalFit>,
    /// What the weights were estimated from; absent where they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights_data: Option<WeightsData>,
    /// Who is valuable; absent where no order has an amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high_value: Option<HighValueFit>,
    /// How well was foretold what came after the cut.
    pub merit: Merit,
}

/// What is usually spent on a day with an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypicalFit {
    /// ISO 4217: that of most orders.
    pub currency: String,
    /// The mean of the median customer, in minor units.
    pub per_day_minor: i64,
}

/// What the weights were estimated from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsData {
    /// The times at which customers were looked at, the latest first; what came after is known at each.
    pub cuts: Vec<Instant>,
    /// How far was looked ahead.
    pub horizon: Duration,
    /// The gap between orders of customers with fewer than three.
    pub usual_gap: Duration,
    /// Customers, each counted at each cut.
    pub cases: u64,
    /// Those of them without an order within the horizon.
    pub without_order: u64,
}

/// Who is valuable: the customers in the top tenth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HighValueFit {
    /// The 90th percentile of what customers' orders within the horizon are worth, as foretold at the last order of
    /// each, in minor units of [`Model::currency`].
    pub threshold_minor: i64,
    /// How far was looked ahead.
    pub horizon: Duration,
}

/// What the models were fitted to and judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The first order.
    pub from: Instant,
    /// The cut: orders up to it, itself included, were fitted to.
    pub until: Instant,
    /// Orders after the cut and up to here judged the models.
    pub judged_until: Instant,
    /// By how many minutes the shop's clock, which says what a day is, is ahead of UTC.
    pub utc_offset_minutes: i32,
    /// Orders up to the cut.
    pub orders: u64,
    /// Customers with an order up to the cut.
    pub customers: u64,
    /// Those of them who ordered on more than one day.
    pub repeat_customers: u64,
}

/// The parameters of a purchase model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PurchaseFit {
    /// See [`Parameters::r`].
    pub r: f64,
    /// See [`Parameters::alpha`], in weeks.
    pub alpha: f64,
    /// See [`Parameters::a`].
    pub a: f64,
    /// See [`Parameters::b`].
    pub b: f64,
    /// Of the data that it was fitted to.
    pub log_likelihood: f64,
}

/// The parameters of Gamma-Gamma.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpendFit {
    /// See [`GammaGamma::p`].
    pub p: f64,
    /// See [`GammaGamma::q`].
    pub q: f64,
    /// See [`GammaGamma::gamma`], in units of `currency`.
    pub gamma: f64,
    /// ISO 4217.
    pub currency: String,
    /// Customers who paid for a repeat purchase.
    pub customers: u64,
    /// Of the data that it was fitted to.
    pub log_likelihood: f64,
    /// Of frequency and spend, which the model takes to be 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<f64>,
}

impl PurchaseFit {
    fn parameters(&self) -> Result<Parameters, UnfitParameter> {
        Parameters::new(self.r, self.alpha, self.a, self.b)
    }
}

impl Model {
    /// Reads a model file; `name` is how complaints call it.
    ///
    /// # Errors
    /// If it is no TOML, has an unknown key or lacks one, is of another version, or a parameter is out of range.
    pub fn parse(name: &str, text: &str) -> Result<Self, Problem> {
        let mut document = Document::default();
        document.add_file(name, text);
        let (model, origins) = document.read::<Self>()?;
        if !(1..=VERSION).contains(&model.version) {
            let message =
                format!("is {}; this release reads 1 to {VERSION}: fit the model again", model.version);
            return Err(origins.problem("version", message));
        }
        for (key, fit) in [("bg_nbd", &model.bg_nbd), ("mbg_nbd", &model.mbg_nbd)] {
            fit.parameters().map_err(|unfit| origins.problem(key, unfit.to_string()))?;
        }
        if let Some(fit) = &model.gamma_gamma {
            GammaGamma::new(fit.p, fit.q, fit.gamma)
                .map_err(|unfit| origins.problem("gamma_gamma", unfit.to_string()))?;
        }
        if let Some(weights) = &model.weights {
            weights.validate().map_err(|unfit| origins.problem("weights", unfit.to_string()))?;
        }
        if let Some(typical) = model.typical_spend() {
            typical.validate().map_err(|invalid| origins.problem(invalid.key, invalid.problem))?;
        }
        if model.high_value.is_some() {
            let rule =
                model.top_tenth().map_err(|unfit| origins.problem("gamma_gamma", unfit.to_string()))?;
            let rule = rule.ok_or_else(|| {
                origins.problem(
                    "high_value",
                    "has no gamma_gamma or typical_spend beside it, to name its currency",
                )
            })?;
            rule.validate().map_err(|invalid| origins.problem(invalid.key, invalid.problem))?;
        }
        if !(model.data.from <= model.data.until && model.data.until < model.data.judged_until) {
            return Err(origins.problem("data.until", "must lie between `from` and `judged_until`"));
        }
        Ok(model)
    }

    /// The model of the CDNOW sample: for shops that have no history yet. Its weights are the defaults, and nobody in it
    /// is valuable, since that depends on the shop.
    #[expect(clippy::expect_used, reason = "it is part of the program, and a test reads it")]
    pub fn built_in() -> Self {
        Self::parse("the model in the binary", BUILT_IN).expect("a model file")
    }

    /// The weights, or the defaults where the file has none.
    pub fn weights(&self) -> Weights {
        self.weights.unwrap_or_default()
    }

    /// What a customer's spend is held against, if the file says.
    pub fn typical_spend(&self) -> Option<TypicalSpend> {
        let fit = self.typical_spend.clone()?;
        Some(TypicalSpend { currency: fit.currency, per_day_minor: fit.per_day_minor })
    }

    /// Who is in the top tenth by predicted value, if the file says.
    ///
    /// # Errors
    /// If a parameter is out of range, which [`parse`](Self::parse) has excluded.
    pub fn top_tenth(&self) -> Result<Option<HighValue>, UnfitParameter> {
        let Some((fit, currency)) = self.high_value.as_ref().zip(self.currency()) else {
            return Ok(None);
        };
        Ok(Some(HighValue {
            spend: self.spend_model()?,
            currency: currency.to_owned(),
            threshold_minor: fit.threshold_minor,
            horizon: fit.horizon.span(),
        }))
    }

    /// What the amounts of the file are in; `None` where it has none.
    pub fn currency(&self) -> Option<&str> {
        let spend = self.gamma_gamma.as_ref().map(|fit| fit.currency.as_str());
        spend.or_else(|| self.typical_spend.as_ref().map(|fit| fit.currency.as_str()))
    }

    /// The file's text. Numbers are written so that they are read back to the last bit.
    ///
    /// # Errors
    /// If a number is not finite in a way that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// The purchase model that alerts hang on, MBG/NBD.
    ///
    /// # Errors
    /// If a parameter is out of range, which [`parse`](Self::parse) has excluded.
    pub fn purchase_model(&self) -> Result<PurchaseModel, UnfitParameter> {
        Ok(PurchaseModel { variant: Variant::MbgNbd, parameters: self.mbg_nbd.parameters()? })
    }

    /// The spend model, if there is one.
    ///
    /// # Errors
    /// If a parameter is out of range, which [`parse`](Self::parse) has excluded.
    pub fn spend_model(&self) -> Result<Option<GammaGamma>, UnfitParameter> {
        self.gamma_gamma.as_ref().map(|fit| GammaGamma::new(fit.p, fit.q, fit.gamma)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merit::AtThreshold;

    fn model() -> Model {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let fit =
            PurchaseFit { r: 0.1 + 0.2, alpha: 6.183, a: 1.0 / 3.0, b: 1.614, log_likelihood: -9_582.1 };
        Model {
            version: VERSION,
            data: Data {
                from: at("1997-01-01T00:00:00Z"),
                until: at("1997-09-30T00:00:00Z"),
                judged_until: at("1998-06-30T00:00:00Z"),
                utc_offset_minutes: 0,
                orders: 4,
                customers: 3,
                repeat_customers: 1,
            },
            bg_nbd: fit,
            mbg_nbd: fit,
            gamma_gamma: Some(SpendFit {
                p: 6.25,
                q: 3.74,
                gamma: 15.44,
                currency: "USD".to_owned(),
                customers: 2,
                log_likelihood: -9.5,
                correlation: None,
            }),
            weights: Some(Weights { trend: 0.1 + 0.2, ..Weights::default() }),
            typical_spend: Some(TypicalFit { currency: "USD".to_owned(), per_day_minor: 2_999 }),
            weights_data: Some(WeightsData {
                cuts: vec![at("1997-07-02T00:00:00Z"), at("1997-06-02T00:00:00Z")],
                horizon: "90d".parse().unwrap(),
                usual_gap: "30d".parse().unwrap(),
                cases: 5,
                without_order: 3,
            }),
            high_value: Some(HighValueFit { threshold_minor: 12_345, horizon: "273d".parse().unwrap() }),
            merit: Merit {
                customers: 3,
                without_order: 2,
                expected_orders: 1.5,
                actual_orders: 2,
                auc: Some(0.75),
                auc_of_days_since_last_order: None,
                auc_of_rfm: None,
                brier: 0.2,
                brier_of_share: 0.25,
                band: AtThreshold { threshold: 0.66, flagged: 0, precision: None, recall: Some(0.0) },
                calibration: Vec::new(),
                score: None,
                days_since_last_order: None,
                rfm: None,
            },
        }
    }

    #[test]
    fn what_is_written_is_read_back_to_the_last_bit() {
        let text = model().to_toml().unwrap();
        assert_eq!(Model::parse("m.toml", &text).unwrap(), model(), "{text}");
    }

    #[test]
    fn a_file_that_is_not_in_order_is_refused_with_its_line() {
        let text = model().to_toml().unwrap();
        let complaint = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            Model::parse("m.toml", &text.replacen(from, to, 1)).unwrap_err().to_string()
        };
        assert!(complaint("version = 2", "version = 3").starts_with("m.toml:1: version: is 3"));
        assert!(
            complaint("silence = 0.2", "silence = -0.2").contains("weights: `silence` is -0.2, and must")
        );
        assert!(complaint("threshold_minor = 12345", "threshold_minor = 0").contains("must lie above 0"));
        assert!(complaint("orders = 4", "oders = 4").contains("the nearest is `orders`"));
        assert!(
            complaint("alpha = 6.183", "alpha = 0.0").contains("bg_nbd: alpha is 0, and must lie between")
        );
        assert!(complaint("1997-09-30", "1999-09-30").contains("must lie between `from` and `judged_until`"));
    }

    /// As the first release wrote it. Never regenerate: it stands for what shops have.
    const VERSION_1: &str = r#"
version = 1

[data]
from = "2010-12-01T08:26:00.000Z"
until = "2011-06-09T00:00:00.000Z"
judged_until = "2011-12-09T00:00:00.000Z"
utc_offset_minutes = 0
orders = 9
customers = 5
repeat_customers = 2

[bg_nbd]
r = 0.5
alpha = 4.0
a = 0.1
b = 2.0
log_likelihood = -100.5

[mbg_nbd]
r = 0.75
alpha = 6.0
a = 0.25
b = 1.5
log_likelihood = -99.5

[gamma_gamma]
p = 3.0
q = 3.5
gamma = 400.0
currency = "GBP"
customers = 2
log_likelihood = -50.0

[merit]
customers = 5
without_order = 2
expected_orders = 3.5
actual_orders = 4
auc = 0.75
auc_of_days_since_last_order = 0.5
brier = 0.2
brier_of_share = 0.24

[merit.band]
threshold = 0.66
flagged = 1
precision = 1.0
recall = 0.5

[[merit.calibration]]
decile = 1
customers = 5
predicted = 0.4
observed = 0.4
"#;

    #[test]
    fn a_file_of_the_first_release_is_read_with_the_weights_of_judgement() {
        let model = Model::parse("old.toml", VERSION_1).unwrap();
        assert_eq!(model.weights(), Weights::default());
        assert_eq!((model.top_tenth().unwrap(), model.merit.score.clone()), (None, None));
        assert_eq!(model.purchase_model().unwrap().parameters.r(), 0.75);
    }

    #[test]
    fn the_weights_and_the_top_tenth_are_those_of_the_file() {
        assert_eq!(model().weights().trend, 0.1 + 0.2);
        let rule = model().top_tenth().unwrap().unwrap();
        assert_eq!((rule.currency.as_str(), rule.threshold_minor), ("USD", 12_345));
        assert_eq!(rule.horizon, events::Span::from_days(273));
    }

    #[test]
    fn the_model_in_the_binary_is_that_of_the_cdnow_sample() {
        let model = Model::built_in();
        assert_eq!((model.data.customers, model.data.repeat_customers), (2_357, 946));
        let fit = model.bg_nbd;
        for (found, published) in [(fit.r, 0.243), (fit.alpha, 4.414), (fit.a, 0.793), (fit.b, 2.426)] {
            assert!((found - published).abs() < 6e-4, "{found}, not {published}");
        }
        assert_eq!(model.weights(), Weights::default());
        assert_eq!(model.top_tenth().unwrap(), None);
    }
}
