//! Providers: code that reads one kind of system and yields events.
//!
//! They translate and nothing more: they never sleep, retry, cache, spawn, log or read the clock. `sync` does that
//! once for all. A new kind is one file and one row in `KINDS`.

mod azure_devops;
mod bitbucket_cloud;
mod ci;
mod files;
mod git;
mod history;
pub mod http;
mod repository_name;
mod scope;
mod walk;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::http::{Network, Priority};
use crate::config::{Field, SettingsError, SourceSettings};
use crate::model::{CommitHash, Cursor, Event, EventId, EventKinds, Notice, Origin, TimeRange};

/// Reads one configured source.
///
/// Providers of files and local repositories block while their streams and futures are polled: they may not spawn,
/// so `sync` polls every provider on a task where blocking is allowed, one page a poll.
pub trait Provider: Send + Sync {
    /// Streams what changed within `request.range`, one item per API page; ends when the range is exhausted.
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>>;

    /// Streams what changes from now on, where the system can push; `None` where it cannot.
    fn watch(
        &self,
        resume_from: Option<Cursor>,
    ) -> Option<BoxStream<'_, Result<Page, FetchError>>> {
        drop(resume_from);
        None
    }

    /// Proves that the settings work: reads at most one page.
    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>>;

    /// How much one reading takes.
    fn reach(&self) -> Reach;
}

/// How much of a source one reading takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Windows of time, newest first, a month at first: for APIs that list oldest first, or not by time.
    Windows,
    /// All that is missing at once: the API lists newest first, and its pages are walked.
    ///
    /// The cursor lives on from one reading to the next, so that it may hold what the provider knows for good (the heads
    /// it has seen); a provider tells by the range in it whether it goes on with a reading that was cut off.
    Walk,
    /// Everything the source holds, whatever range was asked (`git`, `events`): local, and read as it is polled.
    Whole,
}

/// What to read.
#[derive(Clone, Debug)]
pub struct PageRequest {
    /// The range of time asked for; a source that is read whole ignores it.
    pub range: TimeRange,
    /// Where an earlier reading stopped, or, for `Reach::Walk`, what the last one left; `None` starts anew.
    pub resume_from: Option<Cursor>,
    /// Events that had not settled when last read, to be read again.
    pub unfinished: Vec<EventId>,
    /// Commits that deployments name and the ledger lacks.
    pub wanted: Vec<CommitHash>,
    /// Who waits for it.
    pub priority: Priority,
}

/// One page of a source's answer.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// What the page says.
    pub events: Vec<Event>,
    /// What it tells of sources that another Pelorus reads.
    pub origins: Vec<Origin>,
    /// Where to go on after it; stored in the same transaction as the events.
    pub checkpoint: Option<Cursor>,
    /// What was odd, or bad, in the page: the rest of it counts.
    pub notices: Vec<Notice>,
    /// The range this page answers for, where it can say so before the stream ends.
    pub covered: Option<TimeRange>,
    /// Done and total units, for progress; the total where known.
    pub progress: Option<(u64, Option<u64>)>,
}

/// What *Save & test* and `pelorus check` tell about a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// One sentence: what the source sees.
    pub message: String,
    /// What could be better, and how.
    pub advice: Option<String>,
}

/// Why a reading failed. A variant exists only where `sync` acts differently.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The credentials are refused: a person must act.
    #[error("{what} refused the credentials{}", needs.as_ref().map(|needs| format!(": it needs {needs}")).unwrap_or_default())]
    Unauthorized {
        /// The thing that was read.
        what: String,
        /// The permissions that are missing, by the vendor's names.
        needs: Option<String>,
    },
    /// The API asks to wait.
    #[error("{what} asks to wait until {}", until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))]
    RateLimited {
        /// The thing that was read.
        what: String,
        /// When it may be asked again.
        until: DateTime<Utc>,
    },
    /// The system is away, or the file is: trying later may help.
    #[error("cannot read {what}")]
    Unavailable {
        /// The thing that was read.
        what: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
    /// The cursor is too old, or another one's: the reading starts anew.
    #[error("{what} no longer knows where the last reading stopped")]
    CursorExpired {
        /// The thing that was read.
        what: String,
    },
    /// The range yields too much: it is halved.
    #[error("{what} refuses a range this large")]
    RangeTooLarge {
        /// The thing that was read.
        what: String,
    },
    /// The answer makes no sense: a person must look.
    #[error("cannot understand {what}")]
    Malformed {
        /// The thing that was read.
        what: String,
        /// Why.
        #[source]
        source: anyhow::Error,
    },
}

/// A kind of source: one row in `KINDS`.
pub struct ProviderKind {
    /// Its name in settings (`git`).
    pub name: &'static str,
    /// Its group (`git`, `ci`, `cluster`, `tickets`, `files`, `history`).
    pub group: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// One sentence for people.
    pub help: &'static str,
    /// Its settings.
    pub fields: &'static [Field],
    /// What it can yield.
    pub yields: EventKinds,
    /// Its rank where several sources report deployments of one environment, 0 the first (definitions, section 1).
    pub rank: u8,
    /// Connects it; does no I/O.
    pub connect: Connect,
}

/// Makes a provider of a source's settings.
pub type Connect = fn(&SourceSettings, &Network) -> Result<Box<dyn Provider>, SettingsError>;

/// Every kind, in the order of documentation.
pub static KINDS: &[&ProviderKind] = &[
    &git::KIND,
    &git::GITHUB,
    &git::GITLAB,
    &git::GITEA,
    &git::BITBUCKET,
    &git::BITBUCKET_SERVER,
    &git::AZURE_REPOS,
    &ci::GITHUB_ACTIONS,
    &ci::GITLAB_CI,
    &ci::JENKINS,
    &ci::AZURE_PIPELINES,
    &ci::CIRCLECI,
    &ci::BITBUCKET_PIPELINES,
    &files::KIND,
    &history::KIND,
];

/// The kind of that name.
pub fn kind(name: &str) -> Option<&'static ProviderKind> {
    KINDS.iter().copied().find(|kind| kind.name == name)
}

/// Whether sources of that kind read back what an export loop sent.
pub fn is_history(kind_name: &str) -> bool {
    kind(kind_name).is_some_and(|kind| kind.group == history::GROUP)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_kind_has_a_page_that_names_its_fields_and_a_fixture() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for kind in KINDS {
            let page = root.join("docs/sources").join(format!("{}.md", kind.name));
            let text = std::fs::read_to_string(&page)
                .unwrap_or_else(|error| panic!("{}: {error}", page.display()));
            for field in kind.fields {
                let row = format!("| `{}` |", field.key);
                assert!(text.contains(&row), "{} has no row {row}", page.display());
            }
            let fixtures = root.join("tests/fixtures").join(kind.name);
            let count = std::fs::read_dir(&fixtures)
                .map(Iterator::count)
                .unwrap_or(0);
            assert!(count > 0, "{} holds no fixture", fixtures.display());
        }
    }

    #[test]
    fn kinds_have_names_of_their_own() {
        let mut names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
        assert_eq!(kind("git").map(|kind| kind.rank), Some(9));
        assert!(kind("svn").is_none());
    }
}
