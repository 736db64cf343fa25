//! What of Bitbucket Cloud is still to be read.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::log::Log;
use crate::model::Repository;
use crate::providers::git::joins::Graph;

/// A repository, as far as its lists need it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repo {
    /// It stays when the repository is renamed; requests name it.
    pub(super) uuid: String,
    /// As `workspace/name`, for people.
    pub(super) name: String,
    /// As events name it.
    pub(super) repository: Repository,
    pub(super) branch: String,
}

impl Repo {
    pub(super) fn workspace(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// One reading of a repository: its lists follow each other, and each tells the next what it found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Visit {
    pub(super) repo: Repo,
    /// Pull requests and tags are read back to here.
    pub(super) since: DateTime<Utc>,
    /// The newest commit of the default branch.
    pub(super) head: Option<String>,
    pub(super) graph: Graph,
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// Repositories of a workspace, those that were updated since, last updated first.
    Repositories {
        workspace: String,
        since: Option<DateTime<Utc>>,
        next: Option<String>,
        count: usize,
    },
    /// A repository that is named by the settings.
    Named {
        name: String,
    },
    /// What came to the default branch after a commit that is known.
    Between {
        visit: Visit,
        known: String,
        next: Option<String>,
    },
    /// Commits of the default branch, newest first.
    Commits {
        visit: Visit,
        next: Option<String>,
    },
    /// Pull requests of a repository, last updated first; `is_alone`: nothing else of it is read.
    PullRequests {
        visit: Visit,
        next: Option<String>,
        log: Log,
        is_alone: bool,
    },
    Tags {
        visit: Visit,
        next: Option<String>,
    },
}

impl Piece {
    /// What it is part of, for people.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Named { name } => name,
            Self::Repositories { workspace, .. } => workspace,
            Self::Between { visit, .. }
            | Self::Commits { visit, .. }
            | Self::PullRequests { visit, .. }
            | Self::Tags { visit, .. } => &visit.repo.name,
        }
    }
}
