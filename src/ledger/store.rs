//! Writing: one page of a source in one transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use rusqlite::{CachedStatement, Connection, Transaction, TransactionBehavior, params};
use tracing::warn;

use super::filter::Filter;
use super::merge::{self, Merged};
use super::open::{Ledger, Reader};
use super::rows::{Decoder, Encoded, RowView, WHOLE, encode};
use super::subjects::{Numbers, Subjects};
use super::tail::{self, Space, Tail, keys_of, stored_key};
use super::{Batch, Depth, LedgerError, Stored, SubjectId, coverage, index, read};
use crate::model::{Body, Event, EventKind, Subject};

/// From how many events on a filter pays for being made.
const LARGE: usize = 1_000;

/// The one connection that writes, and what it remembers of committed transactions.
pub(super) struct Writer {
    pub(super) reader: Reader,
    pub(super) memo: Memo,
    /// Of the keys in the index table; made when the first large page comes.
    pub(super) filter: Option<Filter>,
    /// The number of the next event; numbers are never used twice.
    next_event: i64,
}

/// What a failed transaction makes untrue.
#[derive(Default)]
pub(super) struct Memo {
    pub(super) numbers: Numbers,
    /// Deployment subjects and commit or build subjects whose claim is stored.
    pub(super) links: HashSet<(i64, i64)>,
    overlaps: HashSet<(i64, i64)>,
}

impl Writer {
    /// Makes a writer of the connection.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        let last = index::last_event(&connection)?.max(index::indexed(&connection)?);
        Ok(Self {
            reader: Reader::new(connection),
            memo: Memo::default(),
            filter: None,
            next_event: last + 1,
        })
    }

    /// Forgets what a transaction that failed, or that deleted, may have made untrue.
    pub(super) fn distrust(&mut self) {
        self.memo = Memo::default();
        self.reader.subjects = Subjects::default();
    }
}

/// Begins a transaction that will write.
///
/// # Errors
/// SQLite's.
pub(super) fn begin(reader: &mut Reader) -> rusqlite::Result<Transaction<'_>> {
    reader
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
}

impl Ledger {
    /// Stores a page in one transaction: events, cursor and coverage, or nothing.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn store(&self, batch: &Batch) -> Result<Stored, LedgerError> {
        let mut writer = self.writer()?;
        let stored = self.store_through(&mut writer, batch).map_err(|error| {
            writer.distrust();
            LedgerError::of(&self.path, "write", error)
        })?;
        // The page is safe already; a tail that cannot be written now is written after a later page.
        if let Err(error) = self.flush_long_tail(&mut writer, tail::LIMIT) {
            warn!(
                error = crate::error::chain(&error),
                "The ledger's index grows later"
            );
        }
        Ok(stored)
    }

    fn store_through(&self, writer: &mut Writer, batch: &Batch) -> rusqlite::Result<Stored> {
        if batch.events.len() >= LARGE && writer.filter.as_ref().is_none_or(Filter::is_full) {
            writer.filter = Some(index::make_filter(&writer.reader.connection)?);
        }
        self.write_page(writer, Some(batch.at), |page| {
            let source = page.memo.numbers.source(page.transaction, &batch.source)?;
            page.store_events(&batch.events)?;
            coverage::store(page.transaction, source, batch)?;
            Ok(std::mem::take(&mut page.stored))
        })
    }

    /// Writes in one transaction; what changes gets the revision `at`, or its next one.
    pub(super) fn write_page<T>(
        &self,
        writer: &mut Writer,
        at: Option<DateTime<Utc>>,
        work: impl FnOnce(&mut Page<'_, '_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let Writer {
            reader,
            memo,
            filter,
            next_event,
        } = writer;
        let Reader {
            connection,
            subjects,
        } = reader;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let mut page = Page {
            transaction: &transaction,
            insert: transaction.prepare_cached(INSERT)?,
            fetch: transaction.prepare_cached(&fetch())?,
            subjects,
            memo,
            filter,
            tail: &tail,
            added: Tail::after(*next_event - 1),
            next_event: *next_event,
            revision: at.map_or(0, |at| at.timestamp_millis()),
            decoder: Decoder::default(),
            found: Vec::new(),
            subject_counts: HashMap::new(),
            tallies: BTreeMap::new(),
            stale_claims: BTreeSet::new(),
            stored: Stored::default(),
        };
        let result = work(&mut page)?;
        let added = std::mem::take(&mut page.added);
        let next = page.next_event;
        drop(page);
        drop(tail);
        transaction.commit()?;
        *next_event = next;
        self.tail
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(&added);
        Ok(result)
    }
}

