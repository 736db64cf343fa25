//! One block's part in a pass: its groups, its row filters, its rows.

use smallvec::SmallVec;

use crate::correlate::{Block, Changes, FailureRules, Lane, NONE};
use crate::model::{ChangeUnit, GroupKey, Tier};

use super::buckets::Buckets;
use super::groups::{Facts, GroupValues, Grouping};
use super::repeats::Repeats;
use super::select::{RowTests, Selection};
use super::sheet::{Counts, Sheet};

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

    /// The lanes that the question is about.
    pub fn lanes(&self) -> SmallVec<[(usize, &'a Lane); 4]> {
        self.selection.lanes(self.block).collect()
    }

    /// The group of a whole lane, where no row has to be looked at.
    pub fn lane_group(&mut self, lane: &Lane) -> u32 {
        let values: GroupValues = self
            .selection
            .question
            .group_by
            .iter()
            .map(|key| match key {
                GroupKey::Application => Some(self.block.application.text().clone()),
                GroupKey::Team => self.block.application.team().map(Into::into),
                GroupKey::Environment => Some(lane.environment.text().clone()),
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

    /// Counts the deployments that pass, by their finish: those with the flag, of all.
    pub fn count_all(&mut self, counted: CountedIn) {
        for (_, lane) in self.lanes() {
            self.count_deployments(lane, counted);
        }
    }

    fn count_deployments(&mut self, lane: &'a Lane, counted: CountedIn) {
        let deployments = &lane.deployments;
        let flag = match counted {
            CountedIn::Links => crate::correlate::Flags::LINKED,
            CountedIn::Tallies(flag) => flag,
        };
        let (buckets, class) = (self.buckets, self.class);
        if self.selection.takes_whole_lanes() {
            let group = self.lane_group(lane);
            let tallies = match counted {
                CountedIn::Links => &mut self.sheet.linked,
                CountedIn::Tallies(_) => &mut self.sheet.tallies,
            };
            buckets.march(&deployments.finished_at, |cell, rows| {
                let whole = rows.len() as u64;
                let part = deployments.flags[rows]
                    .iter()
                    .filter(|flags| flags.has(flag))
                    .count();
                tallies.add(group, class, cell, Counts::of(part as u64, whole));
            });
            return;
        }
        let mut rows = Vec::new();
        buckets.march(&deployments.finished_at, |cell, indices| {
            rows.extend(indices.map(|at| (cell, at)));
        });
        let mut authors = SmallVec::new();
        for (cell, at) in rows {
            let facts = self.deployment_facts(lane, at, &mut authors);
            for group in self.row_groups(Some(lane.environment.text()), &facts) {
                let counts = Counts::of(u64::from(deployments.flags[at].has(flag)), 1);
                match counted {
                    CountedIn::Links => self.sheet.linked.add(group, class, cell, counts),
                    CountedIn::Tallies(_) => self.sheet.tallies.add(group, class, cell, counts),
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

/// Which table deployments are counted in, and which flag makes the part.
#[derive(Clone, Copy)]
pub(super) enum CountedIn {
    Links,
    Tallies(crate::correlate::Flags),
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
