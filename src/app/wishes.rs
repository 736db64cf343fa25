//! Commits that deployments name and nobody knows: sources that yield commits are asked for them by name.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::state::Snapshot;
use crate::correlate::QualityKind;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Body, CommitHash, EventKey, EventKind};

/// Commits asked for at once.
const MOST_WANTED: usize = 1_000;

/// What was asked for already.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// Deployments whose commits were asked for.
    deployments: HashSet<EventKey>,
    /// The columns that were last looked at.
    generation: u64,
}

impl Wishes {
    /// Whether columns hold deployments whose commits nobody was asked for yet; looks at each snapshot once.
    pub(super) fn are_new(&self, snapshot: &Snapshot) -> bool {
        let mut told = self.told();
        if told.generation == snapshot.generation {
            return false;
        }
        told.generation = snapshot.generation;
        unlinked(snapshot).any(|key| !told.deployments.contains(&key))
    }

    /// The commits to ask for, those never asked for first.
    ///
    /// # Errors
    /// The ledger's.
    pub(super) fn tell(
        &self,
        ledger: &Ledger,
        snapshot: &Snapshot,
    ) -> Result<Vec<CommitHash>, LedgerError> {
        let keys: Vec<_> = {
            let mut told = self.told();
            let (new, old): (Vec<_>, Vec<_>) =
                unlinked(snapshot).partition(|key| !told.deployments.contains(key));
            let keys: Vec<_> = new.into_iter().chain(old).take(MOST_WANTED).collect();
            told.deployments.extend(&keys);
            keys
        };
        let keys: Vec<_> = keys
            .into_iter()
            .map(|key| (EventKind::Deployment, key))
            .collect();
        let events = ledger.events(&keys)?;
        let commits = events.iter().filter_map(|event| match &event.body {
            Body::Deployment(deployment) => deployment.commit,
            _ => None,
        });
        let commits: BTreeSet<_> = commits.collect();
        Ok(commits.into_iter().collect())
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unlinked(snapshot: &Snapshot) -> impl Iterator<Item = EventKey> {
    let rows = snapshot.blocks.iter().flat_map(|block| &block.quality);
    rows.filter(|row| row.kind == QualityKind::Unlinked && row.event.0 == EventKind::Deployment)
        .map(|row| row.event.1)
}
