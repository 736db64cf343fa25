//! What is known of each repository from one reading to the next, by node id.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::providers::walk::Known;

/// What a name in `Known` tells.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact {
    /// The name its events have.
    Name,
    /// The head whose history is known.
    Head,
    /// Where the history goes on below what was asked for: instant, head, cursor.
    Depth,
    /// The newest update of a pull request that was read.
    PullRequests,
    /// Where pull requests go on below what was asked for: instant, cursor.
    PullRequestsDepth,
    /// Releases: down to when they were read, and a fingerprint.
    Releases,
    /// Tags, likewise.
    Tags,
}

impl Fact {
    fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Head => "head",
            Self::Depth => "depth",
            Self::PullRequests => "pulls",
            Self::PullRequestsDepth => "pulls_depth",
            Self::Releases => "releases",
            Self::Tags => "tags",
        }
    }

    pub(super) fn key(self, id: &str) -> String {
        format!("{}:{id}", self.word())
    }

    /// What is known, if anything.
    pub(super) fn recall(self, known: &Known, id: &str) -> Option<String> {
        known.get(&self.key(id)).cloned()
    }

    /// What is learnt, for `Turn::learnt`.
    pub(super) fn learn(self, id: &str, value: impl Into<String>) -> (String, Option<String>) {
        (self.key(id), Some(value.into()))
    }
}

/// The key of a repository that the settings name.
pub(crate) fn named(owner: &str, name: &str) -> String {
    format!("named:{}/{}", owner.to_lowercase(), name.to_lowercase())
}

/// An instant as it is kept.
pub(crate) fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An instant that was kept, and what stands behind it.
pub(crate) fn dated(value: &str) -> Option<(DateTime<Utc>, &str)> {
    let (at, rest) = value.split_once(' ').unwrap_or((value, ""));
    Some((at.parse().ok()?, rest)) // What cannot be read is as good as forgotten.
}
