//! What of an Azure DevOps is still to be read, and what is known of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::graph::Held;
use crate::model::Repository;
use crate::providers::walk::Known;

/// A repository, as far as its lists need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Repo {
    /// Its GUID: it stays when the repository is renamed.
    pub(super) id: String,
    /// As `project/name`, for people and patterns.
    pub(super) name: String,
    /// As events name it.
    pub(super) repository: Repository,
    pub(super) branch: String,
}

/// Whose pull requests are listed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Of {
    Project(String),
    Repository(Repo),
}

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Which {
    /// Those that were closed in the range.
    Closed,
    Open,
}

/// A list of commits that is being read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct History {
    pub(super) repo: Repo,
    /// Where it ends: what came after this commit; without it the whole branch.
    pub(super) known: Option<String>,
    pub(super) skip: usize,
    /// The first commit of the first page, known for good once the last page is stored.
    pub(super) head: Option<String>,
    /// Commits whose parents the next page tells.
    pub(super) held: Vec<Held>,
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// Repositories of a project, or of all.
    Repositories {
        project: Option<String>,
    },
    /// A repository that is named by the settings.
    Named {
        project: String,
        name: String,
    },
    PullRequests {
        of: Of,
        which: Which,
        skip: usize,
    },
    /// What was pushed to a repository within the range.
    Pushes {
        repo: Repo,
    },
    Commits(History),
    /// Tags that were pushed; all of them where none is named.
    Tags {
        repo: Repo,
        names: Vec<String>,
    },
}

impl Piece {
    /// What people call the thing it reads.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Repositories { project } => project.as_deref().unwrap_or("the organisation"),
            Self::Named { name, .. } => name,
            Self::PullRequests { of, .. } => match of {
                Of::Project(project) => project,
                Of::Repository(repo) => &repo.name,
            },
            Self::Pushes { repo } | Self::Tags { repo, .. } => &repo.name,
            Self::Commits(history) => &history.repo.name,
        }
    }
}

/// What is known for good of a repository, by its GUID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownRepo {
    /// The newest commit of the default branch that was read.
    pub(super) head: Option<String>,
    /// How far back it was read; `None`: not yet.
    pub(super) from: Option<DateTime<Utc>>,
    /// As it was met first: when it is renamed its events keep their name, or one repository would be two.
    pub(super) repo: Repo,
}

/// The key under which a repository is known.
pub(super) fn key(id: &str) -> String {
    format!("repo/{id}")
}

/// What is known of a repository.
pub(super) fn known_repo(known: &Known, id: &str) -> Option<KnownRepo> {
    // What another version wrote differently is read again.
    serde_json::from_str(known.get(&key(id))?).ok()
}

impl KnownRepo {
    /// The pair that makes it known.
    pub(super) fn learnt(&self) -> (String, Option<String>) {
        let text = serde_json::to_string(self).expect("plain data with text keys");
        (key(&self.repo.id), Some(text))
    }
}
