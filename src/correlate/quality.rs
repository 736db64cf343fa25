//! What `quality` lists: events that could not be linked, that count for nothing, or that make no sense.

use crate::model::{EventKey, EventKind, SourceName};

/// What is wrong or uncertain about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum QualityKind {
    /// A deployment without a commit, or with one that nobody knows.
    Unlinked,
    /// A deployment that another source reports better.
    Shadowed,
    /// A ticket, a verdict or a deployment that names something unknown or never live.
    UnknownReference,
    /// A change that would have been deployed before it was committed.
    NegativeLeadTime,
    /// An incident resolved before it was opened, or before the deployment it is linked to finished.
    NegativeRestore,
}

impl QualityKind {
    /// The kind's name in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unlinked => "unlinked",
            Self::Shadowed => "shadowed",
            Self::UnknownReference => "unknown_reference",
            Self::NegativeLeadTime => "negative_lead_time",
            Self::NegativeRestore => "negative_restore",
        }
    }
}

/// A row of `quality`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct QualityRow {
    pub kind: QualityKind,
    pub event: (EventKind, EventKey),
    pub source: SourceName,
    /// Milliseconds.
    pub at: i64,
    /// A sentence for people.
    pub text: String,
}
