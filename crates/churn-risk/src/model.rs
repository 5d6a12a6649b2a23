//! The model file: what `rekindle fit` writes and the triggers read. TOML, for people too; read strictly.

use serde::{Deserialize, Serialize};
use strict_toml::{Document, Instant, Problem};

use crate::gamma_gamma::GammaGamma;
use crate::judgement::Merit;
use crate::parameters::{Parameters, UnfitParameter};
use crate::purchase_model::{PurchaseModel, Variant};

/// The version of the file's form that is written, and the only one that is read.
pub const VERSION: u32 = 1;

/// The content of a model file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The form of the file: [`VERSION`].
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
    /// How well MBG/NBD foretold what came after the cut.
    pub merit: Merit,
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
        if model.version != VERSION {
            let message = format!("is {}; this release reads {VERSION}: fit the model again", model.version);
            return Err(origins.problem("version", message));
        }
        for (key, fit) in [("bg_nbd", &model.bg_nbd), ("mbg_nbd", &model.mbg_nbd)] {
            fit.parameters().map_err(|unfit| origins.problem(key, unfit.to_string()))?;
        }
        if let Some(fit) = &model.gamma_gamma {
            GammaGamma::new(fit.p, fit.q, fit.gamma)
                .map_err(|unfit| origins.problem("gamma_gamma", unfit.to_string()))?;
        }
        if !(model.data.from <= model.data.until && model.data.until < model.data.judged_until) {
            return Err(origins.problem("data.until", "must lie between `from` and `judged_until`"));
        }
        Ok(model)
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
            gamma_gamma: None,
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
        assert!(complaint("version = 1", "version = 2").starts_with("m.toml:1: version: is 2"));
        assert!(complaint("orders = 4", "oders = 4").contains("the nearest is `orders`"));
        assert!(
            complaint("alpha = 6.183", "alpha = 0.0").contains("bg_nbd: alpha is 0, and must lie between")
        );
        assert!(complaint("1997-09-30", "1999-09-30").contains("must lie between `from` and `judged_until`"));
    }
}