const INSERT: &str = "INSERT INTO event (id, subject, kind, key, source, revision, settled, time, began, ended, commit_hash, parents, natural_id, body, title, url) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

// A revision never falls: who follows the ledger takes the highest.
const UPDATE: &str = "UPDATE event SET subject = ?2, kind = ?3, key = ?4, source = ?5, revision = max(?6, revision + 1), settled = ?7, time = ?8, began = ?9, ended = ?10, commit_hash = ?11, parents = ?12, natural_id = ?13, body = ?14, title = ?15, url = ?16 WHERE id = ?1";

/// Reads one whole event.
pub(super) fn fetch() -> String {
    format!("SELECT {WHOLE} FROM event WHERE id = ?1")
}

fn write_row(
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
        row.url
    ])?;
    Ok(())
}

/// What the ledger has of an event that comes.
enum Known {
    /// Another event, or none.
    Stranger,
    /// The very same row.
    Same,
    /// Another version of it.
    Version(Box<Event>),
}

/// Counted, earliest, latest.
type Tally = (i64, i64, i64);

/// A page on its way into a transaction.
pub(super) struct Page<'p, 'c> {
    pub(super) transaction: &'p Transaction<'c>,
    insert: CachedStatement<'p>,
    fetch: CachedStatement<'p>,
    pub(super) subjects: &'p mut Subjects,
    pub(super) memo: &'p mut Memo,
    filter: &'p mut Option<Filter>,
    tail: &'p Tail,
    added: Tail,
    next_event: i64,
    revision: i64,
    pub(super) decoder: Decoder,
    found: Vec<i64>,
    subject_counts: HashMap<i64, i64>,
    tallies: BTreeMap<(i64, i64), Tally>,
    pub(super) stale_claims: BTreeSet<i64>,
    pub(super) stored: Stored,
}

impl Page<'_, '_> {
    fn store_events(&mut self, events: &[Event]) -> rusqlite::Result<()> {
        let mut order = Vec::with_capacity(events.len());
        for (at, event) in events.iter().enumerate() {
            let subject = Subject::of(&event.source, &event.body);
            let subject = self.memo.numbers.subject(self.transaction, subject)?;
            order.push((subject, event.body.time(), at));
        }
        // Events of one subject are read together, so they are to stand together.
        order.sort_unstable();
        for (subject, _, at) in order {
            self.store_event(&events[at], subject)?;
        }
        self.finish()
    }

    /// Stores what is told of all changes together.
    pub(super) fn finish(&mut self) -> rusqlite::Result<()> {
        self.renew_claims()?;
        self.store_counts()
    }

    fn store_event(&mut self, event: &Event, subject: i64) -> rusqlite::Result<()> {
        let encoded = encode(event);
        let row = encoded.view(subject);
        let mut candidates = std::mem::take(&mut self.found);
        candidates.clear();
        self.find(Space::of(event.body.kind()), event.key().0, &mut candidates)?;
        for &id in &candidates {
            match self.compare(id, event, &row)? {
                Known::Stranger => {}
                Known::Same => {
                    self.found = candidates;
                    return self.store_known(id, None, event, &row);
                }
                Known::Version(stored) => {
                    self.found = candidates;
                    return self.store_known(id, Some(*stored), event, &row);
                }
            }
        }
        self.found = candidates;
        self.store_new(event, &encoded, &row)
    }

