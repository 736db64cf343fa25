//! From what a pass found to measures: one a group and point.

use std::ops::Range;
use std::sync::Arc;

use crate::model::{Metric, Statistic};

use super::answer::Measure;
use super::buckets::Buckets;
use super::calendar;
use super::coverage::{Classes, Share};
use super::sheet::{Column, Sheet};
use super::statistics::{downtime, statistic_of};
use super::tallies::{Counts, Tally};

/// How what was found becomes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Rows; zero only where coverage is whole.
    Count,
    /// Part ÷ whole.
    Rate,
    /// Rows per covered calendar day.
    PerDay,
    /// A statistic over values.
    Values(Statistic),
    /// Mean of a part of the lead time over all changes that have one.
    PartMean,
    /// 1 − downtime ÷ covered time.
    Availability,
}

impl Form {
    pub fn of(metric: Metric, statistic: Statistic) -> Self {
        match metric {
            Metric::DeploymentFrequency => Self::PerDay,
            Metric::ChangeFailRate
            | Metric::DeploymentReworkRate
            | Metric::RevertRate
            | Metric::ReworkShare => Self::Rate,
            Metric::Deployments
            | Metric::FailedRollouts
            | Metric::Commits
            | Metric::UndeployedCommits
            | Metric::Incidents
            | Metric::OpenIncidents
            | Metric::DefectsOpened => Self::Count,
            Metric::Availability => Self::Availability,
            Metric::LeadTimeCoding
            | Metric::LeadTimePickup
            | Metric::LeadTimeReview
            | Metric::LeadTimeMerge
            | Metric::LeadTimeBuild
            | Metric::LeadTimeDeploy
                if statistic == Statistic::Mean =>
            {
                Self::PartMean
            }
            Metric::ChangeLeadTime
            | Metric::FailedDeploymentRecoveryTime
            | Metric::TimeToRestore
            | Metric::BatchSize
            | Metric::LeadTimeCoding
            | Metric::LeadTimePickup
            | Metric::LeadTimeReview
            | Metric::LeadTimeMerge
            | Metric::LeadTimeBuild
            | Metric::LeadTimeDeploy
            | Metric::PullRequestAge
            | Metric::DefectAge => Self::Values(statistic),
        }
    }
}

/// Whether the metric shows the state at the end of each point, not what happened in it.
fn is_state(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::OpenIncidents
            | Metric::UndeployedCommits
            | Metric::DefectAge
            | Metric::PullRequestAge
    )
}

/// What was found for a metric, ready to be read group by group.
pub(super) struct Collected<'a> {
    pub sheet: Sheet<'a>,
    pub buckets: Buckets,
    metric: Metric,
    form: Form,
    classes: Arc<Classes>,
    /// `[class][point]`.
    shares: Vec<Vec<Share>>,
    /// Indices into the sheet's lists, by group.
    tallies: Index,
    linked: Index,
    narrow: Index,
    wide: Index,
    outages: Index,
}

/// Positions in a list by group: `order[start[group]..start[group + 1]]`.
struct Index {
    start: Vec<u32>,
    order: Vec<u32>,
}

impl Index {
    fn new(groups: usize, of: impl Iterator<Item = u32> + Clone) -> Self {
        let mut start = vec![0_u32; groups + 1];
        for group in of.clone() {
            start[group as usize + 1] += 1;
        }
        for group in 0..groups {
            start[group + 1] += start[group];
        }
        let mut next = start.clone();
        let mut order = vec![0; start[groups] as usize];
        for (at, group) in of.enumerate() {
            let place = &mut next[group as usize];
            order[*place as usize] = at as u32;
            *place += 1;
        }
        Self { start, order }
    }

    fn of(&self, group: Option<u32>) -> &[u32] {
        let Some(group) = group.map(|group| group as usize) else {
            return &[];
        };
        &self.order[self.start[group] as usize..self.start[group + 1] as usize]
    }
}

