//! What became of deployments: recoveries of failed ones, and rollouts that never went live.

use smallvec::SmallVec;

use crate::correlate::NONE;

use super::groups::Facts;
use super::pass::Pass;
use super::sheet::{Column, Counts};

/// Gathers the recoveries of failed deployments, by the moment of recovery, and counts what has not recovered.
pub(super) fn recoveries(pass: &mut Pass<'_, '_, '_>) {
    let extent = pass.buckets.extent();
    for (_, lane) in pass.lanes() {
        let whole = pass
            .selection
            .takes_whole_lanes()
            .then(|| pass.lane_group(lane));
        let first = lane
            .recoveries
            .partition_point(|recovery| recovery.recovered_at < extent.start);
        let mut columns: Vec<Column<'static, u64>> = Vec::new();
        let mut authors = SmallVec::new();
        for recovery in &lane.recoveries[first..] {
            let Some(cell) = pass.buckets.cell_of(recovery.recovered_at) else {
                break;
            };
            let groups = match whole {
                Some(group) => SmallVec::from_slice(&[group]),
                None => {
                    let facts =
                        pass.deployment_facts(lane, recovery.deployment as usize, &mut authors);
                    pass.row_groups(Some(lane.environment.text()), &facts)
                }
            };
            let span = recovery.milliseconds.max(0) as u64;
            for group in groups {
                match columns.iter_mut().find(|column| column.group == group) {
                    Some(column) => column.push(cell, span),
                    None => {
                        let mut column = Column::new(group);
                        column.push(cell, span);
                        columns.push(column);
                    }
                }
            }
        }
        pass.sheet.wide.extend(columns);
        for open in &lane.open_failures {
            let at = *open as usize;
            let finished_at = lane.deployments.finished_at[at];
            let passes = extent.contains(&finished_at)
                && (whole.is_some() || {
                    let facts = pass.deployment_facts(lane, at, &mut authors);
                    pass.tests.accept(&facts)
                });
            if passes {
                pass.sheet.unrecovered.0 += 1;
                pass.sheet.unrecovered.1 = pass.sheet.unrecovered.1.min(finished_at);
            }
        }
    }
}

/// Counts rollouts that never went live, by their end.
pub(super) fn failed_rollouts(pass: &mut Pass<'_, '_, '_>) {
    let class = pass.class;
    for (_, lane) in pass.lanes() {
        let rollouts = &lane.failed_rollouts;
        let mut rows = Vec::new();
        pass.buckets.march(&rollouts.ended_at, |cell, indices| {
            rows.push((cell, indices))
        });
        if pass.selection.takes_whole_lanes() {
            let group = pass.lane_group(lane);
            for (cell, indices) in rows {
                let count = indices.len() as u64;
                pass.sheet
                    .tallies
                    .add(group, class, cell, Counts::of(count, count));
            }
            continue;
        }
        for (cell, at) in rows
            .into_iter()
            .flat_map(|(cell, rows)| rows.map(move |at| (cell, at)))
        {
            let cluster = rollouts
                .cluster
                .get(at..at + 1)
                .filter(|cluster| cluster[0] != NONE);
            let cancelled = rollouts.cancelled.get(at).copied().unwrap_or(false);
            let facts = Facts {
                clusters: cluster.unwrap_or(&[]),
                outcome: Some(if cancelled { "cancelled" } else { "failed" }),
                ..Facts::NOTHING
            };
            for group in pass.row_groups(Some(lane.environment.text()), &facts) {
                pass.sheet.tallies.add(group, class, cell, Counts::of(1, 1));
            }
        }
    }
}
