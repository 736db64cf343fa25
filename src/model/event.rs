//! Events: what happened in delivery, as sources say it.
//!
//! The JSON form of a `Body` is the form of the `events` file (`docs/events.schema.json`); the ledger stores it too.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{
    Application, Cluster, CommitHash, Environment, EventId, EventKey, Labels, Repository,
    SourceName, Text,
};

/// Something that happened in delivery.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Natural key, the same whichever source reports it.
    pub id: EventId,
    /// The source it came from.
    pub source: SourceName,
    /// A page that shows it.
    pub url: Option<Text>,
    /// What happened.
    pub body: Body,
}

impl Event {
    /// The ledger's key of the event.
    pub fn key(&self) -> EventKey {
        match &self.body {
            Body::Commit(commit) => EventKey::of_commit(&commit.hash),
            _ => EventKey::of_id(&self.id),
        }
    }
}

/// What happened, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// A commit.
    Commit(Commit),
    /// A pull or merge request.
    PullRequest(PullRequest),
    /// A pipeline run that may have made images.
    Build(Build),
    /// A rollout of a version.
    Deployment(Deployment),
    /// A ticket, an alert or an outage.
    Incident(Incident),
    /// A tag or a host's release.
    Release(Release),
    /// Somebody's word on another event.
    Verdict(Verdict),
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum EventKind {
    Commit,
    PullRequest,
    Build,
    Deployment,
    Incident,
    Release,
    Verdict,
}

impl EventKind {
    /// Every kind, in the order of delivery.
    pub const ALL: [Self; 7] = [
        Self::Commit,
        Self::PullRequest,
        Self::Build,
        Self::Deployment,
        Self::Incident,
        Self::Release,
        Self::Verdict,
    ];

    /// The kind's name in events files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::PullRequest => "pull_request",
            Self::Build => "build",
            Self::Deployment => "deployment",
            Self::Incident => "incident",
            Self::Release => "release",
            Self::Verdict => "verdict",
        }
    }
}

/// A set of event kinds: what a provider can yield.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventKinds(u8);

impl EventKinds {
    /// The set of these kinds.
    pub const fn of(kinds: &[EventKind]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < kinds.len() {
            bits |= 1 << kinds[at] as u8;
            at += 1;
        }
        Self(bits)
    }

    /// Whether the kind is in the set.
    pub const fn contains(self, kind: EventKind) -> bool {
        self.0 & (1 << kind as u8) != 0
    }
}

/// How a deployment or a build ended, or that it has not.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Outcome {
    #[default]
    Succeeded,
    Failed,
    Running,
    Cancelled,
}

impl Outcome {
    /// Whether it is still to end.
    pub fn is_running(self) -> bool {
        self == Self::Running
    }

    /// The outcome's name in events files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Running => "running",
            Self::Cancelled => "cancelled",
        }
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_succeeded(outcome: &Outcome) -> bool {
    *outcome == Outcome::Succeeded
}

/// A commit in a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// Where it is.
    pub repository: Repository,
    /// Its object name.
    pub hash: CommitHash,
    /// Its parents, first parent first; two or more make it a merge.
    #[serde(default, skip_serializing_if = "SmallVec::is_empty")]
    pub parents: SmallVec<[CommitHash; 1]>,
    /// When it was written; absent when it equals `committed_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authored_at: Option<DateTime<Utc>>,
    /// When it was put into the repository, by the committer's clock.
    pub committed_at: DateTime<Utc>,
    /// Who wrote it, as `people` allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Text>,
    /// A branch that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<Text>,
    /// Whether the default branch holds it. A repository of which no commit says so has it everywhere.
    #[serde(default, skip_serializing_if = "is_false")]
    pub default_branch: bool,
    /// First line of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Text>,
    /// The commits that this one says it reverts.
    #[serde(default, skip_serializing_if = "SmallVec::is_empty")]
    pub reverts: SmallVec<[CommitHash; 0]>,
    /// The commit that this one says it was picked from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked_from: Option<CommitHash>,
    /// Number of the pull request that its message names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<u64>,
    /// The paths it touches; empty where no monorepo rule asks for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Text>,
}

