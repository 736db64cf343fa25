//! What must be known of a source that another Pelorus reads, so that its events mean here what they mean there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Cluster, Coverage, Environment, EventKind, SourceName, TimeRange};

/// A source of another Pelorus, whose events are read back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its name there.
    pub source: SourceName,
    /// Rank of its kind among those that report deployments, 0 the first (definitions, section 1, "One truth").
    pub rank: u8,
    /// The kinds of events that it can yield; none where that was not told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub yields: Vec<EventKind>,
    /// The environment of its deployments that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// The cluster of its deployments that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    /// Where its coverage begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<DateTime<Utc>>,
}

impl Origin {
    /// What it covers as far as it was told: everything from its beginning on.
    pub fn coverage(&self) -> Coverage {
        self.since.map_or_else(Coverage::default, |since| {
            Coverage::of(TimeRange::new(since, TimeRange::always().end))
        })
    }
}