/// The calendar days that the asked time touches. What lies before 1970 holds no event.
fn calendar_of(buckets: &Buckets) -> Vec<i64> {
    let begun = || buckets.points.iter().filter(|span| span.has_begun());
    let start = begun()
        .map(|span| span.asked.start)
        .min()
        .unwrap_or(0)
        .max(0);
    let end = begun().map(|span| span.asked.end).max().unwrap_or(0);
    if start < end {
        calendar::days(start, end, buckets.zone)
    } else {
        Vec::new()
    }
}

impl<'a> Collected<'a> {
    /// Prepares what was found for being read by group.
    pub fn new(
        sheet: Sheet<'a>,
        metric: Metric,
        statistic: Statistic,
        classes: Arc<Classes>,
        buckets: Buckets,
    ) -> Self {
        let form = Form::of(metric, statistic);
        let calendar = if form == Form::PerDay {
            calendar_of(&buckets)
        } else {
            Vec::new()
        };
        let groups = sheet.registry.values.len();
        Self {
            tallies: Index::new(groups, sheet.tallies.list.iter().map(|tally| tally.group)),
            linked: Index::new(groups, sheet.linked.list.iter().map(|tally| tally.group)),
            narrow: Index::new(groups, sheet.narrow.iter().map(|column| column.group)),
            wide: Index::new(groups, sheet.wide.iter().map(|column| column.group)),
            outages: Index::new(groups, sheet.outages.iter().map(|(group, _, _)| *group)),
            shares: classes.shares(&buckets, &calendar),
            sheet,
            metric,
            form,
            classes,
            buckets,
        }
    }
}

