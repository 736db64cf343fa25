//! Compares what a destination shows with what the ledger thinks it has: a 2xx is no proof that a sample reached a disk.

use std::collections::{HashMap, HashSet};

use crate::ledger::Sent;
use crate::model::EventId;

/// Where the two disagree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Events that the destination acknowledged and does not show in their newest version, sorted.
    pub missing: Vec<EventId>,
    /// Events that the destination shows and the ledger has not, sorted: of another export loop, or of a ledger that is gone.
    pub unknown: Vec<EventId>,
}

/// Compares ids with their highest revisions as the store shows them with the ledger's.
pub fn compare(shown: impl Iterator<Item = (EventId, i64)>, ledger: &[Sent]) -> Difference {
    let mut newest: HashMap<EventId, HashSet<i64>> = HashMap::new();
    for (id, revision) in shown {
        newest.entry(id).or_default().insert(revision);
    }
    let known: HashSet<&EventId> = ledger.iter().map(|sent| &sent.id).collect();
    let mut missing: Vec<EventId> = ledger
        .iter()
        .filter(|sent| {
            let is_shown = newest
                .get(&sent.id)
                .is_some_and(|revisions| revisions.contains(&sent.revision));
            sent.is_acknowledged && !is_shown
        })
        .map(|sent| sent.id.clone())
        .collect();
    let mut unknown: Vec<EventId> = newest
        .keys()
        .filter(|id| !known.contains(id))
        .cloned()
        .collect();
    missing.sort_unstable();
    unknown.sort_unstable();
    Difference { missing, unknown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(id: &str, revision: i64, is_acknowledged: bool) -> Sent {
        Sent {
            id: id.into(),
            revision,
            is_acknowledged,
        }
    }

    #[test]
    fn what_was_acknowledged_and_is_not_shown_is_missing_and_what_waits_is_not() {
        let ledger = [
            sent("there", 1, true),
            sent("lost", 1, true),
            sent("older-version-there", 2, true),
            sent("waits", 1, false),
        ];
        let shown = [("there", 1), ("older-version-there", 1), ("stranger", 9)];
        let shown = shown
            .into_iter()
            .map(|(id, revision)| (id.into(), revision));
        let difference = compare(shown, &ledger);
        assert_eq!(
            difference.missing,
            ["lost".into(), "older-version-there".into()]
        );
        assert_eq!(difference.unknown, ["stranger".into()]);
    }
}
