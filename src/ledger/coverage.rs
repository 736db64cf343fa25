//! What sources answered for, where their reading goes on, and what look-ups said.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, params};

use super::open::Ledger;
use super::rows::instant;
use super::store::begin;
use super::subjects::source_id;
use super::{Batch, LedgerError};
use crate::model::{Coverage, Cursor, SourceName, TimeRange};

/// Stores what a page says beside its events.
///
/// # Errors
/// SQLite's.
pub(super) fn store(connection: &Connection, source: i64, batch: &Batch) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE source SET read_at = max(read_at, ?2) WHERE id = ?1")?
        .execute([source, batch.at.timestamp_millis()])?;
    if let Some(cursor) = &batch.checkpoint {
        connection
            .prepare_cached(
                "INSERT INTO cursor VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            )?
            .execute(params![source, cursor.0])?;
    }
    let Some(range) = batch.covered else {
        return Ok(());
    };
    let known = stored(connection, source)?;
    let mut joined = known.clone();
    joined.insert(range);
    if joined == known {
        return Ok(());
    }
    replace(connection, source, &joined)
}

/// Stores what a source answered for, in place of what is known.
///
/// # Errors
/// SQLite's.
pub(super) fn replace(
    connection: &Connection,
    source: i64,
    coverage: &Coverage,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM coverage WHERE source = ?1")?
        .execute([source])?;
    let mut statement = connection.prepare_cached("INSERT INTO coverage VALUES (?1, ?2, ?3)")?;
    for range in coverage.ranges() {
        statement.execute([
            source,
            range.start.timestamp_millis(),
            range.end.timestamp_millis(),
        ])?;
    }
    Ok(())
}

/// The stored coverage of a source.
///
/// # Errors
/// SQLite's, and damage.
pub(super) fn stored(connection: &Connection, source: i64) -> rusqlite::Result<Coverage> {
    let mut coverage = Coverage::default();
    let mut statement =
        connection.prepare_cached("SELECT start, \"end\" FROM coverage WHERE source = ?1")?;
    let mut rows = statement.query([source])?;
    while let Some(row) = rows.next()? {
        coverage.insert(TimeRange::new(
            boundary(row.get(0)?)?,
            boundary(row.get(1)?)?,
        ));
    }
    Ok(coverage)
}

/// A stored boundary. The end of all time is no whole millisecond, and must stay the end.
fn boundary(milliseconds: i64) -> rusqlite::Result<DateTime<Utc>> {
    if milliseconds == DateTime::<Utc>::MAX_UTC.timestamp_millis() {
        return Ok(DateTime::<Utc>::MAX_UTC);
    }
    instant(milliseconds)
}

/// Forgets coverage and cursor of a source.
///
/// # Errors
/// SQLite's.
pub(super) fn void(connection: &Connection, source: i64) -> rusqlite::Result<()> {
    for table in ["coverage", "cursor"] {
        connection.execute(&format!("DELETE FROM {table} WHERE source = ?1"), [source])?;
    }
    Ok(())
}

impl Ledger {
    /// What a source answered for.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn coverage(&self, source: &SourceName) -> Result<Coverage, LedgerError> {
        self.read("read", |reader| {
            match source_id(&reader.connection, source)? {
                Some(source) => stored(&reader.connection, source),
                None => Ok(Coverage::default()),
            }
        })
    }

    /// Forgets coverage and cursor of a source whose selection changed; its events stay.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn void_coverage(&self, source: &SourceName) -> Result<(), LedgerError> {
        let failed = |error| LedgerError::of(&self.path, "write", error);
        let mut writer = self.writer()?;
        let transaction = begin(&mut writer.reader).map_err(failed)?;
        if let Some(source) = source_id(&transaction, source).map_err(failed)? {
            void(&transaction, source).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    /// The cursor of a source.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn cursor(&self, source: &SourceName) -> Result<Option<Cursor>, LedgerError> {
        self.read("read", |reader| {
            reader
                .connection
                .prepare_cached(
                    "SELECT value FROM cursor JOIN source ON source.id = cursor.source WHERE name = ?1",
                )?
                .query_row([source.as_str()], |row| Ok(Cursor(row.get(0)?)))
                .optional()
        })
    }

    /// What a look-up that never changes said (ETags, a digest's commit, a compare's result, a source's selection).
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn recall(&self, key: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        self.read("read", |reader| {
            reader
                .connection
                .prepare_cached("SELECT value FROM memory WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()
        })
    }

    /// Keeps the result of a look-up.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn remember(&self, key: &str, value: &[u8]) -> Result<(), LedgerError> {
        let writer = self.writer()?;
        writer
            .reader
            .connection
            .prepare_cached(
                "INSERT INTO memory VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value",
            )
            .and_then(|mut statement| statement.execute(params![key, value]))
            .map(drop)
            .map_err(|error| LedgerError::of(&self.path, "write", error))
    }
}
