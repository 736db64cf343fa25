//! Wires the parts and owns the tasks: answers questions over the ledger, syncing on demand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::config::Settings;
use crate::dora::{Answer, Table};
use crate::ledger::{LedgerError, Location, SourceStats};
use crate::model::{Coverage, Event, Notice, Question, SourceName, TimeRange};

/// How long a question waits for sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Answers with what is known when the time is over; the reading goes on.
    Until(Duration),
    /// Waits to the end (command line).
    Forever,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// A person: missing data is a notice.
    Person,
    /// An alert rule: missing data is an error, except within `freshness` of now.
    Alert,
}

/// A question with its range and circumstances.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is asked.
    pub question: Question,
    /// For when.
    pub range: TimeRange,
    /// The clock.
    pub now: DateTime<Utc>,
    /// How long it may wait.
    pub patience: Patience,
    /// Who asks.
    pub asker: Asker,
}

/// An answer, ready for frames or a terminal.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The question, with the zone and bucket that were used.
    pub question: Question,
    /// The range that was answered.
    pub range: TimeRange,
    /// The numbers; `Answer::Events` never occurs here, its rows stand filled in `Answer::Table`.
    pub answer: Answer,
    /// What the reader must know: of the answer and of the sources.
    pub notices: Vec<Notice>,
    /// The question in one readable line (`executedQueryString`).
    pub explained: String,
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The question makes no sense for this range.
    #[error("{0}")]
    Unusable(String),
    /// Sources are missing, and the asker takes no partial answer.
    #[error("{0}")]
    Incomplete(String),
    /// The ledger fails.
    #[error("cannot answer from the ledger")]
    Ledger(#[from] LedgerError),
    /// A defect of ours.
    #[error("the calculation failed: please report it with the question")]
    Defect,
}

/// A source as people see it.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SourceStatus {
    pub name: SourceName,
    pub kind: &'static str,
    pub coverage: Coverage,
    pub stats: SourceStats,
    pub is_syncing: bool,
    /// Done and total units of the reading under way.
    pub progress: Option<(u64, Option<u64>)>,
    /// The last failure, as a chain of causes, until a reading succeeds.
    pub failure: Option<String>,
}

/// What checking a source said.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct SourceCheck {
    pub name: SourceName,
    pub kind: &'static str,
    /// The sentence, or the failure as a chain of causes.
    pub result: Result<String, String>,
    pub advice: Option<String>,
}

/// A running Pelorus: settings, ledger, sources and columns. Cheap to clone.
#[derive(Clone)]
pub struct App {}

/// Why an `App` cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger cannot be used.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A source cannot be connected.
    #[error(transparent)]
    Settings(#[from] crate::config::SettingsError),
}

impl App {
    /// Opens the ledger and connects the sources; reads nothing yet. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// See `StartError`.
    pub fn start(settings: Arc<Settings>, ledger: &Location) -> Result<Self, StartError> {
        todo!("{ledger:?} {}", Arc::strong_count(&settings))
    }

    /// Answers a question (design, invariants 5 and 6).
    ///
    /// # Errors
    /// See `QueryError`.
    pub async fn answer(&self, request: Request) -> Result<Answered, QueryError> {
        todo!("{request:?}")
    }

    /// Stores events that were pushed to us.
    ///
    /// # Errors
    /// The ledger's.
    pub async fn accept(&self, source: &SourceName, events: Vec<Event>) -> Result<(), LedgerError> {
        todo!("{source} {}", events.len())
    }

    /// All sources and how they do.
    pub fn sources(&self) -> Vec<SourceStatus> {
        todo!()
    }

    /// Proves sources (all, or one); the reading of each takes at most `patience`.
    pub async fn check(
        &self,
        source: Option<&SourceName>,
        now: DateTime<Utc>,
        patience: Duration,
    ) -> Vec<SourceCheck> {
        todo!("{source:?} {now} {patience:?}")
    }

    /// Starts reading sources now (all, or one) without waiting; returns their names.
    pub fn sync_now(&self, source: Option<&SourceName>) -> Vec<SourceName> {
        todo!("{source:?}")
    }

    /// Drops cached answers and columns of an idle instance; sync goes on.
    pub fn drop_caches(&self) {
        todo!()
    }

    /// Stops all tasks, within five seconds.
    pub async fn stop(&self) {
        todo!()
    }
}

#[allow(dead_code)]
type Unused = (BTreeMap<(), ()>, TimeDelta, Table);
