//! One block's part in a pass: its groups, its row filters, its rows.

use std::cell::OnceCell;
use std::ops::Range;

use smallvec::SmallVec;

use crate::correlate::{Block, Changes, FailureRules, Flags, Lane, NONE};
use crate::model::{ChangeUnit, GroupKey, Tier};

use super::buckets::Buckets;
use super::groups::{Facts, GroupValues, Grouping};
use super::repeats::Repeats;
use super::select::{RowTests, Selection};
use super::sheet::Sheet;
use super::tallies::Counts;

/// What gathering a metric from one block works with.
pub(super) struct Pass<'p, 'q, 'a> {
    pub selection: &'p Selection<'q>,
    pub buckets: &'p Buckets,
    pub block: &'a Block,
    /// The block's coverage class.
    pub class: u32,
    pub sheet: &'p mut Sheet<'a>,
    pub tests: RowTests<'q>,
    pub grouping: Grouping<'p, 'a>,
}

impl<'p, 'q, 'a> Pass<'p, 'q, 'a> {
    pub fn new(
        selection: &'p Selection<'q>,
        buckets: &'p Buckets,
        block: &'a Block,
        class: u32,
        sheet: &'p mut Sheet<'a>,
    ) -> Self {
        Self {
            selection,
            buckets,
            block,
            class,
            sheet,
            tests: selection.row_tests(block),
            grouping: Grouping::new(&selection.question.group_by, block),
        }
    }

    /// Gives whole lanes their groups on this sheet.
    pub fn number_groups(&mut self, lanes: &mut [LaneRows<'a>]) {
        let whole = self.selection.takes_whole_lanes();
        for of in lanes {
            of.group = whole.then(|| self.lane_group(of.lane));
        }
    }

    /// The group of a whole lane, where no row has to be looked at.
    fn lane_group(&mut self, lane: &Lane) -> u32 {
        self.place_group(Some(lane.environment.text()))
    }

    /// The group of all that happened in a place, where no row has to be looked at.
    pub fn place_group(&mut self, environment: Option<&crate::model::Text>) -> u32 {
        let block = self.block;
        let values: GroupValues = self
            .selection
            .question
            .group_by
            .iter()
            .map(|key| match key {
                GroupKey::Application => Some(block.application.text().clone()),
                GroupKey::Team => block.application.team().map(Into::into),
                GroupKey::Environment => environment.cloned(),
                GroupKey::Repository
                | GroupKey::Cluster
                | GroupKey::Author
                | GroupKey::Label(_) => None,
            })
            .collect();
        let group = self.sheet.registry.number(values);
        self.sheet.belongs(group, self.class);
        group
    }

    /// The groups of a row that passes the filters; none where it does not pass.
    pub fn row_groups(
        &mut self,
        environment: Option<&crate::model::Text>,
        facts: &Facts<'_>,
    ) -> SmallVec<[u32; 2]> {
        if !self.tests.accept(facts) {
            return SmallVec::new();
        }
        let groups = self
            .grouping
            .of(environment, facts, &mut self.sheet.registry);
        for group in &groups {
            self.sheet.belongs(*group, self.class);
        }
        groups
    }

    /// Whether filters or groups look at authors.
    pub fn looks_at_authors(&self) -> bool {
        self.tests.look_at_authors() || self.selection.question.group_by.contains(&GroupKey::Author)
    }

    /// The changes of a lane that the question counts.
    pub fn changes(&self, lane: &'a Lane) -> SmallVec<[&'a Changes; 2]> {
        changes_of(self.selection, lane)
    }

    /// Which changes count although another environment had them before.
    pub fn repeats(&self, tier: Tier) -> Repeats {
        Repeats::new(self.selection, &self.tests, self.block, tier)
    }

    /// Counts the deployments that pass, by their finish: those with the flag of all (`tallied`), the linked of all
    /// (`links`).
    pub fn count(&mut self, lanes: &[LaneRows<'a>], tallied: Option<Flags>, links: bool) {
        let class = self.class;
        let flag = tallied.unwrap_or_default();
        if tallied.is_none() && !links {
            return;
        }
        for of in lanes {
            let deployments = &of.lane.deployments;
            if let Some(group) = of.group {
                let sheet = &mut *self.sheet;
                if self.buckets.cells() > 1 && self.selection.question.group_by.is_empty() {
                    sheet.singles.tallied |= tallied.is_some();
                    sheet.singles.links |= links;
                    let counts = sheet.singles.of(class, self.buckets.cells());
                    let (times, flags) = (&deployments.finished_at, &deployments.flags);
                    self.buckets.each(times, of.window.clone(), |cell, at| {
                        let (part, known) = (flags[at].has(flag), flags[at].has(Flags::LINKED));
                        let counts = &mut counts[cell];
                        counts[0] += u32::from(part);
                        counts[1] += u32::from(known);
                        counts[2] += 1;
                    });
                    continue;
                }
                let mut parts = tallied.map(|_| sheet.tallies.row(group, class));
                let mut linked = links.then(|| sheet.linked.row(group, class));
                let mut add = |cell: usize, part: u32, known: u32, whole: u32| {
                    if let Some(parts) = &mut parts {
                        parts.add(cell, Counts::of(part.into(), whole.into()));
                    }
                    if let Some(linked) = &mut linked {
                        linked.add(cell, Counts::of(known.into(), whole.into()));
                    }
                };
                for (cell, indices) in of.rows(self.buckets) {
                    let (mut part, mut known) = (0, 0);
                    for flags in &deployments.flags[indices.clone()] {
                        part += u32::from(flags.has(flag));
                        known += u32::from(flags.has(Flags::LINKED));
                    }
                    add(*cell, part, known, indices.len() as u32);
                }
                continue;
            }
            let mut authors = SmallVec::new();
            for (cell, at) in single(of.rows(self.buckets)) {
                let facts = self.deployment_facts(of.lane, at, &mut authors);
                let flags = deployments.flags[at];
                let (part, linked) = (flags.has(flag), flags.has(Flags::LINKED));
                for group in self.row_groups(Some(of.lane.environment.text()), &facts) {
                    if tallied.is_some() {
                        let counts = Counts::of(part.into(), 1);
                        self.sheet.tallies.add(group, class, cell, counts);
                    }
                    if links {
                        let counts = Counts::of(linked.into(), 1);
                        self.sheet.linked.add(group, class, cell, counts);
                    }
                }
            }
        }
    }

    /// What filters and groups see of a deployment; its authors are those of the changes it delivered.
    pub fn deployment_facts<'s>(
        &self,
        lane: &'a Lane,
        at: usize,
        authors: &'s mut SmallVec<[u32; 4]>,
    ) -> Facts<'s>
    where
        'a: 's,
    {
        authors.clear();
        if self.looks_at_authors() {
            for changes in self.changes(lane) {
                if !changes.author.is_empty() {
                    authors.extend(
                        changes.author[changes.of(at)]
                            .iter()
                            .copied()
                            .filter(|author| *author != NONE),
                    );
                }
            }
            authors.sort_unstable();
            authors.dedup();
        }
        Facts {
            authors: authors.as_slice(),
            ..bare_facts(lane, at)
        }
    }
}

/// Cells with the deployments that lie in them.
pub(super) type Rows = SmallVec<[(usize, Range<usize>); 1]>;

/// The rows of all cells, one by one.
pub(super) fn single(rows: &Rows) -> impl Iterator<Item = (usize, usize)> {
    rows.iter()
        .flat_map(|(cell, indices)| indices.clone().map(move |at| (*cell, at)))
}

/// A lane, and its deployments that lie in the buckets.
pub(super) struct LaneRows<'a> {
    /// Its number in the block.
    pub number: usize,
    pub lane: &'a Lane,
    /// Its group, where no row has to be looked at.
    pub group: Option<u32>,
    /// The deployments, as a range of indices.
    pub window: Range<usize>,
    rows: OnceCell<Rows>,
}

