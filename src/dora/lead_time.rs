//! Delivered changes: their lead times, the parts of those, and how many they are.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use crate::correlate::{Changes, Durations, Flags, Lane, NONE, QualityKind};
use crate::model::{ChangeUnit, LeadTimeFrom, Metric, Question};

use super::pass::{Pass, change_facts};
use super::quantile::Value;
use super::repeats::Repeats;
use super::sheet::{Column, Counts};

/// Which span of a change is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeSpan {
    LeadTime(LeadTimeFrom),
    /// Number of the part in `Metric::PARTS`.
    Part(usize),
}

impl ChangeSpan {
    /// The span that a metric asks for; `None` for metrics that are no span of a change.
    pub fn of(metric: Metric, question: &Question) -> Option<Self> {
        if metric == Metric::ChangeLeadTime {
            return Some(Self::LeadTime(question.lead_time_from));
        }
        Metric::PARTS
            .iter()
            .position(|part| *part == metric)
            .map(Self::Part)
    }

    /// Where the spans stand; `None` where no change has one.
    pub fn durations(self, changes: &Changes) -> Option<&Durations> {
        let landed = &changes.landed;
        match self {
            Self::LeadTime(LeadTimeFrom::Landed) => Some(landed),
            Self::LeadTime(LeadTimeFrom::Committed) => {
                Some(changes.committed.as_ref().unwrap_or(landed))
            }
            Self::LeadTime(LeadTimeFrom::Authored) => {
                Some(changes.authored.as_ref().unwrap_or(landed))
            }
            Self::LeadTime(LeadTimeFrom::PullRequestOpened) => changes.opened.as_ref(),
            Self::LeadTime(LeadTimeFrom::Merged) => changes.merged.as_ref(),
            Self::Part(part) => match &changes.parts {
                Some(parts) => parts.get(part),
                // Without boundaries all of the lead time is its last part.
                None if part + 1 == Metric::PARTS.len() => {
                    Self::LeadTime(LeadTimeFrom::Committed).durations(changes)
                }
                None => None,
            },
        }
    }
}

/// Cells of a lane with the deployments that lie in them.
type Rows = SmallVec<[(usize, Range<usize>); 1]>;

fn rows_of(pass: &Pass<'_, '_, '_>, lane: &Lane) -> Rows {
    let mut rows = Rows::new();
    pass.buckets
        .march(&lane.deployments.finished_at, |cell, deployments| {
            rows.push((cell, deployments))
        });
    rows
}

/// Whether the changes of all these deployments count: the commits of a baseline count in nothing.
fn has_baseline(lane: &Lane, rows: &Rows) -> bool {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return false;
    };
    lane.deployments.flags[first.1.start..last.1.end]
        .iter()
        .any(|flags| flags.has(Flags::BASELINE))
}

/// Gathers the spans of the changes that were delivered in each cell.
pub(super) fn spans(pass: &mut Pass<'_, '_, '_>, span: ChangeSpan) {
    let counts_links = span == ChangeSpan::LeadTime(LeadTimeFrom::Committed)
        && pass.selection.question.change_unit == ChangeUnit::Commit;
    for (number, lane) in pass.lanes() {
        let rows = rows_of(pass, lane);
        if rows.is_empty() {
            continue;
        }
        let baseline = has_baseline(lane, &rows);
        let repeats = pass.repeats(lane.tier);
        for changes in pass.changes(lane) {
            let Some(durations) = span.durations(changes) else {
                continue;
            };
            let whole = pass.selection.takes_whole_lanes()
                && durations.milliseconds.is_empty()
                && !baseline
                && repeats.counts_all(changes);
            if whole && let Some(column) = stretch(changes, durations, &rows) {
                let group = pass.lane_group(lane);
                if counts_links {
                    let all = changes.offset[rows[0].1.start] as usize..;
                    let linked = changes.in_pull_request.get(all).unwrap_or(&[]);
                    let linked = linked
                        .iter()
                        .take(column.values.len())
                        .filter(|known| **known);
                    let counts = Counts::of(linked.count() as u64, column.values.len() as u64);
                    pass.sheet.in_pull_requests.add(counts);
                }
                pass.sheet.narrow.push(Column { group, ..column });
                continue;
            }
            let picked = Picked {
                number,
                lane,
                changes,
                rows: &rows,
                repeats: &repeats,
                counts_links,
            };
            if durations.milliseconds.is_empty() {
                let value =
                    |at: usize| Some(durations.seconds[at]).filter(|seconds| *seconds != NONE);
                let columns = picked.columns(pass, value);
                pass.sheet.narrow.extend(columns);
            } else {
                let columns = picked.columns(pass, |at| {
                    durations.milliseconds_at(at).map(|span| span as u64)
                });
                pass.sheet.wide.extend(columns);
            }
        }
    }
    if matches!(span, ChangeSpan::LeadTime(_)) {
        let extent = pass.buckets.extent();
        let odd =
            pass.block.quality.iter().filter(|row| {
                row.kind == QualityKind::NegativeLeadTime && extent.contains(&row.at)
            });
        pass.sheet.negative += odd.count() as u64;
    }
}

