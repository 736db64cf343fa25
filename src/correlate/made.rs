//! Deployments that rules make of tags, releases, merges and builds (design, section 7).

use super::graph::Graph;
use super::input::{Input, millis};
use super::material::Material;
use super::pull_requests::Request;
use super::rollouts::{RULE_RANK, Rollout, Target, Version};
use crate::model::{
    CommitHash, DeploymentOrigin, DeploymentRule, Environment, EventId, EventKey, EventKind,
    Labels, Outcome, Repository, SourceName, Text,
};

/// Makes the deployments of all rules; one event makes at most one an environment.
pub(super) fn made<'a>(
    material: &Material<'a>,
    graph: &Graph<'a>,
    input: &Input<'a>,
) -> Vec<(Environment, Rollout<'a>)> {
    input
        .rules
        .deployments
        .iter()
        .flat_map(|rule| made_by(rule, material, graph))
        .collect()
}

/// What a deployment is made of.
struct Origin<'a> {
    id: EventId,
    event: (EventKind, EventKey),
    source: &'a SourceName,
    repository: &'a Repository,
    /// The tag, the base branch or the pipeline.
    matched: Option<&'a Text>,
    started_at: Option<i64>,
    at: i64,
    commit: Option<CommitHash>,
    named: Option<&'a Text>,
    images: &'a [Text],
    labels: Option<&'a Labels>,
}

fn made_by<'a>(
    rule: &DeploymentRule,
    material: &Material<'a>,
    graph: &Graph<'a>,
) -> Vec<(Environment, Rollout<'a>)> {
    let mut origins = origins(rule, material, graph);
    origins.retain(|origin| {
        let repository = origin.repository.as_str();
        let is_for = |glob: &crate::model::Glob| glob.matches(repository);
        let is_ours = rule.repositories.is_empty() || rule.repositories.iter().any(is_for);
        let matched = |pattern: &crate::model::Pattern| {
            origin.matched.is_some_and(|text| pattern.matches(text))
        };
        is_ours && rule.matching.as_ref().is_none_or(matched)
    });
    origins
        .into_iter()
        .map(|origin| {
            let id = format!("{}@{}", origin.id, rule.environment);
            let id = EventId::from(id);
            let version = match (origin.commit, origin.named) {
                (Some(commit), _) => Version::Commit(commit),
                (None, Some(name)) => Version::Named(name),
                (None, None) => Version::Unknown(id.clone()),
            };
            let started_at = origin.started_at.unwrap_or(origin.at).min(origin.at);
            let rollout = Rollout {
                id,
                event: origin.event,
                source: origin.source,
                rank: RULE_RANK,
                outcome: Outcome::Succeeded,
                started_at,
                finished_at: origin.at,
                target: Target {
                    cluster: None,
                    namespace: None,
                    workload: None,
                    repository: Some(origin.repository),
                },
                version,
                repository: Some(origin.repository),
                commit: origin.commit,
                images: origin.images,
                named: origin.named,
                labels: origin.labels,
                is_rollback: false,
                fixes: None,
            };
            (rule.environment.clone(), rollout)
        })
        .collect()
}

fn origins<'a>(
    rule: &DeploymentRule,
    material: &Material<'a>,
    graph: &Graph<'a>,
) -> Vec<Origin<'a>> {
    match rule.from {
        DeploymentOrigin::Tag | DeploymentOrigin::Release => material
            .releases
            .iter()
            .filter_map(|(event, release)| {
                let at = match rule.from {
                    DeploymentOrigin::Tag => release.tagged_at,
                    _ => release.published_at,
                };
                Some(Origin {
                    id: event.id.clone(),
                    event: (EventKind::Release, event.key()),
                    source: &event.source,
                    repository: &release.repository,
                    matched: Some(&release.tag),
                    started_at: None,
                    at: millis(at?),
                    commit: Some(release.commit),
                    named: Some(&release.tag),
                    images: &[],
                    labels: None,
                })
            })
            .collect(),
        DeploymentOrigin::PullRequestMerge => material
            .pull_requests
            .iter()
            .map(|(number, at)| (*number, material.request(*at)))
            .filter(|(number, request)| {
                rule.matching.is_some() || goes_to_default_branch(*number, request, graph)
            })
            .filter_map(|(_, request)| {
                let at = request.merged_at.known()?;
                let history = material.history;
                let repository = history.repositories.value(request.repository)?;
                let natural = || EventId::of_pull_request(repository, request.number);
                let commits = [
                    request.squash_commit(),
                    request.merge_commit(),
                    request.head(),
                ];
                Some(Origin {
                    id: request.own_id().cloned().unwrap_or_else(natural),
                    event: (EventKind::PullRequest, request.key),
                    source: history.sources.value(request.source)?,
                    repository,
                    matched: request.base(),
                    started_at: None,
                    at,
                    commit: commits.into_iter().flatten().next().copied(),
                    named: None,
                    images: &[],
                    labels: request.labels(),
                })
            })
            .collect(),
        DeploymentOrigin::Build => material
            .builds
            .iter()
            .filter(|(_, build)| build.outcome == Outcome::Succeeded)
            .filter_map(|(event, build)| {
                Some(Origin {
                    id: event.id.clone(),
                    event: (EventKind::Build, event.key()),
                    source: &event.source,
                    repository: &build.repository,
                    matched: build.pipeline.as_ref(),
                    started_at: build.started_at.map(millis),
                    at: millis(build.finished_at?),
                    commit: Some(build.commit),
                    named: None,
                    images: &build.images,
                    labels: None,
                })
            })
            .collect(),
    }
}

/// Whether a merge went to the default branch: as the merged commit says; where nobody knows it, yes.
fn goes_to_default_branch(repository: u32, request: &Request<'_>, graph: &Graph<'_>) -> bool {
    [
        request.squash_commit(),
        request.merge_commit(),
        request.head(),
    ]
    .into_iter()
    .flatten()
    .find_map(|hash| graph.find(repository, hash))
    .is_none_or(|commit| graph.on_default_branch[commit as usize])
}