/// A pull request (merge request, change).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Where it was opened.
    pub repository: Repository,
    /// Its number there.
    pub number: u64,
    /// Last commit of its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<CommitHash>,
    /// Name of its branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_branch: Option<Text>,
    /// Name of the branch it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Text>,
    /// The merge commit, or the last commit of a rebase, that brought it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_commit: Option<CommitHash>,
    /// The squash commit that brought it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub squash_commit: Option<CommitHash>,
    /// Its own commits, before any squash or rebase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commits: Vec<CommitHash>,
    /// When it was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<DateTime<Utc>>,
    /// Earliest committer time of its own commits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_commit_at: Option<DateTime<Utc>>,
    /// When somebody else first reviewed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_review_at: Option<DateTime<Utc>>,
    /// When it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<DateTime<Utc>>,
    /// When it was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_at: Option<DateTime<Utc>>,
    /// When it was closed, merged or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<DateTime<Utc>>,
    /// Who opened it, as `people` allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Text>,
    /// Its labels.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// Whether a robot opened it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bot: bool,
    /// Number of the pull request in the same repository that this one reverts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<u64>,
}

/// A pipeline run on a commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Build {
    /// The repository it built.
    pub repository: Repository,
    /// The commit it built.
    pub commit: CommitHash,
    /// Name of the pipeline or workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<Text>,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended; absent only while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "is_succeeded")]
    pub outcome: Outcome,
    /// References of the images it made, with digests where known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Text>,
    /// Tags it built or made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Text>,
}

/// A rollout of a version onto a target, as its source reports it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Deployment {
    /// The application, where the source itself names one; rules apply in `correlate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    /// The environment, where the source itself names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Cluster>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Text>,
    /// The repository it was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it was live, or failed; absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "is_succeeded")]
    pub outcome: Outcome,
    /// The commit it put live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitHash>,
    /// References of the images it put live.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Text>,
    /// The version as its source words it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Text>,
    /// The source's own counter of rollouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Text>,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Whether its source says that it is a rollback.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rollback: bool,
    /// What it fixes: the id, version or commit of a deployment, or the id of an incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixes: Option<Text>,
}

/// A ticket, an alert or an outage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Incident {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<Application>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<Repository>,
    /// Project of the tracker (`OPS`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Text>,
    /// Components of the tracker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Text>,
    pub opened_at: DateTime<Utc>,
    /// The last resolution; absent while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Text>,
    /// Whether customers felt it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub user_facing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// The incident that this one repeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_of: Option<EventId>,
    /// The deployment it names: its id or its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Text>,
    /// The commit it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitHash>,
}

/// A tag, or a host's release of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Release {
    pub repository: Repository,
    pub tag: Text,
    pub commit: CommitHash,
    /// When the tag was made: its tagger's time, or the commit's for a light tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tagged_at: Option<DateTime<Utc>>,
    /// When a host published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub prerelease: bool,
}

/// What somebody says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statement {
    /// The target, a deployment, failed.
    Failed,
    /// The target, a deployment, did not fail.
    NotFailed,
    /// The target, an incident, was caused by the deployment `cause`.
    CausedBy,
    /// The target, a deployment, is a hotfix (for the deployment `cause`, where given).
    Hotfix,
    /// The target is no incident.
    NotAnIncident,
    /// The target, an incident, is not linked to the deployment `cause` (to none, without it).
    Unlink,
}

/// Somebody's word on one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Verdict {
    /// Id of the event spoken of.
    pub target: EventId,
    pub statement: Statement,
    /// Id of the deployment that the statement names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Text>,
    pub at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Text>,
}

impl Commit {
    /// Whether it joins two or more histories.
    pub fn is_merge(&self) -> bool {
        self.parents.len() > 1
    }
}

