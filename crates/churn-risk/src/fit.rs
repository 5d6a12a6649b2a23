//! Maximum likelihood: the parameters under which a sample is most probable.

use crate::bfgs::{self, from_logs};
use crate::parameters::{ALPHA_RANGE, Parameters, SHAPE_RANGE};
use crate::purchase_model::{PurchaseModel, Variant};
use crate::sample::Sample;

/// The fewest customers that four parameters are fitted to.
pub const MIN_CUSTOMERS: u64 = 100;

/// The fewest of them that bought more than once: nobody else tells a rate.
pub const MIN_REPEAT_CUSTOMERS: u64 = 30;

/// What r is believed to be if a sample says so. At an r of ten thousand customers differ by a hundredth in how
/// often they buy: they are all alike to the data, and the likelihood goes on growing, if ever so slowly.
const DETERMINED: std::ops::RangeInclusive<f64> = 1e-4..=1e4;

/// What a and b are believed to be. Where hardly anybody is seen to leave, a / b goes to 0 and the likelihood is flat
/// there: that is an answer, a shop whose customers stay.
const LEAVING: std::ops::RangeInclusive<f64> = SHAPE_RANGE;

/// A model with the log-likelihood of the sample that it was fitted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fitted<M> {
    /// The model.
    pub model: M,
    /// Natural logarithm of the likelihood, summed over all customers.
    pub log_likelihood: f64,
}

/// Why no model comes out of a sample.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum FitError {
    /// There are too few customers.
    #[error("{found} {what} are too few; at least {needed} are needed")]
    TooFew {
        /// Which customers.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many are needed.
        needed: u64,
    },
    /// The likelihood grows as long as a parameter does.
    #[error(
        "the data do not say what {name} is: the likelihood still grows at {value:.3e}. Customers must differ in how \
         often they buy, and some must have stopped"
    )]
    Undetermined {
        /// The parameter.
        name: &'static str,
        /// How far it went.
        value: f64,
    },
    /// The search ended before its goal.
    #[error("the likelihood has no clear maximum in these data")]
    NoMaximum,
}

impl FitError {
    pub(crate) fn require(what: &'static str, found: u64, needed: u64) -> Result<(), Self> {
        if found < needed { Err(Self::TooFew { what, found, needed }) } else { Ok(()) }
    }
}

/// Where the search begins, r, a and b: the second and third only if the one before leads nowhere.
const STARTS: [[f64; 3]; 3] = [[0.5, 0.8, 2.5], [1.0, 0.1, 5.0], [0.1, 2.0, 2.0]];

impl PurchaseModel {
    /// Fits a model to a sample.
    ///
    /// # Errors
    /// If there are fewer than [`MIN_CUSTOMERS`], or [`MIN_REPEAT_CUSTOMERS`] who bought more than once, or the data do
    /// not determine the parameters.
    pub fn fit(variant: Variant, sample: &Sample) -> Result<Fitted<Self>, FitError> {
        FitError::require("customers", sample.customers(), MIN_CUSTOMERS)?;
        FitError::require(
            "customers with a second purchase",
            sample.repeat_customers(),
            MIN_REPEAT_CUSTOMERS,
        )?;
        let mut found = Err(FitError::NoMaximum);
        for [r, a, b] in STARTS {
            found = fit_from(variant, sample, [r, r / sample.repeats_per_week(), a, b]);
            if !matches!(found, Err(FitError::NoMaximum)) {
                break;
            }
        }
        found
    }
}

fn fit_from(variant: Variant, sample: &Sample, start: [f64; 4]) -> Result<Fitted<PurchaseModel>, FitError> {
    let customers = sample.customers() as f64;
    let model_at = |logs: &[f64; 4]| {
        let [r, alpha, a, b] = from_logs(logs);
        Parameters::new(r, alpha, a, b).ok().map(|parameters| PurchaseModel { variant, parameters })
    };
    let start = start.map(crate::special::ln);
    let search = bfgs::minimise(start, |logs| {
        let model = model_at(logs)?;
        let (total, gradient) = model.log_likelihood_and_gradient(sample);
        // Of the mean customer, so that it is of the order of 1.
        let slope = model.parameters.by_logs(gradient).map(|part| -part / customers);
        Some((-total / customers, slope))
    });
    let at = match &search {
        Ok(minimum) => minimum.at,
        Err(stuck) => stuck.at,
    };
    if let Some((name, value)) = runaway(&from_logs(&at)) {
        return Err(FitError::Undetermined { name, value });
    }
    let model = search.ok().and_then(|minimum| model_at(&minimum.at)).ok_or(FitError::NoMaximum)?;
    Ok(Fitted { model, log_likelihood: model.total_log_likelihood(sample) })
}

/// The parameter that has run away, if one has.
fn runaway(parameters: &[f64; 4]) -> Option<(&'static str, f64)> {
    let ranges = [DETERMINED, ALPHA_RANGE, LEAVING, LEAVING];
    let named = ["r", "alpha", "a", "b"].into_iter().zip(*parameters).zip(ranges);
    let (named, _) = named.into_iter().find(|((_, value), range)| !range.contains(value))?;
    Some(named)
}
