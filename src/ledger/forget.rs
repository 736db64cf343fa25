//! Forgetting people, sources, and what is older than wanted.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};

use super::error::{corrupt, sqlite};
use super::merge;
use super::open::Ledger;
use super::page::Page;
use super::store::Writer;
use super::subjects::source_id;
use super::versions::{store_versions, versions_of};
use super::{Forget, LedgerError, coverage};
use crate::model::{Body, Coverage, Event, EventKind, SourceName, TimeRange};

impl Ledger {
    /// Forgets for good; returns how many events were deleted or changed.
    ///
    /// A person and a source are gone from the file and its log when this returns, for which the file is written anew:
    /// that needs as much free space on the disk as it has. A source that reported events of the forgotten one too
    /// loses its coverage, so that it is read again. `Before` goes by the main time alone: a commit that a later
    /// deployment delivers is deleted too, and what was deleted is no longer covered.
    ///
    /// A name comes back if a source tells it again; `people: hidden` prevents that.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn forget(&self, what: &Forget) -> Result<u64, LedgerError> {
        let mut writer = self.writer()?;
        // What is in the index has been counted, so the numbers of the latest events are never given again.
        self.flush_long_tail(&mut writer, 0)?;
        let result = self.forget_through(&mut writer, what);
        writer.distrust();
        self.drop_readers();
        result.map_err(|error| LedgerError::of(&self.path, "forget in", error))
    }

    fn forget_through(&self, writer: &mut Writer, what: &Forget) -> rusqlite::Result<u64> {
        // What is deleted is overwritten with zeros, not only marked as free.
        set_secure_delete(&writer.reader.connection, true)?;
        let forgotten = self.write_page(writer, None, |page| match what {
            Forget::Person(name) => forget_person(page, name),
            Forget::Source(name) => forget_source(page, name),
            Forget::Before(instant) => forget_before(page, *instant),
        });
        set_secure_delete(&writer.reader.connection, false)?;
        let forgotten = forgotten?;
        match what {
            Forget::Person(_) | Forget::Source(_) => scrub(&writer.reader.connection)?,
            Forget::Before(_) => {}
        }
        Ok(forgotten)
    }
}

fn set_secure_delete(connection: &Connection, on: bool) -> rusqlite::Result<()> {
    connection.query_row(
        if on {
            "PRAGMA secure_delete = ON"
        } else {
            "PRAGMA secure_delete = OFF"
        },
        [],
        |_| Ok(()),
    )
}

/// Writes the file anew and empties its log: free space may hold what earlier changes left there.
fn scrub(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("VACUUM")?;
    let is_busy: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if is_busy {
        return Err(sqlite(
            rusqlite::ffi::SQLITE_BUSY,
            "somebody is still reading what was forgotten; forget again to clear the log",
        ));
    }
    Ok(())
}

fn forget_person(page: &mut Page<'_, '_>, name: &str) -> rusqlite::Result<u64> {
    let with_authors = [
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Verdict,
    ];
    let kinds = with_authors.map(|kind| kind as i64);
    let mut events: Vec<i64> = {
        let mut statement = page.transaction.prepare(
            "SELECT id FROM event WHERE kind IN (?2, ?3, ?4) AND json_extract(body, '$.author') = ?1
             UNION SELECT event FROM event_version WHERE json_extract(body, '$.author') = ?1",
        )?;
        let ids = statement.query_map(params![name, kinds[0], kinds[1], kinds[2]], |row| {
            row.get(0)
        })?;
        ids.collect::<rusqlite::Result<_>>()?
    };
    events.sort_unstable();
    for id in &events {
        change_versions(page, *id, |versions| {
            for version in versions {
                remove_author(&mut version.body, name);
            }
        })?;
    }
    page.finish()?;
    Ok(events.len() as u64)
}

fn remove_author(body: &mut Body, name: &str) {
    let author = match body {
        Body::Commit(commit) => &mut commit.author,
        Body::PullRequest(request) => &mut request.author,
        Body::Verdict(verdict) => &mut verdict.author,
        Body::Build(_) | Body::Deployment(_) | Body::Incident(_) | Body::Release(_) => return,
    };
    if author.as_deref() == Some(name) {
        *author = None;
    }
}