/// A lane's spans as one stretch of the column; `None` where some are missing.
fn stretch<'a>(
    changes: &Changes,
    durations: &'a Durations,
    rows: &Rows,
) -> Option<Column<'a, u32>> {
    let start = changes.offset[rows.first()?.1.start];
    let end = changes.offset[rows.last()?.1.end];
    let values = &durations.seconds[start as usize..end as usize];
    if durations.missing > 0 && values.contains(&NONE) {
        return None;
    }
    let past = |deployments: &Range<usize>| changes.offset[deployments.end] - start;
    Some(Column {
        group: 0,
        values: Cow::Borrowed(values),
        runs: rows
            .iter()
            .map(|(cell, deployments)| (*cell as u32, past(deployments)))
            .collect(),
    })
}

/// Changes of a lane that have to be looked at one by one.
struct Picked<'r, 'a> {
    number: usize,
    lane: &'a Lane,
    changes: &'a Changes,
    rows: &'r Rows,
    repeats: &'r Repeats,
    counts_links: bool,
}

impl<'a> Picked<'_, 'a> {
    /// The values of those that count, a column a group.
    fn columns<V: Value>(
        &self,
        pass: &mut Pass<'_, '_, 'a>,
        value: impl Fn(usize) -> Option<V>,
    ) -> Vec<Column<'static, V>> {
        let mut columns: Vec<Column<'static, V>> = Vec::new();
        self.each(pass, |pass, cell, _, at, groups| {
            let Some(value) = value(at) else {
                return;
            };
            if self.counts_links {
                let known = self
                    .changes
                    .in_pull_request
                    .get(at)
                    .copied()
                    .unwrap_or(false);
                pass.sheet.in_pull_requests.add(Counts::of(known.into(), 1));
            }
            for group in groups {
                match columns.iter_mut().find(|column| column.group == *group) {
                    Some(column) => column.push(cell, value),
                    None => {
                        let mut column = Column::new(*group);
                        column.push(cell, value);
                        columns.push(column);
                    }
                }
            }
        });
        columns
    }

    /// Calls `visit` with cell, deployment, change and groups of every change that counts.
    fn each<'p, 'q>(
        &self,
        pass: &mut Pass<'p, 'q, 'a>,
        mut visit: impl FnMut(&mut Pass<'p, 'q, 'a>, usize, usize, usize, &[u32]),
    ) {
        let whole = pass
            .selection
            .takes_whole_lanes()
            .then(|| pass.lane_group(self.lane));
        let environment = self.lane.environment.text();
        for (cell, deployments) in self.rows {
            for deployment in deployments.clone() {
                if self.lane.deployments.flags[deployment].has(Flags::BASELINE) {
                    continue;
                }
                let finished_at = self.lane.deployments.finished_at[deployment];
                for at in self.changes.of(deployment) {
                    if !self
                        .repeats
                        .counts(self.changes, at, finished_at, self.number)
                    {
                        continue;
                    }
                    if let Some(group) = whole {
                        visit(pass, *cell, deployment, at, &[group]);
                        continue;
                    }
                    let facts = change_facts(self.lane, self.changes, deployment, at);
                    let groups = pass.row_groups(Some(environment), &facts);
                    visit(pass, *cell, deployment, at, &groups);
                }
            }
        }
    }
}

/// What is counted of changes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeCount {
    /// All.
    All,
    /// Those that revert an earlier one.
    Reverts,
    /// Those of rework deployments.
    Rework,
}

/// Counts the changes that were delivered in each cell.
pub(super) fn counts(pass: &mut Pass<'_, '_, '_>, counted: ChangeCount) {
    let class = pass.class;
    for (number, lane) in pass.lanes() {
        let rows = rows_of(pass, lane);
        let baseline = has_baseline(lane, &rows);
        let repeats = pass.repeats(lane.tier);
        for changes in pass.changes(lane) {
            let whole = counted == ChangeCount::All
                && pass.selection.takes_whole_lanes()
                && !baseline
                && repeats.counts_all(changes);
            if whole {
                let group = pass.lane_group(lane);
                for (cell, deployments) in &rows {
                    let count = changes.offset[deployments.end] - changes.offset[deployments.start];
                    pass.sheet.tallies.add(
                        group,
                        class,
                        *cell,
                        Counts::of(count.into(), count.into()),
                    );
                }
                continue;
            }
            let picked = Picked {
                number,
                lane,
                changes,
                rows: &rows,
                repeats: &repeats,
                counts_links: false,
            };
            let mut sums = Sums::default();
            picked.each(pass, |_, cell, deployment, at, groups| {
                let part = match counted {
                    ChangeCount::All => true,
                    ChangeCount::Reverts => changes.revert.get(at).copied().unwrap_or(false),
                    ChangeCount::Rework => lane.deployments.flags[deployment].has(Flags::REWORK),
                };
                sums.add(groups, cell, Counts::of(part.into(), 1));
            });
            sums.settle(pass);
        }
    }
}

