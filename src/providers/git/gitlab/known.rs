//! What is known for good of a project, from one reading to the next.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::pieces::Repo;
use crate::providers::walk::Known;

/// What is known for good of a project, by its number.
#[derive(Serialize, Deserialize)]
pub(super) struct KnownRepo {
    /// As it was met first: when it is renamed its events keep their name, or one repository would be two.
    pub(super) repo: Repo,
    /// The newest commit of the default branch that was read; `None`: none was found.
    pub(super) head: Option<String>,
    /// How far back it was read; `None`: it was met and not read yet.
    pub(super) from: Option<DateTime<Utc>>,
    /// When it was last read, and what GitLab said of its activity then.
    pub(super) read_at: Option<DateTime<Utc>>,
    pub(super) active_at: Option<DateTime<Utc>>,
}

impl KnownRepo {
    pub(super) fn learnt(&self) -> (String, Option<String>) {
        let text = serde_json::to_string(self).expect("plain data with text keys");
        (key(self.repo.id), Some(text))
    }
}

/// When the tags of a project were last read, and what GitLab said of its activity then. Apart from its commits, because
/// both are read at the same time, and a reading may be cut off between them.
#[derive(Serialize, Deserialize)]
pub(super) struct KnownTags {
    pub(super) read_at: DateTime<Utc>,
    pub(super) active_at: Option<DateTime<Utc>>,
}

impl KnownTags {
    pub(super) fn learnt(&self, id: u64) -> (String, Option<String>) {
        let text = serde_json::to_string(self).expect("plain data with text keys");
        (format!("tags/{id}"), Some(text))
    }
}

pub(super) fn known_tags(known: &Known, id: u64) -> Option<KnownTags> {
    // What another version wrote differently is read again.
    serde_json::from_str(known.get(&format!("tags/{id}"))?).ok()
}

fn key(id: u64) -> String {
    format!("project/{id}")
}

pub(super) fn known_repo(known: &Known, id: u64) -> Option<KnownRepo> {
    // What another version wrote differently is read again.
    serde_json::from_str(known.get(&key(id))?).ok()
}
