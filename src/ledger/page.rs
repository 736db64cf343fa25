//! One page of a source on its way into a transaction: what is new, what is known, what changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{CachedStatement, Transaction, params};

use super::decode::Decoder;
use super::encode::{Encoded, encode};
use super::event_row::{INSERT, UPDATE, fetch, write_row};
use super::filter::Filter;
use super::merge;
use super::outbox::Outgoing;
use super::rows::RowView;
use super::store::Memo;
use super::subjects::Subjects;
use super::tail::{Space, Tail, keys_of, stored_key};
use super::versions::{store_versions, versions_of};
use super::{Depth, Stored, SubjectId, index, read};
use crate::model::{Event, EventKind, SourceName, Subject};

/// What the ledger has of an event that comes.
enum Known {
    /// Another event, or none.
    Stranger,
    /// The very same row.
    Same,
    /// Another version of it.
    Version(Box<Event>),
}

/// What the next event gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    /// Its number.
    pub(super) event: i64,
    /// Its revision.
    pub(super) revision: i64,
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
    outgoing: &'p Outgoing,
    is_muted: bool,
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

impl<'p, 'c> Page<'p, 'c> {
    /// An empty page.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn new(
        transaction: &'p Transaction<'c>,
        subjects: &'p mut Subjects,
        memo: &'p mut Memo,
        filter: &'p mut Option<Filter>,
        outgoing: &'p Outgoing,
        tail: &'p Tail,
        next: Next,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            transaction,
            insert: transaction.prepare_cached(INSERT)?,
            fetch: transaction.prepare_cached(&fetch())?,
            subjects,
            memo,
            filter,
            outgoing,
            is_muted: false,
            tail,
            added: Tail::after(next.event - 1),
            next_event: next.event,
            revision: next.revision,
            decoder: Decoder::default(),
            found: Vec::new(),
            subject_counts: HashMap::new(),
            tallies: BTreeMap::new(),
            stale_claims: BTreeSet::new(),
            stored: Stored::default(),
        })
    }

    /// From here on what a source stores is sent nowhere, if it reads back what was sent.
    pub(super) fn mute(&mut self, source: &SourceName) {
        self.is_muted = self.outgoing.is_muted(source);
    }

    /// What the page added, for the tail, and the number of the next event after it.
    pub(super) fn into_added(self) -> (Tail, i64) {
        (self.added, self.next_event)
    }

    /// Stores events and what is told of all their changes together.
    ///
    /// # Errors
    /// SQLite's, and damage.
    pub(super) fn store_events(&mut self, events: &[Event]) -> rusqlite::Result<()> {
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
        let mut versions = versions_of(self.transaction, id, event)?;
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
        store_versions(self.transaction, id, &merged.versions)?;
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
        if !self.is_muted {
            self.outgoing.queue(self.transaction, id)?;
        }
        self.stored.subjects.insert(SubjectId(subject));
        self.note_references(event, id)?;
        self.link(event, subject)
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
        let mut events = Vec::new();
        read::read_runs(
            self.transaction,
            self.subjects,
            &wanted,
            runs,
            Depth::Columns,
            |decoder, row, subject| {
                events.push(decoder.decode(row, subject)?);
                Ok(())
            },
        )?;
        Ok(events)
    }

    fn decode(&mut self, row: &RowView<'_>) -> rusqlite::Result<Event> {
        let subject = self.subjects.subject(self.transaction, row.subject)?;
        self.decoder.decode(row, &subject)
    }

    pub(super) fn subject_of(&mut self, event: &Event) -> rusqlite::Result<i64> {
        let subject = Subject::of(&event.source, &event.body);
        self.memo.numbers.subject(self.transaction, subject)
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
