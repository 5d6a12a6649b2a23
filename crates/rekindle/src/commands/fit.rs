//! `rekindle fit`: who still buys? Models estimated from the orders in files, judged by what came after.

mod customers;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use churn_risk::gamma_gamma::frequency_value_correlation;
use churn_risk::model::{Data, PurchaseFit, SpendFit, VERSION};
use churn_risk::{GammaGamma, Model, PurchaseModel, Sample, Variant, judge};
use clap::Args;
use events::{EventTime, Span};
use strict_toml::{Duration, Instant};

use crate::cli::{ConfigArgs, ReplayArgs, VocabularyArg};
use crate::commands::replay;
use crate::config::Config;
use customers::{Customers, Period};

const MILLIS_PER_WEEK: f64 = 604_800_000.0;

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
Orders of one day count once; cancellations are not followed. The report, on standard error, says how well MBG/NBD
foretold who would not order within the horizon, beside the two rules that a shop would use instead. Data that are too
few, or do not determine a model, are refused.";

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
    let taken = ::replay::take_in(&args.from_file, &intake, ::replay::Rejects::counted_only(), &mut |_| {})?;
    let customers = Customers::gather(taken.events, Span::from_minutes(i64::from(args.utc_offset)))?;
    let period = period(args, &customers)?;
    let model = estimate(args, &customers, &period)?;
    if !args.quiet {
        report::print(&model, &taken.counts)?;
    }
    write_model(&model, args.output.as_deref())
}

/// The reader's settings are those of a replay of the same files.
fn replay_args(args: &FitArgs) -> ReplayArgs {
    ReplayArgs {
        config: args.config.clone(),
        from_file: args.from_file.clone(),
        mapping: args.mapping.clone(),
        vocabulary: args.vocabulary,
        output: None,
        rejects: None,
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

fn estimate(args: &FitArgs, customers: &Customers, period: &Period) -> Result<Model> {
    let subjects = customers.subjects(period);
    let sample = Sample::new(subjects.iter().map(|subject| subject.history).collect());
    let (_, bg_nbd) = fit(Variant::BgNbd, &sample).context("BG/NBD cannot be fitted")?;
    let (model, mbg_nbd) = fit(Variant::MbgNbd, &sample).context("MBG/NBD cannot be fitted")?;
    let horizon = args.horizon.span().as_millis() as f64 / MILLIS_PER_WEEK;
    let merit = judge(&model, &subjects, horizon, args.band).context("there is nobody to judge by")?;
    Ok(Model {
        version: VERSION,
        data: Data {
            from: Instant::new(period.first),
            until: Instant::new(period.until),
            judged_until: Instant::new(period.judged_until),
            utc_offset_minutes: args.utc_offset,
            orders: customers.orders_until(period.until),
            customers: sample.customers(),
            repeat_customers: sample.repeat_customers(),
        },
        bg_nbd,
        mbg_nbd,
        gamma_gamma: fit_spend(customers, period.until),
        merit,
    })
}

fn fit(variant: Variant, sample: &Sample) -> Result<(PurchaseModel, PurchaseFit), churn_risk::FitError> {
    let fitted = PurchaseModel::fit(variant, sample)?;
    let of = fitted.model.parameters;
    let (r, alpha, a, b) = (of.r(), of.alpha(), of.a(), of.b());
    Ok((fitted.model, PurchaseFit { r, alpha, a, b, log_likelihood: fitted.log_likelihood }))
}

/// The spend model is an addition: without amounts the purchase models stand by themselves.
fn fit_spend(customers: &Customers, until: EventTime) -> Option<SpendFit> {
    let (currency, spends) = customers.spends(until)?;
    let fitted = GammaGamma::fit(&spends).ok()?;
    Some(SpendFit {
        p: fitted.model.p(),
        q: fitted.model.q(),
        gamma: fitted.model.gamma(),
        currency,
        customers: spends.len() as u64,
        log_likelihood: fitted.log_likelihood,
        correlation: frequency_value_correlation(&spends),
    })
}

fn write_model(model: &Model, path: Option<&Path>) -> Result<()> {
    use std::io::Write;
    let text = format!("# Written by `rekindle fit`. Time is in weeks.\n{}", model.to_toml()?);
    let mut target = replay::Target::open(path)?;
    target.write_all(text.as_bytes()).context("the model cannot be written")?;
    target.flush().context("the model cannot be written")?;
    target.keep()
}
