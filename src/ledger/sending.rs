//! Registering destinations, taking what waits for them, and storing what became of it.

use std::collections::{BTreeSet, HashSet};
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use super::decode::Decoder;
use super::event_row::fetch;
use super::open::{Ledger, Reader};
use super::outbox::{Outgoing, Quarantined, Queue, Queued, Route, Settled};
use super::outbox::{destination_id, queue, register, settle};
use super::rows::{RowView, WHOLE, instant};
use super::store::begin;
use super::subjects::Subjects;
use super::{Depth, LedgerError, index};
use crate::model::{EventId, SourceName};

impl Ledger {
    /// Says where events go. For a destination that is new, every event of a source that was read here waits; one that is no
    /// longer named is forgotten with what waits for it. `history` are the sources that read back what was sent.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn register(
        &self,
        destinations: &BTreeSet<String>,
        history: &BTreeSet<SourceName>,
    ) -> Result<(), LedgerError> {
        let mut writer = self.writer()?;
        let outgoing = begin(&mut writer.reader)
            .and_then(|transaction| {
                register(&transaction, destinations, history)?;
                let outgoing = Outgoing::load(&transaction)?;
                transaction.commit()?;
                Ok(outgoing)
            })
            .map_err(|error| LedgerError::of(&self.path, "write", error))?;
        writer.outgoing = outgoing;
        Ok(())
    }

    /// The next events that wait on a route, in the order of their numbers, after `after`: at most `limit`, and none whose
    /// main time lies after `until`.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn queued(
        &self,
        destination: &str,
        route: Route,
        after: i64,
        until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<Queued>, LedgerError> {
        self.read_of(destination, |snapshot, subjects, destination| {
            let mut statement = snapshot.prepare_cached(&format!(
                "SELECT {WHOLE}, event.id, revision FROM outbox JOIN event ON event.id = outbox.event
                 WHERE destination = ?1 AND route = ?2 AND outbox.event > ?3 AND time <= ?4
                 ORDER BY outbox.event LIMIT ?5"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![
                destination,
                route as i64,
                after,
                until.timestamp_millis(),
                limit
            ])?;
            let mut decoder = Decoder::default();
            let mut queued = Vec::new();
            while let Some(row) = rows.next()? {
                let (number, revision) = (row.get(11)?, row.get(12)?);
                let row = RowView::read(row, Depth::Whole)?;
                let subject = subjects.subject(snapshot, row.subject)?;
                let event = decoder.decode(&row, &subject)?;
                queued.push(Queued {
                    number,
                    revision,
                    event,
                });
            }
            Ok(queued)
        })
    }

    /// Stores what became of events, by number and revision, in one transaction. A version that has changed since it was
    /// sent goes on waiting.
    ///
    /// # Errors
    /// See `LedgerError`; nothing is stored then.
    pub fn settle(
        &self,
        destination: &str,
        settled: &[(i64, i64, Settled)],
        at: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        self.write_of(destination, |transaction, destination| {
            for (number, revision, settled) in settled {
                settle(transaction, destination, (*number, *revision), settled, at)?;
            }
            Ok(())
        })
    }

    /// Lets events that wait to be sent live, and whose main time lies before, wait for a backfill; returns how many.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn age(&self, destination: &str, before: DateTime<Utc>) -> Result<u64, LedgerError> {
        self.write_of(destination, |transaction, destination| {
            let before = before.timestamp_millis();
            transaction.execute(
                "INSERT OR IGNORE INTO outbox SELECT destination, 1, event FROM outbox
                 JOIN event ON event.id = outbox.event WHERE destination = ?1 AND route = 0 AND time < ?2",
                [destination, before],
            )?;
            let moved = transaction.execute(
                "DELETE FROM outbox WHERE destination = ?1 AND route = 0
                 AND event IN (SELECT id FROM event WHERE time < ?2)",
                [destination, before],
            )?;
            Ok(moved as u64)
        })
    }

    /// How much waits for a destination.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn queue(&self, destination: &str) -> Result<Queue, LedgerError> {
        self.read_of(destination, |snapshot, _, destination| {
            let (live, backfill, oldest): (u32, u32, Option<i64>) = snapshot
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE route = 0), count(*) FILTER (WHERE route = 1),
                            min(revision) FILTER (WHERE route = 0)
                     FROM outbox JOIN event ON event.id = outbox.event WHERE destination = ?1",
                )?
                .query_row([destination], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })?;
            let quarantined: u32 = snapshot
                .prepare_cached("SELECT count(*) FROM quarantine WHERE destination = ?1")?
                .query_row([destination], |row| row.get(0))?;
            Ok(Queue {
                live: live.into(),
                backfill: backfill.into(),
                quarantined: quarantined.into(),
                oldest: oldest.map(instant).transpose()?,
            })
        })
    }

    /// What a destination refuses, the latest first: at most `limit`.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn quarantined(
        &self,
        destination: &str,
        limit: usize,
    ) -> Result<Vec<Quarantined>, LedgerError> {
        self.read_of(destination, |snapshot, subjects, destination| {
            let mut statement = snapshot.prepare_cached(&format!(
                "SELECT {WHOLE}, quarantine.revision, reason, at FROM quarantine JOIN event ON event.id = quarantine.event
                 WHERE destination = ?1 ORDER BY at DESC, event.id DESC LIMIT ?2"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query([destination, limit])?;
            let mut decoder = Decoder::default();
            let mut refused = Vec::new();
            while let Some(row) = rows.next()? {
                let (revision, reason, at) = (row.get(11)?, row.get(12)?, instant(row.get(13)?)?);
                let row = RowView::read(row, Depth::Whole)?;
                let subject = subjects.subject(snapshot, row.subject)?;
                refused.push(Quarantined {
                    id: decoder.id(&row, &subject)?,
                    revision,
                    reason,
                    at,
                });
            }
            Ok(refused)
        })
    }

    /// Lets everything that a destination refused wait again; returns how many.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn retry_quarantined(&self, destination: &str) -> Result<u64, LedgerError> {
        self.requeue_where(destination, |transaction, destination| {
            let mut statement =
                transaction.prepare("SELECT event FROM quarantine WHERE destination = ?1")?;
            let events = statement.query_map([destination], |row| row.get(0))?;
            events.collect()
        })
    }

    /// Lets these events wait again: a destination that said it had them has them not. Unknown ids are left out.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn requeue(&self, destination: &str, ids: &[EventId]) -> Result<u64, LedgerError> {
        let tail: Vec<i64> = {
            let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
            let mut found = Vec::new();
            for id in ids {
                for (space, key) in index::keys_of_id(id) {
                    tail.find(space, key, &mut found);
                }
            }
            found
        };
        let wanted: HashSet<&str> = ids.iter().map(EventId::as_str).collect();
        self.requeue_where(destination, |transaction, _| {
            let mut found = tail;
            for id in ids {
                for (space, key) in index::keys_of_id(id) {
                    index::find_stored(transaction, space, key, &mut found)?;
                }
            }
            found.sort_unstable();
            found.dedup();
            let mut subjects = Subjects::default();
            let mut decoder = Decoder::default();
            let mut statement = transaction.prepare(&fetch())?;
            let mut events = Vec::new();
            for number in found {
                let mut rows = statement.query([number])?;
                if let Some(row) = rows.next()? {
                    let row = RowView::read(row, Depth::Whole)?;
                    let subject = subjects.subject(transaction, row.subject)?;
                    if wanted.contains(decoder.id(&row, &subject)?.as_str()) {
                        events.push(number);
                    }
                }
            }
            Ok(events)
        })
    }

    fn requeue_where(
        &self,
        destination: &str,
        events: impl FnOnce(&Transaction<'_>, i64) -> rusqlite::Result<Vec<i64>>,
    ) -> Result<u64, LedgerError> {
        self.write_of(destination, |transaction, destination| {
            let events = events(transaction, destination)?;
            for event in &events {
                queue(transaction, destination, *event)?;
            }
            Ok(events.len() as u64)
        })
    }

    /// Reads what concerns a destination in one snapshot; of one that is not registered there is nothing.
    pub(super) fn read_of<T: Default>(
        &self,
        destination: &str,
        work: impl FnOnce(&Transaction<'_>, &mut Subjects, i64) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        self.read("read", |reader| {
            let Reader {
                connection,
                subjects,
            } = reader;
            let snapshot = connection.unchecked_transaction()?;
            match destination_id(&snapshot, destination)? {
                Some(destination) => work(&snapshot, subjects, destination),
                None => Ok(T::default()),
            }
        })
    }

    /// Writes what concerns a destination in one transaction; of one that is not registered there is nothing to write.
    fn write_of<T: Default>(
        &self,
        destination: &str,
        work: impl FnOnce(&Transaction<'_>, i64) -> rusqlite::Result<T>,
    ) -> Result<T, LedgerError> {
        let mut writer = self.writer()?;
        begin(&mut writer.reader)
            .and_then(|transaction| {
                let Some(destination) = destination_id(&transaction, destination)? else {
                    return Ok(T::default());
                };
                let result = work(&transaction, destination)?;
                transaction.commit()?;
                Ok(result)
            })
            .map_err(|error| LedgerError::of(&self.path, "write", error))
    }
}
