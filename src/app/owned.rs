//! Which events belong to which application, for who shows them all.

use super::App;
use super::state::lock;
use crate::ledger::LedgerError;
use crate::model::{Application, Event, EventKind, TimeRange};

impl App {
    /// The events of a kind whose main time lies in the range, with each application that they belong to as the last answer had
    /// them: the newest first, at most `limit` events. Blocks.
    ///
    /// # Errors
    /// The ledger's.
    pub fn events_of(
        &self,
        kind: EventKind,
        range: TimeRange,
        limit: usize,
    ) -> Result<Vec<(Application, Event)>, LedgerError> {
        let found = self.ledger().between(range, Some(kind), limit)?;
        let foundation = lock(&self.inner.columns.foundation);
        let applications: Vec<&Application> = foundation.assignment.applications.keys().collect();
        let mut events = Vec::with_capacity(found.len());
        for dated in found {
            let owners = foundation.owners.get(&dated.subject).into_iter().flatten();
            for application in owners.filter_map(|at| applications.get(*at)) {
                events.push(((*application).clone(), dated.event.clone()));
            }
        }
        Ok(events)
    }
}
