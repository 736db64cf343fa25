//! GitLab's pipelines and deployments → events.

use chrono::{DateTime, SubsecRound, Utc};

use super::json;
use super::pieces::Repo;
use crate::model::{Body, Build, Deployment, Event, Labels, Outcome, SourceName, Text};

fn cut(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.map(|at| at.trunc_subsecs(3))
}

fn event(source: &SourceName, id: String, url: Option<String>, body: Body) -> Event {
    Event {
        id: id.into(),
        source: source.clone(),
        url: url.filter(|url| url.starts_with("http")).map(Text::from),
        body,
    }
}

/// The number at the end of a global id.
pub(super) fn number(gid: &str) -> Option<u64> {
    // An id of another form names nothing that we know.
    gid.rsplit('/').next()?.parse().ok()
}

/// A pipeline; `None` for one that was skipped, or whose commit is none.
pub(super) fn build(
    source: &SourceName,
    host: &str,
    repo: &Repo,
    told: &json::Pipeline,
) -> Option<Event> {
    let outcome = match told.status.as_deref()?.to_ascii_uppercase().as_str() {
        "SUCCESS" => Outcome::Succeeded,
        "FAILED" => Outcome::Failed,
        "CANCELED" => Outcome::Cancelled,
        "SKIPPED" => return None,
        // Created, waiting, running, or waiting for a person: it is read again when it moves on.
        _ => Outcome::Running,
    };
    let id = number(&told.id)?;
    let name = told.name.as_deref().or(told.source.as_deref());
    let body = Body::Build(Build {
        repository: repo.repository.clone(),
        commit: told.sha.as_deref()?.parse().ok()?, // Without a commit it built nothing that can be followed.
        pipeline: name.filter(|name| !name.is_empty()).map(Text::from),
        started_at: cut(told.started_at).or_else(|| cut(told.created_at)),
        finished_at: cut(told.finished_at)
            .or_else(|| cut(told.updated_at))
            .filter(|_| !outcome.is_running()),
        outcome,
        images: Vec::new(),
        tags: Vec::new(),
    });
    let url = repo
        .url
        .as_ref()
        .map(|url| format!("{url}/-/pipelines/{id}"));
    Some(event(
        source,
        format!("gitlab_ci:{host}/pipeline/{id}"),
        url,
        body,
    ))
}

/// A deployment; `None` for one that waits, was skipped, or names no environment.
pub(super) fn deployment(
    source: &SourceName,
    host: &str,
    repo: &Repo,
    told: &json::Deployment,
) -> Option<Event> {
    let outcome = match told.status.as_deref()? {
        "success" => Outcome::Succeeded,
        "failed" => Outcome::Failed,
        "canceled" => Outcome::Cancelled,
        "running" => Outcome::Running,
        // `created`, `blocked` (waits for approval) and `skipped` put nothing live, and try nothing yet.
        _ => return None,
    };
    let environment = told.environment.as_ref()?;
    let job = told.deployable.as_ref();
    let started_at = job.and_then(|job| cut(job.started_at));
    let finished_at = job.and_then(|job| cut(job.finished_at));
    let tier = repo.tiers.get(&environment.name);
    let labels = tier.map(|tier| (Text::from("tier"), Text::from(tier.as_str())));
    let is_tag = job.is_some_and(|job| job.tag == Some(true));
    let body = Body::Deployment(Deployment {
        environment: Some(environment.name.as_str().into()),
        repository: Some(repo.repository.clone()),
        started_at: started_at.or_else(|| cut(told.created_at)),
        finished_at: finished_at
            .or_else(|| cut(told.updated_at))
            .filter(|_| !outcome.is_running()),
        outcome,
        // A commit that is none leaves the deployment unlinked.
        commit: told.sha.as_deref().and_then(|sha| sha.parse().ok()),
        version: told.git_ref.as_deref().filter(|_| is_tag).map(Text::from),
        revision: told.iid.map(|iid| Text::from(iid.to_string())),
        labels: Labels(labels.into_iter().collect()),
        ..Deployment::default()
    });
    let id = format!("gitlab_ci:{host}/deployment/{}", told.id);
    let url = job.and_then(|job| job.web_url.clone());
    Some(event(source, id, url, body))
}
