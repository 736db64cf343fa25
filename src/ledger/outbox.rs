//! What is still to be sent, and what a destination refuses.
//!
//! An event of a source that is no history waits once for each destination, from the transaction that stores it until the
//! destination has said that it has its newest version. An event that changes while it waits is sent as it then is; one that
//! changed after it was sent waits again.

use std::collections::{BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::model::{Event, EventId, SourceName};

/// How an event gets to its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// As a sample, now.
    Live = 0,
    /// In a block, because it is older than what the destination takes live.
    Backfill = 1,
}

/// An event that waits.
#[derive(Clone, Debug, PartialEq)]
pub struct Queued {
    /// The ledger's number of the event; events wait in this order.
    pub number: i64,
    /// The ledger's time of this version, in milliseconds.
    pub revision: i64,
    /// Its newest version.
    pub event: Event,
}

/// What became of an event that waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The destination has it.
    Acknowledged,
    /// The destination refuses it for good.
    Quarantined {
        /// Why, in the destination's words.
        reason: String,
    },
    /// It waits on another route.
    Moved(Route),
}

/// How much waits for a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Events that wait to be sent as samples.
    pub live: u64,
    /// Events that wait for a backfill.
    pub backfill: u64,
    /// Events that the destination refuses.
    pub quarantined: u64,
    /// When the version was stored that waits longest to be sent as a sample.
    pub oldest: Option<DateTime<Utc>>,
}

/// An event that a destination refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The event.
    pub id: EventId,
    /// The ledger's time of the refused version, in milliseconds.
    pub revision: i64,
    /// Why, in the destination's words.
    pub reason: String,
    /// When it was refused.
    pub at: DateTime<Utc>,
}

/// The destinations, as the writer knows them.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    destinations: Vec<i64>,
    muted: HashSet<String>,
}

impl Outgoing {
    /// Reads them from the tables.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT id FROM destination ORDER BY id")?;
        let destinations = statement.query_map([], |row| row.get(0))?;
        let mut muted = connection.prepare("SELECT name FROM unsent_source")?;
        let muted = muted.query_map([], |row| row.get(0))?;
        Ok(Self {
            destinations: destinations.collect::<rusqlite::Result<_>>()?,
            muted: muted.collect::<rusqlite::Result<_>>()?,
        })
    }

    /// Whether what that source stores is sent nowhere.
    pub(super) fn is_muted(&self, source: &SourceName) -> bool {
        self.muted.contains(source.as_str())
    }

    /// Lets an event wait for every destination.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn queue(&self, transaction: &Transaction<'_>, event: i64) -> rusqlite::Result<()> {
        for destination in &self.destinations {
            queue(transaction, *destination, event)?;
        }
        Ok(())
    }
}

/// Lets an event wait for a destination, live; an earlier version of it waits no longer, nor is it refused any more.
///
/// # Errors
/// SQLite's.
pub(super) fn queue(
    transaction: &Transaction<'_>,
    destination: i64,
    event: i64,
) -> rusqlite::Result<()> {
    let key = [destination, event];
    transaction
        .prepare_cached("INSERT OR IGNORE INTO outbox VALUES (?1, 0, ?2)")?
        .execute(key)?;
    transaction
        .prepare_cached("DELETE FROM outbox WHERE destination = ?1 AND route = 1 AND event = ?2")?
        .execute(key)?;
    transaction
        .prepare_cached("DELETE FROM quarantine WHERE destination = ?1 AND event = ?2")?
        .execute(key)?;
    Ok(())
}

/// The number of a destination that is registered.
///
/// # Errors
/// SQLite's.
pub(super) fn destination_id(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM destination WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// Makes these the destinations; see `Ledger::register`.
///
/// # Errors
/// SQLite's.
pub(super) fn register(
    transaction: &Transaction<'_>,
    destinations: &BTreeSet<String>,
    history: &BTreeSet<SourceName>,
) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM unsent_source", [])?;
    for source in history {
        transaction.execute("INSERT INTO unsent_source VALUES (?1)", [source.as_str()])?;
    }
    let known: Vec<(i64, String)> = {
        let mut statement = transaction.prepare("SELECT id, name FROM destination")?;
        let known = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        known.collect::<rusqlite::Result<_>>()?
    };
    for (id, name) in &known {
        if !destinations.contains(name) {
            for table in ["outbox", "quarantine"] {
                transaction
                    .execute(&format!("DELETE FROM {table} WHERE destination = ?1"), [id])?;
            }
            transaction.execute("DELETE FROM destination WHERE id = ?1", [id])?;
        }
    }
    for name in destinations {
        if known.iter().any(|(_, known)| known == name) {
            continue;
        }
        transaction.execute("INSERT INTO destination (name) VALUES (?1)", [name])?;
        // A source that was never read here is one whose events were read back.
        transaction.execute(
            "INSERT INTO outbox SELECT ?1, 0, event.id FROM event JOIN source ON source.id = event.source
             WHERE read_at != 0 AND source.name NOT IN (SELECT name FROM unsent_source)",
            [transaction.last_insert_rowid()],
        )?;
    }
    Ok(())
}

/// Stores what became of a version of an event; see `Ledger::settle`.
///
/// # Errors
/// SQLite's.
pub(super) fn settle(
    transaction: &Transaction<'_>,
    destination: i64,
    (event, revision): (i64, i64),
    settled: &Settled,
    at: DateTime<Utc>,
) -> rusqlite::Result<()> {
    let current: Option<i64> = transaction
        .prepare_cached("SELECT revision FROM event WHERE id = ?1")?
        .query_row([event], |row| row.get(0))
        .optional()?;
    if current != Some(revision) {
        return Ok(());
    }
    let waited = transaction
        .prepare_cached(
            "DELETE FROM outbox WHERE destination = ?1 AND event = ?2 AND route IN (0, 1)",
        )?
        .execute([destination, event])?;
    if waited == 0 {
        return Ok(());
    }
    match settled {
        Settled::Acknowledged => {}
        Settled::Quarantined { reason } => {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO quarantine VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    destination,
                    event,
                    revision,
                    reason,
                    at.timestamp_millis()
                ])?;
        }
        Settled::Moved(route) => {
            transaction
                .prepare_cached("INSERT OR IGNORE INTO outbox VALUES (?1, ?2, ?3)")?
                .execute(params![destination, *route as i64, event])?;
        }
    }
    Ok(())
}
