//! Reading events, by subject, by key and by what they say.

use std::collections::{BTreeSet, HashSet};

use rusqlite::{Connection, OptionalExtension};
use secrecy::SecretSlice;

use super::decode::Decoder;
use super::event_row::fetch;
use super::open::{Ledger, Reader};
use super::rows::{COLUMNS, RowView, WHOLE, instant};
use super::subjects::{Subjects, parse, source_id};
use super::tail::{Space, digest_key};
use super::{Depth, LedgerError, SourceStats, SubjectId, index};
use crate::model::{Collect, Event, EventId, EventKey, EventKind, SourceName, Subject};

/// Runs closer than this are read in one go: skipping rows is cheaper than looking for the next run.
const SKIPPED: i64 = 4;

impl Ledger {
    /// All subjects.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn subjects(&self) -> Result<Vec<(SubjectId, Subject)>, LedgerError> {
        self.read("read", |reader| {
            let mut statement = reader.connection.prepare_cached(
                "SELECT id, attributes FROM subject WHERE events > 0 ORDER BY id",
            )?;
            let mut rows = statement.query([])?;
            let mut subjects = Vec::new();
            while let Some(row) = rows.next()? {
                let attributes = row.get_ref(1)?.as_str()?;
                subjects.push((SubjectId(row.get(0)?), parse(attributes)?));
            }
            Ok(subjects)
        })
    }

    /// All events of these subjects, in no order.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn events_of(
        &self,
        subjects: &[SubjectId],
        depth: Depth,
    ) -> Result<Vec<Event>, LedgerError> {
        let mut events = Vec::new();
        self.each_of(subjects, depth, |decoder, row, subject| {
            events.push(decoder.decode(row, subject)?);
            Ok(())
        })?;
        Ok(events)
    }

    /// Gives away all events of these subjects without what only people read, in no order.
    ///
    /// # Errors
    /// See `LedgerError`; some events may have been given away by then.
    pub fn collect(
        &self,
        subjects: &[SubjectId],
        into: &mut impl Collect,
    ) -> Result<(), LedgerError> {
        self.each_of(subjects, Depth::Columns, |decoder, row, subject| {
            decoder.collect(row, subject, into)
        })
    }

    fn each_of(
        &self,
        subjects: &[SubjectId],
        depth: Depth,
        each: impl FnMut(&mut Decoder, &RowView<'_>, &Subject) -> rusqlite::Result<()>,
    ) -> Result<(), LedgerError> {
        self.read("read", |reader| {
            let (snapshot, mut runs) = self.snapshot(&reader.connection, |tail| {
                let mut runs = Vec::new();
                for subject in subjects {
                    tail.runs_of(subject.0, &mut runs);
                }
                runs
            })?;
            for subject in subjects {
                runs.extend(stored_runs(&snapshot, subject.0)?);
            }
            read_runs(&snapshot, &mut reader.subjects, subjects, runs, depth, each)
        })
    }

    /// The events of these keys, whole; unknown ones are left out. Of a commit in several repositories, every one.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn events(&self, keys: &[(EventKind, EventKey)]) -> Result<Vec<Event>, LedgerError> {
        let keys: BTreeSet<_> = keys
            .iter()
            .map(|(kind, key)| (Space::of(*kind), key.0))
            .collect();
        self.read("read", |reader| {
            let mut events = Vec::new();
            self.each_found(reader, &keys, |_, event| {
                // The index also knows what an event was before it changed.
                if keys.contains(&(Space::of(event.body.kind()), event.key().0)) {
                    events.push(event);
                }
            })?;
            Ok(events)
        })
    }

    /// The builds that made images of these digests, whole.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn builds_of(&self, digests: &[String]) -> Result<Vec<Event>, LedgerError> {
        let keys = digests
            .iter()
            .map(|digest| (Space::BUILT_IMAGE, digest_key(digest)));
        self.read("read", |reader| {
            let mut events = Vec::new();
            self.each_found(reader, &keys.collect(), |_, event| events.push(event))?;
            Ok(events)
        })
    }

    /// The subject of an event, by id.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn subjects_of(&self, id: &EventId) -> Result<Vec<SubjectId>, LedgerError> {
        self.read("read", |reader| {
            let mut subjects = Vec::new();
            self.each_found(
                reader,
                &index::keys_of_id(id).into_iter().collect(),
                |subject, event| {
                    if event.id == *id {
                        subjects.push(subject);
                    }
                },
            )?;
            subjects.sort_unstable();
            subjects.dedup();
            Ok(subjects)
        })
    }

    /// The events of a source that have not settled.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn unfinished(&self, source: &SourceName) -> Result<Vec<EventId>, LedgerError> {
        self.read("read", |reader| {
            let Reader {
                connection,
                subjects,
            } = reader;
            let snapshot = connection.unchecked_transaction()?;
            let Some(source) = source_id(&snapshot, source)? else {
                return Ok(Vec::new());
            };
            let mut decoder = Decoder::default();
            let mut statement = snapshot.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM event WHERE source = ?1 AND settled = 0 ORDER BY id"
            ))?;
            let mut rows = statement.query([source])?;
            let mut ids = Vec::new();
            while let Some(row) = rows.next()? {
                let row = RowView::read(row, Depth::Columns)?;
                let subject = subjects.subject(&snapshot, row.subject)?;
                ids.push(decoder.id(&row, &subject)?);
            }
            Ok(ids)
        })
    }

    /// What a source has in the ledger. An event that several sources report counts for the one whose version won;
    /// the times are of every version that the source reported.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn stats(&self, source: &SourceName) -> Result<SourceStats, LedgerError> {
        self.read("read", |reader| {
            let snapshot = reader.connection.unchecked_transaction()?;
            let Some(id) = source_id(&snapshot, source)? else {
                return Ok(SourceStats::default());
            };
            let read_at = snapshot
                .prepare_cached("SELECT read_at FROM source WHERE id = ?1")?
                .query_row([id], |row| row.get(0))?;
            let mut stats = SourceStats {
                read_at: (read_at != 0).then(|| instant(read_at)).transpose()?,
                ..SourceStats::default()
            };
            let mut statement = snapshot.prepare_cached(
                "SELECT kind, events, earliest, latest FROM tally WHERE source = ?1 ORDER BY kind",
            )?;
            let mut rows = statement.query([id])?;
            while let Some(row) = rows.next()? {
                let kind: u8 = row.get(0)?;
                let kind = EventKind::ALL
                    .get(usize::from(kind))
                    .ok_or_else(|| super::error::corrupt("an event is of no known kind"))?;
                let events = u64::from(row.get::<_, u32>(1)?);
                if events > 0 {
                    stats.events.push((*kind, events));
                }
                let (earliest, latest) = (instant(row.get(2)?)?, instant(row.get(3)?)?);
                stats.times = Some(stats.times.map_or((earliest, latest), |(first, last)| {
                    (first.min(earliest), last.max(latest))
                }));
            }
            Ok(stats)
        })
    }

    /// A secret of this ledger, made once, by which pseudonyms are keyed.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn pseudonym_key(&self) -> Result<SecretSlice<u8>, LedgerError> {
        self.read("read", |reader| {
            let key: Option<Vec<u8>> = reader
                .connection
                .prepare_cached("SELECT value FROM meta WHERE name = 'pseudonym_key'")?
                .query_row([], |row| row.get(0))
                .optional()?;
            key.map(Into::into)
                .ok_or_else(|| super::error::corrupt("the secret of the ledger is gone"))
        })
    }

    fn each_found(
        &self,
        reader: &mut Reader,
        keys: &BTreeSet<(Space, u64)>,
        mut each: impl FnMut(SubjectId, Event),
    ) -> rusqlite::Result<()> {
        let Reader {
            connection,
            subjects,
        } = reader;
        let (snapshot, mut ids) = self.snapshot(connection, |tail| {
            let mut ids = Vec::new();
            for (space, key) in keys {
                tail.find(*space, *key, &mut ids);
            }
            ids
        })?;
        for (space, key) in keys {
            index::find_stored(&snapshot, *space, *key, &mut ids)?;
        }
        ids.sort_unstable();
        ids.dedup();
        let mut decoder = Decoder::default();
        let mut statement = snapshot.prepare_cached(&fetch())?;
        for id in ids {
            let mut rows = statement.query([id])?;
            if let Some(row) = rows.next()? {
                let row = RowView::read(row, Depth::Whole)?;
                let subject = subjects.subject(&snapshot, row.subject)?;
                each(SubjectId(row.subject), decoder.decode(&row, &subject)?);
            }
        }
        Ok(())
    }
}

