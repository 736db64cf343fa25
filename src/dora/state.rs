//! The state at the end of each bucket: what is open, and how old it is; what is committed and not live.

use std::collections::HashMap;

use crate::correlate::Intervals;
use crate::model::Tier;

use super::groups::Facts;
use super::incidents::{IncidentKind, groups_of};
use super::pass::{LaneRows, Pass};
use super::sheet::Column;
use super::tallies::Counts;

/// The points at whose end something is open that began and ended then (`i64::MAX`: not yet).
///
/// `ends` are the data's ends: what began before one and did not end before it is open.
fn points_open(ends: &[i64], began: i64, ended: i64) -> std::ops::Range<usize> {
    let first = ends.partition_point(|end| *end <= began);
    let past = ends.partition_point(|end| *end <= ended);
    first..past.max(first)
}

/// Points that have begun: the others show nothing.
fn begun(pass: &Pass<'_, '_, '_>) -> (Vec<i64>, Vec<i64>) {
    let points = pass
        .buckets
        .points
        .iter()
        .take_while(|span| span.has_begun());
    let instants: Vec<i64> = points.map(|span| span.asked.end).collect();
    let mut ends = pass.buckets.ends();
    ends.truncate(instants.len());
    (ends, instants)
}

/// Counts the incidents that are open at the end of each point.
pub(super) fn open_incidents(pass: &mut Pass<'_, '_, '_>) {
    let (ends, _) = begun(pass);
    let class = pass.class;
    let incidents = &pass.block.incidents;
    for at in 0..incidents.opened_at.len() {
        let points = points_open(&ends, incidents.opened_at[at], incidents.resolved_at[at]);
        if points.is_empty() {
            continue;
        }
        for group in groups_of(pass, at, IncidentKind::Any) {
            for point in points.clone() {
                pass.sheet
                    .tallies
                    .add(group, class, point, Counts::of(1, 1));
            }
        }
    }
}

/// Ages by group: the point and the age.
type Ages = HashMap<u32, Vec<(usize, u64)>>;

fn settle(pass: &mut Pass<'_, '_, '_>, ages: Ages) {
    for (group, mut rows) in ages {
        rows.sort_unstable();
        let mut column = Column::new(group, 0);
        for (point, age) in rows {
            column.push(point, age);
        }
        pass.sheet.wide.push(column);
    }
}

/// Gathers the ages of defects that are open at the end of each point.
pub(super) fn defect_ages(pass: &mut Pass<'_, '_, '_>) {
    let (ends, instants) = begun(pass);
    let incidents = &pass.block.incidents;
    let mut ages = Ages::new();
    for at in 0..incidents.opened_at.len() {
        let opened_at = incidents.opened_at[at];
        let points = points_open(&ends, opened_at, incidents.resolved_at[at]);
        if points.is_empty() {
            continue;
        }
        for group in groups_of(pass, at, IncidentKind::Defects) {
            let rows = points
                .clone()
                .map(|point| (point, (instants[point] - opened_at).max(0) as u64));
            ages.entry(group).or_default().extend(rows);
        }
    }
    settle(pass, ages);
}

/// Gathers the ages of pull requests that are open at the end of each point.
pub(super) fn pull_request_ages(pass: &mut Pass<'_, '_, '_>) {
    let (ends, instants) = begun(pass);
    let requests = &pass.block.pull_requests;
    let mut ages = Ages::new();
    for at in 0..requests.opened_at.len() {
        let opened_at = requests.opened_at[at];
        let points = points_open(&ends, opened_at, requests.closed_at[at]);
        if points.is_empty() {
            continue;
        }
        let facts = pull_request_facts(pass.block, at);
        for group in pass.row_groups(None, &facts) {
            let rows = points
                .clone()
                .map(|point| (point, (instants[point] - opened_at).max(0) as u64));
            ages.entry(group).or_default().extend(rows);
        }
    }
    settle(pass, ages);
}

/// What filters and groups see of a pull request.
pub(super) fn pull_request_facts(block: &crate::correlate::Block, at: usize) -> Facts<'_> {
    use crate::correlate::NONE;
    let requests = &block.pull_requests;
    let author = requests
        .author
        .get(at..at + 1)
        .filter(|author| author[0] != NONE);
    Facts {
        repository: requests.repository.get(at).copied().unwrap_or(NONE),
        labels: requests.labels.get(at).copied().unwrap_or(NONE),
        authors: author.unwrap_or(&[]),
        ..Facts::NOTHING
    }
}

/// Counts the commits on the default branch that are not live at the end of each point.
///
/// Where environments are not told apart a commit is live as soon as one environment of its tier has it.
pub(super) fn undeployed<'a>(pass: &mut Pass<'_, '_, 'a>, lanes: &[LaneRows<'a>]) {
    if !pass.selection.takes_whole_lanes() {
        let keys = pass.selection.row_keys().join(", ");
        pass.sheet.caveats.push(format!(
            "Undeployed commits are known by application and environment only: {keys} cannot tell them apart."
        ));
    }
    let mut tiers: Vec<Tier> = lanes.iter().map(|of| of.lane.tier).collect();
    tiers.sort_unstable();
    tiers.dedup();
    for tier in tiers {
        let selected: Vec<&LaneRows<'_>> = lanes.iter().filter(|of| of.lane.tier == tier).collect();
        let all = pass
            .block
            .lanes
            .iter()
            .filter(|lane| lane.tier == tier)
            .count();
        let backlog = pass
            .block
            .tier_backlogs
            .iter()
            .find(|backlog| backlog.tier == tier);
        let together = selected.len() > 1 && !pass.selection.tells_environments_apart();
        match backlog {
            Some(backlog) if together && selected.len() == all => {
                count_intervals(pass, selected[0], &backlog.undeployed);
            }
            _ => {
                if together {
                    pass.sheet.caveats.push(
                        "Commits missing in several of the chosen environments count once in each."
                            .to_owned(),
                    );
                }
                for lane in selected {
                    count_intervals(pass, lane, &lane.lane.undeployed);
                }
            }
        }
    }
}

fn count_intervals(pass: &mut Pass<'_, '_, '_>, lane: &LaneRows<'_>, intervals: &Intervals) {
    let (ends, _) = begun(pass);
    let class = pass.class;
    let groups = match lane.group {
        Some(group) => smallvec::SmallVec::from_slice(&[group]),
        None => pass.row_groups(Some(lane.lane.environment.text()), &Facts::NOTHING),
    };
    for (point, end) in ends.iter().enumerate() {
        // Whole seconds: a second that began before the end counts.
        let end = u32::try_from(end.div_euclid(1000) + i64::from(end.rem_euclid(1000) > 0))
            .unwrap_or(if *end < 0 { 0 } else { u32::MAX });
        let began = intervals.start.partition_point(|start| *start < end);
        let ended = intervals.end.partition_point(|at| *at < end);
        let open = began.saturating_sub(ended) as u64;
        for group in &groups {
            pass.sheet
                .tallies
                .add(*group, class, point, Counts::of(open, open));
        }
    }
}
