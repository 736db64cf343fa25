//! Builds and deployments out of runs, jobs and Deployments.

use chrono::{DateTime, SubsecRound, Utc};

use super::json::{DeploymentJson, JobJson, RunJson, StatusJson, WorkflowRunJson};
use crate::model::{
    Body, Build, Deployment, Environment, Event, EventId, Outcome, Repository, SourceName, Text,
};
use crate::providers::git::github::json::seen;

/// Where an event comes from: source, and `host/owner/name`.
pub(super) struct Origin<'a> {
    pub(super) source: &'a SourceName,
    pub(super) repository: &'a Repository,
}

/// The id of a run or a deployment: its node id, by which it is read again.
///
/// Shape: `github_actions:<host>/<node id>`, with `/<number>` behind it for a job.
pub(super) fn id(repository: &Repository, node: &str) -> EventId {
    let host = repository.as_str().split('/').next().unwrap_or_default();
    format!("github_actions:{host}/{node}").into()
}

/// The node id in an event's id; `None` where it is another kind's, or a job's.
pub(super) fn node(id: &EventId) -> Option<&str> {
    let (_, node) = id
        .as_str()
        .strip_prefix("github_actions:")?
        .split_once('/')?;
    (!node.contains('/')).then_some(node)
}

/// How something ended, if it did; `None` where it never ran.
fn outcome(status: Option<&str>, conclusion: Option<&str>) -> Option<Outcome> {
    if !status.is_some_and(|status| status.eq_ignore_ascii_case("completed")) {
        return Some(Outcome::Running);
    }
    match conclusion.unwrap_or_default().to_ascii_lowercase().as_str() {
        "success" | "neutral" => Some(Outcome::Succeeded),
        "skipped" => None,
        "cancelled" | "stale" => Some(Outcome::Cancelled),
        _ => Some(Outcome::Failed),
    }
}

fn build(origin: &Origin<'_>, id: EventId, url: Option<&str>, build: Build) -> Event {
    Event {
        id,
        source: origin.source.clone(),
        url: url.filter(|url| url.starts_with("http")).map(Text::from),
        body: Body::Build(build),
    }
}

/// The event of a run; `None` for one that was skipped.
pub(super) fn of_run(origin: &Origin<'_>, told: &RunJson) -> Option<Event> {
    let outcome = outcome(told.status.as_deref(), told.conclusion.as_deref())?;
    let started_at = told.run_started_at.unwrap_or(told.created_at);
    let body = Build {
        repository: origin.repository.clone(),
        commit: told.head_sha.parse().ok()?, // A hash that is none builds nothing.
        pipeline: told.name.as_deref().map(Text::from),
        started_at: Some(started_at.trunc_subsecs(3)),
        // A run's last update is its end.
        finished_at: (!outcome.is_running())
            .then(|| told.updated_at.max(started_at).trunc_subsecs(3)),
        outcome,
        images: Vec::new(),
        // A release's run names the tag where others name the branch.
        tags: told
            .head_branch
            .iter()
            .filter(|_| told.event == "release")
            .map(|tag| Text::from(tag.as_str()))
            .collect(),
    };
    Some(build(
        origin,
        id(origin.repository, &told.node_id),
        Some(&told.html_url),
        body,
    ))
}

/// The event of a run that was unfinished; its start is known.
pub(super) fn of_unfinished(origin: &Origin<'_>, told: &WorkflowRunJson) -> Option<Event> {
    let suite = &told.check_suite;
    let outcome =
        outcome(Some(&suite.status), suite.conclusion.as_deref()).unwrap_or(Outcome::Cancelled);
    let body = Build {
        repository: origin.repository.clone(),
        commit: suite.commit.oid.parse().ok()?, // A hash that is none builds nothing.
        pipeline: Some(Text::from(told.workflow.name.as_str())),
        started_at: None,
        finished_at: (!outcome.is_running()).then(|| suite.updated_at.trunc_subsecs(3)),
        outcome,
        images: Vec::new(),
        tags: Vec::new(),
    };
    Some(build(
        origin,
        id(origin.repository, &told.id),
        Some(&told.url),
        body,
    ))
}

/// The event of a job; `None` for one that was skipped.
pub(super) fn of_job(origin: &Origin<'_>, run: &str, told: &JobJson) -> Option<Event> {
    let outcome = outcome(Some(&told.status), told.conclusion.as_deref())?;
    let workflow = told.workflow_name.as_deref().unwrap_or("workflow");
    let body = Build {
        repository: origin.repository.clone(),
        commit: told.head_sha.parse().ok()?, // A hash that is none builds nothing.
        pipeline: Some(format!("{workflow} / {}", told.name).into()),
        started_at: told.started_at.map(|at| at.trunc_subsecs(3)),
        finished_at: told.completed_at.map(|at| at.trunc_subsecs(3)),
        outcome,
        images: Vec::new(),
        tags: Vec::new(),
    };
    let id = EventId::from(format!("{}/{}", id(origin.repository, run), told.id));
    Some(build(origin, id, told.html_url.as_deref(), body))
}

/// The event of a deployment.
///
/// It is live from its first success on, whatever comes later: GitHub makes it inactive when the next one succeeds, or when the
/// environment is taken down, and neither undoes that it was delivered.
pub(super) fn of_deployment(origin: &Origin<'_>, told: &DeploymentJson) -> Option<Event> {
    let statuses: Vec<&StatusJson> = seen(&told.statuses).collect();
    let at = |states: &'static [&str]| {
        let meant = statuses
            .iter()
            .filter(move |status| states.contains(&status.state.as_str()));
        meant.map(|status| status.created_at)
    };
    let live_at = at(&["SUCCESS"]).min();
    let failed_at = at(&["FAILURE", "ERROR"]).max();
    let ended_at = at(&["INACTIVE"]).max();
    let is_abandoned = matches!(told.state.as_deref(), Some("ABANDONED" | "DESTROYED"));
    let (outcome, finished_at) = match (live_at, failed_at, ended_at) {
        (Some(live_at), _, _) => (Outcome::Succeeded, Some(live_at)),
        (None, Some(failed_at), _) => (Outcome::Failed, Some(failed_at)),
        (None, None, Some(ended_at)) => (Outcome::Cancelled, Some(ended_at)),
        (None, None, None) if is_abandoned => (Outcome::Cancelled, Some(told.created_at)),
        (None, None, None) => (Outcome::Running, None),
    };
    let started_at: DateTime<Utc> = at(&["IN_PROGRESS"]).min().unwrap_or(told.created_at);
    let environment = told
        .original_environment
        .as_deref()
        .or(told.environment.as_deref());
    let tag = told
        .reference
        .as_ref()
        .filter(|reference| reference.prefix == "refs/tags/");
    let body = Deployment {
        environment: environment
            .filter(|name| !name.is_empty())
            .map(Environment::from),
        repository: Some(origin.repository.clone()),
        started_at: Some(
            started_at
                .min(finished_at.unwrap_or(started_at))
                .trunc_subsecs(3),
        ),
        finished_at: finished_at.map(|at| at.trunc_subsecs(3)),
        outcome,
        commit: told.commit_oid.parse().ok(), // Without a hash it counts, unlinked.
        version: tag.map(|tag| Text::from(tag.name.as_str())),
        ..Deployment::default()
    };
    let newest = statuses.iter().max_by_key(|status| status.created_at);
    let url = newest.and_then(|status| status.log_url.as_deref());
    Some(Event {
        id: id(origin.repository, &told.id),
        source: origin.source.clone(),
        url: url.filter(|url| url.starts_with("http")).map(Text::from),
        body: Body::Deployment(body),
    })
}
