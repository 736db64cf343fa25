//! Incidents that speak of another application's deployment: that application hears of them, and their own must know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::{Columns, Dirty, Foundation};
use crate::correlate::{Block, FailureRule, Sources};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Application, Body, Event, EventId, EventKey, EventKind, Statement};

/// The events that name others, and the incidents that verdicts explain.
///
/// # Errors
/// See `LedgerError`.
pub(super) fn references(ledger: &Ledger) -> Result<Vec<Event>, LedgerError> {
    let mut events = ledger.references()?;
    let explained: BTreeSet<&EventId> = events
        .iter()
        .filter_map(|event| match &event.body {
            Body::Verdict(verdict) if verdict.statement == Statement::CausedBy => {
                Some(&verdict.target)
            }
            _ => None,
        })
        .collect();
    let keys: Vec<_> = explained
        .iter()
        .map(|id| (EventKind::Incident, EventKey::of_id(id)))
        .collect();
    let mut incidents = ledger.events(&keys)?;
    incidents.retain(|event| explained.contains(&event.id));
    events.extend(incidents);
    Ok(events)
}

impl Columns {
    /// The incidents that others heard of and that may have changed.
    pub(super) fn changed_heard(
        &self,
        foundation: &Foundation,
        dirty: &Dirty,
    ) -> Result<BTreeSet<EventId>, LedgerError> {
        let mut changed = BTreeSet::new();
        if dirty.subjects.is_empty() {
            return Ok(changed);
        }
        for id in foundation.references.heard().keys() {
            let subjects = self.ledger.subjects_of(id)?;
            if subjects.iter().any(|one| dirty.subjects.contains(one)) {
                changed.insert(id.clone());
            }
        }
        Ok(changed)
    }

    /// Builds those applications again whose incidents others began or ceased to hear of.
    pub(super) fn tell_owners(
        &self,
        foundation: &mut Foundation,
        blocks: &mut [Option<Arc<Block>>],
        sources: &Sources,
    ) -> Result<(), LedgerError> {
        let mut heard = BTreeMap::<EventId, FailureRule>::new();
        let links = blocks.iter().flatten().flat_map(|block| &block.heard);
        for (id, rule) in links {
            let strongest = heard.entry(id.clone()).or_insert(*rule);
            *strongest = (*strongest).min(*rule);
        }
        let before = foundation.references.heard();
        if heard == *before {
            return Ok(());
        }
        let ids: BTreeSet<&EventId> = heard.keys().chain(before.keys()).collect();
        let mut stale = BTreeSet::<usize>::new();
        for id in ids {
            if heard.get(id) == before.get(id) {
                continue;
            }
            for subject in self.ledger.subjects_of(id)? {
                stale.extend(foundation.owners.get(&subject).into_iter().flatten());
            }
        }
        foundation.references.hear(heard);
        let jobs: Vec<(usize, &Application, &Vec<i64>)> = foundation
            .assignment
            .applications
            .iter()
            .enumerate()
            .filter(|(at, _)| stale.contains(at))
            .map(|(at, (application, keys))| (at, application, keys))
            .collect();
        for (at, block) in self.correlate(&jobs, &foundation.references, sources)? {
            blocks[at] = Some(Arc::new(block));
        }
        Ok(())
    }
}