impl Body {
    /// The kind of the event.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::Commit(_) => EventKind::Commit,
            Self::PullRequest(_) => EventKind::PullRequest,
            Self::Build(_) => EventKind::Build,
            Self::Deployment(_) => EventKind::Deployment,
            Self::Incident(_) => EventKind::Incident,
            Self::Release(_) => EventKind::Release,
            Self::Verdict(_) => EventKind::Verdict,
        }
    }

    /// The event's main time: what retention, ranges and `order in time` go by.
    pub fn time(&self) -> DateTime<Utc> {
        let first = |times: &[Option<DateTime<Utc>>]| times.iter().flatten().next().copied();
        match self {
            Self::Commit(commit) => commit.committed_at,
            Self::PullRequest(request) => first(&[
                request.merged_at,
                request.closed_at,
                request.opened_at,
                request.first_commit_at,
            ])
            .unwrap_or(DateTime::UNIX_EPOCH),
            Self::Build(build) => {
                first(&[build.finished_at, build.started_at]).unwrap_or(DateTime::UNIX_EPOCH)
            }
            Self::Deployment(deployment) => first(&[deployment.finished_at, deployment.started_at])
                .unwrap_or(DateTime::UNIX_EPOCH),
            Self::Incident(incident) => incident.opened_at,
            Self::Release(release) => {
                first(&[release.published_at, release.tagged_at]).unwrap_or(DateTime::UNIX_EPOCH)
            }
            Self::Verdict(verdict) => verdict.at,
        }
    }

    /// Whether a later reading can say nothing new: unsettled events are read again until they are.
    pub fn is_settled(&self) -> bool {
        match self {
            Self::Build(build) => !build.outcome.is_running(),
            Self::Deployment(deployment) => !deployment.outcome.is_running(),
            Self::Incident(incident) => incident.resolved_at.is_some(),
            Self::PullRequest(request) => {
                request.merged_at.is_some() || request.closed_at.is_some()
            }
            Self::Commit(_) | Self::Release(_) | Self::Verdict(_) => true,
        }
    }

    /// The natural key of an event without an id of its own, as `design` section 4 words it.
    ///
    /// Shape: `commit:<repository>@<hash>`, `pull_request:<repository>#<number>`, `release:<repository>@<tag>`,
    /// `deployment:<target>@<version>@<time>`; `None` for the kinds that have no natural key of their own.
    pub fn natural_id(&self) -> Option<EventId> {
        let id = match self {
            Self::Commit(commit) => format!("commit:{}@{}", commit.repository, commit.hash),
            Self::PullRequest(request) => {
                format!("pull_request:{}#{}", request.repository, request.number)
            }
            Self::Release(release) => format!("release:{}@{}", release.repository, release.tag),
            Self::Deployment(deployment) => deployment.natural_id()?,
            Self::Build(_) | Self::Incident(_) | Self::Verdict(_) => return None,
        };
        Some(id.into())
    }
}

impl Deployment {
    fn natural_id(&self) -> Option<String> {
        let text = |part: Option<&str>| part.unwrap_or("-").to_owned();
        let mut version = match (&self.commit, &self.version) {
            (Some(commit), _) => commit.to_string(),
            (None, _) if !self.images.is_empty() => self.images.join("+"),
            (None, version) => text(version.as_deref()),
        };
        if version.is_empty() {
            version = "-".to_owned();
        }
        let at = self.started_at.or(self.finished_at)?;
        let place = [
            text(self.application.as_ref().map(Application::as_str)),
            text(self.repository.as_ref().map(Repository::as_str)),
            text(self.environment.as_ref().map(Environment::as_str)),
            text(self.cluster.as_ref().map(Cluster::as_str)),
            text(self.namespace.as_deref()),
            text(self.workload.as_deref()),
        ]
        .join("/");
        let at = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        Some(format!("deployment:{place}@{version}@{at}"))
    }
}
