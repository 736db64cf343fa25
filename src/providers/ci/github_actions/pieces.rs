//! What is still to be read, page by page.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// So many lists of deployments are one question: a thousand deployments with their statuses, ten points.
pub(super) const LISTS_AT_ONCE: usize = 10;
/// So many requests are under way at once.
pub(super) const AT_ONCE: usize = 4;

/// A repository under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// GitHub's node id, which survives renames.
    pub(super) id: String,
    /// The name its events have: the first one it was seen by.
    pub(super) name: String,
    /// Its name today, `owner/name`.
    pub(super) path: String,
}

/// One page that is still to be read, or several that are asked for together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Piece {
    /// A page of an owner's repositories.
    Owner {
        login: String,
        after: Option<String>,
        /// The names taken so far.
        taken: Vec<String>,
        /// Lists of deployments of earlier pages that are too few to ask for by themselves.
        lists: Vec<Deployments>,
    },
    /// Repositories that were never seen, by name.
    Named { names: Vec<(String, String)> },
    /// Repositories that were seen, by id, with the name they are told of by.
    Seen { repositories: Vec<(String, String)> },
    /// Unfinished runs and deployments, by node id.
    Unfinished { ids: Vec<String> },
    /// Deployments, of several repositories at once.
    Deployments { lists: Vec<Deployments> },
    /// A page of runs that were made within a window, the newest first.
    Runs(Runs),
    /// A page of a run's jobs.
    Jobs {
        place: Place,
        /// The run's number and node id.
        run: (u64, String),
        page: u32,
    },
}

/// A repository's deployments, and the page where to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deployments {
    pub(super) place: Place,
    pub(super) after: Option<String>,
    /// Those made before are known, or not asked for.
    pub(super) until: DateTime<Utc>,
    /// What is known when it is read: the newest one's time.
    pub(super) newest: DateTime<Utc>,
    /// Down to when deployments are known then.
    pub(super) floor: DateTime<Utc>,
}

/// A repository's runs within a window, and the page where to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Runs {
    pub(super) place: Place,
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    pub(super) page: u32,
    /// What is known when it is read: until when, and what told of it.
    pub(super) until: DateTime<Utc>,
    pub(super) fingerprint: String,
    /// Down to when runs are known then.
    pub(super) floor: DateTime<Utc>,
}
