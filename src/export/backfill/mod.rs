//! Backfill: events that are too old to be taken as samples become blocks of Prometheus' TSDB.
//!
//! By calendar months: all that waits is written as OpenMetrics text, `promtool` makes blocks of each month, they are counted,
//! handed over, and only then acknowledged in the ledger. Every month has a folder whose marks say how far it is, so that a
//! backfill that is cut off goes on: what was not handed over is made anew, what was is only acknowledged.

mod blocks;
mod contents;
mod months;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use self::blocks::Stage;
use crate::config::{self, Destination, Export};
use crate::ledger::{Ledger, LedgerError, Settled};
use crate::model::{Origin, TimeRange};

/// Blocks of the last hours would overlap what a Prometheus still writes.
const YOUNGEST: TimeDelta = TimeDelta::hours(3);
/// Events that are acknowledged in one transaction.
const TOGETHER: usize = 5_000;

/// What is backfilled, and where to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The destination whose queue it is.
    pub destination: String,
    /// A folder of its own, on a disk with room for the blocks.
    pub work: PathBuf,
    /// Where the blocks go.
    pub target: config::Backfill,
    /// Labels of the series, which also tell uploaded blocks apart.
    pub external_labels: BTreeMap<String, String>,
    /// The sources of the events, which every month tells.
    pub origins: Vec<Origin>,
    /// The program that makes blocks.
    pub promtool: PathBuf,
    /// The program that uploads them.
    pub thanos: PathBuf,
}

impl Plan {
    /// How long blocks may take to be found: Prometheus looks for them every minute, Thanos' store every quarter of an hour.
    pub fn patience(&self) -> Duration {
        match self.target {
            config::Backfill::DataFolder(_) => Duration::from_secs(150),
            config::Backfill::ObjectStore(_) => Duration::from_secs(1_200),
        }
    }

    /// The plan for a destination's own target, in a folder beside the ledger; `None` where it names no target. Programs
    /// are those of the path, or of PELORUS_PROMTOOL and PELORUS_THANOS.
    pub fn of(
        destination: &Destination,
        export: &Export,
        ledger: &Path,
        origins: Vec<Origin>,
    ) -> Option<Self> {
        let program = |variable: &str, name: &str| {
            std::env::var_os(variable).map_or_else(|| PathBuf::from(name), PathBuf::from)
        };
        let name = destination.connection.name.to_string();
        let mut beside = ledger.as_os_str().to_owned();
        beside.push(".backfill");
        Some(Self {
            target: destination.backfill.clone()?,
            work: Path::new(&beside).join(&name),
            destination: name,
            external_labels: export.external_labels.clone(),
            origins,
            promtool: program("PELORUS_PROMTOOL", "promtool"),
            thanos: program("PELORUS_THANOS", "thanos"),
        })
    }
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Months that were handed over.
    pub months: usize,
    /// Events that were acknowledged.
    pub events: u64,
    /// Blocks that were handed over.
    pub blocks: usize,
    /// The time of those months.
    pub ranges: Vec<TimeRange>,
}

/// Why a backfill stopped; what was acknowledged stays so, and the rest waits.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file cannot be read or written.
    #[error("cannot {step} {path}", path = path.display())]
    File {
        #[allow(missing_docs)]
        step: &'static str,
        #[allow(missing_docs)]
        path: PathBuf,
        #[source]
        #[allow(missing_docs)]
        source: io::Error,
    },
    /// A program is not there.
    #[error("cannot start {program}: {way_out}")]
    Program {
        #[allow(missing_docs)]
        program: String,
        /// What helps.
        way_out: &'static str,
        #[source]
        #[allow(missing_docs)]
        source: io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {said}")]
    Failed {
        #[allow(missing_docs)]
        program: String,
        /// The end of what it said.
        said: String,
    },
    /// The blocks are not what was written.
    #[error(
        "the blocks of {month} hold {found} samples that are not the {written} that were written: they are made anew next time"
    )]
    Different {
        #[allow(missing_docs)]
        month: String,
        #[allow(missing_docs)]
        found: u64,
        #[allow(missing_docs)]
        written: u64,
    },
    /// The target cannot be used.
    #[error("{0}")]
    Target(String),
}

impl BackfillError {
    pub(super) fn file(
        step: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> BackfillError + use<> {
        let path = path.to_owned();
        move |source| Self::File { step, path, source }
    }
}

/// Hands over everything that waits for a backfill. Blocks, for minutes where much waits; `tell` hears of each step, with
/// months done and all.
///
/// # Errors
/// See `BackfillError`.
pub fn run(
    ledger: &Ledger,
    plan: &Plan,
    now: DateTime<Utc>,
    tell: &mut dyn FnMut(&str, usize, usize),
) -> Result<Report, BackfillError> {
    blocks::check(plan)?;
    std::fs::create_dir_all(&plan.work).map_err(BackfillError::file("make", &plan.work))?;
    let mut report = Report::default();
    for folder in months::folders(&plan.work)? {
        match blocks::stage(plan, &folder)? {
            Stage::Unfinished => remove(&folder)?,
            Stage::Built => finish(ledger, plan, &folder, now, &mut report)?,
        }
    }
    let until = now - YOUNGEST;
    tell("Writing what waits", 0, 0);
    let written = months::write(ledger, plan, until, now)?;
    let mut first_failure = None;
    for (done, folder) in written.iter().enumerate() {
        let month = name_of(folder);
        tell(&format!("Making blocks of {month}"), done, written.len());
        match blocks::build(plan, folder) {
            Ok(()) => {}
            // One month that cannot be built does not keep the others waiting.
            Err(failure @ (BackfillError::Different { .. } | BackfillError::Failed { .. })) => {
                first_failure.get_or_insert(failure);
                continue;
            }
            Err(failure) => return Err(failure),
        }
        tell(&format!("Handing over {month}"), done, written.len());
        finish(ledger, plan, folder, now, &mut report)?;
    }
    match first_failure {
        Some(failure) => Err(failure),
        None => {
            tell("Everything is handed over", written.len(), written.len());
            Ok(report)
        }
    }
}

/// Hands over the blocks of a month and acknowledges its events.
fn finish(
    ledger: &Ledger,
    plan: &Plan,
    folder: &Path,
    now: DateTime<Utc>,
    report: &mut Report,
) -> Result<(), BackfillError> {
    report.blocks += blocks::hand_over(plan, folder)?;
    let events = months::events(folder)?;
    for part in events.chunks(TOGETHER) {
        let settled: Vec<_> = part
            .iter()
            .map(|(number, revision)| (*number, *revision, Settled::Acknowledged))
            .collect();
        ledger.settle(&plan.destination, &settled, now)?;
    }
    remove(folder)?;
    report.months += 1;
    report.ranges.extend(months::range(folder));
    report.events += events.len() as u64;
    Ok(())
}

fn remove(folder: &Path) -> Result<(), BackfillError> {
    std::fs::remove_dir_all(folder).map_err(BackfillError::file("remove", folder))
}

fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
