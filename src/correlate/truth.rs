//! One truth per environment: of several sources that report deployments the first in rank counts (definitions, section 1).

use std::collections::BTreeMap;

use super::Sources;
use super::input::millis;
use super::rollouts::{RULE_RANK, Rollout};
use crate::model::SourceName;

/// Parts the rollouts of one environment into those that count and those that another source reports better.
///
/// A lower source counts only before the coverage of a higher one begins; of a source without known coverage, before
/// its first rollout here.
pub(super) fn part_by_rank<'a>(
    rollouts: Vec<Rollout<'a>>,
    sources: &Sources,
) -> (Vec<Rollout<'a>>, Vec<Rollout<'a>>) {
    let mut first_rollouts = BTreeMap::<(u16, &SourceName), i64>::new();
    for rollout in &rollouts {
        let first = first_rollouts
            .entry((rollout.rank, rollout.source))
            .or_insert(rollout.finished_at);
        *first = (*first).min(rollout.finished_at);
    }
    let mut begins = BTreeMap::<u16, i64>::new();
    for ((rank, source), first) in first_rollouts {
        let covered = sources
            .facts(source)
            .and_then(|facts| facts.coverage.start());
        let begin = covered.map_or(first, millis);
        let begins = begins.entry(rank).or_insert(begin);
        *begins = (*begins).min(begin);
    }
    if begins.len() < 2 {
        return (rollouts, Vec::new());
    }
    rollouts.into_iter().partition(|rollout| {
        begins
            .range(RULE_RANK..rollout.rank)
            .all(|(_, begin)| rollout.finished_at < *begin)
    })
}
