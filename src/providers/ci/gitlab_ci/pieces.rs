//! What of a GitLab is still to be read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::Repository;

/// A project, as far as its lists need it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repo {
    /// The server's number: it stays when the project is renamed or moved.
    pub(super) id: u64,
    /// Its full path, for people and GraphQL.
    pub(super) path: String,
    /// As events name it.
    pub(super) repository: Repository,
    /// Its page.
    pub(super) url: Option<String>,
    /// The tiers of its environments, by name.
    pub(super) tiers: BTreeMap<String, String>,
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// Projects of a group, each with the first page of its pipelines and its environments.
    Projects {
        group: String,
        after: Option<String>,
        size: u32,
    },
    /// A project that is named by the settings.
    Named { path: String },
    /// Pipelines of a project, latest first.
    Pipelines {
        repo: Repo,
        since: DateTime<Utc>,
        after: Option<String>,
        /// Whether its deployments follow, and the project is known once they are stored.
        is_whole: bool,
    },
    /// Deployments of a project, last updated first.
    Deployments {
        repo: Repo,
        since: DateTime<Utc>,
        page: u32,
        /// Whether the project is known once the last page is stored.
        is_whole: bool,
        /// The earliest start of those that still run.
        running_since: Option<DateTime<Utc>>,
    },
}
