//! Events: what happened in delivery, as sources say it.
//!
//! The JSON form of a `Body` is the form of the `events` file (`docs/events.schema.json`); the ledger stores it too.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Build, Commit, Deployment, EventId, EventKey, Incident, PullRequest, Release, SourceName, Text,
    Verdict,
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
            Self::Commit(commit) => {
                return Some(EventId::of_commit(&commit.repository, &commit.hash));
            }
            Self::PullRequest(request) => {
                return Some(EventId::of_pull_request(
                    &request.repository,
                    request.number,
                ));
            }
            Self::Release(release) => format!("release:{}@{}", release.repository, release.tag),
            Self::Deployment(deployment) => deployment.natural_id()?,
            Self::Build(_) | Self::Incident(_) | Self::Verdict(_) => return None,
        };
        Some(id.into())
    }
}
