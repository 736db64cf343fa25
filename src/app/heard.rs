//! Incidents that speak of deployments of several applications: each must know what the others make of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::state::{Columns, Dirty, Foundation};
use crate::correlate::{Block, FailureRule, Hearing, Sources, elsewhere};
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

    /// Builds those applications again to which others' links of an incident make a difference.
    pub(super) fn tell_each_other(
        &self,
        foundation: &mut Foundation,
        blocks: &mut [Option<Arc<Block>>],
        sources: &Sources,
    ) -> Result<(), LedgerError> {
        // Ends: what verdicts link depends on nobody, then references settle, then the rest.
        loop {
            let mut heard = Hearing::new();
            for block in blocks.iter().flatten() {
                for (id, rule) in &block.heard {
                    let links = heard.entry(id.clone()).or_default();
                    links.insert(block.application.clone(), *rule);
                }
            }
            let before = foundation.references.heard();
            if heard == *before {
                return Ok(());
            }
            let stale = self.stale(foundation, before, &heard)?;
            foundation.references.hear(heard);
            let jobs: Vec<(usize, &Application, &Vec<i64>)> = foundation
                .assignment
                .applications
                .iter()
                .enumerate()
                .filter(|(_, (application, _))| stale.contains(*application))
                .map(|(at, (application, keys))| (at, application, keys))
                .collect();
            for (at, block) in self.correlate(&jobs, &foundation.references, sources)? {
                blocks[at] = Some(Arc::new(block));
            }
        }
    }

    /// The applications that are to be built again when links change.
    fn stale(
        &self,
        foundation: &Foundation,
        before: &Hearing,
        after: &Hearing,
    ) -> Result<BTreeSet<Application>, LedgerError> {
        let mut stale = BTreeSet::new();
        let applications: Vec<&Application> = foundation.assignment.applications.keys().collect();
        let ids: BTreeSet<&EventId> = before.keys().chain(after.keys()).collect();
        for id in ids {
            if before.get(id) == after.get(id) {
                continue;
            }
            let links = |application: &Application| {
                let links = |heard| elsewhere(heard, id, application);
                [links(before), links(after)]
            };
            for subject in self.ledger.subjects_of(id)? {
                let owners = foundation.owners.get(&subject).into_iter().flatten();
                let owners = owners.map(|at| applications[*at]);
                let owners = owners.filter(|owner| links(owner)[0] != links(owner)[1]);
                stale.extend(owners.cloned());
            }
            // Those that only hear of it are overruled by a verdict, and by nothing else.
            let hearers = [before, after]
                .into_iter()
                .filter_map(|heard| heard.get(id));
            let hearers = hearers.flat_map(BTreeMap::keys).filter(|hearer| {
                let [before, after] = links(hearer).map(|rule| rule == Some(FailureRule::Verdict));
                before != after
            });
            stale.extend(hearers.cloned());
        }
        Ok(stale)
    }
}
