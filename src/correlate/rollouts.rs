//! Rollouts: each version that was put on a target, as sources report it or as a rule makes it of something else.

use std::collections::BTreeMap;

use super::environment::{UNNAMED, environment_of};
use super::findings::{Findings, Oddity};
use super::input::{Input, millis};
use super::material::Material;
use crate::model::{
    Cluster, CommitHash, Deployment, Environment, Event, EventId, EventKey, EventKind, Labels,
    Outcome, Repository, SourceName, Text, image_digest,
};

/// Rank of what a deployment rule makes: it outranks every source.
pub(super) const RULE_RANK: u16 = 0;

/// One version put on one target, or an attempt at it.
#[derive(Clone, Debug)]
pub(super) struct Rollout<'a> {
    /// Its id; of one that a rule made `<event id>@<environment>`.
    pub id: EventId,
    /// Kind and key of the event behind it.
    pub event: (EventKind, EventKey),
    pub source: &'a SourceName,
    /// Who counts where several sources report: the lowest.
    pub rank: u16,
    pub outcome: Outcome,
    /// Milliseconds; equals `finished_at` where unknown.
    pub started_at: i64,
    /// Milliseconds.
    pub finished_at: i64,
    pub target: Target<'a>,
    pub version: Version<'a>,
    pub repository: Option<&'a Repository>,
    pub commit: Option<CommitHash>,
    pub images: &'a [Text],
    /// The version as its source words it.
    pub named: Option<&'a Text>,
    pub labels: Option<&'a Labels>,
    /// Whether its source says that it is a rollback.
    pub is_rollback: bool,
    pub fixes: Option<&'a Text>,
}

/// Where in an environment a version goes. Without namespace and workload it is the repository, for what an application
/// deploys from several repositories does not replace each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Target<'a> {
    pub cluster: Option<&'a Cluster>,
    pub namespace: Option<&'a str>,
    pub workload: Option<&'a str>,
    pub repository: Option<&'a Repository>,
}

/// What was put live: the commit, else the set of images, else the version's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Version<'a> {
    Commit(CommitHash),
    Images(Vec<&'a str>),
    Named(&'a str),
    /// Nothing says what: it equals no other.
    Unknown(EventId),
}

impl<'a> Rollout<'a> {
    /// Its place in the order of time.
    pub(super) fn order(&self) -> (i64, i64, &EventId) {
        (self.finished_at, self.started_at, &self.id)
    }

    /// Whether it went live.
    pub(super) fn succeeded(&self) -> bool {
        self.outcome == Outcome::Succeeded
    }

    fn report(
        event: &'a Event,
        deployment: &'a Deployment,
        input: &Input<'a>,
        findings: &mut Findings,
    ) -> Option<(Environment, Self)> {
        let facts = input.sources.facts(&event.source);
        let started = deployment.started_at.map(millis);
        let Some(finished_at) = deployment.finished_at.map(millis).or(started) else {
            findings.count(Oddity::NoTime);
            return None;
        };
        let started_at = started.unwrap_or(finished_at);
        if started_at > finished_at {
            findings.count(Oddity::EndsBeforeStart);
        }
        let own_cluster = deployment.cluster.as_ref();
        let cluster = own_cluster.or_else(|| facts?.cluster.as_ref());
        let environment = environment_of(deployment, cluster, facts, input.rules);
        if environment.is_none() {
            findings.count(Oddity::NoEnvironment);
        }
        let namespace = deployment.namespace.as_deref();
        let workload = deployment.workload.as_deref();
        let is_placed = namespace.is_some() || workload.is_some();
        let repository = deployment.repository.as_ref();
        let rollout = Self {
            id: event.id.clone(),
            event: (EventKind::Deployment, event.key()),
            source: &event.source,
            rank: facts.map_or(u16::MAX, |facts| u16::from(facts.rank) + 1),
            outcome: deployment.outcome,
            started_at: started_at.min(finished_at),
            finished_at,
            target: Target {
                cluster,
                namespace,
                workload,
                repository: repository.filter(|_| !is_placed),
            },
            version: version(event, deployment),
            repository,
            commit: deployment.commit,
            images: &deployment.images,
            named: deployment.version.as_ref(),
            labels: Some(&deployment.labels).filter(|labels| !labels.is_empty()),
            is_rollback: deployment.rollback,
            fixes: deployment.fixes.as_ref(),
        };
        let rollout = if started_at > finished_at {
            Self {
                started_at: finished_at,
                ..rollout
            }
        } else {
            rollout
        };
        Some((environment.unwrap_or_else(|| UNNAMED.into()), rollout))
    }
}

/// All rollouts by environment, in order of time, those still running left out.
pub(super) fn rollouts<'a>(
    material: &Material<'a>,
    input: &Input<'a>,
    made: Vec<(Environment, Rollout<'a>)>,
    findings: &mut Findings,
) -> BTreeMap<Environment, Vec<Rollout<'a>>> {
    let mut by_environment = BTreeMap::<Environment, Vec<Rollout<'a>>>::new();
    let reported = material
        .deployments
        .iter()
        .filter_map(|(event, deployment)| Rollout::report(event, deployment, input, findings));
    for (environment, rollout) in reported.chain(made) {
        by_environment.entry(environment).or_default().push(rollout);
    }
    for rollouts in by_environment.values_mut() {
        rollouts.sort_unstable_by(|one, other| one.order().cmp(&other.order()));
        rollouts.dedup_by(|one, other| one.id == other.id);
    }
    by_environment
}

fn version<'a>(event: &'a Event, deployment: &'a Deployment) -> Version<'a> {
    if let Some(commit) = deployment.commit {
        return Version::Commit(commit);
    }
    if !deployment.images.is_empty() {
        let digest = |image: &'a Text| image_digest(image).unwrap_or(image);
        let mut images: Vec<_> = deployment.images.iter().map(digest).collect();
        images.sort_unstable();
        images.dedup();
        return Version::Images(images);
    }
    match deployment
        .version
        .as_deref()
        .filter(|name| !name.is_empty())
    {
        Some(name) => Version::Named(name),
        None => Version::Unknown(event.id.clone()),
    }
}
