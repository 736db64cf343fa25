//! What of a GitLab is still to be read.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::Repository;

/// A project, as far as its lists need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Repo {
    /// The server's number: it stays when the project is renamed or moved.
    pub(super) id: u64,
    /// Its full path, for people and GraphQL.
    pub(super) path: String,
    /// As events name it.
    pub(super) repository: Repository,
    pub(super) branch: String,
    /// When GitLab says that something last happened in it.
    pub(super) active_at: Option<DateTime<Utc>>,
}

/// Whose merge requests a list holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Owner {
    Group(String),
    Project(Repo),
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// Projects of a group, last active first.
    Projects { group: String, page: u32 },
    /// A project that is named by the settings.
    Named { path: String },
    /// Merge requests that changed, last updated first.
    MergeRequests {
        of: Owner,
        /// From when on; further back than the range where a project turned up that the last readings did not see.
        since: DateTime<Utc>,
        after: Option<String>,
        size: u32,
    },
    /// What came between a commit and the head of the default branch.
    Between { repo: Repo, known: String },
    /// Commits of the default branch, newest first.
    Commits {
        repo: Repo,
        page: u32,
        /// The first commit of the first page, known for good once the last page is stored.
        head: Option<String>,
    },
    /// Releases and tags of some projects.
    Releases { repos: Vec<Repo> },
}
