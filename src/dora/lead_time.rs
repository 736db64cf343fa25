//! Lead times of delivered changes, and their parts.

use std::borrow::Cow;
use std::ops::Range;

use smallvec::SmallVec;

use crate::correlate::{Changes, Durations, Flags, Lane, NONE, QualityKind};
use crate::model::{ChangeUnit, LeadTimeFrom, Metric, Question};

use super::buckets::Buckets;
use super::parts::{lead_time, part_at, part_of};
use super::pass::{LaneRows, Pass, bare_facts, change_facts, single};
use super::quantile::Value;
use super::repeats::Repeats;
use super::sheet::{Column, Columns, Runs};
use super::tallies::Counts;

/// Deployments a cell below which looking up the cell of each is cheaper than finding those that share one.
const FEW_IN_A_CELL: usize = 3;

/// Which span of a change is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ChangeSpan {
    LeadTime(LeadTimeFrom),
    /// Number of the part in `Metric::PARTS`, and where the lead time starts.
    Part(usize, LeadTimeFrom),
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
            .map(|part| Self::Part(part, question.lead_time_from))
    }

    /// Where the spans stand; `None` where no change has one.
    pub fn durations(self, changes: &Changes) -> Option<Cow<'_, Durations>> {
        match self {
            Self::LeadTime(from) => lead_time(changes, from).map(Cow::Borrowed),
            Self::Part(part, from) => part_of(changes, part, from),
        }
    }

    /// One change's span in milliseconds.
    pub fn milliseconds_at(self, changes: &Changes, at: usize) -> Option<i64> {
        match self {
            Self::LeadTime(from) => lead_time(changes, from)?.milliseconds_at(at),
            Self::Part(part, from) => part_at(changes, part, from, at),
        }
    }
}

/// Whether a baseline among these deployments has changes, which count in nothing.
fn has_baseline(lane: &Lane, changes: &Changes, deployments: &Range<usize>) -> bool {
    let flags = &lane.deployments.flags[deployments.clone()];
    // Most lanes have none, which is found out without a branch a deployment.
    let any = flags.iter().fold(0, |any, flags| any | flags.0);
    Flags(any).has(Flags::BASELINE)
        && flags
            .iter()
            .zip(deployments.clone())
            .any(|(flags, at)| flags.has(Flags::BASELINE) && !changes.of(at).is_empty())
}

