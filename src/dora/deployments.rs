//! What became of deployments: recoveries of failed ones, and rollouts that never went live.

use smallvec::SmallVec;

use crate::correlate::{Lane, NONE, Recovery};

use super::groups::Facts;
use super::pass::{LaneRows, Pass, Rows};
use super::sheet::Columns;
use super::tallies::Counts;

/// Gathers the recoveries of failed deployments, by the moment of recovery, and counts what has not recovered.
pub(super) fn recoveries<'a>(pass: &mut Pass<'_, '_, 'a>, lanes: &[LaneRows<'a>]) {
    let extent = pass.buckets.extent();
    for LaneRows { lane, group, .. } in lanes {
        let environment = Some(lane.environment.text());
        let begun = |recovery: &Recovery| recovery.recovered_at < extent.start;
        let first = lane.recoveries.partition_point(begun);
        let mut columns = Columns::default();
        let mut authors = SmallVec::new();
        for recovery in &lane.recoveries[first..] {
            let Some(cell) = pass.buckets.cell_of(recovery.recovered_at) else {
                break;
            };
            let span = recovery.milliseconds.max(0) as u64;
            if let Some(group) = group {
                columns.push(&[*group], cell, span);
                continue;
            }
            let facts = pass.deployment_facts(lane, recovery.deployment as usize, &mut authors);
            let groups = pass.row_groups(environment, &facts);
            columns.push(&groups, cell, span);
        }
        pass.sheet.wide.extend(columns.0);
        for open in &lane.open_failures {
            let at = *open as usize;
            let finished_at = lane.deployments.finished_at[at];
            let passes = extent.contains(&finished_at)
                && (group.is_some() || {
                    let facts = pass.deployment_facts(lane, at, &mut authors);
                    pass.tests.accept(&facts)
                });
            if passes {
                let (count, oldest) = pass.sheet.unrecovered;
                pass.sheet.unrecovered = (count + 1, oldest.min(finished_at));
            }
        }
    }
}

/// Counts rollouts that never went live, by their end.
pub(super) fn failed_rollouts<'a>(pass: &mut Pass<'_, '_, 'a>, lanes: &[LaneRows<'a>]) {
    let class = pass.class;
    for LaneRows { lane, group, .. } in lanes {
        let mut rows = Rows::new();
        let ended_at = &lane.failed_rollouts.ended_at;
        let window = pass.buckets.window(ended_at);
        pass.buckets
            .march(ended_at, window, |cell, indices| rows.push((cell, indices)));
        for (cell, indices) in rows {
            if let Some(group) = group {
                let count = indices.len() as u64;
                pass.sheet
                    .tallies
                    .add(*group, class, cell, Counts::of(count, count));
                continue;
            }
            for at in indices {
                let facts = rollout_facts(lane, at);
                for group in pass.row_groups(Some(lane.environment.text()), &facts) {
                    pass.sheet.tallies.add(group, class, cell, Counts::of(1, 1));
                }
            }
        }
    }
}

/// What filters and groups see of a rollout that never went live.
pub(super) fn rollout_facts(lane: &Lane, at: usize) -> Facts<'_> {
    let rollouts = &lane.failed_rollouts;
    let cluster = rollouts.cluster.get(at..at + 1);
    let cancelled = rollouts.cancelled.get(at).copied().unwrap_or(false);
    Facts {
        clusters: cluster.filter(|cluster| cluster[0] != NONE).unwrap_or(&[]),
        outcome: Some(if cancelled { "cancelled" } else { "failed" }),
        ..Facts::NOTHING
    }
}
