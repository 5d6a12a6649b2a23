//! `rekindle fit`: who still buys? Models estimated from the orders in files, judged by what came after.

mod cohorts;
mod customers;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use churn_risk::gamma_gamma::frequency_value_correlation;
use churn_risk::history::MILLIS_PER_WEEK;
use churn_risk::model::{Data, HighValueFit, PurchaseFit, SpendFit, TypicalFit, VERSION, WeightsData};
use churn_risk::spending::top_tenth;
use churn_risk::training::{self, Estimate};
use churn_risk::{
    Case, FitError, GammaGamma, HighValue, Model, PurchaseModel, Sample, Settings, TypicalSpend, Variant,
    Weights, judge,
};
use clap::Args;
use events::{EventTime, Span};
use strict_toml::{Duration, Instant};

use crate::cli::{ConfigArgs, ReplayArgs, VocabularyArg};
use crate::commands::replay;
use crate::config::Config;
use cohorts::{Cut, Looks};
use customers::{Customers, Period};

/// `rekindle fit`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct FitArgs {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Files with orders, in any order; plain or gzip, JSON Lines or, with a mapping, CSV; `-` is standard input
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    pub from_file: Vec<PathBuf>,
    /// Says how the files' columns become events (TOML)
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// What the records are written in, where no mapping says so
    #[arg(long, value_enum, default_value_t = VocabularyArg::Auto, conflicts_with = "mapping")]
    pub vocabulary: VocabularyArg,
    /// Fit to orders up to this time, and judge by those after it [default: one horizon before the last event]
    #[arg(long, value_name = "TIME")]
    pub until: Option<Instant>,
    /// How far ahead to foretell; the files have to reach as far after --until
    #[arg(long, value_name = "DURATION", default_value = "90d")]
    pub horizon: Duration,
    /// The probability of no order from which on a customer is flagged
    #[arg(long, value_name = "PROBABILITY", default_value_t = 0.66)]
    pub band: f64,
    /// By how many minutes the shop's clock, which says what a day is, is ahead of UTC
    #[arg(long, value_name = "MINUTES", default_value_t = 0, allow_negative_numbers = true)]
    pub utc_offset: i32,
    /// Where the model goes (TOML); standard output if not given
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print no report
    #[arg(long, short)]
    pub quiet: bool,
}

const EXAMPLES: &str = "\
Examples:
  A model of the shop's orders, judged by the last 90 days:
    rekindle fit --from-file events.jsonl.gz --output model.toml
  Fitted to the first half of a year, judged by the second:
    rekindle fit --from-file online_retail.csv.gz --mapping deploy/mappings/online-retail.toml \\
      --until 2011-06-09T00:00:00Z --horizon 183d --output model.toml

BG/NBD, MBG/NBD and, where orders have amounts, Gamma-Gamma are fitted by maximum likelihood to the orders up to --until.
Orders of one day count once; cancellations are not followed. The weights of the score are estimated at cuts before
--until, after each of which a horizon is known (one of half the period where it is shorter than two horizons): a
logistic regression, held near the weights of judgement. What no event of the files shows keeps its own. The report, on
standard error, says how well the score and MBG/NBD alone foretold who would not order within the horizon, beside the two
rules that a shop would use instead. Data that are too few, or do not determine a model, are refused.";

impl FitArgs {
    /// The sources of the configuration: nothing is sent, so consent need not be settled.
    pub fn sources(&self) -> ConfigArgs {
        let mut sources = self.config.clone();
        if sources.config.is_none() {
            sources.assignments.insert(0, "gates.consent.default=denied".to_owned());
        }
        sources
    }
}

