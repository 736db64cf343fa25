//! Writing: one page of a source in one transaction.

use std::collections::HashSet;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tracing::warn;

use super::filter::Filter;
use super::open::{Ledger, Reader};
use super::outbox::Outgoing;
use super::page::{Next, Page};
use super::subjects::{Numbers, Subjects};
use super::{Batch, LedgerError, Stored, coverage, index, tail};

/// From how many events on a filter pays for being made.
const LARGE: usize = 1_000;

/// The one connection that writes, and what it remembers of committed transactions.
pub(super) struct Writer {
    pub(super) reader: Reader,
    pub(super) memo: Memo,
    /// Of the keys in the index table; made when the first large page comes.
    pub(super) filter: Option<Filter>,
    /// Where events go, and whose do not.
    pub(super) outgoing: Outgoing,
    /// The number of the next event; numbers are never used twice, also when the latest events were forgotten.
    next_event: i64,
}

/// What a failed transaction makes untrue.
#[derive(Default)]
pub(super) struct Memo {
    pub(super) numbers: Numbers,
    /// Deployment subjects and commit or build subjects whose claim is stored.
    pub(super) links: HashSet<(i64, i64)>,
    /// Sources that reported the same events, as stored.
    pub(super) overlaps: HashSet<(i64, i64)>,
}

impl Writer {
    /// Makes a writer of the connection.
    ///
    /// # Errors
    /// SQLite's.
    pub(super) fn new(connection: Connection) -> rusqlite::Result<Self> {
        let outgoing = Outgoing::load(&connection)?;
        let last = index::last_event(&connection)?.max(index::indexed(&connection)?);
        Ok(Self {
            reader: Reader::new(connection),
            memo: Memo::default(),
            filter: None,
            outgoing,
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
            page.mute(&batch.source);
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
            outgoing,
            next_event,
        } = writer;
        let Reader {
            connection,
            subjects,
        } = reader;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let mut page = Page::new(
            &transaction,
            subjects,
            memo,
            filter,
            outgoing,
            &tail,
            Next {
                event: *next_event,
                revision: at.map_or(0, |at| at.timestamp_millis()),
            },
        )?;
        let result = work(&mut page)?;
        let (added, next) = page.into_added();
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
