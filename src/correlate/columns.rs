//! The columns that correlation makes of one application's events, and that every metric reads.
//!
//! Shape: one immutable `Block` an application, behind `Arc`, replaced whole when one of its events changes.
//! Inside, one `Lane` an environment; its columns are in order of time, so a range is two binary searches.
//! Unit: instants are milliseconds since 1970 (`i64`), spans whole seconds with the milliseconds apart.

use super::quality::QualityRow;
use crate::model::{
    Application, Cluster, Environment, EventId, EventKey, EventKind, Labels, Notice, Repository,
    SourceName, Text, Tier,
};

/// Stands for "no value" in columns of numbers into a dictionary, and in spans.
pub const NONE: u32 = u32::MAX;

/// All that is known of one application.
#[derive(Clone, Debug)]
pub struct Block {
    /// The application.
    pub application: Application,
    /// One an environment that had a rollout, in order of the environments' names.
    pub lanes: Vec<Lane>,
    /// Its incidents, duplicates and what a verdict calls no incident left out.
    pub incidents: Incidents,
    /// Commits on the default branch that are not live, for tiers with more than one lane.
    pub tier_backlogs: Vec<TierBacklog>,
    /// Its pull requests from opening to close.
    pub pull_requests: OpenPullRequests,
    /// Dictionaries of the numbers in the columns below.
    pub repositories: Vec<Repository>,
    #[allow(missing_docs)]
    pub clusters: Vec<Cluster>,
    #[allow(missing_docs)]
    pub authors: Vec<Text>,
    #[allow(missing_docs)]
    pub severities: Vec<Text>,
    #[allow(missing_docs)]
    pub label_sets: Vec<Labels>,
    /// The sources that its deployments, incidents and commits came from: whose coverage matters.
    pub sources: Vec<(EventKind, SourceName)>,
    /// Incidents that speak of deployments of several applications, each with the strongest link here.
    pub heard: Vec<(EventId, Option<FailureRule>)>,
    /// What `quality` lists.
    pub quality: Vec<QualityRow>,
    /// What every answer about this application must say.
    pub notices: Vec<Notice>,
}

/// One environment of an application.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The environment.
    pub environment: Environment,
    /// Its tier.
    pub tier: Tier,
    /// Its deployments.
    pub deployments: Deployments,
    /// Commits first delivered here, merges left out; offsets by deployment.
    pub commits: Changes,
    /// Merge commits first delivered here; offsets by deployment.
    pub merges: Changes,
    /// Pull requests first delivered here; offsets by deployment.
    pub pull_requests: Changes,
    /// Recoveries of failed deployments, in order of the moment of recovery.
    pub recoveries: Vec<Recovery>,
    /// Failed deployments without recovery, by index.
    pub open_failures: Vec<u32>,
    /// Why deployments failed, in order of deployment.
    pub reasons: Vec<Reason>,
    /// Rollouts that never went live.
    pub failed_rollouts: FailedRollouts,
    /// Commits on the default branch, from landing to going live here.
    pub undeployed: Intervals,
}

/// Deployments in order of (`finished_at`, `started_at`, id). All columns have one value a deployment.
#[derive(Clone, Debug, Default)]
pub struct Deployments {
    /// Key of the event of the first rollout (of the tag, release, pull request or build that a rule made it of).
    pub key: Vec<EventKey>,
    /// Kind of that event.
    pub kind: Vec<EventKind>,
    /// Milliseconds; equals `finished_at` where the start is unknown.
    pub started_at: Vec<i64>,
    /// Milliseconds; the finish of the first rollout.
    pub finished_at: Vec<i64>,
    /// Milliseconds; the finish of the last rollout.
    pub completed_at: Vec<i64>,
    /// What is known of it.
    pub flags: Vec<Flags>,
    /// The rules that say it failed; empty exactly where it did not.
    pub rules: Vec<FailureRules>,
    /// Into `Block::repositories`; `NONE` where unlinked.
    pub repository: Vec<u32>,
    /// Into `Block::label_sets`; `NONE` without labels.
    pub labels: Vec<u32>,
    /// First index into `cluster` of each deployment and one past the last; empty where no deployment has a cluster.
    pub cluster_offset: Vec<u32>,
    /// Into `Block::clusters`: the clusters of each deployment's rollouts, each once.
    pub cluster: Vec<u32>,
}

