//! What can go wrong with a ledger, sorted by what a person does about it.

use std::path::Path;

use rusqlite::{ErrorCode, ffi};

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
    /// Another program, one that is no Pelorus, is writing the file.
    #[error("the ledger {path} is locked by another program: close that, and try again")]
    Locked {
        #[allow(missing_docs)]
        path: String,
        #[source]
        #[allow(missing_docs)]
        source: rusqlite::Error,
    },
    /// The disk is full, or the file not to be opened.
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

impl LedgerError {
    /// Sorts a failure of SQLite by what helps against it.
    pub(super) fn of(path: &str, step: &'static str, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        if says_damaged(&source) {
            Self::Damaged { path, source }
        } else if says_locked(&source) {
            Self::Locked { path, source }
        } else {
            Self::Unavailable { path, step, source }
        }
    }

    /// Wraps a failure of the file system around the ledger.
    pub(super) fn of_file(path: &Path, step: &'static str, error: &std::io::Error) -> Self {
        Self::Unavailable {
            path: path.display().to_string(),
            step,
            source: sqlite(ffi::SQLITE_CANTOPEN, &error.to_string()),
        }
    }
}

/// A failure with SQLite's code and our words.
pub(super) fn sqlite(code: i32, text: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(text.to_owned()))
}

/// A stored value that this program never writes: only damage explains it.
pub(super) fn corrupt(text: &str) -> rusqlite::Error {
    sqlite(ffi::SQLITE_CORRUPT, text)
}

fn says_locked(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
    )
}

fn says_damaged(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, text) => match failure.code {
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => true,
            // A flipped bit in the schema makes tables or columns unknown.
            ErrorCode::Unknown => text.as_deref().is_some_and(|text| {
                text.starts_with("no such table")
                    || text.starts_with("no such column")
                    || text.contains("malformed")
            }),
            _ => false,
        },
        rusqlite::Error::SqlInputError { msg, .. } => {
            msg.starts_with("no such") || msg.contains("malformed") || msg.contains("has no column")
        }
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}
