//! What of Bitbucket Pipelines is still to be read, and what is known of its repositories.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::model::Repository;
use crate::providers::walk::Known;

/// Clocks of the vendor's parts differ.
pub(super) const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// A run that takes longer is read again as far as the first page reaches.
const LONGEST_RUN: TimeDelta = TimeDelta::days(1);

/// What is known for good of a repository, by its uuid.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Repo {
    pub(super) uuid: String,
    /// As `workspace/name`, for people.
    pub(super) name: String,
    /// As events name it: as it was met first.
    pub(super) repository: Repository,
    /// How far back it was read; `None`: it was only met.
    pub(super) from: Option<DateTime<Utc>>,
    /// Until when it was read.
    pub(super) until: DateTime<Utc>,
    /// Whether it was ever deployed from.
    pub(super) deploys: bool,
    /// The last page of its deployments, where they are told oldest first: new ones come behind it.
    pub(super) tail: Option<String>,
}

impl Repo {
    pub(super) fn workspace(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    pub(super) fn path<'p>(&'p self, list: &'p str) -> [&'p str; 4] {
        ["repositories", self.workspace(), &self.uuid, list]
    }

    pub(super) fn known(known: &Known, uuid: &str) -> Option<Self> {
        // What another version wrote differently is read again.
        serde_json::from_str(known.get(&key(uuid))?).ok()
    }

    pub(super) fn learnt(&self) -> (String, Option<String>) {
        let text = serde_json::to_string(self).expect("plain data with text keys");
        (key(&self.uuid), Some(text))
    }

    pub(super) fn is_read_from(&self, start: DateTime<Utc>) -> bool {
        self.from.is_some_and(|from| from <= start)
    }
}

fn key(uuid: &str) -> String {
    format!("repo/{uuid}")
}

pub(super) fn met(workspace: &str) -> String {
    format!("workspace/{workspace}")
}

/// One page that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    Repositories {
        workspace: String,
        since: Option<DateTime<Utc>>,
        next: Option<String>,
        count: usize,
    },
    Named {
        name: String,
    },
    /// Deployments; runs follow where `with_runs`, or where something is new among these.
    Deployments {
        repo: Repo,
        since: DateTime<Utc>,
        next: Option<String>,
        with_runs: bool,
    },
    Runs {
        repo: Repo,
        since: DateTime<Utc>,
        next: Option<String>,
    },
}

/// A repository that is read from its beginning.
pub(super) fn whole(repo: Repo, since: DateTime<Utc>) -> Piece {
    Piece::Deployments {
        repo: Repo { tail: None, ..repo },
        since,
        next: None,
        with_runs: true,
    }
}

/// A repository that was read before: what is new, and what ran for up to a day then.
pub(super) fn again(repo: Repo, with_runs: bool) -> Piece {
    Piece::Deployments {
        since: repo.until - OVERLAP - LONGEST_RUN,
        repo,
        next: None,
        with_runs,
    }
}
