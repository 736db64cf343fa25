//! A small estate made by hand: blocks as correlation would make them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::correlate::{
    Block, Changes, Deployments, Durations, FailedRollouts, FailureRule, FailureRules, Flags,
    Incidents, Intervals, Lane, NONE, OpenPullRequests, Recovery, TierBacklog,
};
use crate::dora::{Answer, Context, Coverages, Numbers, Series, answer};
use crate::model::{
    Coverage, EventKey, EventKind, EventKinds, Evidence, Kind, Labels, Metric, Question,
    SourceCoverage, Statistic, Text, Tier, TimeRange,
};

/// The instant of `2026-03-01T10:00` (UTC) or of a date.
pub fn at(text: &str) -> DateTime<Utc> {
    let text = if text.contains('T') {
        format!("{text}:00Z")
    } else {
        format!("{text}T00:00:00Z")
    };
    text.parse().unwrap()
}

pub fn ms(text: &str) -> i64 {
    at(text).timestamp_millis()
}

pub fn range(start: &str, end: &str) -> TimeRange {
    TimeRange::new(at(start), at(end))
}

/// One deployment and what it delivered.
#[derive(Clone)]
pub struct Made {
    pub at: i64,
    pub flags: Flags,
    pub rules: FailureRules,
    pub repository: Option<&'static str>,
    pub clusters: Vec<&'static str>,
    pub label: Option<(&'static str, &'static str)>,
    pub changes: Vec<Change>,
}

/// One change: its lead time in milliseconds, and what else is known.
#[derive(Clone, Copy, Default)]
pub struct Change {
    pub lead: Option<i64>,
    pub author: Option<&'static str>,
    pub key: u64,
    pub repeated: bool,
    pub revert: bool,
    pub parts: Option<[Option<i64>; 6]>,
}

/// A linked deployment that finished then and delivered changes of these lead times in seconds.
pub fn deployed(when: &str, leads: &[i64]) -> Made {
    deployed_at(ms(when), leads)
}

pub fn deployed_at(at: i64, leads: &[i64]) -> Made {
    let change = |lead: &i64| Change {
        lead: Some(*lead * 1000),
        ..Change::default()
    };
    Made {
        at,
        flags: Flags::LINKED,
        rules: FailureRules::default(),
        repository: None,
        clusters: Vec::new(),
        label: None,
        changes: leads.iter().map(change).collect(),
    }
}

impl Made {
    pub fn failed(mut self, rule: FailureRule) -> Self {
        self.flags.set(Flags::FAILED);
        self.rules.insert(rule);
        self
    }

    pub fn flagged(mut self, flag: Flags) -> Self {
        self.flags.set(flag);
        self
    }

    pub fn unlinked(mut self) -> Self {
        self.flags = Flags::default();
        self
    }

    pub fn of(mut self, repository: &'static str) -> Self {
        self.repository = Some(repository);
        self
    }

