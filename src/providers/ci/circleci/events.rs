//! Workflows → events.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};

use super::json;
use crate::model::{Body, Build, CommitHash, Event, Outcome, Repository, SourceName, Text};
use crate::providers::repository_name;

/// A pipeline, as far as its workflows need it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pipe {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) number: Option<u64>,
    pub(super) repository: Repository,
    pub(super) commit: CommitHash,
    pub(super) tag: Option<String>,
}

/// How the ids of workflows begin.
pub(super) const WORKFLOW: &str = "circleci:workflow/";

fn cut(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(3)
}

/// The repository that a pipeline is of; `None` where there is none behind it.
pub(super) fn repository(told: &json::Pipeline) -> Option<Repository> {
    let url = told.vcs.as_ref()?.target_repository_url.as_deref()?;
    repository_name::of_url(url)
}

/// What a pipeline's workflows need of it; `None` without a repository and a commit.
pub(super) fn pipe(told: &json::Pipeline) -> Option<Pipe> {
    let vcs = told.vcs.as_ref()?;
    Some(Pipe {
        id: told.id.clone(),
        project: told.project_slug.clone(),
        number: told.number,
        repository: repository(told)?,
        // What is no full hash is none.
        commit: vcs.revision.as_deref()?.parse().ok()?,
        tag: vcs.tag.clone().filter(|tag| !tag.is_empty()),
    })
}

/// A workflow; `None` where it did not run.
pub(super) fn build(source: &SourceName, pipe: &Pipe, told: &json::Workflow) -> Option<Event> {
    let outcome = match told.status.as_str() {
        "success" => Outcome::Succeeded,
        // Some of its jobs still run, or wait for somebody.
        "running" | "failing" | "on_hold" => Outcome::Running,
        "canceled" => Outcome::Cancelled,
        "not_run" => return None,
        _ => Outcome::Failed,
    };
    let number = pipe.number;
    let page = number.map(|number| {
        format!(
            "https://app.circleci.com/pipelines/{}/{number}/workflows/{}",
            pipe.project, told.id
        )
    });
    Some(event(
        source,
        format!("{WORKFLOW}{}", told.id),
        page,
        Build {
            repository: pipe.repository.clone(),
            commit: pipe.commit,
            pipeline: Some(Text::from(told.name.as_str())),
            started_at: Some(cut(told.created_at)),
            finished_at: told.stopped_at.map(cut).filter(|_| !outcome.is_running()),
            outcome,
            images: Vec::new(),
            tags: pipe.tag.as_deref().map(Text::from).into_iter().collect(),
        },
    ))
}

/// A pipeline whose configuration is at fault: it has no workflow, and failed at once.
pub(super) fn errored(source: &SourceName, pipe: &Pipe, told: &json::Pipeline) -> Event {
    let at = cut(told.created_at);
    let page = pipe.number.map(|number| {
        format!(
            "https://app.circleci.com/pipelines/{}/{number}",
            pipe.project
        )
    });
    event(
        source,
        format!("circleci:pipeline/{}", pipe.id),
        page,
        Build {
            repository: pipe.repository.clone(),
            commit: pipe.commit,
            pipeline: None,
            started_at: Some(at),
            finished_at: Some(at),
            outcome: Outcome::Failed,
            images: Vec::new(),
            tags: pipe.tag.as_deref().map(Text::from).into_iter().collect(),
        },
    )
}

fn event(source: &SourceName, id: String, page: Option<String>, build: Build) -> Event {
    Event {
        id: id.into(),
        source: source.clone(),
        url: page.map(Into::into),
        body: Body::Build(build),
    }
}