/// Sums a part of the lead time in each cell, over all changes that have a lead time.
///
/// A part that a change does not have took no time: so the means of the parts add up to the mean lead time.
pub(super) fn part_sums(pass: &mut Pass<'_, '_, '_>, part: usize) {
    for (number, lane) in pass.lanes() {
        let rows = rows_of(pass, lane);
        let baseline = has_baseline(lane, &rows);
        let repeats = pass.repeats(lane.tier);
        for changes in pass.changes(lane) {
            let Some(total) = ChangeSpan::LeadTime(LeadTimeFrom::Committed).durations(changes)
            else {
                continue;
            };
            let part = ChangeSpan::Part(part).durations(changes);
            if pass.selection.takes_whole_lanes() && !baseline && repeats.counts_all(changes) {
                let group = pass.lane_group(lane);
                for (cell, deployments) in &rows {
                    let start = changes.offset[deployments.start] as usize;
                    let counts =
                        sum_part(total, part, start..changes.offset[deployments.end] as usize);
                    pass.sheet.tallies.add(group, pass.class, *cell, counts);
                }
                continue;
            }
            let picked = Picked {
                number,
                lane,
                changes,
                rows: &rows,
                repeats: &repeats,
                counts_links: false,
            };
            let mut sums = Sums::default();
            picked.each(pass, |_, cell, _, at, groups| {
                sums.add(groups, cell, sum_part(total, part, at..at + 1));
            });
            sums.settle(pass);
        }
    }
}

/// Milliseconds of a part over the changes that have a lead time, how many those are, and how many have the part.
fn sum_part(total: &Durations, part: Option<&Durations>, changes: Range<usize>) -> Counts {
    let mut counts = Counts::default();
    for at in changes {
        if total.seconds[at] == NONE {
            continue;
        }
        counts.whole += 1;
        if let Some(span) = part.and_then(|part| part.milliseconds_at(at)) {
            counts.part += span as u64;
            counts.known += 1;
        }
    }
    counts
}

/// Sums of a lane by group and cell, so that a table gets one entry for many rows.
#[derive(Default)]
struct Sums(Vec<(u32, usize, Counts)>);

impl Sums {
    fn add(&mut self, groups: &[u32], cell: usize, counts: Counts) {
        for group in groups {
            // Rows come in order of time: what is summed up is among the last entries.
            let recent = self.0.iter_mut().rev().take(8);
            match recent
                .into_iter()
                .find(|(of, at, _)| of == group && *at == cell)
            {
                Some((_, _, sum)) => sum.add(counts),
                None => self.0.push((*group, cell, counts)),
            }
        }
    }

    fn settle(self, pass: &mut Pass<'_, '_, '_>) {
        for (group, cell, counts) in self.0 {
            pass.sheet.tallies.add(group, pass.class, cell, counts);
        }
    }
}

/// Gathers how many changes each deployment delivered; of a baseline and of an unlinked one nobody knows.
pub(super) fn batch_sizes(pass: &mut Pass<'_, '_, '_>) {
    for (_, lane) in pass.lanes() {
        let all = pass.changes(lane);
        let whole = pass
            .selection
            .takes_whole_lanes()
            .then(|| pass.lane_group(lane));
        let mut columns: Vec<Column<'static, u32>> = Vec::new();
        let mut authors = SmallVec::new();
        for (cell, deployments) in rows_of(pass, lane) {
            for at in deployments {
                let flags = lane.deployments.flags[at];
                if flags.has(Flags::BASELINE) || !flags.has(Flags::LINKED) {
                    continue;
                }
                let size = all.iter().map(|changes| changes.of(at).len() as u32).sum();
                let groups = match whole {
                    Some(group) => SmallVec::from_slice(&[group]),
                    None => {
                        let facts = pass.deployment_facts(lane, at, &mut authors);
                        pass.row_groups(Some(lane.environment.text()), &facts)
                    }
                };
                for group in groups {
                    match columns.iter_mut().find(|column| column.group == group) {
                        Some(column) => column.push(cell, size),
                        None => {
                            let mut column = Column::new(group);
                            column.push(cell, size);
                            columns.push(column);
                        }
                    }
                }
            }
        }
        pass.sheet.narrow.extend(columns);
    }
}
