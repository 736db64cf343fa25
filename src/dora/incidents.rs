//! Incidents: how many, how long, and the time that customers felt them.

use smallvec::{SmallVec, smallvec};

use crate::correlate::{Block, FailureRules, Incidents, NONE, QualityKind};
use crate::model::Text;

use super::groups::Facts;
use super::pass::{Pass, bare_facts};
use super::select::Selection;
use super::sheet::Columns;
use super::tallies::Counts;

/// So many incidents of an application are looked at one and all: their memory is waited for once, that of each step of
/// a search anew.
const LOOKED_AT_ALL: usize = 256;

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
    let tier = incidents.tier[at];
    of_kind
        && (!selection.question.user_facing || incidents.user_facing[at])
        && if selection.looks_at_places() {
            let environment = environment_of(block, at);
            selection.accepts_place(environment.map(|name| &**name), tier)
        } else {
            // Finding the environment reads the deployment's lane, which costs more than all the rest.
            selection.accepts_place(None, tier)
        }
}

/// The groups of a block's incidents: one for all where nothing of each has to be looked at.
pub(super) struct IncidentGroups {
    kind: IncidentKind,
    is_one: bool,
    one: Option<u32>,
}

impl IncidentGroups {
    pub fn new(selection: &Selection<'_>, kind: IncidentKind) -> Self {
        Self {
            kind,
            is_one: selection.takes_whole_lanes() && !selection.looks_at_places(),
            one: None,
        }
    }

    /// The groups of an incident; none where it does not pass.
    pub fn of(&mut self, pass: &mut Pass<'_, '_, '_>, at: usize) -> SmallVec<[u32; 2]> {
        if !self.is_one {
            return groups_of(pass, at, self.kind);
        }
        if !is_selected(pass.selection, pass.block, at, self.kind) {
            return SmallVec::new();
        }
        // The group exists as soon as one incident passes.
        let one = *self.one.get_or_insert_with(|| pass.place_group(None));
        smallvec![one]
    }
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
    let opened_at = &pass.block.incidents.opened_at;
    let window = pass.buckets.window(opened_at);
    let mut rows = Vec::with_capacity(window.len());
    pass.buckets
        .each(opened_at, window, |cell, at| rows.push((cell, at)));
    let class = pass.class;
    let mut groups = IncidentGroups::new(pass.selection, kind);
    for (cell, at) in rows {
        for group in groups.of(pass, at) {
            pass.sheet.tallies.add(group, class, cell, Counts::of(1, 1));
        }
    }
}

/// Gathers the times to restore, by the last resolution.
pub(super) fn restores(pass: &mut Pass<'_, '_, '_>) {
    let block = pass.block;
    let incidents: &Incidents = &block.incidents;
    let spans = &incidents.time_to_restore;
    let extent = pass.buckets.extent();
    let before = |bound: i64| {
        incidents
            .by_resolution
            .partition_point(|at| incidents.resolved_at[*at as usize] < bound)
    };
    let window = if incidents.by_resolution.len() <= LOOKED_AT_ALL {
        &incidents.by_resolution[..]
    } else {
        &incidents.by_resolution[before(extent.start)..before(extent.end)]
    };
    let mut groups = IncidentGroups::new(pass.selection, IncidentKind::Any);
    // Whole seconds take half the room.
    if spans.milliseconds.is_empty() {
        let columns = restored(pass, window, &mut groups, |at| {
            Some(spans.seconds[at]).filter(|seconds| *seconds != NONE)
        });
        pass.sheet.narrow.extend(columns.0);
    } else {
        let columns = restored(pass, window, &mut groups, |at| {
            spans.milliseconds_at(at).map(|span| span as u64)
        });
        pass.sheet.wide.extend(columns.0);
    }
    let odd = pass
        .block
        .quality
        .iter()
        .filter(|row| row.kind == QualityKind::NegativeRestore && extent.contains(&row.at));
    pass.sheet.negative += odd.count() as u64;
}

/// The spans of incidents that were resolved in the buckets, a column a group.
fn restored<V: Copy>(
    pass: &mut Pass<'_, '_, '_>,
    resolved: &[u32],
    groups: &mut IncidentGroups,
    span: impl Fn(usize) -> Option<V>,
) -> Columns<V> {
    let resolved_at = &pass.block.incidents.resolved_at;
    let mut columns = Columns::with_room(resolved.len());
    for at in resolved {
        let at = *at as usize;
        let (Some(cell), Some(span)) = (pass.buckets.cell_of(resolved_at[at]), span(at)) else {
            continue;
        };
        columns.push(&groups.of(pass, at), cell, span);
    }
    columns
}

/// Gathers when customers felt incidents, as far as it lies in the buckets.
pub(super) fn outages(pass: &mut Pass<'_, '_, '_>) {
    let incidents = &pass.block.incidents;
    let extent = pass.buckets.extent();
    let opened = incidents.opened_at.partition_point(|at| *at < extent.end);
    let mut groups = IncidentGroups::new(pass.selection, IncidentKind::UserFacing);
    for at in 0..opened {
        let start = incidents.opened_at[at].max(extent.start);
        let end = incidents.resolved_at[at].min(extent.end);
        if start >= end || !incidents.user_facing[at] {
            continue;
        }
        for group in groups.of(pass, at) {
            pass.sheet.outages.push((group, start, end));
        }
    }
}
