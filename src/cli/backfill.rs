//! `pelorus backfill`: what is too old to be sent live goes to Prometheus or Thanos in blocks.

use anyhow::anyhow;
use chrono::TimeDelta;
use indicatif::{ProgressBar, ProgressStyle};

use super::arguments;
use super::exit::{Exit, Failure};
use super::progress::{self, Audience};
use super::{export, load, say};
use crate::error::chain;
use crate::export::Exporter;
use crate::export::backfill::{self, Plan, Report};

/// What is younger goes live, where nothing says how old a sample the destination takes.
const YOUNGEST: TimeDelta = TimeDelta::hours(3);

/// Reads every source, and hands over what is old.
pub(super) async fn run(arguments: arguments::Backfill) -> Result<Exit, Failure> {
    let settings = load::from_file(arguments.config.as_deref())?;
    let exporter = export::start(settings).await?;
    let app = exporter.app();
    let wanted = |name: &str| {
        arguments
            .destination
            .as_deref()
            .is_none_or(|wanted| wanted == name)
    };
    let all = exporter.settings().destinations.iter();
    let destinations: Vec<_> = all
        .filter(|destination| wanted(destination.connection.name.as_str()))
        .collect();
    if destinations.is_empty() {
        return Err(Failure::unusable(anyhow!(
            "the settings name no such destination in `export.destinations`"
        )));
    }
    let audience = Audience::of_stderr(arguments.quiet);
    app.keep_reading();
    progress::during(app, audience, app.settle()).await;
    let now = app.clock().now();
    let mut exit = Exit::Answered;
    for destination in destinations {
        let name = destination.connection.name.to_string();
        let Some(plan) = exporter.plan(&name) else {
            say(format_args!(
                "warning: {name} names neither `dataFolder` nor `objectStore`: its old events go on waiting"
            ));
            exit = Exit::Partly;
            continue;
        };
        let patience = plan.patience();
        let before = now - destination.window.unwrap_or(YOUNGEST);
        let ledger = std::sync::Arc::clone(app.ledger());
        let worked = tokio::task::spawn_blocking(move || {
            ledger.age(&plan.destination, before)?;
            work(&ledger, &plan, now, audience)
        });
        match worked.await {
            Ok(Ok(report)) => {
                say(format_args!(
                    "{name}: {} events of {} months in {} blocks",
                    report.events, report.months, report.blocks
                ));
                if !read_back(&exporter, &name, &report, patience, audience).await {
                    exit = Exit::Partly;
                }
            }
            Ok(Err(error)) => {
                exporter.stop().await;
                return Err(Failure::unreadable(anyhow!(chain(&error))));
            }
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
    exporter.stop().await;
    Ok(exit)
}

/// Waits until a destination shows what it was handed over; says how that ended, and whether it is well.
async fn read_back(
    exporter: &Exporter,
    name: &str,
    report: &Report,
    patience: std::time::Duration,
    audience: Audience,
) -> bool {
    let mut lanes = exporter.lanes().iter();
    let Some(lane) = lanes.find(|lane| lane.pump.name == name) else {
        return true;
    };
    if report.ranges.is_empty() {
        return true;
    }
    let spinner = match audience {
        Audience::Terminal => ProgressBar::new_spinner(),
        Audience::Log | Audience::Nobody => ProgressBar::hidden(),
    };
    spinner.set_message(format!("Reading back what {name} shows"));
    spinner.enable_steady_tick(std::time::Duration::from_millis(200));
    let shown = lane.verify(&report.ranges, patience).await;
    spinner.finish_and_clear();
    match shown {
        Ok(Some(shown)) => {
            say(format_args!(
                "{name} shows all {shown} events of these months"
            ));
            true
        }
        Ok(None) => {
            say(format_args!(
                "{name} has no `readUrl`, so nothing is read back"
            ));
            true
        }
        Err(reason) => {
            say(format_args!("warning: {name}: {reason}"));
            false
        }
    }
}

fn work(
    ledger: &crate::ledger::Ledger,
    plan: &Plan,
    now: chrono::DateTime<chrono::Utc>,
    audience: Audience,
) -> Result<Report, backfill::BackfillError> {
    let bar = match audience {
        Audience::Terminal => ProgressBar::new(1),
        Audience::Log | Audience::Nobody => ProgressBar::hidden(),
    };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} months {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let report = backfill::run(ledger, plan, now, &mut |step, done, all| {
        bar.set_length(all.max(1) as u64);
        bar.set_position(done as u64);
        bar.set_message(step.to_owned());
        if audience == Audience::Log {
            say(step);
        }
    });
    bar.finish_and_clear();
    report
}