impl Collected<'_> {
    /// The cells that a point reads: its own, or of a state the one it was noted under.
    fn slot(&self, point: usize) -> Range<usize> {
        if is_state(self.metric) {
            point..point + 1
        } else {
            self.buckets.points[point].cells.clone()
        }
    }

    /// How many values each group has.
    pub fn volumes(&self) -> Vec<u64> {
        let mut volumes = vec![0; self.sheet.registry.values.len()];
        for tally in &self.sheet.tallies.list {
            volumes[tally.group as usize] += tally.counts.whole;
        }
        for column in &self.sheet.narrow {
            volumes[column.group as usize] += column.values.len() as u64;
        }
        for column in &self.sheet.wide {
            volumes[column.group as usize] += column.values.len() as u64;
        }
        for (group, _, _) in &self.sheet.outages {
            volumes[*group as usize] += 1;
        }
        volumes
    }

    /// The columns of a group.
    pub fn columns(&self, group: Option<u32>) -> (Vec<&Column<'_, u32>>, Vec<&Column<'_, u64>>) {
        let narrow = self
            .narrow
            .of(group)
            .iter()
            .map(|at| &self.sheet.narrow[*at as usize]);
        let wide = self
            .wide
            .of(group)
            .iter()
            .map(|at| &self.sheet.wide[*at as usize]);
        (narrow.collect(), wide.collect())
    }

    /// A group's measures, one a point; of a group that is not on the sheet what coverage alone says.
    pub fn measures(&self, group: Option<u32>) -> Vec<Measure> {
        let all: Vec<u32>;
        let classes: &[u32] = match group.map(|group| &self.sheet.classes[group as usize]) {
            Some(classes) if !classes.is_empty() => classes,
            _ => {
                all = (0..self.classes.len() as u32).collect();
                &all
            }
        };
        let linked = self.sums(
            &self.sheet.linked.list,
            self.linked.of(group),
            self.buckets.cells(),
        );
        let slots = self.buckets.cells().max(self.buckets.points.len());
        let tallies = self.sums(&self.sheet.tallies.list, self.tallies.of(group), slots);
        let values = match self.form {
            Form::Values(statistic) => {
                let (narrow, wide) = self.columns(group);
                let slots = (0..self.buckets.points.len())
                    .map(|point| self.slot(point))
                    .collect::<Vec<_>>();
                statistic_of(statistic, &narrow, &wide, &slots, &self.buckets)
            }
            Form::Availability => self.availability(group, classes),
            Form::Count | Form::Rate | Form::PerDay | Form::PartMean => Vec::new(),
        };
        let points = self.buckets.points.iter().enumerate();
        points
            .map(|(point, span)| {
                let share = self.share(classes, point);
                let sum = |table: &[(u32, Vec<Counts>)], cells: Range<usize>| {
                    let mut sum = Counts::default();
                    table
                        .iter()
                        .flat_map(|(_, row)| &row[cells.clone()])
                        .for_each(|counts| sum.add(*counts));
                    sum
                };
                let links = sum(&linked, span.cells.clone());
                let slot = self.slot(point);
                let (value, n) = match self.form {
                    Form::Values(_) | Form::Availability => values[point],
                    Form::Count => {
                        let n = sum(&tallies, slot).whole;
                        (Some(n as f64), n)
                    }
                    Form::Rate => {
                        let found = sum(&tallies, slot);
                        (ratio(found.part as f64, found.whole as f64), found.whole)
                    }
                    Form::PartMean => {
                        let found = sum(&tallies, slot);
                        let mean = ratio(found.part as f64 / 1000.0, found.whole as f64);
                        (mean.filter(|_| found.known > 0), found.whole)
                    }
                    Form::PerDay => {
                        let n = sum(&tallies, slot.clone()).whole;
                        (self.per_day(&tallies, classes, point, slot), n)
                    }
                };
                let is_count = matches!(self.form, Form::Count | Form::Values(Statistic::Count));
                // Nobody can tell none from unknown where the sources did not answer for the whole bucket.
                let value = value.filter(|_| !is_count || n > 0 || share.whole);
                Measure {
                    value: value.filter(|_| span.has_begun()),
                    n,
                    covered_ratio: share.ratio,
                    linked_ratio: ratio(links.part as f64, links.whole as f64),
                }
            })
            .collect()
    }

    /// Sums of the tallies by class, one a slot.
    fn sums(&self, list: &[Tally], positions: &[u32], slots: usize) -> Vec<(u32, Vec<Counts>)> {
        let mut sums: Vec<(u32, Vec<Counts>)> = Vec::new();
        for at in positions {
            let tally = list[*at as usize];
            let found = sums.iter().position(|(class, _)| *class == tally.class);
            let row = found.unwrap_or_else(|| {
                sums.push((tally.class, vec![Counts::default(); slots]));
                sums.len() - 1
            });
            sums[row].1[tally.cell as usize].add(tally.counts);
        }
        sums
    }

    /// What several classes have together: the mean of their ratios, whole only where all are.
    fn share(&self, classes: &[u32], point: usize) -> Share {
        let shares = || {
            classes
                .iter()
                .map(|class| self.shares[*class as usize][point])
        };
        Share {
            ratio: ratio(
                shares().map(|share| share.ratio).sum(),
                classes.len() as f64,
            )
            .unwrap_or(0.0),
            whole: !classes.is_empty() && shares().all(|share| share.whole),
            days: 0.0,
        }
    }

    /// Rows per covered day: applications with different sources each by their own days, then added.
    fn per_day(
        &self,
        tallies: &[(u32, Vec<Counts>)],
        classes: &[u32],
        point: usize,
        cells: Range<usize>,
    ) -> Option<f64> {
        let mut total = None;
        for class in classes {
            let row = tallies.iter().find(|(of, _)| of == class);
            let rows: u64 = row.map_or(0, |(_, row)| {
                row[cells.clone()].iter().map(|counts| counts.whole).sum()
            });
            if let Some(rate) = ratio(rows as f64, self.shares[*class as usize][point].days) {
                total = Some(total.unwrap_or(0.0) + rate);
            }
        }
        total
    }

    fn availability(&self, group: Option<u32>, classes: &[u32]) -> Vec<(Option<f64>, u64)> {
        let outages: Vec<(i64, i64)> = self
            .outages
            .of(group)
            .iter()
            .map(|at| self.sheet.outages[*at as usize])
            .map(|(_, start, end)| (start, end))
            .collect();
        let covered: Vec<&[(i64, i64)]> = classes
            .iter()
            .map(|class| self.classes.covered(*class))
            .collect();
        downtime(outages, &covered, &self.buckets)
    }
}

/// The ratio; `None` without a denominator.
fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}
