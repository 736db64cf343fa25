//! The durable store of events (SQLite): events, coverage, cursors, memory of look-ups, outbox.
//!
//! Everything else can be rebuilt from it. One writer, many readers; storing an event twice changes nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

use crate::model::{
    Coverage, Cursor, Event, EventId, EventKey, EventKind, Notice, Repository, SourceName, Subject,
    TimeRange,
};

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

/// Why the ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file was written by a newer version.
    #[error(
        "the ledger {path} was written by a newer Pelorus (schema {found}, this one knows {known}): use that version, or another ledger"
    )]
    Newer {
        #[allow(missing_docs)]
        path: String,
        #[allow(missing_docs)]
        found: i64,
        #[allow(missing_docs)]
        known: i64,
    },
    /// The file is damaged, or no ledger.
    #[error(
        "the ledger {path} is damaged or no ledger: move it away, or restore a copy; sources are read again"
    )]
    Damaged {
        #[allow(missing_docs)]
        path: String,
        #[source]
        #[allow(missing_docs)]
        source: rusqlite::Error,
    },
    /// The ledger was opened for reading only.
    #[error("the ledger {path} is open for reading only: {reason}")]
    ReadOnly {
        #[allow(missing_docs)]
        path: String,
        #[allow(missing_docs)]
        reason: String,
    },
    /// The disk is full, the file is locked, or not to be opened.
    #[error("cannot {step} the ledger {path}")]
    Unavailable {
        #[allow(missing_docs)]
        path: String,
        #[allow(missing_docs)]
        step: &'static str,
        #[source]
        #[allow(missing_docs)]
        source: rusqlite::Error,
    },
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

/// The store. Clones of the `Arc` around it share one writer; readers never wait for it.
pub struct Ledger {}

impl Ledger {
    /// Opens a ledger, making or migrating it where needed. A file that another process owns opens read-only, with a notice.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn open(location: &Location) -> Result<(Self, Vec<Notice>), LedgerError> {
        todo!("{location:?}")
    }

    /// Stores a page in one transaction: events, cursor and coverage, or nothing.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn store(&self, batch: &Batch) -> Result<Stored, LedgerError> {
        todo!("{batch:?}")
    }

    /// All subjects.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn subjects(&self) -> Result<Vec<(SubjectId, Subject)>, LedgerError> {
        todo!()
    }

    /// Repositories that hold commits of deployments whose subject names no repository, through the commit or the
    /// build of an image.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn claims(&self) -> Result<Vec<(SubjectId, Repository)>, LedgerError> {
        todo!()
    }

    /// All events of these subjects, in no order.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn events_of(
        &self,
        subjects: &[SubjectId],
        depth: Depth,
    ) -> Result<Vec<Event>, LedgerError> {
        todo!("{subjects:?} {depth:?}")
    }

    /// The events of these keys, whole; unknown ones are left out. Of a commit in several repositories, every one.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn events(&self, keys: &[(EventKind, EventKey)]) -> Result<Vec<Event>, LedgerError> {
        todo!("{keys:?}")
    }

    /// The subject of an event, by id.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn subjects_of(&self, id: &EventId) -> Result<Vec<SubjectId>, LedgerError> {
        todo!("{id}")
    }

    /// All verdicts, and the incidents and deployments that name another event (`deployment`, `commit`, `fixes`, `duplicate_of`).
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn references(&self) -> Result<Vec<Event>, LedgerError> {
        todo!()
    }

    /// The events of a source that have not settled.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn unfinished(&self, source: &SourceName) -> Result<Vec<EventId>, LedgerError> {
        todo!("{source}")
    }

    /// What a source answered for.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn coverage(&self, source: &SourceName) -> Result<Coverage, LedgerError> {
        todo!("{source}")
    }

    /// Forgets coverage and cursor of a source whose selection changed; its events stay.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn void_coverage(&self, source: &SourceName) -> Result<(), LedgerError> {
        todo!("{source}")
    }

    /// The cursor of a source.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn cursor(&self, source: &SourceName) -> Result<Option<Cursor>, LedgerError> {
        todo!("{source}")
    }

    /// What a look-up that never changes said (ETags, a digest's commit, a compare's result, a source's selection).
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn recall(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        todo!("{key}")
    }

    /// Keeps the result of a look-up.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn remember(&self, key: &str, value: &[u8]) -> Result<(), LedgerError> {
        todo!("{key} {value:?}")
    }

    /// What a source has in the ledger.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn stats(&self, source: &SourceName) -> Result<SourceStats, LedgerError> {
        todo!("{source}")
    }

    /// Forgets for good; returns how many events were deleted or changed.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn forget(&self, what: &Forget) -> Result<u64, LedgerError> {
        todo!("{what:?}")
    }

    /// A secret of this ledger, made once, by which pseudonyms are keyed.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn pseudonym_key(&self) -> Result<secrecy::SecretSlice<u8>, LedgerError> {
        todo!()
    }

    /// Whether it was opened for reading only.
    pub fn is_read_only(&self) -> bool {
        todo!()
    }
}
