//! Numbers of sources and subjects, remembered so that an event costs no look-up of them.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::error::corrupt;
use crate::model::{SourceName, Subject};

/// How many subjects are remembered at once; beyond, all are forgotten and looked up again.
const REMEMBERED: usize = 50_000;

/// Subjects by number, as readers need them.
#[derive(Default)]
pub(super) struct Subjects {
    by_id: HashMap<i64, Arc<Subject>>,
}

impl Subjects {
    /// The subject of that number.
    ///
    /// # Errors
    /// SQLite's; a number without a subject is damage.
    pub(super) fn subject(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> rusqlite::Result<Arc<Subject>> {
        if let Some(subject) = self.by_id.get(&id) {
            return Ok(subject.clone());
        }
        let attributes: Option<String> = connection
            .prepare_cached("SELECT attributes FROM subject WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?;
        let attributes = attributes.ok_or_else(|| corrupt("an event has no subject"))?;
        let subject = Arc::new(parse(&attributes)?);
        if self.by_id.len() >= REMEMBERED {
            self.by_id.clear();
        }
        self.by_id.insert(id, subject.clone());
        Ok(subject)
    }
}

/// The subject of its stored form.
pub(super) fn parse(attributes: &str) -> rusqlite::Result<Subject> {
    serde_json::from_str(attributes).map_err(|_| corrupt("a subject is unreadable"))
}

/// Numbers by name, as the writer needs them. What a transaction that fails added must be forgotten.
#[derive(Default)]
pub(super) struct Numbers {
    sources: HashMap<SourceName, i64>,
    subjects: HashMap<Subject, i64>,
}

impl Numbers {
    /// The number of a source, a new one where needed.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn source(
        &mut self,
        connection: &Connection,
        name: &SourceName,
    ) -> rusqlite::Result<i64> {
        if let Some(id) = self.sources.get(name) {
            return Ok(*id);
        }
        connection
            .prepare_cached("INSERT OR IGNORE INTO source (name, read_at) VALUES (?1, 0)")?
            .execute([name.as_str()])?;
        let id = source_id(connection, name)?
            .ok_or_else(|| corrupt("a source that was just stored is unknown"))?;
        self.sources.insert(name.clone(), id);
        Ok(id)
    }

    /// The number of a subject, a new one (without events) where needed.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn subject(
        &mut self,
        connection: &Connection,
        subject: Subject,
    ) -> rusqlite::Result<i64> {
        if let Some(id) = self.subjects.get(&subject) {
            return Ok(*id);
        }
        let attributes =
            serde_json::to_string(&subject).expect("keys are texts, and no number is unwritable");
        let key = xxhash_rust::xxh3::xxh3_64(attributes.as_bytes()).cast_signed();
        let known: Option<i64> = connection
            .prepare_cached("SELECT id FROM subject WHERE key = ?1 AND attributes = ?2")?
            .query_row(params![key, attributes], |row| row.get(0))
            .optional()?;
        let id = match known {
            Some(id) => id,
            None => connection
                .prepare_cached("INSERT INTO subject (key, events, attributes) VALUES (?1, 0, ?2)")?
                .insert(params![key, attributes])?,
        };
        if self.subjects.len() >= REMEMBERED {
            self.subjects.clear();
        }
        self.subjects.insert(subject, id);
        Ok(id)
    }
}

/// The number of a source that has one.
///
/// # Errors
/// SQLite's.
pub(super) fn source_id(
    connection: &Connection,
    name: &SourceName,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM source WHERE name = ?1")?
        .query_row([name.as_str()], |row| row.get(0))
        .optional()
}