    fn store_new(
        &mut self,
        event: &Event,
        encoded: &Encoded<'_>,
        row: &RowView<'_>,
    ) -> rusqlite::Result<()> {
        let id = self.next_event;
        self.next_event += 1;
        let source = self.memo.numbers.source(self.transaction, &event.source)?;
        write_row(&mut self.insert, id, source, self.revision, encoded, row)?;
        self.added.add_event(row.subject, id);
        for (space, key) in keys_of(event, row.natural_id.is_some()) {
            self.added.add_key(space, key, id);
        }
        *self.subject_counts.entry(row.subject).or_default() += 1;
        self.count(source, encoded.kind, row.time, 1);
        self.stored.new += 1;
        self.tell(event, id, row.subject)
    }

    /// Stores another version of a known event; `stored` is `None` where the two are the same.
    fn store_known(
        &mut self,
        id: i64,
        stored: Option<Event>,
        event: &Event,
        row: &RowView<'_>,
    ) -> rusqlite::Result<()> {
        let mut versions = self.versions(id, event)?;
        let before = match stored {
            Some(stored) => stored,
            None if versions.is_empty() => return Ok(()),
            None => self.decode(row)?,
        };
        if versions.is_empty() {
            versions.push(before.clone());
        }
        let old_source = self.memo.numbers.source(self.transaction, &before.source)?;
        let new_source = self.memo.numbers.source(self.transaction, &event.source)?;
        self.note_overlap(old_source, new_source)?;
        // As it would be read back, so that a part of a millisecond makes no new version.
        versions.push(self.decode(row)?);
        self.count(new_source, event.body.kind(), row.time, 0);
        let Some(merged) = merge::merge(versions) else {
            return Ok(());
        };
        self.store_versions(id, &merged)?;
        if merged.event == before {
            return Ok(());
        }
        self.store_changed(id, &before, &merged.event)
    }

    pub(super) fn store_changed(
        &mut self,
        id: i64,
        before: &Event,
        after: &Event,
    ) -> rusqlite::Result<()> {
        let old_subject = self.subject_of(before)?;
        let subject = self.subject_of(after)?;
        let encoded = encode(after);
        let row = encoded.view(subject);
        let old_source = self.memo.numbers.source(self.transaction, &before.source)?;
        let source = self.memo.numbers.source(self.transaction, &after.source)?;
        let mut update = self.transaction.prepare_cached(UPDATE)?;
        write_row(&mut update, id, source, self.revision, &encoded, &row)?;
        // The tail is made again from new events only, so what changes in old ones goes into the tables at once.
        if old_subject != subject {
            self.transaction
                .prepare_cached("INSERT OR IGNORE INTO event_run VALUES (?1, ?2, ?2)")?
                .execute(params![subject, id])?;
            *self.subject_counts.entry(old_subject).or_default() -= 1;
            *self.subject_counts.entry(subject).or_default() += 1;
            self.stored.subjects.insert(SubjectId(old_subject));
        }
        for (space, key) in keys_of(after, row.natural_id.is_some()) {
            self.transaction
                .prepare_cached("INSERT OR IGNORE INTO event_key VALUES (?1, ?2, ?3)")?
                .execute(params![space.0, stored_key(key), id])?;
            if let Some(filter) = self.filter {
                filter.insert(space, key);
            }
        }
        if old_source != source {
            let old_time = before.body.time().timestamp_millis();
            self.count(old_source, encoded.kind, old_time, -1);
            self.count(source, encoded.kind, row.time, 1);
        }
        self.note_stale_claims(before, after, old_subject, subject);
        self.stored.changed += 1;
        self.tell(after, id, subject)
    }

