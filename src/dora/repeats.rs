//! A change that reaches two environments of a tier is one change, with its first finish (definitions, section 5).

use std::collections::HashMap;

use crate::correlate::{Block, Changes};
use crate::model::{EventKey, Tier};

use super::pass::{change_facts, changes_of};
use super::select::{RowTests, Selection};

/// Which changes count although another environment of the tier had them before.
pub(super) enum Repeats {
    /// All: environments are told apart, or there is only one.
    Count,
    /// None that the column marks.
    Skip,
    /// The first delivery among the rows that pass the filters: its finish and lane, by change.
    First(HashMap<EventKey, (i64, usize)>),
}

impl Repeats {
    /// Finds what a question means for a tier of a block.
    pub fn new(selection: &Selection<'_>, tests: &RowTests<'_>, block: &Block, tier: Tier) -> Self {
        if selection.tells_environments_apart() {
            return Self::Count;
        }
        if !selection.filters_environments() && !selection.filters_rows() {
            return Self::Skip;
        }
        let lanes: Vec<_> = selection
            .lanes(block)
            .filter(|(_, lane)| lane.tier == tier)
            .collect();
        if lanes.len() < 2 {
            return Self::Count;
        }
        // The column marks what any other environment had; here only the selected rows matter.
        let mut first: HashMap<EventKey, (i64, usize)> = HashMap::new();
        for (number, lane) in lanes {
            for changes in changes_of(selection, lane) {
                for (deployment, finished_at) in lane.deployments.finished_at.iter().enumerate() {
                    for at in changes.of(deployment) {
                        if !tests.accept(&change_facts(lane, changes, deployment, at)) {
                            continue;
                        }
                        let delivery = (*finished_at, number);
                        let known = first.entry(changes.key[at]).or_insert(delivery);
                        *known = delivery.min(*known);
                    }
                }
            }
        }
        Self::First(first)
    }

    /// Whether all changes of these columns count.
    pub fn counts_all(&self, changes: &Changes) -> bool {
        match self {
            Self::Count => true,
            Self::Skip => changes.repeated_in_tier.is_empty(),
            Self::First(_) => false,
        }
    }

    /// Whether a change counts that this lane delivered at `finished_at`.
    pub fn counts(&self, changes: &Changes, at: usize, finished_at: i64, lane: usize) -> bool {
        match self {
            Self::Count => true,
            Self::Skip => !changes.repeated_in_tier.get(at).copied().unwrap_or(false),
            Self::First(first) => first
                .get(&changes.key[at])
                .is_none_or(|known| *known == (finished_at, lane)),
        }
    }
}
