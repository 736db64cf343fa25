//! What each kind of event says, field by field.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{
    Application, Cluster, CommitHash, Environment, EventId, Labels, Outcome, Repository, Text,
};

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

impl Deployment {
    pub(super) fn natural_id(&self) -> Option<String> {
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