    /// Notes what a new or changed event means for others.
    fn tell(&mut self, event: &Event, id: i64, subject: i64) -> rusqlite::Result<()> {
        self.stored.subjects.insert(SubjectId(subject));
        self.note_references(event, id)?;
        self.link(event, subject)
    }

    fn note_references(&mut self, event: &Event, id: i64) -> rusqlite::Result<()> {
        let mut commit = None;
        let named = &mut self.stored.named;
        match &event.body {
            Body::Verdict(verdict) => {
                named.insert(verdict.target.clone());
                named.extend(verdict.cause.clone());
            }
            Body::Incident(incident) => {
                named.extend(incident.duplicate_of.clone());
                named.extend(incident.deployment.clone().map(Into::into));
                commit = incident.commit;
            }
            Body::Deployment(deployment) => {
                named.extend(deployment.fixes.clone().map(Into::into));
                commit = deployment
                    .fixes
                    .as_ref()
                    .and_then(|fixes| fixes.parse().ok());
            }
            Body::Commit(_) | Body::PullRequest(_) | Body::Build(_) | Body::Release(_) => {}
        }
        if !names_another(&event.body) {
            return Ok(());
        }
        if let Some(commit) = commit {
            let mut found = Vec::new();
            self.find(Space::of(EventKind::Commit), commit.key(), &mut found)?;
            for id in found {
                if let Some(known) = self.event(id)?
                    && matches!(&known.body, Body::Commit(known) if known.hash == commit)
                {
                    self.stored.named.insert(known.id);
                }
            }
        }
        self.transaction
            .prepare_cached("INSERT OR IGNORE INTO reference VALUES (?1)")?
            .execute([id])?;
        Ok(())
    }

    /// Adds the events that a key may stand for, those of this page included.
    pub(super) fn find(
        &self,
        space: Space,
        key: u64,
        found: &mut Vec<i64>,
    ) -> rusqlite::Result<()> {
        self.added.find(space, key, found);
        self.tail.find(space, key, found);
        if self
            .filter
            .as_ref()
            .is_none_or(|filter| filter.may_hold(space, key))
        {
            index::find_stored(self.transaction, space, key, found)?;
        }
        Ok(())
    }

    fn compare(&mut self, id: i64, event: &Event, row: &RowView<'_>) -> rusqlite::Result<Known> {
        let mut rows = self.fetch.query([id])?;
        let Some(stored) = rows.next()? else {
            return Ok(Known::Stranger);
        };
        let stored = RowView::read(stored, Depth::Whole)?;
        if stored == *row {
            return Ok(Known::Same);
        }
        let subject = self.subjects.subject(self.transaction, stored.subject)?;
        if self.decoder.id(&stored, &subject)? != event.id {
            return Ok(Known::Stranger);
        }
        let event = self.decoder.decode(&stored, &subject)?;
        Ok(Known::Version(Box::new(event)))
    }

    /// The event of that number; `None` where it was deleted.
    pub(super) fn event(&mut self, id: i64) -> rusqlite::Result<Option<Event>> {
        let mut rows = self.fetch.query([id])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let row = RowView::read(row, Depth::Whole)?;
        let subject = self.subjects.subject(self.transaction, row.subject)?;
        self.decoder.decode(&row, &subject).map(Some)
    }

    /// All events of a subject, those of this page included, without what only people read.
    pub(super) fn events_of(&mut self, subject: i64) -> rusqlite::Result<Vec<Event>> {
        let mut runs = read::stored_runs(self.transaction, subject)?;
        self.tail.runs_of(subject, &mut runs);
        self.added.runs_of(subject, &mut runs);
        let wanted = [SubjectId(subject)];
        read::read_runs(
            self.transaction,
            self.subjects,
            &wanted,
            runs,
            Depth::Columns,
        )
    }

    fn decode(&mut self, row: &RowView<'_>) -> rusqlite::Result<Event> {
        let subject = self.subjects.subject(self.transaction, row.subject)?;
        self.decoder.decode(row, &subject)
    }