/// Fits, judges, reports, and writes the model file.
///
/// # Errors
/// If the files cannot be read, hold too little, or determine no model; or the output cannot be written.
pub fn run(args: &FitArgs, config: &Config) -> Result<()> {
    if !(args.band > 0.0 && args.band < 1.0) {
        bail!("--band is {}, and must lie between 0 and 1", args.band);
    }
    if args.horizon.span() <= Span::ZERO || args.horizon.span() > Span::from_days(3_650) {
        bail!("--horizon is {}, and must be longer than nothing and ten years at most", args.horizon);
    }
    let intake = replay::intake_settings(&replay_args(args), config, replay::now())?;
    let mut taken =
        ::replay::take_in(&args.from_file, &intake, ::replay::Rejects::counted_only(), &mut |_| {})?;
    let customers = Customers::gather(&mut taken.events, Span::from_minutes(i64::from(args.utc_offset)))?;
    let period = period(args, &customers)?;
    let models = PurchaseModels::fit(&customers, &period)?;
    let watch = watch(args, config, &models, &customers, &period);
    // Only now it is known when to look; the events are still in their order.
    taken.events.restart().context("the sorted events cannot be read again")?;
    let judged = Cut { at: period.until, horizon: args.horizon.span() };
    let before = cohorts::before(&period, judged.horizon);
    let cuts: Vec<Cut> = before.iter().copied().chain([judged]).collect();
    let limits = &config.settings.triggers.limits;
    let mut looks = cohorts::look(&mut taken.events, &watch.settings, limits, &cuts)?;
    let looks_at_end = looks.pop().unwrap_or_default();
    let cohort = |(cut, looks): (&Cut, &Looks)| cohorts::cases(&customers, &watch.settings, *cut, looks);
    let cohorts: Vec<Vec<Case>> = before.iter().zip(&looks).map(cohort).collect();
    let estimate = training::estimate(cohorts.iter().flatten());
    let weights = estimate.as_ref().map_or_else(|_| Weights::default(), |estimate| estimate.weights);

    let judged_cases = cohorts::cases(&customers, &watch.settings, judged, &looks_at_end);
    let subjects: Vec<_> = judged_cases.iter().map(|case| case.subject).collect();
    let weeks = judged.horizon.as_millis() as f64 / MILLIS_PER_WEEK;
    let merit =
        judge(&models.mbg_nbd.0, &subjects, weeks, args.band).context("there is nobody to judge by")?;
    let model = Model {
        version: VERSION,
        data: models.data(args, &customers, &period),
        bg_nbd: models.bg_nbd,
        mbg_nbd: models.mbg_nbd.1,
        high_value: high_value(args, &watch, &judged_cases, &looks_at_end),
        gamma_gamma: watch.spend,
        typical_spend: watch.typical,
        weights: estimate.as_ref().ok().map(|estimate| estimate.weights),
        weights_data: estimate.as_ref().ok().map(|estimate| weights_data(&watch.settings, &before, estimate)),
        merit: merit.with_rivals(&weights, &cohorts, &judged_cases, args.band),
    };
    if !args.quiet {
        report::print(&model, &taken.counts, estimate.err())?;
    }
    write_model(&model, args.output.as_deref())
}

/// The reader's settings are those of a replay of the same files.
fn replay_args(args: &FitArgs) -> ReplayArgs {
    ReplayArgs {
        config: args.config.clone(),
        from_file: args.from_file.clone(),
        log: replay::from_log::LogArgs::default(),
        mapping: args.mapping.clone(),
        vocabulary: args.vocabulary,
        output: None,
        rejects: None,
        save_events: None,
        compare: None,
        flush_timers: false,
        quiet: true,
    }
}

fn period(args: &FitArgs, customers: &Customers) -> Result<Period> {
    let Some((first, last)) = customers.first_order().zip(customers.last_event()) else {
        bail!("the files hold no order of a known customer: there is nothing to fit to");
    };
    let horizon = args.horizon.span();
    let until = args.until.map_or(last - horizon, Instant::event_time);
    let judged_until = until + horizon;
    if judged_until > last {
        bail!(
            "the files end at {last}, before the holdout does at {judged_until}: an earlier --until or a shorter \
             --horizon leaves {} after the cut",
            args.horizon
        );
    }
    if first > until {
        bail!(
            "the first order is at {first}, after the cut at {until}: a later --until or a shorter --horizon is needed"
        );
    }
    Ok(Period { first, until, judged_until })
}

/// The two purchase models, of everybody who had ordered up to the cut.
struct PurchaseModels {
    sample: Sample,
    bg_nbd: PurchaseFit,
    mbg_nbd: (PurchaseModel, PurchaseFit),
}

impl PurchaseModels {
    fn fit(customers: &Customers, period: &Period) -> Result<Self> {
        let subjects = customers.subjects(period);
        let sample = Sample::new(subjects.into_iter().map(|(_, subject)| subject.history).collect());
        let (_, bg_nbd) = fit(Variant::BgNbd, &sample).context("BG/NBD cannot be fitted")?;
        let mbg_nbd = fit(Variant::MbgNbd, &sample).context("MBG/NBD cannot be fitted")?;
        Ok(Self { sample, bg_nbd, mbg_nbd })
    }

