//! What of a Gitea is still to be read.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::Repository;

/// A repository, as far as its lists need it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repo {
    /// The server's number: it stays when the repository is renamed.
    pub(super) id: u64,
    /// As `owner/name`, for requests and people.
    pub(super) name: String,
    /// As events name it.
    pub(super) repository: Repository,
    pub(super) branch: String,
}

/// What a release says of its tag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Published {
    pub(super) tag: String,
    pub(super) at: Option<DateTime<Utc>>,
    pub(super) is_prerelease: bool,
}

/// What the graph tells of how pull requests were brought in, so that they need not be asked.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Joins {
    /// Last commits of merged branches: second parents of merges.
    pub(super) merged: Vec<String>,
    /// Commits of one parent whose message names a pull request, with its number.
    pub(super) squashed: Vec<(u64, String)>,
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// The number of an owner, by which its repositories are searched.
    Owner { name: String },
    /// Repositories of an owner, last updated first.
    Repositories { owner: String, id: u64, page: u32 },
    /// A repository that is named by the settings.
    Named { name: String },
    /// Pull requests of an owner that changed in the range.
    Changed { owner: String, page: u32 },
    /// What came between two commits of the default branch.
    Between { repo: Repo, known: String },
    /// Commits of the default branch, newest first.
    Commits {
        repo: Repo,
        page: u32,
        /// The first commit of the first page, known for good once the last page is stored.
        head: Option<String>,
        joins: Joins,
    },
    /// Pull requests of a repository, last updated first.
    PullRequests {
        repo: Repo,
        page: u32,
        /// What the graph tells, where it was read before.
        joins: Option<Joins>,
    },
    /// One pull request that changed.
    PullRequest { repo: Repo, number: u64 },
    Releases {
        repo: Repo,
        page: u32,
        published: Vec<Published>,
    },
    Tags {
        repo: Repo,
        page: u32,
        published: Vec<Published>,
    },
}
