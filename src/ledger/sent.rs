//! What a destination says it has, to be compared with what it shows.

use chrono::Utc;
use rusqlite::params;

use super::decode::Decoder;
use super::open::Ledger;
use super::rows::{COLUMNS, RowView, WHOLE};
use super::{Depth, LedgerError, SubjectId};
use crate::model::{Event, EventId, EventKind, TimeRange};

/// An event of the ledger, as far as a comparison needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    #[allow(missing_docs)]
    pub id: EventId,
    /// The ledger's time of its newest version, in milliseconds.
    pub revision: i64,
    /// Whether the destination said that it has this version; else it waits, is refused, or was never to be sent.
    pub is_acknowledged: bool,
}

/// An event with what the ledger knows of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dated {
    #[allow(missing_docs)]
    pub subject: SubjectId,
    /// The ledger's time of its newest version, in milliseconds.
    pub revision: i64,
    #[allow(missing_docs)]
    pub event: Event,
}

impl Ledger {
    /// The events whose main time lies in the range, in no order. Reads the whole ledger.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn sent(&self, destination: &str, range: TimeRange) -> Result<Vec<Sent>, LedgerError> {
        self.read_of(destination, |snapshot, subjects, destination| {
            // A source that was never read here is one whose events were read back.
            let mut statement = snapshot.prepare_cached(&format!(
                "SELECT {COLUMNS}, revision,
                    source IN (SELECT id FROM source WHERE read_at != 0)
                    AND NOT EXISTS (SELECT 1 FROM outbox
                        WHERE destination = ?1 AND route IN (0, 1) AND outbox.event = event.id)
                    AND NOT EXISTS (SELECT 1 FROM quarantine
                        WHERE destination = ?1 AND quarantine.event = event.id)
                 FROM event WHERE time >= ?2 AND time < ?3"
            ))?;
            let milliseconds = |at: chrono::DateTime<Utc>| at.timestamp_millis();
            let mut rows = statement.query(params![
                destination,
                milliseconds(range.start),
                milliseconds(range.end)
            ])?;
            let mut decoder = Decoder::default();
            let mut sent = Vec::new();
            while let Some(row) = rows.next()? {
                let (revision, is_acknowledged) = (row.get(9)?, row.get(10)?);
                let row = RowView::read(row, Depth::Columns)?;
                let subject = subjects.subject(snapshot, row.subject)?;
                sent.push(Sent {
                    id: decoder.id(&row, &subject)?,
                    revision,
                    is_acknowledged,
                });
            }
            Ok(sent)
        })
    }

    /// The events of sources that were read here, whole, whose main time lies in the range, or only those of a kind: the newest
    /// first, at most `limit`. Looks through the whole ledger.
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn between(
        &self,
        range: TimeRange,
        kind: Option<EventKind>,
        limit: usize,
    ) -> Result<Vec<Dated>, LedgerError> {
        self.read("read", |reader| {
            let snapshot = reader.connection.unchecked_transaction()?;
            let mut statement = snapshot.prepare_cached(&format!(
                "SELECT {WHOLE}, revision FROM event
                 WHERE time >= ?1 AND time < ?2 AND (?3 IS NULL OR kind = ?3)
                    AND source IN (SELECT id FROM source WHERE read_at != 0)
                 ORDER BY time DESC LIMIT ?4"
            ))?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![
                range.start.timestamp_millis(),
                range.end.timestamp_millis(),
                kind.map(|kind| kind as i64),
                limit
            ])?;
            let mut decoder = Decoder::default();
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                let revision = row.get(11)?;
                let row = RowView::read(row, Depth::Whole)?;
                let subject = reader.subjects.subject(&snapshot, row.subject)?;
                events.push(Dated {
                    subject: SubjectId(row.subject),
                    revision,
                    event: decoder.decode(&row, &subject)?,
                });
            }
            Ok(events)
        })
    }
}
