//! Finding events by key and by subject: in the index tables and in the tail after them.

use std::sync::PoisonError;

use rusqlite::{Connection, Transaction, params};

use super::decode::Decoder;
use super::filter::Filter;
use super::open::Ledger;
use super::rows::{COLUMNS, RowView};
use super::store::{Writer, begin};
use super::subjects::Subjects;
use super::tail::{Space, Tail, keys_of, stored_key};
use super::{Depth, LedgerError};
use crate::model::{EventId, EventKey, EventKind};

/// The last event whose keys are in the index tables.
///
/// # Errors
/// SQLite's.
pub(super) fn indexed(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = 'indexed'")?
        .query_row([], |row| row.get(0))
}

/// The last event of all.
///
/// # Errors
/// SQLite's.
pub(super) fn last_event(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT ifnull(max(id), 0) FROM event")?
        .query_row([], |row| row.get(0))
}

/// Adds the stored events after the tail's end.
///
/// # Errors
/// SQLite's, and damage.
pub(super) fn load(connection: &Connection, tail: &mut Tail) -> rusqlite::Result<()> {
    let mut subjects = Subjects::default();
    let mut decoder = Decoder::default();
    // The numbers come after the columns that `RowView` expects.
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS}, id, kind, key FROM event WHERE id > ?1 ORDER BY id"
    ))?;
    let mut rows = statement.query([tail.upto])?;
    while let Some(row) = rows.next()? {
        let (id, kind, key): (i64, u8, i64) = (row.get(9)?, row.get(10)?, row.get(11)?);
        let row = RowView::read(row, Depth::Columns)?;
        tail.add_event(row.subject, id);
        let is_linked = [EventKind::Build, EventKind::Deployment]
            .into_iter()
            .any(|linked| linked as u8 == kind);
        if is_linked {
            let subject = subjects.subject(connection, row.subject)?;
            let event = decoder.decode(&row, &subject)?;
            for (space, key) in keys_of(&event, true) {
                tail.add_key(space, key, id);
            }
            continue;
        }
        tail.add_key(Space(kind), key.cast_unsigned(), id);
        if let (true, Some(natural_id)) = (kind == EventKind::Commit as u8, row.natural_id) {
            let key = EventKey::of_id(&natural_id.into()).0;
            tail.add_key(Space::NAMED_COMMIT, key, id);
        }
    }
    Ok(())
}

/// Adds the events that the index table has under a key.
///
/// # Errors
/// SQLite's.
pub(super) fn find_stored(
    connection: &Connection,
    space: Space,
    key: u64,
    found: &mut Vec<i64>,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT event FROM event_key WHERE space = ?1 AND key = ?2")?;
    let mut rows = statement.query(params![space.0, stored_key(key)])?;
    while let Some(row) = rows.next()? {
        found.push(row.get(0)?);
    }
    Ok(())
}

/// The keys by which an event of that id may be found, whatever its kind.
pub(super) fn keys_of_id(id: &EventId) -> Vec<(Space, u64)> {
    let key = EventKey::of_id(id).0;
    let mut keys: Vec<_> = EventKind::ALL
        .into_iter()
        .filter(|kind| *kind != EventKind::Commit)
        .map(|kind| (Space::of(kind), key))
        .collect();
    keys.push((Space::NAMED_COMMIT, key));
    if let Some((_, hash)) = id.as_str().rsplit_once('@')
        && let Ok(hash) = hash.parse::<crate::model::CommitHash>()
    {
        keys.push((Space::of(EventKind::Commit), hash.key()));
    }
    keys
}

impl Ledger {
    /// Begins a snapshot and looks something up in the tail that belongs to it.
    ///
    /// What is found in the tail may not be in the snapshot yet, and may be in the index tables too.
    pub(super) fn snapshot<'c, T>(
        &self,
        connection: &'c Connection,
        look: impl Fn(&Tail) -> T,
    ) -> rusqlite::Result<(Transaction<'c>, T)> {
        if self.is_read_only() {
            self.follow(connection)?;
        }
        loop {
            let transaction = connection.unchecked_transaction()?;
            let indexed = indexed(&transaction)?;
            let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
            // A tail that begins after the snapshot's index was made while we began: a new snapshot sees its index.
            if tail.from <= indexed {
                let found = look(&tail);
                return Ok((transaction, found));
            }
        }
    }

    /// Takes over what the owner of the file stored meanwhile.
    fn follow(&self, connection: &Connection) -> rusqlite::Result<()> {
        let last = last_event(connection)?;
        let indexed = indexed(connection)?;
        let is_current = |tail: &Tail| tail.from == indexed && tail.upto >= last;
        if is_current(&self.tail.read().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        if tail.from != indexed {
            *tail = Tail::after(indexed);
        }
        load(connection, &mut tail)
    }

    /// Writes the tail into the index tables where it has grown long.
    pub(super) fn flush_long_tail(
        &self,
        writer: &mut Writer,
        limit: usize,
    ) -> Result<(), LedgerError> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        if tail.len() <= limit {
            return Ok(());
        }
        let entries = tail.sorted_entries();
        let runs = tail.sorted_runs();
        let upto = tail.upto;
        drop(tail);
        let failed = |error| LedgerError::of(&self.path, "index", error);
        let Writer { reader, filter, .. } = writer;
        let transaction = begin(reader).map_err(failed)?;
        let write = || -> rusqlite::Result<()> {
            let mut statement = transaction
                .prepare_cached("INSERT OR IGNORE INTO event_key VALUES (?1, ?2, ?3)")?;
            for entry in &entries {
                statement.execute(params![entry.space.0, stored_key(entry.key), entry.event])?;
            }
            let mut statement = transaction
                .prepare_cached("INSERT OR IGNORE INTO event_run VALUES (?1, ?2, ?3)")?;
            for run in &runs {
                statement.execute(params![run.subject, run.first, run.last])?;
            }
            transaction
                .prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'indexed'")?
                .execute([upto])?;
            Ok(())
        };
        write().map_err(failed)?;
        transaction.commit().map_err(failed)?;
        if let Some(filter) = filter {
            for entry in &entries {
                filter.insert(entry.space, entry.key);
            }
        }
        *self.tail.write().unwrap_or_else(PoisonError::into_inner) = Tail::after(upto);
        Ok(())
    }
}

/// Makes the filter of all keys in the index table, with room to grow.
///
/// # Errors
/// SQLite's.
pub(super) fn make_filter(connection: &Connection) -> rusqlite::Result<Filter> {
    // Most events have one key, some two.
    let events = usize::try_from(last_event(connection)?).unwrap_or(0);
    let mut filter = Filter::for_keys((events * 5 / 2).max(2_000_000));
    let mut statement = connection.prepare("SELECT space, key FROM event_key")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        filter.insert(Space(row.get(0)?), row.get::<_, i64>(1)?.cast_unsigned());
    }
    Ok(filter)
}
