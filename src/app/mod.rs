//! Wires the parts and owns the tasks: answers questions over the ledger, syncing on demand.

mod answer;
mod cache;
mod check;
mod explain;
mod foreign;
mod heard;
mod history;
mod memory;
mod naming;
mod notices;
mod owned;
mod state;
mod tables;
#[cfg(test)]
mod tests;
mod wishes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use self::cache::AnswerCache;
use self::foreign::Foreign;
use self::memory::LedgerMemory;
use self::state::{Columns, Ear};
use crate::config::Settings;
use crate::dora::Answer;
use crate::ledger::{Ledger, LedgerError, Location, SourceStats};
use crate::model::{Coverage, Event, EventKind, Notice, Origin, Question, SourceName, TimeRange};
pub use crate::providers::http::{Addresses, LimitLeft, RequestCount};
use crate::providers::http::{Clock, Network};
use crate::providers::is_history;
use crate::sync::{Names, Policy, Source, Syncing};

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
    /// The numbers; `Answer::Events` and `Answer::Quality` never occur here, their rows stand filled in `Answer::Table`.
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
    /// How far it has been read, in one sentence.
    pub reading: Option<String>,
}

/// A running Pelorus: settings, ledger, sources and columns. Cheap to clone.
///
/// Its tasks end at their next page when the last clone is dropped; `stop` waits for that.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Arc<Settings>,
    ledger: Arc<Ledger>,
    /// What every answer must say of the ledger.
    ledger_notices: Vec<Notice>,
    names: Arc<Names>,
    columns: Arc<Columns>,
    network: Network,
    syncing: Syncing,
    /// Calculations at the same time.
    calculations: Semaphore,
    answers: AnswerCache,
    caches_answers: AtomicBool,
    /// Whether any source can be asked for commits.
    yields_commits: bool,
    /// Set where another process owns the ledger.
    foreign: Option<Foreign>,
}

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
    /// Opens the ledger and connects the sources, which may ask these addresses; reads nothing yet.
    ///
    /// Must run inside a tokio runtime.
    ///
    /// # Errors
    /// See `StartError`.
    pub fn start(
        settings: Arc<Settings>,
        ledger: &Location,
        addresses: Addresses,
    ) -> Result<Self, StartError> {
        Self::start_at(settings, ledger, addresses, Clock::System)
    }

    /// Starts with a clock of one's own: for looking at what happens later.
    ///
    /// # Errors
    /// See `StartError`.
    pub fn start_at(
        settings: Arc<Settings>,
        ledger: &Location,
        addresses: Addresses,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let (ledger, notices) = Ledger::open(ledger)?;
        let ledger = Arc::new(ledger);
        let memory = Arc::new(LedgerMemory(Arc::clone(&ledger)));
        let network = Network::new(addresses, clock, memory);
        let connect = |source| Source::connect(source, settings.people, &network);
        let sources: Vec<Source> = settings
            .sources
            .iter()
            .map(connect)
            .collect::<Result<_, _>>()?;
        Self::assemble(settings, ledger, notices, sources, network)
    }

    /// Puts connected sources over an open ledger.
    fn assemble(
        settings: Arc<Settings>,
        ledger: Arc<Ledger>,
        ledger_notices: Vec<Notice>,
        sources: Vec<Source>,
        network: Network,
    ) -> Result<Self, StartError> {
        let yields_commits = sources
            .iter()
            .any(|source| source.yields.contains(EventKind::Commit));
        let names = Arc::new(Names::new(settings.people, ledger.pseudonym_key()?));
        let columns = Arc::new(Columns::new(
            Arc::clone(&ledger),
            Arc::clone(&settings),
            &sources,
            Arc::clone(&names),
        ));
        let syncing = Syncing::start(
            Arc::clone(&ledger),
            sources,
            Policy::of(&settings),
            Arc::clone(&names),
            network.clock(),
            Box::new(Ear(Arc::clone(&columns))),
        )?;
        Ok(Self {
            inner: Arc::new(Inner {
                foreign: ledger.is_read_only().then(Foreign::default),
                settings,
                ledger,
                ledger_notices,
                names,
                columns,
                network,
                syncing,
                calculations: Semaphore::new(calculations_at_once()),
                answers: cache::answer_cache(),
                caches_answers: AtomicBool::new(true),
                yields_commits,
            }),
        })
    }

    /// Turns the cache of answers on (as it is at the start) or off, for all clones: measurements want it off.
    pub fn with_answer_cache(self, is_on: bool) -> Self {
        self.inner.caches_answers.store(is_on, Ordering::Relaxed);
        self.inner.answers.invalidate_all();
        self
    }

    /// Stores events that were pushed to us.
    ///
    /// # Errors
    /// The ledger's.
    pub async fn accept(&self, source: &SourceName, events: Vec<Event>) -> Result<(), LedgerError> {
        let syncing = self.inner.syncing.clone();
        let source = source.clone();
        let storing = tokio::task::spawn_blocking(move || syncing.accept(&source, events));
        match storing.await {
            Ok(result) => result,
            Err(failure) if failure.is_panic() => std::panic::resume_unwind(failure.into_panic()),
            // Only a runtime that goes down cancels blocking tasks; who pushed must then push again.
            Err(_) => Err(LedgerError::ReadOnly {
                path: "of this process".to_owned(),
                reason: "Pelorus stops".to_owned(),
            }),
        }
    }

    /// All sources and how they do. Blocks on the ledger for a moment.
    pub fn sources(&self) -> Vec<SourceStatus> {
        let inner = &self.inner;
        let need = inner.syncing.policy().usual(inner.syncing.now());
        let standings = inner.syncing.standings(need).into_iter();
        standings
            .map(|standing| {
                let (stats, unreadable) = match inner.ledger.stats(&standing.name) {
                    Ok(stats) => (stats, None),
                    Err(failure) => (SourceStats::default(), Some(crate::error::chain(&failure))),
                };
                SourceStatus {
                    name: standing.name,
                    kind: standing.kind,
                    coverage: standing.coverage,
                    stats,
                    is_syncing: standing.is_reading,
                    progress: standing.progress,
                    failure: standing.failure.or(unreadable),
                }
            })
            .collect()
    }

    /// Whether sources are read here: not where another process owns the ledger.
    pub fn reads_sources(&self) -> bool {
        self.inner.foreign.is_none()
    }

    /// Reads the sources from now on, whether anybody asks or not: what pushes is watched, the rest read every `freshness`.
    pub fn keep_reading(&self) {
        let syncing = &self.inner.syncing;
        syncing.want(syncing.policy().usual(syncing.now()));
    }

    /// Waits until every source has answered for the usual range or has stopped reading.
    pub async fn settle(&self) {
        let syncing = &self.inner.syncing;
        syncing.settle(syncing.policy().usual(syncing.now())).await;
    }

    /// What others must know of the sources that are read here: not of those that read back what others read.
    pub fn origins(&self) -> Vec<Origin> {
        let syncing = &self.inner.syncing;
        let sources = syncing.sources().zip(syncing.coverages());
        let own = sources.filter(|(source, _)| !is_history(source.kind));
        own.map(|(source, coverage)| Origin {
            source: source.name.clone(),
            rank: source.rank,
            yields: EventKind::ALL
                .into_iter()
                .filter(|kind| source.yields.contains(*kind))
                .collect(),
            environment: source.environment.clone(),
            cluster: source.cluster.clone(),
            since: coverage.start(),
        })
        .collect()
    }

    /// The ledger below.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.inner.ledger
    }

    /// The clock of readings.
    pub fn clock(&self) -> Clock {
        self.inner.network.clock()
    }

    /// The network of the sources, for others who send requests.
    pub fn network(&self) -> &Network {
        &self.inner.network
    }

    /// A number that changes whenever something was stored, or a reading began or ended.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.syncing.changes()
    }

    /// Requests to sources since the start, by source and outcome.
    pub fn requests(&self) -> Vec<RequestCount> {
        self.inner.network.requests()
    }

    /// What is left of the sources' rate limits, as their last answers told.
    pub fn limits_left(&self) -> Vec<LimitLeft> {
        self.inner.network.limits_left()
    }

    /// Starts reading sources now (all, or one) without waiting; returns their names.
    pub fn sync_now(&self, source: Option<&SourceName>) -> Vec<SourceName> {
        self.inner.syncing.sync_now(source)
    }

    /// Drops cached answers and columns of an idle instance; sync goes on.
    pub fn drop_caches(&self) {
        self.inner.answers.invalidate_all();
        self.inner.columns.clear();
    }

    /// Stops all tasks, within five seconds.
    pub async fn stop(&self) {
        self.inner.syncing.stop().await;
    }
}

/// Each calculation uses two processors.
fn calculations_at_once() -> usize {
    // A machine that does not tell has one or two.
    std::thread::available_parallelism().map_or(1, |processors| (processors.get() / 2).max(1))
}

impl Inner {
    fn caches_answers(&self) -> bool {
        self.caches_answers.load(Ordering::Relaxed)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.syncing.give_up();
    }
}