    pub fn on(mut self, clusters: &[&'static str]) -> Self {
        self.clusters = clusters.to_vec();
        self
    }

    pub fn labelled(mut self, name: &'static str, value: &'static str) -> Self {
        self.label = Some((name, value));
        self
    }

    pub fn by(mut self, authors: &[&'static str]) -> Self {
        for (change, author) in self.changes.iter_mut().zip(authors) {
            change.author = Some(author);
        }
        self
    }

    pub fn changes(mut self, changes: Vec<Change>) -> Self {
        self.changes = changes;
        self
    }
}

/// Starts a block without anything in it.
pub fn block(name: &str) -> Block {
    Block {
        application: name.into(),
        lanes: Vec::new(),
        incidents: Incidents::default(),
        tier_backlogs: Vec::<TierBacklog>::new(),
        pull_requests: OpenPullRequests::default(),
        repositories: Vec::new(),
        clusters: Vec::new(),
        authors: Vec::new(),
        severities: Vec::new(),
        label_sets: Vec::new(),
        sources: Vec::new(),
        heard: Vec::new(),
        quality: Vec::new(),
        notices: Vec::new(),
    }
}

fn number<T: PartialEq>(dictionary: &mut Vec<T>, value: T) -> u32 {
    let at = dictionary
        .iter()
        .position(|known| *known == value)
        .unwrap_or_else(|| {
            dictionary.push(value);
            dictionary.len() - 1
        });
    at as u32
}

/// An application with one production environment.
pub fn application(name: &str, made: Vec<Made>) -> Block {
    with_lane(block(name), "production", Tier::Production, made)
}

/// Adds an environment.
pub fn with_lane(mut block: Block, environment: &str, tier: Tier, mut made: Vec<Made>) -> Block {
    made.sort_by_key(|one| one.at);
    let mut deployments = Deployments {
        cluster_offset: vec![0],
        ..Deployments::default()
    };
    let mut commits = Changes {
        offset: vec![0],
        ..Changes::default()
    };
    let mut parts: [Durations; 6] = Default::default();
    for (number_of, one) in made.iter().enumerate() {
        deployments.key.push(EventKey(
            1_000 * (block.lanes.len() as u64 + 1) + number_of as u64,
        ));
        deployments.kind.push(EventKind::Deployment);
        deployments.started_at.push(one.at);
        deployments.finished_at.push(one.at);
        deployments.completed_at.push(one.at);
        deployments.flags.push(one.flags);
        deployments.rules.push(one.rules);
        deployments.repository.push(
            one.repository
                .map_or(NONE, |name| number(&mut block.repositories, name.into())),
        );
        deployments
            .labels
            .push(one.label.map_or(NONE, |(name, value)| {
                let labels = Labels([(Text::from(name), Text::from(value))].into());
                number(&mut block.label_sets, labels)
            }));
        for cluster in &one.clusters {
            deployments
                .cluster
                .push(number(&mut block.clusters, (*cluster).into()));
        }
        deployments
            .cluster_offset
            .push(deployments.cluster.len() as u32);
        for change in &one.changes {
            let key = if change.key == 0 {
                1_000_000 * (block.lanes.len() as u64 + 1) + commits.key.len() as u64
            } else {
                change.key
            };
            commits.key.push(EventKey(key));
            commits.landed.push(change.lead);
            commits.author.push(
                change
                    .author
                    .map_or(NONE, |name| number(&mut block.authors, name.into())),
            );
            commits.repeated_in_tier.push(change.repeated);
            commits.revert.push(change.revert);
            let last = [None, None, None, None, None, change.lead];
            for (part, span) in parts.iter_mut().zip(change.parts.unwrap_or(last)) {
                part.push(span);
            }
        }
        commits.offset.push(commits.key.len() as u32);
    }
    // A column that would be all one value is empty.
    if !commits.repeated_in_tier.contains(&true) {
        commits.repeated_in_tier.clear();
    }
    if !commits.revert.contains(&true) {
        commits.revert.clear();
    }
    if commits.author.iter().all(|author| *author == NONE) {
        commits.author.clear();
    }
    if made
        .iter()
        .flat_map(|one| &one.changes)
        .any(|change| change.parts.is_some())
    {
        commits.parts = Some(Box::new(parts));
    }
    if deployments.cluster.is_empty() {
        deployments.cluster_offset.clear();
    }
    let nothing = Changes {
        offset: vec![0; made.len() + 1],
        ..Changes::default()
    };
    block.lanes.push(Lane {
        environment: environment.into(),
        tier,
        deployments,
        commits,
        merges: nothing.clone(),
        pull_requests: nothing,
        recoveries: Vec::new(),
        open_failures: Vec::new(),
        reasons: Vec::new(),
        failed_rollouts: FailedRollouts::default(),
        undeployed: Intervals::default(),
    });
    block
}

/// Adds a recovery to the first lane.
pub fn with_recovery(mut block: Block, deployment: u32, recovered_at: &str) -> Block {
    let lane = &mut block.lanes[0];
    let recovered_at = ms(recovered_at);
    lane.recoveries.push(Recovery {
        deployment,
        recovered_at,
        milliseconds: recovered_at - lane.deployments.finished_at[deployment as usize],
    });
    block
}

/// Adds an incident; incidents must come in order of their opening.
pub fn with_incident(
    mut block: Block,
    opened: &str,
    resolved: Option<&str>,
    severity: &str,
) -> Block {
    let severity = number(&mut block.severities, Text::from(severity));
    let incidents = &mut block.incidents;
    let (opened, resolved) = (ms(opened), resolved.map_or(i64::MAX, ms));
    incidents
        .key
        .push(EventKey(9_000_000 + incidents.key.len() as u64));
    incidents.opened_at.push(opened);
    incidents.resolved_at.push(resolved);
    incidents
        .time_to_restore
        .push((resolved != i64::MAX).then(|| resolved - opened));
    incidents.severity.push(severity);
    incidents.labels.push(NONE);
    incidents.user_facing.push(true);
    incidents.defect.push(false);
    incidents.environment.push(None);
    incidents.tier.push(Tier::Production);
    incidents.deployment.push(None);
    incidents.link.push(None);
    let mut order: Vec<u32> = (0..incidents.key.len() as u32).collect();
    order.retain(|at| incidents.resolved_at[*at as usize] != i64::MAX);
    order.sort_by_key(|at| incidents.resolved_at[*at as usize]);
    incidents.by_resolution = order;
    block
}

/// Blocks, what is covered, the clock and the zone.
pub struct Estate {
    pub blocks: Vec<Arc<Block>>,
    pub coverages: Coverages,
    pub evidence: Evidence,
    pub range: TimeRange,
    pub now: DateTime<Utc>,
    pub timezone: chrono_tz::Tz,
}

impl Estate {
    /// An estate whose one source covers all of the range, asked a month after it ended.
    pub fn new(range: TimeRange, blocks: Vec<Block>) -> Self {
        let now = range.end + TimeDelta::days(30);
        let always = TimeRange::new(range.start - TimeDelta::days(800), now);
        Self {
            blocks: blocks.into_iter().map(Arc::new).collect(),
            coverages: Coverages {
                sources: vec![SourceCoverage {
                    source: "all".into(),
                    kind: "events",
                    yields: EventKinds::of(&EventKind::ALL),
                    coverage: Coverage::of(always),
                }],
            },
            evidence: Evidence::default(),
            range,
            now,
            timezone: chrono_tz::UTC,
        }
    }

    pub fn covering(mut self, range: TimeRange) -> Self {
        self.coverages.sources[0].coverage = Coverage::of(range);
        self
    }

    pub fn at(mut self, now: &str) -> Self {
        self.now = at(now);
        self
    }

    pub fn zone(mut self, zone: chrono_tz::Tz) -> Self {
        self.timezone = zone;
        self
    }

    pub fn answer(&self, question: &Question) -> Answer {
        answer(
            question,
            &Context {
                blocks: &self.blocks,
                coverages: &self.coverages,
                range: self.range,
                now: self.now,
                timezone: self.timezone,
                evidence: &self.evidence,
            },
        )
    }

    pub fn numbers(&self, question: &Question) -> Numbers {
        match self.answer(question) {
            Answer::Numbers(numbers) => numbers,
            other => panic!("expected numbers, not {other:?}"),
        }
    }

    pub fn series(&self, question: &Question) -> Vec<Series> {
        match self.answer(question) {
            Answer::Series { series, .. } => series,
            other => panic!("expected series, not {other:?}"),
        }
    }

    /// The one number of a question without groups.
    pub fn number(&self, question: &Question) -> Option<f64> {
        let numbers = self.numbers(question);
        assert_eq!(numbers.columns[0].values.len(), 1);
        numbers.columns[0].values[0]
    }

    /// The values of the only series.
    pub fn values(&self, question: &Question) -> Vec<Option<f64>> {
        let series = self.series(question);
        assert_eq!(series.len(), 1);
        series[0]
            .points
            .iter()
            .map(|point| point.measure.value)
            .collect()
    }
}

/// A question for one number.
pub fn of(metric: Metric) -> Question {
    Question {
        metric,
        statistic: metric.default_statistic(),
        bucket: crate::model::Bucket::None,
        ..Question::of(Kind::Metric)
    }
}

pub fn with(metric: Metric, statistic: Statistic) -> Question {
    Question {
        statistic,
        ..of(metric)
    }
}

fn filter(key: &str, operator: crate::model::Operator, value: &str) -> crate::model::Filter {
    use crate::model::{Filter, FilterKey, GroupKey, Operator, Pattern};
    let key = match key {
        "application" => FilterKey::Group(GroupKey::Application),
        "team" => FilterKey::Group(GroupKey::Team),
        "repository" => FilterKey::Group(GroupKey::Repository),
        "environment" => FilterKey::Group(GroupKey::Environment),
        "cluster" => FilterKey::Group(GroupKey::Cluster),
        "author" => FilterKey::Group(GroupKey::Author),
        "tier" => FilterKey::Tier,
        "severity" => FilterKey::Severity,
        "outcome" => FilterKey::Outcome,
        "rule" => FilterKey::Rule,
        label => FilterKey::Group(GroupKey::Label(
            label.strip_prefix("label:").unwrap().into(),
        )),
    };
    let is_pattern = matches!(operator, Operator::Matches | Operator::NotMatches);
    Filter {
        key,
        operator,
        values: vec![value.into()],
        pattern: is_pattern.then(|| Pattern::whole(value).unwrap()),
    }
}

pub fn equal(key: &str, value: &str) -> crate::model::Filter {
    filter(key, crate::model::Operator::Equal, value)
}

pub fn unequal(key: &str, value: &str) -> crate::model::Filter {
    filter(key, crate::model::Operator::NotEqual, value)
}

pub fn matching(key: &str, value: &str) -> crate::model::Filter {
    filter(key, crate::model::Operator::Matches, value)
}
