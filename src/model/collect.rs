//! Events on their way from the ledger into columns.

use chrono::{DateTime, Utc};

use super::{Body, Commit, CommitHash, Event, Repository, SourceName, Text};

/// Takes events one after another. Commits, of which there are millions, come as views: nothing of them is copied that
/// the taker does not keep, and what only people read is left out.
pub trait Collect {
    /// Takes a commit.
    fn commit(&mut self, commit: CommitView<'_>);

    /// Takes any event; whole commits too.
    fn event(&mut self, event: Event);
}

/// A commit as correlation needs it.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct CommitView<'a> {
    pub source: &'a SourceName,
    pub repository: &'a Repository,
    /// The event's id, where it is not the natural one.
    pub own_id: Option<&'a str>,
    pub hash: CommitHash,
    pub parents: &'a [CommitHash],
    pub authored_at: Option<DateTime<Utc>>,
    pub committed_at: DateTime<Utc>,
    pub author: Option<&'a Text>,
    pub default_branch: bool,
    pub reverts: &'a [CommitHash],
    pub pull_request: Option<u64>,
    pub paths: &'a [Text],
}

impl<'a> CommitView<'a> {
    /// The view of a whole commit; `event` is its event.
    pub fn of(event: &'a Event, commit: &'a Commit) -> Self {
        let is_natural = Body::natural_id(&event.body).as_ref() == Some(&event.id);
        Self {
            source: &event.source,
            repository: &commit.repository,
            own_id: (!is_natural).then_some(event.id.as_str()),
            hash: commit.hash,
            parents: &commit.parents,
            authored_at: commit.authored_at,
            committed_at: commit.committed_at,
            author: commit.author.as_ref(),
            default_branch: commit.default_branch,
            reverts: &commit.reverts,
            pull_request: commit.pull_request,
            paths: &commit.paths,
        }
    }
}
