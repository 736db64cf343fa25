//! Which sources concern an application and a metric, and what of the asked time they cover.

use std::collections::HashMap;

use crate::correlate::Block;
use crate::model::{ChangeUnit, Coverage, EventKind, LeadTimeFrom, Metric, Question, SourceName};

use super::answer::Coverages;
use super::buckets::{Buckets, Span};

/// The kinds of events that a metric rests on: those it cannot do without, and those it heeds where a source yields them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Needs {
    pub required: &'static [EventKind],
    pub optional: &'static [EventKind],
}

impl Needs {
    /// What the metric rests on (definitions, sections 2 to 4).
    pub fn of(metric: Metric, question: &Question) -> Self {
        use EventKind::{Commit, Deployment, Incident, PullRequest};
        let needs = |required, optional| Self { required, optional };
        let from_pull_requests = question.change_unit == ChangeUnit::PullRequest;
        match metric {
            Metric::ChangeLeadTime => match question.lead_time_from {
                LeadTimeFrom::PullRequestOpened | LeadTimeFrom::Merged => {
                    needs(&[Deployment, Commit, PullRequest], &[])
                }
                _ if from_pull_requests => needs(&[Deployment, Commit, PullRequest], &[]),
                LeadTimeFrom::Committed | LeadTimeFrom::Landed | LeadTimeFrom::Authored => {
                    needs(&[Deployment, Commit], &[])
                }
            },
            Metric::DeploymentFrequency | Metric::Deployments | Metric::FailedRollouts => {
                needs(&[Deployment], &[])
            }
            Metric::ChangeFailRate
            | Metric::FailedDeploymentRecoveryTime
            | Metric::DeploymentReworkRate => needs(&[Deployment], &[Incident]),
            Metric::TimeToRestore
            | Metric::Incidents
            | Metric::OpenIncidents
            | Metric::DefectsOpened
            | Metric::DefectAge
            | Metric::Availability => needs(&[Incident], &[]),
            Metric::LeadTimeCoding
            | Metric::LeadTimePickup
            | Metric::LeadTimeReview
            | Metric::LeadTimeMerge => needs(&[Deployment, Commit, PullRequest], &[]),
            Metric::Commits
            | Metric::UndeployedCommits
            | Metric::BatchSize
            | Metric::LeadTimeBuild
            | Metric::LeadTimeDeploy
            | Metric::RevertRate
            | Metric::ReworkShare => {
                if from_pull_requests {
                    needs(&[Deployment, Commit, PullRequest], &[])
                } else {
                    needs(&[Deployment, Commit], &[])
                }
            }
            Metric::PullRequestAge => needs(&[PullRequest], &[]),
        }
    }
}

/// The coverage of applications, one class for all that rest on the same sources.
pub(super) struct Classes {
    /// The class of each block, in the order they were given.
    pub of_block: Vec<u32>,
    /// What each class covers, milliseconds, sorted and apart.
    covered: Vec<Vec<(i64, i64)>>,
}

impl Classes {
    /// Finds the class of every block; without a block there is one class, of all sources that can yield the kinds.
    pub fn new<'a>(
        coverages: &Coverages,
        needs: &Needs,
        blocks: impl Iterator<Item = &'a Block>,
    ) -> Self {
        let numbers: HashMap<&SourceName, u16> = coverages
            .sources
            .iter()
            .enumerate()
            .map(|(number, source)| (&source.source, number as u16))
            .collect();
        let mut classes = Self {
            of_block: Vec::new(),
            covered: Vec::new(),
        };
        let mut known: HashMap<Option<Vec<u16>>, u32> = HashMap::new();
        let mut last: Option<(&'a Block, u32)> = None;
        for block in blocks {
            let class = match last {
                // Most applications of an estate share their sources: comparing is cheaper than looking up.
                Some((before, class))
                    if before.sources == block.sources && origins(before).eq(origins(block)) =>
                {
                    class
                }
                _ => {
                    let sources = sources_of(coverages, &numbers, needs, Some(block));
                    classes.class(coverages, sources, &mut known)
                }
            };
            last = Some((block, class));
            classes.of_block.push(class);
        }
        if classes.of_block.is_empty() {
            let sources = sources_of(coverages, &numbers, needs, None);
            classes.class(coverages, sources, &mut known);
        }
        classes
    }

    fn class(
        &mut self,
        coverages: &Coverages,
        sources: Option<Vec<u16>>,
        known: &mut HashMap<Option<Vec<u16>>, u32>,
    ) -> u32 {
        if let Some(class) = known.get(&sources) {
            return *class;
        }
        let shared = sources.as_ref().and_then(|sources| {
            let each = sources
                .iter()
                .map(|at| &coverages.sources[usize::from(*at)].coverage);
            each.fold(None, |shared: Option<Coverage>, next| {
                Some(shared.map_or_else(|| next.clone(), |shared| shared.intersection(next)))
            })
        });
        let ranges = shared.iter().flat_map(|coverage| coverage.ranges());
        self.covered.push(
            ranges
                .map(|range| (range.start.timestamp_millis(), range.end.timestamp_millis()))
                .collect(),
        );
        let class = self.covered.len() as u32 - 1;
        known.insert(sources, class);
        class
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.covered.len()
    }

    /// What the class covers, milliseconds, sorted and apart.
    pub fn covered(&self, class: u32) -> &[(i64, i64)] {
        &self.covered[class as usize]
    }

    /// What each point of the buckets has of each class: `[class][point]`.
    ///
    /// `calendar` holds the starts of the calendar days, for metrics a day; else it is empty, and so are the days.
    pub fn shares(&self, buckets: &Buckets, calendar: &[i64]) -> Vec<Vec<Share>> {
        self.covered
            .iter()
            .map(|covered| {
                let share = |span: &Span| Share::of(covered, span, calendar);
                buckets.points.iter().map(share).collect()
            })
            .collect()
    }
}

