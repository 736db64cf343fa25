//! The durable store of events (SQLite): events, coverage, cursors, memory of look-ups, outbox.
//!
//! Everything else can be rebuilt from it. One writer, many readers; storing an event twice changes nothing.

mod claims;
mod coverage;
mod decode;
mod encode;
mod error;
mod event_row;
mod filter;
mod forget;
mod index;
mod merge;
mod open;
mod outbox;
mod page;
mod read;
mod references;
mod rows;
mod schema;
mod sending;
mod sent;
mod store;
mod subjects;
mod tail;
#[cfg(test)]
mod tests;
mod versions;

pub use error::LedgerError;
pub use open::Ledger;
pub use outbox::{Quarantined, Queue, Queued, Route, Settled};
pub use sent::{Dated, Sent};

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::model::{Cursor, Event, EventId, EventKind, SourceName, TimeRange};

/// Where a ledger lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In memory: gone with the process.
    Memory,
    /// In a file.
    File(PathBuf),
}

/// The ledger's number of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(pub i64);

/// How much of an event is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What correlation needs: no messages, titles and pages.
    Columns,
    /// Everything.
    Whole,
}

/// What one transaction stores: a page of a source with where to go on after it.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The source the page came from.
    pub source: SourceName,
    /// Its events.
    pub events: Vec<Event>,
    /// Where the source's reading goes on; `None` leaves the cursor as it is.
    pub checkpoint: Option<Cursor>,
    /// The range that is answered for from now on.
    pub covered: Option<TimeRange>,
    /// The moment of storing: the revision of new and changed events.
    pub at: DateTime<Utc>,
}

/// What a transaction changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// Events that were new.
    pub new: u64,
    /// Events that were known and changed.
    pub changed: u64,
    /// Subjects whose events changed.
    pub subjects: BTreeSet<SubjectId>,
    /// Events that verdicts, incidents and deployments in the batch name by id: their applications change too.
    pub named: BTreeSet<EventId>,
    /// Whether a subject, or a link from a deployment to a repository, is new: applications must be assigned anew.
    pub assignment_changed: bool,
}

/// What a source has in the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Events by kind.
    pub events: Vec<(EventKind, u64)>,
    /// Time of the earliest and the latest event.
    pub times: Option<(DateTime<Utc>, DateTime<Utc>)>,
    /// When it last stored anything, or was found unchanged.
    pub read_at: Option<DateTime<Utc>>,
}

/// What is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// A person's name, as the ledger holds it: authors become unknown, their events stay.
    Person(String),
    /// All events, coverage and cursors of a source.
    Source(SourceName),
    /// Events whose main time lies before.
    Before(DateTime<Utc>),
}