impl LaneRows<'_> {
    /// The deployments of each cell: split up once for all metrics of an answer, and only where one needs it.
    pub fn rows(&self, buckets: &Buckets) -> &Rows {
        self.rows.get_or_init(|| {
            // Growing by doubling would copy the rows of each of thousands of lanes several times.
            let mut rows = Rows::with_capacity(buckets.cells().min(self.window.len()));
            let times = &self.lane.deployments.finished_at;
            buckets.march(times, self.window.clone(), |cell, deployments| {
                rows.push((cell, deployments))
            });
            rows
        })
    }
}

/// The lanes of a block that the question is about, and what of them lies in the buckets; groups still to be numbered.
pub(super) fn lanes_of<'a>(
    selection: &Selection<'_>,
    buckets: &Buckets,
    block: &'a Block,
) -> SmallVec<[LaneRows<'a>; 2]> {
    let lanes = selection.lanes(block);
    lanes
        .map(|(number, lane)| LaneRows {
            number,
            lane,
            group: None,
            window: buckets.window(&lane.deployments.finished_at),
            rows: OnceCell::new(),
        })
        .collect()
}

/// The changes of a lane that the question counts.
pub(super) fn changes_of<'a>(
    selection: &Selection<'_>,
    lane: &'a Lane,
) -> SmallVec<[&'a Changes; 2]> {
    let mut changes: SmallVec<[&'a Changes; 2]> = SmallVec::new();
    match selection.question.change_unit {
        ChangeUnit::PullRequest => changes.push(&lane.pull_requests),
        ChangeUnit::Commit => {
            changes.push(&lane.commits);
            if selection.question.include_merges {
                changes.push(&lane.merges);
            }
        }
    }
    // Columns of a lane without such changes may be wholly empty, offsets included.
    changes.retain(|changes| !changes.is_empty());
    changes
}

/// What filters and groups see of a deployment, its authors left out.
pub(super) fn bare_facts(lane: &Lane, at: usize) -> Facts<'_> {
    let deployments = &lane.deployments;
    let clusters = match deployments.cluster_offset.get(at..at + 2) {
        Some(offset) => &deployments.cluster[offset[0] as usize..offset[1] as usize],
        None => &[],
    };
    Facts {
        repository: deployments.repository.get(at).copied().unwrap_or(NONE),
        labels: deployments.labels.get(at).copied().unwrap_or(NONE),
        clusters,
        authors: &[],
        severity: NONE,
        outcome: Some("succeeded"),
        rules: deployments
            .rules
            .get(at)
            .copied()
            .unwrap_or(FailureRules(0)),
    }
}

/// What filters and groups see of one change: its deployment's facts and its own author.
pub(super) fn change_facts<'a>(
    lane: &'a Lane,
    changes: &'a Changes,
    deployment: usize,
    at: usize,
) -> Facts<'a> {
    let author = changes
        .author
        .get(at..at + 1)
        .filter(|author| author[0] != NONE);
    Facts {
        authors: author.unwrap_or(&[]),
        ..bare_facts(lane, deployment)
    }
}
