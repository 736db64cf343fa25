//! A connected source and what is known of its reading.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::backoff::Retry;
use super::need;
use super::selection;
use crate::config::{Fault, FieldValue, People, SettingsError, SourceSettings};
use crate::error;
use crate::ledger::LedgerError;
use crate::model::{Cluster, Coverage, Environment, EventKinds, Notice, SourceName, TimeRange};
use crate::providers::http::Network;
use crate::providers::{self, FetchError, Provider, Reach};

/// Oddities of a source that are kept for its readers; more are only counted.
const KEPT_NOTICES: usize = 20;

/// A configured source, connected.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Source {
    pub name: SourceName,
    /// Its kind's name (`git`).
    pub kind: &'static str,
    /// What it can yield.
    pub yields: EventKinds,
    /// Its rank where several sources report deployments of one environment, 0 the first.
    pub rank: u8,
    /// The environment of its deployments that name none.
    pub environment: Option<Environment>,
    /// The cluster of its deployments that name none.
    pub cluster: Option<Cluster>,
    /// Fingerprint of what it selects.
    pub selection: String,
    /// What every reader must know of how it is read.
    pub warnings: Vec<Notice>,
    pub provider: Arc<dyn Provider>,
}

impl Source {
    /// Connects a source; does no I/O.
    ///
    /// # Errors
    /// What its settings lack.
    pub fn connect(
        settings: &SourceSettings,
        people: People,
        network: &Network,
    ) -> Result<Self, SettingsError> {
        let kind = providers::kind(settings.kind).ok_or_else(|| SettingsError {
            faults: vec![Fault {
                key: format!("sources.{}.kind", settings.name),
                message: format!("names `{}`, which this version cannot read", settings.kind),
            }],
        })?;
        Ok(Self {
            name: settings.name.clone(),
            kind: kind.name,
            yields: kind.yields,
            rank: kind.rank,
            environment: settings.environment.clone(),
            cluster: settings.cluster.clone(),
            selection: selection::fingerprint(settings, people),
            warnings: warnings(settings),
            provider: (kind.connect)(settings, network)?.into(),
        })
    }

    /// How it answers.
    pub fn reach(&self) -> Reach {
        self.provider.reach()
    }
}

/// What its settings do that a reader would want to know.
fn warnings(settings: &SourceSettings) -> Vec<Notice> {
    let skips = settings.fields.get("skipTlsVerify") == Some(&FieldValue::Boolean(true));
    let text = "TLS certificates are not verified (`skipTlsVerify`): whoever stands between can read and change what comes.";
    skips.then(|| Notice::warning(text)).into_iter().collect()
}

/// Why a reading or a watch failed.
#[derive(Debug)]
pub(super) enum Failure {
    Fetch(FetchError),
    Ledger(LedgerError),
    /// It panicked.
    Defect,
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

impl Failure {
    fn text(&self) -> String {
        match self {
            Self::Fetch(failure) => error::chain(failure),
            Self::Ledger(failure) => error::chain(failure),
            Self::Defect => "the reading stopped by a defect of Pelorus: please report it".into(),
        }
    }
}

/// How a source does, for answers and people.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Standing {
    pub name: SourceName,
    pub kind: &'static str,
    pub yields: EventKinds,
    pub coverage: Coverage,
    /// Whether a reading is under way or waits for its turn.
    pub is_reading: bool,
    /// Done and total units of the reading under way.
    pub progress: Option<(u64, Option<u64>)>,
    /// The last failure, as a chain of causes, until a reading succeeds.
    pub failure: Option<String>,
    /// When the source is tried again after a failure; `None`: at once, or when a person says so.
    pub retry_at: Option<DateTime<Utc>>,
    /// When the last complete reading began, as far as this process knows.
    pub read_at: Option<DateTime<Utc>>,
    /// What of the needed range is missing, oldest first.
    pub missing: Vec<TimeRange>,
    /// What was odd in what it said.
    pub notices: Vec<Notice>,
}

/// Whether a source pushes what happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Watch {
    /// Nobody watches; it may be possible.
    #[default]
    Idle,
    /// A task holds the watch.
    Held,
    /// The source cannot push.
    Impossible,
}

/// What is known of a source's reading.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What the ledger says the source answered for.
    pub(super) coverage: Coverage,
    /// What questions want and is not read yet.
    pub(super) wanted: Coverage,
    /// Whether the youngest part is read although it is fresh.
    pub(super) is_forced: bool,
    pub(super) is_reading: bool,
    pub(super) watch: Watch,
    pub(super) progress: Option<(u64, Option<u64>)>,
    pub(super) failure: Option<String>,
    /// Failures in a row.
    pub(super) failures: u32,
    pub(super) retry: Retry,
    /// When the last complete reading began.
    pub(super) read_at: Option<DateTime<Utc>>,
    pub(super) notices: Vec<Notice>,
    /// Notices beyond those that are kept.
    pub(super) more_notices: u64,
}

impl State {
    pub(super) fn missing(
        &self,
        reach: Reach,
        need: TimeRange,
        fresh_from: DateTime<Utc>,
    ) -> Vec<TimeRange> {
        need::missing(reach, &self.coverage, self.read_at, need, fresh_from)
    }

    /// Takes a failure down and decides when to try again; returns its text, causes included.
    pub(super) fn fail(&mut self, failure: &Failure, now: DateTime<Utc>) -> String {
        let text = failure.text();
        let fetch_error = match failure {
            Failure::Fetch(error) => Some(error),
            Failure::Ledger(_) | Failure::Defect => None,
        };
        self.failures += 1;
        self.retry = Retry::after(fetch_error, self.failures, now);
        self.failure = Some(text.clone());
        text
    }

    /// Forgets earlier failures.
    pub(super) fn succeed(&mut self) {
        self.failure = None;
        self.failures = 0;
        self.retry = Retry::Free;
    }

    /// Keeps what was odd in a page, each sentence once.
    pub(super) fn note(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            if self.notices.contains(&notice) {
                continue;
            }
            if self.notices.len() < KEPT_NOTICES {
                self.notices.push(notice);
            } else {
                self.more_notices += 1;
            }
        }
    }

    /// Forgets what was odd, because all of it is said again.
    pub(super) fn forget_notices(&mut self) {
        self.notices.clear();
        self.more_notices = 0;
    }

    pub(super) fn standing(&self, source: &Source, missing: Vec<TimeRange>) -> Standing {
        let mut notices = source.warnings.clone();
        notices.extend(self.notices.iter().cloned());
        if self.more_notices > 0 {
            notices.push(Notice::warning(format!(
                "and {} more like these",
                self.more_notices
            )));
        }
        Standing {
            name: source.name.clone(),
            kind: source.kind,
            yields: source.yields,
            coverage: self.coverage.clone(),
            is_reading: self.is_reading,
            progress: self.progress.filter(|_| self.is_reading),
            failure: self.failure.clone(),
            retry_at: match self.retry {
                Retry::After(instant) => Some(instant),
                Retry::Free | Retry::WhenTold => None,
            },
            read_at: self
                .read_at
                .max(self.coverage.ranges().last().map(|range| range.end)),
            missing,
            notices,
        }
    }
}