/// The runs of a subject in the index table.
///
/// # Errors
/// SQLite's.
pub(super) fn stored_runs(
    connection: &Connection,
    subject: i64,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let mut statement =
        connection.prepare_cached("SELECT first, last FROM event_run WHERE subject = ?1")?;
    let runs = statement.query_map([subject], |row| Ok((row.get(0)?, row.get(1)?)))?;
    runs.collect()
}

/// Sorts runs and joins those that overlap or nearly touch.
fn joined(mut runs: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    runs.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(runs.len());
    for (first, last) in runs {
        match joined.last_mut() {
            Some(before) if first <= before.1 + SKIPPED => before.1 = before.1.max(last),
            _ => joined.push((first, last)),
        }
    }
    joined
}

/// Passes on the rows of these subjects within runs, which may overlap.
///
/// # Errors
/// SQLite's, and damage.
pub(super) fn read_runs(
    connection: &Connection,
    subjects: &mut Subjects,
    wanted: &[SubjectId],
    runs: Vec<(i64, i64)>,
    depth: Depth,
    mut each: impl FnMut(&mut Decoder, &RowView<'_>, &Subject) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let wanted: HashSet<i64> = wanted.iter().map(|subject| subject.0).collect();
    let columns = match depth {
        Depth::Columns => COLUMNS,
        Depth::Whole => WHOLE,
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {columns} FROM event WHERE id BETWEEN ?1 AND ?2"
    ))?;
    let mut decoder = Decoder::default();
    let mut latest = None;
    for (first, last) in joined(runs) {
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            let row = RowView::read(row, depth)?;
            let subject = match &latest {
                Some((id, subject)) if *id == row.subject => subject,
                // A run also holds neighbours, and events that changed their subject.
                _ if !wanted.contains(&row.subject) => continue,
                _ => {
                    let subject = subjects.subject(connection, row.subject)?;
                    &latest.insert((row.subject, subject)).1
                }
            };
            each(&mut decoder, &row, subject)?;
        }
    }
    Ok(())
}
