use chrono::{DateTime, Utc};

use super::events;
use super::json;
use super::lists::plain;
use super::pieces::Repo;
use crate::model::{Body, Build, Deployment, Outcome, SourceName};

fn repo() -> Repo {
    Repo {
        id: 7,
        path: "Acme/payments/Shop".to_owned(),
        repository: "gitlab.acme.example/acme/payments/shop".into(),
        url: Some("https://gitlab.acme.example/Acme/payments/Shop".to_owned()),
        tiers: [("eu".to_owned(), "production".to_owned())].into(),
    }
}

fn at(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().unwrap())
}

fn source() -> SourceName {
    SourceName::from("ci")
}

#[derive(serde::Deserialize)]
struct Answer {
    data: json::Listed<json::Projects>,
}

fn project() -> json::Project {
    let text = include_str!("../../../../tests/fixtures/gitlab_ci/projects.json");
    let answer: Answer = serde_json::from_str(text).unwrap();
    let page = answer.data.list.unwrap().projects.unwrap();
    page.into_items().remove(0)
}

fn builds() -> Vec<(String, Option<String>, Build)> {
    let pipelines = project().pipelines.unwrap().into_items();
    let events = pipelines
        .iter()
        .filter_map(|told| events::build(&source(), "gitlab.acme.example", &repo(), told));
    let builds = events.map(|event| match event.body {
        Body::Build(build) => (
            event.id.to_string(),
            event.url.map(|url| url.to_string()),
            build,
        ),
        other => panic!("{other:?}"),
    });
    builds.collect()
}

#[test]
fn a_pipeline_is_a_build_of_its_commit() {
    let (id, url, build) = builds().remove(0);
    assert_eq!(id, "gitlab_ci:gitlab.acme.example/pipeline/46");
    assert_eq!(
        url.as_deref(),
        Some("https://gitlab.acme.example/Acme/payments/Shop/-/pipelines/46")
    );
    assert_eq!(build.commit.to_string(), "c".repeat(40));
    assert_eq!(build.pipeline.as_deref(), Some("Build and deploy"));
    assert_eq!(build.started_at, at("2026-05-04T12:00:20Z"));
    assert_eq!(build.finished_at, at("2026-05-04T12:10:00Z"));
    assert_eq!(build.outcome, Outcome::Succeeded);
}

#[test]
fn one_that_waits_runs_one_that_was_cancelled_ended_and_one_that_was_skipped_is_none() {
    let builds: Vec<_> = builds().into_iter().map(|(_, _, build)| build).collect();
    assert_eq!(builds.len(), 3);
    assert_eq!(builds[1].outcome, Outcome::Running);
    assert_eq!(builds[1].pipeline.as_deref(), Some("web"));
    assert_eq!(builds[1].started_at, at("2026-05-04T13:00:00Z"));
    assert_eq!(builds[1].finished_at, None);
    assert_eq!(builds[2].outcome, Outcome::Cancelled);
    assert_eq!(builds[2].finished_at, at("2026-05-04T14:01:00Z"));
}

fn deployments() -> Vec<(String, Deployment)> {
    let text = include_str!("../../../../tests/fixtures/gitlab_ci/deployments.json");
    let told: Vec<json::Deployment> = serde_json::from_str(text).unwrap();
    let events = told
        .iter()
        .filter_map(|told| events::deployment(&source(), "gitlab.acme.example", &repo(), told));
    let deployments = events.map(|event| match event.body {
        Body::Deployment(deployment) => (event.id.to_string(), deployment),
        other => panic!("{other:?}"),
    });
    deployments.collect()
}

#[test]
fn a_deployment_ends_with_its_job_and_has_the_tier_of_its_environment() {
    let (id, deployment) = deployments().remove(0);
    assert_eq!(id, "gitlab_ci:gitlab.acme.example/deployment/41");
    assert_eq!(
        deployment.environment.as_ref().map(|name| name.as_str()),
        Some("eu")
    );
    assert_eq!(
        deployment.labels.value("tier").map(|tier| &**tier),
        Some("production")
    );
    assert_eq!(deployment.started_at, at("2026-05-04T12:21:00.500Z"));
    assert_eq!(deployment.finished_at, at("2026-05-04T12:30:00.851Z"));
    assert_eq!(deployment.version.as_deref(), Some("v1.0.0"));
    assert_eq!(deployment.revision.as_deref(), Some("3"));
    assert_eq!(
        deployment.commit.map(|hash| hash.to_string()),
        Some("c".repeat(40))
    );
}

#[test]
fn one_that_an_outside_system_reported_lasted_as_long_as_its_record_and_one_that_is_blocked_is_none()
 {
    let deployments = deployments();
    assert_eq!(deployments.len(), 2);
    let (_, reported) = &deployments[1];
    assert_eq!(reported.outcome, Outcome::Failed);
    assert_eq!(reported.started_at, at("2026-05-04T11:32:35.444Z"));
    assert_eq!(reported.finished_at, at("2026-05-04T11:34:01.123Z"));
    assert!(reported.labels.is_empty() && reported.version.is_none());
}

#[test]
fn only_a_name_is_left_to_gitlab() {
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(plain(&names(&["main"])), Some("main".to_owned()));
    assert_eq!(plain(&names(&["release/*"])), None);
    assert_eq!(plain(&names(&["main", "trunk"])), None);
    assert_eq!(plain(&[]), None);
}