/// Gathers the spans of the changes that were delivered in each cell.
pub(super) fn spans<'a>(pass: &mut Pass<'_, '_, 'a>, lanes: &[LaneRows<'a>], span: ChangeSpan) {
    let counts_links = span == ChangeSpan::LeadTime(LeadTimeFrom::Committed)
        && pass.selection.question.change_unit == ChangeUnit::Commit;
    let is_one_group = pass.selection.question.group_by.is_empty();
    for at in lanes.iter().filter(|lane| !lane.window.is_empty()) {
        let repeats = pass.repeats(at.lane.tier);
        for changes in pass.changes(at.lane) {
            let Some(durations) = span.durations(changes) else {
                continue;
            };
            let picked = Picked {
                at,
                changes,
                repeats: &repeats,
                counts_links,
            };
            let seconds =
                |at: usize| Some(durations.seconds[at]).filter(|seconds| *seconds != NONE);
            let milliseconds = |at: usize| durations.milliseconds_at(at).map(|span| span as u64);
            match (picked.whole_group(), durations.milliseconds.is_empty()) {
                (Some(group), true) => {
                    let stretch = match &durations {
                        Cow::Borrowed(durations) => {
                            picked.stretch(durations, pass.buckets, is_one_group)
                        }
                        Cow::Owned(_) => None,
                    };
                    let column = match stretch {
                        Some(stretch) => Column { group, ..stretch },
                        None => picked.column(group, pass.buckets, seconds),
                    };
                    if counts_links {
                        pass.sheet
                            .in_pull_requests
                            .add(picked.links(column.values.len()));
                    }
                    pass.sheet.narrow.push(column);
                }
                (Some(group), false) => {
                    let column = picked.column(group, pass.buckets, milliseconds);
                    if counts_links {
                        pass.sheet
                            .in_pull_requests
                            .add(picked.links(column.values.len()));
                    }
                    pass.sheet.wide.push(column);
                }
                (None, true) => {
                    let columns = picked.columns(pass, seconds);
                    pass.sheet.narrow.extend(columns.0);
                }
                (None, false) => {
                    let columns = picked.columns(pass, milliseconds);
                    pass.sheet.wide.extend(columns.0);
                }
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

/// The changes of a lane, and which of them count.
pub(super) struct Picked<'r, 'a> {
    pub at: &'r LaneRows<'a>,
    pub changes: &'a Changes,
    pub repeats: &'r Repeats,
    /// Whether changes with a known pull request are counted on the way.
    pub counts_links: bool,
}

impl<'a> Picked<'_, 'a> {
    /// The group of all changes, where no filter or group looks at them and no baseline is among them.
    pub fn whole_group(&self) -> Option<u32> {
        let by_column = match self.repeats {
            Repeats::Count | Repeats::Skip => true,
            Repeats::First(_) => false,
        };
        let baseline = has_baseline(self.at.lane, self.changes, &self.at.window);
        self.at.group.filter(|_| by_column && !baseline)
    }

    /// The window's changes, as a range of indices.
    fn delivered(&self) -> Range<usize> {
        let (offset, window) = (&self.changes.offset, &self.at.window);
        offset[window.start] as usize..offset[window.end] as usize
    }

    /// All values as one stretch of the column; `None` where some are missing or counted elsewhere.
    fn stretch(
        &self,
        durations: &'a Durations,
        buckets: &Buckets,
        is_one_group: bool,
    ) -> Option<Column<'a, u32>> {
        let (at, changes) = (self.at, self.changes);
        let values = &durations.seconds[self.delivered()];
        if !self.repeats.counts_all(changes) || durations.missing > 0 && values.contains(&NONE) {
            return None;
        }
        let window = at.window.clone();
        let runs = if is_one_group && window.len() < FEW_IN_A_CELL * buckets.cells() {
            Runs::Timed {
                times: &at.lane.deployments.finished_at[window.clone()],
                offset: &changes.offset[window.start..=window.end],
            }
        } else {
            let first = changes.offset[window.start];
            let rows = at.rows(buckets).iter();
            let past = |deployments: &Range<usize>| changes.offset[deployments.end] - first;
            Runs::Listed(
                rows.map(|(cell, deployments)| (*cell as u32, past(deployments)))
                    .collect(),
            )
        };
        Some(Column {
            group: 0,
            values: Cow::Borrowed(values),
            runs,
        })
    }

    /// The values of a whole lane, one by one: without those that are missing or that the column marks as repeated.
    fn column<V: Value>(
        &self,
        group: u32,
        buckets: &Buckets,
        value: impl Fn(usize) -> Option<V>,
    ) -> Column<'static, V> {
        let skip = !self.repeats.counts_all(self.changes);
        let mut column = Column::new(group, self.delivered().len());
        for (cell, deployments) in self.at.rows(buckets) {
            let first = self.changes.offset[deployments.start] as usize;
            for at in first..self.changes.offset[deployments.end] as usize {
                if skip && self.changes.repeated_in_tier[at] {
                    continue;
                }
                if let Some(value) = value(at) {
                    column.push(*cell, value);
                }
            }
        }
        column
    }

    /// How many of the lane's changes have a known pull request, as a share of `values` that have a lead time.
    fn links(&self, values: usize) -> Counts {
        let known = &self.changes.in_pull_request;
        let known = known.get(self.delivered()).unwrap_or(&[]);
        let known = known.iter().filter(|known| **known).count();
        Counts::of(known.min(values) as u64, values as u64)
    }

    /// The values of those that count, a column a group.
    fn columns<V: Value>(
        &self,
        pass: &mut Pass<'_, '_, 'a>,
        value: impl Fn(usize) -> Option<V>,
    ) -> Columns<V> {
        let mut columns = Columns::default();
        self.each(pass, |pass, cell, _, at, groups| {
            let Some(value) = value(at) else {
                return;
            };
            if self.counts_links {
                let known = self.changes.in_pull_request.get(at).copied();
                let counts = Counts::of(known.unwrap_or(false).into(), 1);
                pass.sheet.in_pull_requests.add(counts);
            }
            columns.push(groups, cell, value);
        });
        columns
    }

    /// Calls `visit` with cell, deployment, change and groups of every change that counts.
    pub fn each<'p, 'q>(
        &self,
        pass: &mut Pass<'p, 'q, 'a>,
        mut visit: impl FnMut(&mut Pass<'p, 'q, 'a>, usize, usize, usize, &[u32]),
    ) {
        let LaneRows {
            number,
            lane,
            group,
            ..
        } = self.at;
        let environment = Some(lane.environment.text());
        let by_author = pass.looks_at_authors();
        for (cell, deployment) in single(self.at.rows(pass.buckets)) {
            let changes = self.changes.of(deployment);
            if changes.is_empty() || lane.deployments.flags[deployment].has(Flags::BASELINE) {
                continue;
            }
            let finished_at = lane.deployments.finished_at[deployment];
            let mut groups: SmallVec<[u32; 2]> = group.iter().copied().collect();
            if group.is_none() && !by_author {
                groups = pass.row_groups(environment, &bare_facts(lane, deployment));
            }
            for at in changes {
                if !self.repeats.counts(self.changes, at, finished_at, *number) {
                    continue;
                }
                if group.is_none() && by_author {
                    let facts = change_facts(lane, self.changes, deployment, at);
                    groups = pass.row_groups(environment, &facts);
                }
                visit(pass, cell, deployment, at, &groups);
            }
        }
    }
}
