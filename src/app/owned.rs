//! Which events belong to which application, for who shows them all.

use std::collections::BTreeSet;

use super::App;
use super::state::{Columns, lock};
use crate::ledger::{Depth, LedgerError, SubjectId};
use crate::model::{Application, Event, EventKind};

impl App {
    /// Every event of a kind with its application, as the last answer had them. Blocks.
    ///
    /// # Errors
    /// The ledger's.
    pub fn events_of(&self, kind: EventKind) -> Result<Vec<(Application, Event)>, LedgerError> {
        let mut events = Vec::new();
        for (application, subjects) in self.inner.columns.subjects_of(kind)? {
            let of = self.ledger().events_of(&subjects, Depth::Whole)?;
            events.extend(of.into_iter().map(|event| (application.clone(), event)));
        }
        Ok(events)
    }
}

impl Columns {
    /// The subjects of a kind of events by application, as the last snapshot has them.
    fn subjects_of(
        &self,
        kind: EventKind,
    ) -> Result<Vec<(Application, Vec<SubjectId>)>, LedgerError> {
        let subjects = self.ledger.subjects()?;
        let of_kind: BTreeSet<i64> = subjects
            .iter()
            .filter(|(_, subject)| subject.kind == kind)
            .map(|(id, _)| id.0)
            .collect();
        let foundation = lock(&self.foundation);
        let mut found = Vec::new();
        for (application, subjects) in &foundation.assignment.applications {
            let subjects = subjects.iter().filter(|id| of_kind.contains(id));
            let subjects: Vec<SubjectId> = subjects.copied().map(SubjectId).collect();
            if !subjects.is_empty() {
                found.push((application.clone(), subjects));
            }
        }
        Ok(found)
    }
}