/// Facts about a deployment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(pub u8);

#[allow(missing_docs)]
impl Flags {
    /// Its commit is known, and so is the commit's history.
    pub const LINKED: Self = Self(1);
    /// The first linked deployment of its repository here: its commits count in nothing.
    pub const BASELINE: Self = Self(2);
    pub const FAILED: Self = Self(4);
    pub const ROLLBACK: Self = Self(8);
    pub const HOTFIX: Self = Self(16);
    /// Unplanned: a rollback, a hotfix, a revert that is evidence, or named as a fix.
    pub const REWORK: Self = Self(32);
    /// Its changes have no lead time: they were delivered no later than here.
    pub const UNDATED: Self = Self(64);

    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 != 0
    }

    pub fn set(&mut self, flag: Self) {
        self.0 |= flag.0;
    }
}

/// A rule that says a deployment failed, strongest first (definitions, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum FailureRule {
    Verdict,
    Reference,
    Rollback,
    Revert,
    Hotfix,
    Incident,
}

impl FailureRule {
    /// Every rule, strongest first.
    pub const ALL: [Self; 6] = [
        Self::Verdict,
        Self::Reference,
        Self::Rollback,
        Self::Revert,
        Self::Hotfix,
        Self::Incident,
    ];

    /// The rule's name in questions and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verdict => "verdict",
            Self::Reference => "reference",
            Self::Rollback => "rollback",
            Self::Revert => "revert",
            Self::Hotfix => "hotfix",
            Self::Incident => "incident",
        }
    }
}

/// A set of failure rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FailureRules(pub u8);

#[allow(missing_docs)]
impl FailureRules {
    pub fn insert(&mut self, rule: FailureRule) {
        self.0 |= 1 << rule as u8;
    }

    pub fn contains(self, rule: FailureRule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = FailureRule> {
        FailureRule::ALL
            .into_iter()
            .filter(move |rule| self.contains(*rule))
    }
}

/// Changes that deployments delivered, grouped by deployment in their order. A column that would be all one value is empty.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// First change of each deployment and one past the last (deployments + 1 values).
    pub offset: Vec<u32>,
    /// Key of the commit's or the pull request's event.
    pub key: Vec<EventKey>,
    /// From the committer's time of the commit as it stands on the branch (of a pull request: its first commit's) to
    /// the deployment's finish.
    pub landed: Durations,
    /// From the committer's time before a squash or rebase; `None`: the same as `landed`.
    pub committed: Option<Durations>,
    /// From the author's time; `None`: the same as `landed`.
    pub authored: Option<Durations>,
    /// From the pull request's opening; `None`: none is known.
    pub opened: Option<Durations>,
    /// From the pull request's merge; `None`: none is known.
    pub merged: Option<Durations>,
    /// The parts of the lead time `committed`, in the order of `Metric::PARTS`; `None`: all of it is the last part.
    pub parts: Option<Box<[Durations; 6]>>,
    /// What other starts than `committed` need beside them; `None`: nothing.
    pub early_parts: Option<Box<EarlyParts>>,
    /// Into `Block::authors`; empty where none is known.
    pub author: Vec<u32>,
    /// Whether another environment of the same tier had it before; empty where none did.
    pub repeated_in_tier: Vec<bool>,
    /// Whether it reverts an earlier change; empty where none does.
    pub revert: Vec<bool>,
    /// Whether its pull request is known; empty where none is.
    pub in_pull_request: Vec<bool>,
}

/// The parts from the earliest of all starts, of changes with a boundary before `committed`, as a rebase leaves them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlyParts {
    /// The changes, by their index, which rises.
    pub change: Vec<u32>,
    /// Their parts, in the order of `Metric::PARTS`.
    pub parts: [Durations; 6],
}

impl Changes {
    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.key.is_empty()
    }

    /// The changes of one deployment, as a range of indices.
    pub fn of(&self, deployment: usize) -> std::ops::Range<usize> {
        self.offset[deployment] as usize..self.offset[deployment + 1] as usize
    }
}

/// Spans of time: whole seconds, `NONE` where unknown, negative or undated; milliseconds apart, and only where there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// Whole seconds.
    pub seconds: Vec<u32>,
    /// Milliseconds beside the seconds (0 to 999); empty where all are 0.
    pub milliseconds: Vec<u16>,
    /// How many are `NONE`.
    pub missing: u32,
}

