//! The row of an event: how it is written and fetched.

use rusqlite::{CachedStatement, params};

use super::encode::Encoded;
use super::rows::{RowView, WHOLE};
use super::tail::stored_key;

/// Writes a new event.
pub(super) const INSERT: &str = "INSERT INTO event (id, subject, kind, key, source, revision, settled, time, began, ended, commit_hash, parents, natural_id, body, title, url, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// Writes an event over its earlier version. A revision never falls: who follows the ledger takes the highest.
pub(super) const UPDATE: &str = "UPDATE event SET subject = ?2, kind = ?3, key = ?4, source = ?5, revision = max(?6, revision + 1), settled = ?7, time = ?8, began = ?9, ended = ?10, commit_hash = ?11, parents = ?12, natural_id = ?13, body = ?14, title = ?15, url = ?16, checksum = ?17 WHERE id = ?1";

/// Reads one whole event.
pub(super) fn fetch() -> String {
    format!("SELECT {WHOLE} FROM event WHERE id = ?1")
}

/// Fills one of the two statements above with an event.
pub(super) fn write_row(
    statement: &mut CachedStatement<'_>,
    id: i64,
    source: i64,
    revision: i64,
    event: &Encoded<'_>,
    row: &RowView<'_>,
) -> rusqlite::Result<()> {
    statement.execute(params![
        id,
        row.subject,
        event.kind as i64,
        stored_key(event.key),
        source,
        revision,
        event.settled,
        row.time,
        row.began,
        row.ended,
        row.commit,
        row.parents,
        row.natural_id,
        row.body,
        row.title,
        row.url,
        row.checksum()
    ])?;
    Ok(())
}
