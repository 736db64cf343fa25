//! What of a Bitbucket Data Center is still to be read.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::Repository;
use crate::providers::git::joins::Graph;

/// A repository, as far as its lists need it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repo {
    /// The server's number: it stays when the repository is renamed.
    pub(super) id: u64,
    pub(super) project: String,
    pub(super) slug: String,
    /// As events name it.
    pub(super) repository: Repository,
}

impl Repo {
    /// As `PROJECT/name`, for people.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.project, self.slug)
    }
}

/// One reading of a repository: its lists follow each other, and each tells the next what it found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Visit {
    pub(super) repo: Repo,
    /// Pull requests are read back to here.
    pub(super) since: DateTime<Utc>,
    /// The newest commit that an earlier reading knew; `None`: commits are read back to the range's start.
    pub(super) known: Option<String>,
    /// The newest tag that an earlier reading knew.
    pub(super) known_tag: Option<String>,
    /// The newest commit and tag of this reading.
    pub(super) head: Option<String>,
    pub(super) tag: Option<String>,
    /// New tags with their commits: the tags' list tells no times, the commits' does.
    pub(super) tags: Vec<(String, String)>,
    pub(super) graph: Graph,
    /// Open pull requests that were not met yet.
    pub(super) open: Vec<u64>,
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// Repositories of a project.
    Repositories {
        project: String,
        start: u64,
        count: usize,
    },
    /// A repository that is named by the settings.
    Named { name: String },
    /// Tags of a repository, last changed first.
    Tags { visit: Visit, start: u64 },
    /// Commits of the default branch, newest first.
    Commits { visit: Visit, start: u64 },
    /// The commit of a new tag that is not among those that were read.
    Tagged { visit: Visit },
    /// Pull requests of a repository, newest first.
    PullRequests { visit: Visit, start: u64 },
    /// One that was open and is not among those that were read.
    PullRequest { visit: Visit, number: u64 },
}

impl Piece {
    /// What it is part of, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Named { name } => name.clone(),
            Self::Repositories { project, .. } => project.clone(),
            Self::Tags { visit, .. }
            | Self::Commits { visit, .. }
            | Self::Tagged { visit }
            | Self::PullRequests { visit, .. }
            | Self::PullRequest { visit, .. } => visit.repo.name(),
        }
    }

    /// Whether it is part of one repository, so that a refusal says nothing of the rest.
    pub(super) fn concerns_one_repository(&self) -> bool {
        !matches!(self, Self::Repositories { .. } | Self::Named { .. })
    }
}
