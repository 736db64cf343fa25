//! Runs, environments' records and classic releases → events.

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use super::json;
use crate::model::{
    Body, Build, CommitHash, Deployment, Environment, Event, Outcome, Repository, SourceName, Text,
};
use crate::providers::{azure_devops::short_name, repository_name};

/// What a run was made of: deployments name the run alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) repository: Repository,
    pub(super) commit: CommitHash,
}

/// Who tells, and of what.
pub(super) struct Origin<'a> {
    pub(super) source: &'a SourceName,
    /// The organisation's or collection's address.
    pub(super) base: &'a Url,
    pub(super) project_id: &'a str,
    pub(super) project: &'a str,
}

fn cut(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.map(|at| at.trunc_subsecs(3))
}

/// The beginning of the ids of everything of a project.
pub(super) fn beginning(base: &Url, project_id: &str) -> String {
    let host = base.host_str().unwrap_or_default();
    let path = base.path().trim_matches('/');
    format!("azure_pipelines:{host}/{path}/{project_id}/").to_lowercase()
}

impl Origin<'_> {
    fn id(&self, kind: &str, number: u64) -> String {
        format!("{}{kind}/{number}", beginning(self.base, self.project_id))
    }

    /// What a run was made of; `None` for what Git has not (TFVC), and without a commit.
    pub(super) fn made(&self, told: &json::Build) -> Option<Made> {
        let repository = self.repository(told.repository.as_ref()?)?;
        let of_request = told.trigger_info.get("pr.sourceSha");
        let commit = of_request
            .and_then(|sha| sha.as_str())
            .or(told.source_version.as_deref())?;
        // What is no full hash is none.
        let commit = commit.parse().ok()?;
        Some(Made { repository, commit })
    }

    fn repository(&self, told: &json::Repository) -> Option<Repository> {
        let id = told.id.as_deref().unwrap_or_default();
        let of_url = || told.url.as_deref().and_then(repository_name::of_url);
        match told.kind.as_deref()? {
            "TfsGit" => of_url().or_else(|| self.own_repository(told.name.as_deref()?)),
            "GitHub" => Some(repository_name::of_text(&format!("github.com/{id}"))),
            "Bitbucket" => Some(repository_name::of_text(&format!("bitbucket.org/{id}"))),
            "TfsVersionControl" | "Svn" => None,
            _ => of_url(),
        }
    }

    /// As `azure_repos` names a repository of the project.
    fn own_repository(&self, name: &str) -> Option<Repository> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .ok()? // An address that is http has segments.
            .pop_if_empty()
            .extend([self.project, "_git", name]);
        repository_name::of_url(url.as_str())
    }

    /// A run as a build.
    pub(super) fn build(&self, told: &json::Build, made: &Made) -> Event {
        let is_over = told.status.as_deref() == Some("completed");
        let outcome = match (is_over, told.result.as_deref()) {
            (false, _) => Outcome::Running,
            // Partially: it was built, though not everything about it went well.
            (true, Some("succeeded" | "partiallySucceeded")) => Outcome::Succeeded,
            (true, Some("canceled")) => Outcome::Cancelled,
            (true, _) => Outcome::Failed,
        };
        let tag = told.source_branch.as_deref();
        let tag = tag.and_then(|branch| branch.strip_prefix("refs/tags/"));
        self.event(
            self.id("build", told.id),
            json::Links::page(told.links.as_ref()),
            Body::Build(Build {
                repository: made.repository.clone(),
                commit: made.commit,
                pipeline: told
                    .definition
                    .as_ref()
                    .and_then(|definition| definition.name.as_deref())
                    .map(Text::from),
                started_at: cut(told.start_time.or(told.queue_time)),
                finished_at: cut(told.finish_time).filter(|_| is_over),
                outcome,
                images: Vec::new(),
                tags: tag.map(Text::from).into_iter().collect(),
            }),
        )
    }

    /// A run's deployment into an environment; `None` where it was skipped.
    pub(super) fn record(
        &self,
        told: &json::Record,
        environment: &str,
        made: Option<&Made>,
    ) -> Option<Event> {
        let outcome = match told.result.as_deref() {
            None => Outcome::Running,
            Some("succeeded" | "succeededWithIssues") => Outcome::Succeeded,
            Some("canceled" | "abandoned") => Outcome::Cancelled,
            Some("skipped") => return None,
            Some(_) => Outcome::Failed,
        };
        let owner = told.owner.as_ref();
        let deployment = Deployment {
            repository: made.map(|made| made.repository.clone()),
            environment: Some(Environment::from(environment)),
            started_at: cut(told.start_time.or(told.queue_time)),
            finished_at: cut(told.finish_time).filter(|_| !outcome.is_running()),
            outcome,
            commit: made.map(|made| made.commit),
            version: owner
                .and_then(|owner| owner.name.as_deref())
                .map(Text::from),
            ..Deployment::default()
        };
        let page = json::Links::page(owner.and_then(|owner| owner.links.as_ref()));
        Some(self.event(
            self.id("environment", told.id),
            page,
            Body::Deployment(deployment),
        ))
    }

    /// A classic release's deployment into a stage; `None` where nothing was put live yet.
    pub(super) fn release(&self, told: &json::Deployment, made: Option<&Made>) -> Option<Event> {
        let is_stopped = told
            .operation_status
            .as_deref()
            .is_some_and(|status| status.eq_ignore_ascii_case("canceled"));
        let outcome = match told.deployment_status.as_deref()? {
            "inProgress" => Outcome::Running,
            "succeeded" | "partiallySucceeded" => Outcome::Succeeded,
            "failed" if is_stopped => Outcome::Cancelled,
            "failed" => Outcome::Failed,
            // `notDeployed`, `undefined`: it waits, or was refused.
            _ => return None,
        };
        let release = told.release.as_ref();
        let stage = told.release_environment.as_ref();
        let deployment = Deployment {
            repository: made.map(|made| made.repository.clone()),
            environment: stage
                .and_then(|stage| stage.name.as_deref())
                .map(Environment::from),
            started_at: cut(told.started_on.or(told.queued_on)),
            finished_at: cut(told.completed_on).filter(|_| !outcome.is_running()),
            outcome,
            commit: made.map(|made| made.commit),
            version: release
                .and_then(|release| release.name.as_deref())
                .map(Text::from),
            ..Deployment::default()
        };
        let page = json::Links::page(release.and_then(|release| release.links.as_ref()));
        Some(self.event(
            self.id("release", told.id),
            page,
            Body::Deployment(deployment),
        ))
    }

    /// What a release put live, where its artifact says so itself: source code, or a run with its commit.
    pub(super) fn made_of(&self, artifact: &json::Artifact) -> Option<Made> {
        let hash = match artifact.kind.as_deref()? {
            "Build" => artifact.id_of("sourceVersion")?,
            "Git" | "GitHub" => artifact.id_of("version")?,
            _ => return None,
        };
        let name = |key: &str| artifact.reference(key)?.name.as_deref();
        let repository = match artifact.kind.as_deref()? {
            "GitHub" => json::Repository {
                id: artifact.id_of("definition").map(str::to_owned),
                kind: Some("GitHub".to_owned()),
                name: None,
                url: None,
            },
            "Git" => json::Repository {
                id: None,
                kind: Some("TfsGit".to_owned()),
                name: name("definition").map(str::to_owned),
                url: None,
            },
            _ => json::Repository {
                id: artifact.id_of("repository").map(str::to_owned),
                kind: artifact.id_of("repository.provider").map(str::to_owned),
                name: name("repository")
                    .filter(|name| !name.is_empty())
                    .map(str::to_owned),
                url: None,
            },
        };
        Some(Made {
            repository: self.repository(&repository)?,
            // What is no full hash is none.
            commit: hash.parse().ok()?,
        })
    }

    fn event(&self, id: String, page: Option<&str>, body: Body) -> Event {
        Event {
            id: id.into(),
            source: self.source.clone(),
            url: page.map(Text::from),
            body,
        }
    }
}

/// The run that a release's first artifact is.
pub(super) fn run_of(release: &json::Release) -> Option<u64> {
    let artifact = primary(release)?;
    let is_run = artifact.kind.as_deref() == Some("Build");
    // What is no number names no run.
    artifact.id_of("version").filter(|_| is_run)?.parse().ok()
}

/// The artifact that a release is about.
pub(super) fn primary(release: &json::Release) -> Option<&json::Artifact> {
    let mut artifacts = release.artifacts.iter();
    artifacts
        .clone()
        .find(|artifact| artifact.is_primary == Some(true))
        .or_else(|| artifacts.next())
}

/// The branch of a run, as people write it.
pub(super) fn branch(told: &json::Build) -> &str {
    short_name(told.source_branch.as_deref().unwrap_or_default())
}