/// Changes what sources said of an event, and merges it again. An event of which no version is left is deleted.
fn change_versions(
    page: &mut Page<'_, '_>,
    id: i64,
    change: impl FnOnce(&mut Vec<Event>),
) -> rusqlite::Result<()> {
    let before = page
        .event(id)?
        .ok_or_else(|| corrupt("a version belongs to no event"))?;
    let mut versions = versions_of(page.transaction, id, &before)?;
    if versions.is_empty() {
        versions.push(before.clone());
    }
    change(&mut versions);
    let Some(merged) = merge::merge(versions) else {
        store_versions(page.transaction, id, &[])?;
        page.transaction
            .execute("DELETE FROM event WHERE id = ?1", [id])?;
        return Ok(());
    };
    store_versions(page.transaction, id, &merged.versions)?;
    if merged.event != before {
        page.store_changed(id, &before, &merged.event)?;
    }
    Ok(())
}

fn forget_source(page: &mut Page<'_, '_>, name: &SourceName) -> rusqlite::Result<u64> {
    let transaction = page.transaction;
    let Some(source) = source_id(transaction, name)? else {
        return Ok(0);
    };
    let shared: Vec<i64> = {
        let mut statement =
            transaction.prepare("SELECT DISTINCT event FROM event_version WHERE source = ?1")?;
        let ids = statement.query_map([name.as_str()], |row| row.get(0))?;
        ids.collect::<rusqlite::Result<_>>()?
    };
    for id in &shared {
        change_versions(page, *id, |versions| {
            versions.retain(|version| version.source != *name);
        })?;
    }
    page.finish()?;
    let deleted = transaction.execute("DELETE FROM event WHERE source = ?1", [source])?;
    let mut others = transaction.prepare("SELECT other FROM overlap WHERE source = ?1")?;
    let others: Vec<i64> = others
        .query_map([source], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for other in others {
        coverage::void(transaction, other)?;
    }
    coverage::void(transaction, source)?;
    transaction.execute(
        "DELETE FROM overlap WHERE source = ?1 OR other = ?1",
        [source],
    )?;
    transaction.execute("DELETE FROM source WHERE id = ?1", [source])?;
    remove_orphans(transaction)?;
    transaction.execute("DELETE FROM claim", [])?;
    page.memo.links.clear();
    link_again(page)?;
    Ok(deleted as u64 + shared.len() as u64)
}

fn forget_before(page: &mut Page<'_, '_>, instant: DateTime<Utc>) -> rusqlite::Result<u64> {
    let transaction = page.transaction;
    // Events are stored by whole milliseconds, and what lies at the instant itself stays.
    let milliseconds = instant.timestamp_millis();
    let deleted = transaction.execute("DELETE FROM event WHERE time < ?1", [milliseconds])?;
    if deleted > 0 {
        remove_orphans(transaction)?;
    }
    let sources: Vec<i64> = {
        let mut statement = transaction.prepare("SELECT DISTINCT source FROM coverage")?;
        let ids = statement.query_map([], |row| row.get(0))?;
        ids.collect::<rusqlite::Result<_>>()?
    };
    let kept = Coverage::of(TimeRange::new(instant, DateTime::<Utc>::MAX_UTC));
    for source in sources {
        let known = coverage::stored(transaction, source)?;
        coverage::replace(transaction, source, &known.intersection(&kept))?;
    }
    Ok(deleted as u64)
}

/// Removes what belongs to deleted events, and counts the others anew.
fn remove_orphans(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "DELETE FROM event_key WHERE event NOT IN (SELECT id FROM event);
         DELETE FROM event_run WHERE NOT EXISTS (SELECT 1 FROM event WHERE id BETWEEN first AND last);
         DELETE FROM event_version WHERE event NOT IN (SELECT id FROM event);
         DELETE FROM reference WHERE event NOT IN (SELECT id FROM event);
         DELETE FROM outbox WHERE event NOT IN (SELECT id FROM event);
         DELETE FROM quarantine WHERE event NOT IN (SELECT id FROM event);
         UPDATE subject SET events = 0;
         UPDATE subject SET events = counted.events
            FROM (SELECT subject, count(*) AS events FROM event GROUP BY subject) AS counted
            WHERE counted.subject = subject.id;
         DELETE FROM subject WHERE events = 0;
         DELETE FROM claim WHERE subject NOT IN (SELECT id FROM subject);
         DELETE FROM tally;
         INSERT INTO tally SELECT source, kind, count(*), min(time), max(time) FROM event GROUP BY source, kind;",
    )
}

/// Finds the claims of all deployments anew.
fn link_again(page: &mut Page<'_, '_>) -> rusqlite::Result<()> {
    let mut statement = page
        .transaction
        .prepare("SELECT id FROM event WHERE kind = ?1")?;
    let mut rows = statement.query([EventKind::Deployment as i64])?;
    while let Some(row) = rows.next()? {
        if let Some(event) = page.event(row.get(0)?)? {
            let subject = page.subject_of(&event)?;
            page.link(&event, subject)?;
        }
    }
    Ok(())
}