    pub(super) fn subject_of(&mut self, event: &Event) -> rusqlite::Result<i64> {
        let subject = Subject::of(&event.source, &event.body);
        self.memo.numbers.subject(self.transaction, subject)
    }

    fn versions(&self, id: i64, event: &Event) -> rusqlite::Result<Vec<Event>> {
        versions_of(self.transaction, id, event)
    }

    fn store_versions(&self, id: i64, merged: &Merged) -> rusqlite::Result<()> {
        store_versions(self.transaction, id, &merged.versions)
    }

    fn note_overlap(&mut self, source: i64, other: i64) -> rusqlite::Result<()> {
        if source != other && self.memo.overlaps.insert((source, other)) {
            let mut statement = self
                .transaction
                .prepare_cached("INSERT OR IGNORE INTO overlap VALUES (?1, ?2), (?2, ?1)")?;
            statement.execute([source, other])?;
        }
        Ok(())
    }

    fn count(&mut self, source: i64, kind: EventKind, time: i64, events: i64) {
        let tally = self
            .tallies
            .entry((source, kind as i64))
            .or_insert((0, time, time));
        tally.0 += events;
        tally.1 = tally.1.min(time);
        tally.2 = tally.2.max(time);
    }

    fn store_counts(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE subject SET events = events + ?2 WHERE id = ?1 RETURNING events",
        )?;
        for (subject, added) in &self.subject_counts {
            if *added == 0 {
                continue;
            }
            let events: i64 = statement.query_row([subject, added], |row| row.get(0))?;
            // It came to be, or nothing has it any more.
            if events == *added || events == 0 {
                self.stored.assignment_changed = true;
            }
        }
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO tally VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET events = events + excluded.events,
             earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
        )?;
        for ((source, kind), (events, earliest, latest)) in &self.tallies {
            statement.execute([source, kind, events, earliest, latest])?;
        }
        Ok(())
    }
}

/// Whether other applications may depend on the event.
pub(super) fn names_another(body: &Body) -> bool {
    match body {
        Body::Verdict(_) => true,
        Body::Incident(incident) => {
            incident.duplicate_of.is_some()
                || incident.deployment.is_some()
                || incident.commit.is_some()
        }
        Body::Deployment(deployment) => deployment.fixes.is_some(),
        Body::Commit(_) | Body::PullRequest(_) | Body::Build(_) | Body::Release(_) => false,
    }
}

/// The stored versions of an event; none where it is of one version.
///
/// # Errors
/// SQLite's, and damage.
pub(super) fn versions_of(
    connection: &Connection,
    id: i64,
    event: &Event,
) -> rusqlite::Result<Vec<Event>> {
    let mut statement = connection
        .prepare_cached("SELECT source, url, body FROM event_version WHERE event = ?1")?;
    let mut rows = statement.query([id])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let body: String = row.get(2)?;
        versions.push(Event {
            id: event.id.clone(),
            source: row.get::<_, String>(0)?.into(),
            url: row.get::<_, Option<String>>(1)?.map(Into::into),
            body: serde_json::from_str(&body)
                .map_err(|_| super::error::corrupt("a version of an event is unreadable"))?,
        });
    }
    Ok(versions)
}

/// Stores the versions of an event; a single one is the event itself.
///
/// # Errors
/// SQLite's.
pub(super) fn store_versions(
    connection: &Connection,
    id: i64,
    versions: &[Event],
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM event_version WHERE event = ?1")?
        .execute([id])?;
    if versions.len() < 2 {
        return Ok(());
    }
    let mut statement =
        connection.prepare_cached("INSERT INTO event_version VALUES (?1, ?2, ?3, ?4)")?;
    for version in versions {
        statement.execute(params![
            id,
            version.source.as_str(),
            version.url.as_deref(),
            merge::json(&version.body)
        ])?;
    }
    Ok(())
}
