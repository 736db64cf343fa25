//! Incidents: how many, how long, and the time that customers felt them.

use smallvec::SmallVec;

use crate::correlate::{Block, FailureRules, Incidents, NONE, QualityKind};
use crate::model::Text;

use super::groups::Facts;
use super::pass::{Pass, bare_facts};
use super::select::Selection;
use super::sheet::{Columns, Counts};

/// Which incidents a metric is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum IncidentKind {
    Any,
    Defects,
    /// What customers felt, whatever the question says.
    UserFacing,
}

/// The environment of an incident: the one it names, else that of the deployment it is linked to.
pub(super) fn environment_of(block: &Block, at: usize) -> Option<&Text> {
    let incidents = &block.incidents;
    let named = incidents.environment.get(at).and_then(Option::as_ref);
    let linked = || {
        let (lane, _) = incidents.deployment.get(at).copied().flatten()?;
        block.lanes.get(lane as usize).map(|lane| &lane.environment)
    };
    named.or_else(linked).map(|environment| environment.text())
}

/// What filters and groups see of an incident; repository and clusters are those of the deployment it is linked to.
pub(super) fn incident_facts(block: &Block, at: usize) -> Facts<'_> {
    let incidents = &block.incidents;
    let deployment = incidents.deployment.get(at).copied().flatten();
    let linked = deployment.and_then(|(lane, deployment)| {
        let lane = block.lanes.get(lane as usize)?;
        ((deployment as usize) < lane.deployments.finished_at.len())
            .then(|| bare_facts(lane, deployment as usize))
    });
    let mut rules = FailureRules(0);
    if let Some(rule) = incidents.link.get(at).copied().flatten() {
        rules.insert(rule);
    }
    Facts {
        labels: incidents.labels.get(at).copied().unwrap_or(NONE),
        severity: incidents.severity.get(at).copied().unwrap_or(NONE),
        outcome: None,
        rules,
        ..linked.unwrap_or(Facts::NOTHING)
    }
}

/// Whether an incident is of the kind, and in a place that the question is about; rows filters not asked.
pub(super) fn is_selected(
    selection: &Selection<'_>,
    block: &Block,
    at: usize,
    kind: IncidentKind,
) -> bool {
    let incidents = &block.incidents;
    let of_kind = match kind {
        IncidentKind::Any => true,
        IncidentKind::Defects => incidents.defect[at],
        IncidentKind::UserFacing => incidents.user_facing[at],
    };
    of_kind
        && (!selection.question.user_facing || incidents.user_facing[at])
        && selection.accepts_place(
            environment_of(block, at).map(|name| &**name),
            incidents.tier[at],
        )
}

/// The groups of an incident; none where it does not pass.
pub(super) fn groups_of(
    pass: &mut Pass<'_, '_, '_>,
    at: usize,
    kind: IncidentKind,
) -> SmallVec<[u32; 2]> {
    let block = pass.block;
    if !is_selected(pass.selection, block, at, kind) {
        return SmallVec::new();
    }
    let facts = incident_facts(block, at);
    pass.row_groups(environment_of(block, at), &facts)
}

/// Counts incidents by their opening.
pub(super) fn openings(pass: &mut Pass<'_, '_, '_>, kind: IncidentKind) {
    let mut rows = Vec::new();
    pass.buckets
        .march(&pass.block.incidents.opened_at, |cell, indices| {
            rows.extend(indices.map(|at| (cell, at)));
        });
    let class = pass.class;
    for (cell, at) in rows {
        for group in groups_of(pass, at, kind) {
            pass.sheet.tallies.add(group, class, cell, Counts::of(1, 1));
        }
    }
}

/// Gathers the times to restore, by the last resolution.
pub(super) fn restores(pass: &mut Pass<'_, '_, '_>) {
    let incidents: &Incidents = &pass.block.incidents;
    let extent = pass.buckets.extent();
    let resolved_at = |at: &u32| incidents.resolved_at[*at as usize];
    let first = incidents
        .by_resolution
        .partition_point(|at| resolved_at(at) < extent.start);
    let mut columns = Columns::default();
    for at in &incidents.by_resolution[first..] {
        let Some(cell) = pass.buckets.cell_of(resolved_at(at)) else {
            break;
        };
        let at = *at as usize;
        let Some(span) = incidents.time_to_restore.milliseconds_at(at) else {
            continue;
        };
        let groups = groups_of(pass, at, IncidentKind::Any);
        columns.push(&groups, cell, span as u64);
    }
    pass.sheet.wide.extend(columns.0);
    let odd = pass
        .block
        .quality
        .iter()
        .filter(|row| row.kind == QualityKind::NegativeRestore && extent.contains(&row.at));
    pass.sheet.negative += odd.count() as u64;
}

/// Gathers when customers felt incidents, as far as it lies in the buckets.
pub(super) fn outages(pass: &mut Pass<'_, '_, '_>) {
    let incidents = &pass.block.incidents;
    let extent = pass.buckets.extent();
    let opened = incidents.opened_at.partition_point(|at| *at < extent.end);
    for at in 0..opened {
        let start = incidents.opened_at[at].max(extent.start);
        let end = incidents.resolved_at[at].min(extent.end);
        if start >= end || !incidents.user_facing[at] {
            continue;
        }
        for group in groups_of(pass, at, IncidentKind::UserFacing) {
            pass.sheet.outages.push((group, start, end));
        }
    }
}
