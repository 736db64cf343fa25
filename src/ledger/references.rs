//! Events that name others, and so matter to other applications than their own.

use super::decode::Decoder;
use super::open::{Ledger, Reader};
use super::page::Page;
use super::rows::{RowView, WHOLE};
use super::tail::Space;
use super::{Depth, LedgerError};
use crate::model::{Body, Event, EventKind};

impl Ledger {
    /// All verdicts, and the incidents and deployments that name another event (`deployment`, `commit`, `fixes`, `duplicate_of`).
    ///
    /// # Errors
    /// See `LedgerError`.
    pub fn references(&self) -> Result<Vec<Event>, LedgerError> {
        self.read("read", |reader| {
            let Reader {
                connection,
                subjects,
            } = reader;
            let snapshot = connection.unchecked_transaction()?;
            let mut decoder = Decoder::default();
            let mut statement = snapshot.prepare_cached(&format!(
                "SELECT {WHOLE} FROM event WHERE id IN (SELECT event FROM reference)"
            ))?;
            let mut rows = statement.query([])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                let row = RowView::read(row, Depth::Whole)?;
                let subject = subjects.subject(&snapshot, row.subject)?;
                events.push(decoder.decode(&row, &subject)?);
            }
            Ok(events)
        })
    }
}

impl Page<'_, '_> {
    /// Notes whom a new or changed event names.
    pub(super) fn note_references(&mut self, event: &Event, id: i64) -> rusqlite::Result<()> {
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
}

/// Whether other applications may depend on the event.
fn names_another(body: &Body) -> bool {
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