    fn data(&self, args: &FitArgs, customers: &Customers, period: &Period) -> Data {
        Data {
            from: Instant::new(period.first),
            until: Instant::new(period.until),
            judged_until: Instant::new(period.judged_until),
            utc_offset_minutes: args.utc_offset,
            orders: customers.orders_until(period.until),
            customers: self.sample.customers(),
            repeat_customers: self.sample.repeat_customers(),
        }
    }
}

/// What the score is looked at with, before its weights are known.
struct Watch {
    settings: Settings,
    spend: Option<SpendFit>,
    typical: Option<TypicalFit>,
}

fn watch(
    args: &FitArgs,
    config: &Config,
    models: &PurchaseModels,
    customers: &Customers,
    period: &Period,
) -> Watch {
    let (model, fit) = fit_spend(customers, period.until).unzip();
    let typical = customers.typical_spend(period.until);
    // Where customers' means are too much alike for a spend model, each is worth what they paid so far.
    let high_value = typical.as_ref().map(|typical| HighValue {
        spend: model,
        currency: typical.currency.clone(),
        // Nobody is told of: what counts is the value itself.
        threshold_minor: i64::MAX,
        horizon: args.horizon.span(),
    });
    let typical_spend =
        typical.clone().map(|fit| TypicalSpend { currency: fit.currency, per_day_minor: fit.per_day_minor });
    let settings = Settings {
        rules: churn_risk::Rules::default(),
        model: models.mbg_nbd.0,
        weights: Weights::default(),
        horizon: args.horizon.span(),
        usual_gap: config.sections.triggers.churn_risk.usual_gap.span(),
        ahead: Span::from_minutes(i64::from(args.utc_offset)),
        valid_for: args.horizon.span(),
        typical_spend,
        high_value,
    };
    Watch { settings, spend: fit, typical }
}

/// The 90th percentile of the predicted values; of whom nothing is known counts as worth nothing.
fn high_value(args: &FitArgs, watch: &Watch, judged: &[Case], looks: &Looks) -> Option<HighValueFit> {
    watch.typical.as_ref()?;
    let known = looks.values().map(|look| look.value.unwrap_or(0));
    let values = known.chain(std::iter::repeat(0)).take(judged.len()).collect();
    let threshold_minor = top_tenth(values).filter(|value| *value > 0)?;
    Some(HighValueFit { threshold_minor, horizon: args.horizon })
}

fn weights_data(settings: &Settings, cuts: &[Cut], estimate: &Estimate) -> WeightsData {
    WeightsData {
        cuts: cuts.iter().map(|cut| Instant::new(cut.at)).collect(),
        horizon: cuts.first().map_or(Span::ZERO, |cut| cut.horizon).into(),
        usual_gap: settings.usual_gap.into(),
        cases: estimate.cases,
        without_order: estimate.without_order,
    }
}

fn fit(variant: Variant, sample: &Sample) -> Result<(PurchaseModel, PurchaseFit), FitError> {
    let fitted = PurchaseModel::fit(variant, sample)?;
    let of = fitted.model.parameters;
    let (r, alpha, a, b) = (of.r(), of.alpha(), of.a(), of.b());
    Ok((fitted.model, PurchaseFit { r, alpha, a, b, log_likelihood: fitted.log_likelihood }))
}

/// The spend model is an addition: without amounts the purchase models stand by themselves.
fn fit_spend(customers: &Customers, until: EventTime) -> Option<(GammaGamma, SpendFit)> {
    let (currency, spends) = customers.spends(until)?;
    let fitted = GammaGamma::fit(&spends).ok()?;
    let fit = SpendFit {
        p: fitted.model.p(),
        q: fitted.model.q(),
        gamma: fitted.model.gamma(),
        currency,
        customers: spends.len() as u64,
        log_likelihood: fitted.log_likelihood,
        correlation: frequency_value_correlation(&spends),
    };
    Some((fitted.model, fit))
}

fn write_model(model: &Model, path: Option<&Path>) -> Result<()> {
    use std::io::Write;
    let text = format!("# Written by `rekindle fit`. Time is in weeks.\n{}", model.to_toml()?);
    let mut target = replay::Target::open(path)?;
    target.write_all(text.as_bytes()).context("the model cannot be written")?;
    target.flush().context("the model cannot be written")?;
    target.keep()
}