impl Durations {
    /// Adds a span in milliseconds; `None` and negative ones are missing.
    pub fn push(&mut self, milliseconds: Option<i64>) {
        let span = milliseconds.and_then(|span| {
            let seconds = u32::try_from(span.div_euclid(1000))
                .ok()
                .filter(|seconds| *seconds != NONE)?;
            Some((seconds, span.rem_euclid(1000) as u16))
        });
        let (seconds, rest) = span.unwrap_or((NONE, 0));
        self.missing += u32::from(span.is_none());
        if rest != 0 && self.milliseconds.is_empty() {
            self.milliseconds.resize(self.seconds.len(), 0);
        }
        if rest != 0 || !self.milliseconds.is_empty() {
            self.milliseconds.push(rest);
        }
        self.seconds.push(seconds);
    }

    /// The span in milliseconds.
    pub fn milliseconds_at(&self, at: usize) -> Option<i64> {
        let seconds = self.seconds[at];
        let rest = self.milliseconds.get(at).copied().unwrap_or(0);
        (seconds != NONE).then_some(i64::from(seconds) * 1000 + i64::from(rest))
    }
}

/// The recovery of a failed deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// Index of the failed deployment in its lane.
    pub deployment: u32,
    /// Milliseconds since 1970.
    pub recovered_at: i64,
    /// Milliseconds from the failed deployment's finish to the recovery; never negative.
    pub milliseconds: i64,
}

/// Why a deployment failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Index of the failed deployment in its lane.
    pub deployment: u32,
    /// The rule that says so.
    pub rule: FailureRule,
    /// Kind and key of the event that is the evidence.
    pub evidence: (EventKind, EventKey),
    /// When the evidence came, milliseconds.
    pub at: i64,
}

/// Rollouts that never went live, in order of their end.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct FailedRollouts {
    pub key: Vec<EventKey>,
    /// Milliseconds.
    pub ended_at: Vec<i64>,
    /// Into `Block::clusters`.
    pub cluster: Vec<u32>,
    /// `false`: failed.
    pub cancelled: Vec<bool>,
}

/// Spans with a start and perhaps an end, as two sorted columns: enough to count what is open at an instant.
#[derive(Clone, Debug, Default)]
pub struct Intervals {
    /// Seconds since 1970, sorted.
    pub start: Vec<u32>,
    /// Seconds since 1970, sorted; open spans have none.
    pub end: Vec<u32>,
}

/// Undeployed commits at the level of a tier that has several lanes: live in one of them is live.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct TierBacklog {
    pub tier: Tier,
    pub undeployed: Intervals,
}

/// Incidents in order of (`opened_at`, key).
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Incidents {
    pub key: Vec<EventKey>,
    /// Milliseconds; of a reopened incident the first opening.
    pub opened_at: Vec<i64>,
    /// Milliseconds; `i64::MAX` while open.
    pub resolved_at: Vec<i64>,
    /// From opening to the last resolution; missing while open, and where it would be negative.
    pub time_to_restore: Durations,
    /// Indices of the resolved ones, in order of `resolved_at`.
    pub by_resolution: Vec<u32>,
    /// Into `Block::severities`.
    pub severity: Vec<u32>,
    /// Into `Block::label_sets`.
    pub labels: Vec<u32>,
    pub user_facing: Vec<bool>,
    pub defect: Vec<bool>,
    /// The environment it names.
    pub environment: Vec<Option<Environment>>,
    /// Tier of that environment; production where it names none.
    pub tier: Vec<Tier>,
    /// Lane and index of the deployment it is linked to.
    pub deployment: Vec<Option<(u32, u32)>>,
    /// The rule of that link.
    pub link: Vec<Option<FailureRule>>,
}

/// Pull requests from opening to close, in order of opening.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct OpenPullRequests {
    pub key: Vec<EventKey>,
    /// Milliseconds.
    pub opened_at: Vec<i64>,
    /// Milliseconds; `i64::MAX` while open.
    pub closed_at: Vec<i64>,
    /// Into `Block::repositories`.
    pub repository: Vec<u32>,
    /// Into `Block::authors`.
    pub author: Vec<u32>,
    /// Into `Block::label_sets`.
    pub labels: Vec<u32>,
}