/// How much of a point is covered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Share {
    /// Covered ÷ asked time; 0 where nothing is asked.
    pub ratio: f64,
    /// All of the asked time, and some of it is asked.
    pub whole: bool,
    /// Σ covered part ÷ length of its calendar day.
    pub days: f64,
}

impl Share {
    fn of(covered: &[(i64, i64)], span: &Span, calendar: &[i64]) -> Self {
        if !span.has_begun() {
            return Self::default();
        }
        let asked = &span.asked;
        let first = covered.partition_point(|(_, end)| *end <= asked.start);
        let (mut known, mut days) = (0, 0.0);
        for (start, end) in &covered[first..] {
            let (start, end) = ((*start).max(asked.start), (*end).min(asked.end));
            if start >= end {
                break;
            }
            known += end - start;
            days += days_between(calendar, start, end);
        }
        let length = asked.end - asked.start;
        Self {
            ratio: known as f64 / length as f64,
            whole: known == length,
            days,
        }
    }
}

/// Σ part of each calendar day inside `[start, end)` ÷ that day's length; 0 without a calendar.
fn days_between(calendar: &[i64], start: i64, end: i64) -> f64 {
    let first = calendar
        .partition_point(|day| *day <= start)
        .saturating_sub(1);
    let mut days = 0.0;
    for day in calendar[first.min(calendar.len())..].windows(2) {
        if day[0] >= end {
            break;
        }
        let inside = day[1].min(end) - day[0].max(start);
        days += inside as f64 / (day[1] - day[0]) as f64;
    }
    days
}

/// The sources that concern an application: those its events of a kind came from, else all that can yield the kind.
///
/// `None` where no source can: then nothing is covered.
fn sources_of(
    coverages: &Coverages,
    numbers: &HashMap<&SourceName, u16>,
    needs: &Needs,
    block: Option<&Block>,
) -> Option<Vec<u16>> {
    let mut all = Vec::new();
    let kinds = needs.required.iter().map(|kind| (*kind, true));
    for (kind, is_required) in kinds.chain(needs.optional.iter().map(|kind| (*kind, false))) {
        let mut found = named(numbers, block, &[kind]);
        if found.is_empty() && kind == EventKind::Deployment {
            // Deployments that a rule made of tags, releases, merges or builds came from the sources of those.
            let origins: Vec<EventKind> = block.into_iter().flat_map(origins).collect();
            found = named(numbers, block, &origins);
        }
        if found.is_empty() {
            let able = coverages.sources.iter().enumerate();
            found = able
                .filter(|(_, source)| source.yields.contains(kind))
                .map(|(number, _)| number as u16)
                .collect();
        }
        if found.is_empty() && is_required {
            return None;
        }
        all.extend(found);
    }
    all.sort_unstable();
    all.dedup();
    Some(all)
}

fn named(
    numbers: &HashMap<&SourceName, u16>,
    block: Option<&Block>,
    kinds: &[EventKind],
) -> Vec<u16> {
    let sources = block.into_iter().flat_map(|block| &block.sources);
    sources
        .filter(|(kind, _)| kinds.contains(kind))
        .filter_map(|(_, source)| numbers.get(source).copied())
        .collect()
}

/// The kinds of events that the block's deployments were made of, as its oldest and newest ones show.
fn origins(block: &Block) -> impl Iterator<Item = EventKind> {
    block.lanes.iter().flat_map(|lane| {
        let kinds = &lane.deployments.kind;
        [kinds.first(), kinds.last()].into_iter().flatten().copied()
    })
}
