//! Answers of the reference, translated.

use super::{events, json};
use crate::model::{Body, Build, Event, Outcome};

fn pipelines() -> Vec<json::Pipeline> {
    let text = include_str!("../../../../tests/fixtures/circleci/pipelines.json");
    let told: json::Items<json::Pipeline> = serde_json::from_str(text).unwrap();
    told.items
}

fn build(event: &Event) -> &Build {
    match &event.body {
        Body::Build(build) => build,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_workflow_ends_as_its_status_says() {
    let text = include_str!("../../../../tests/fixtures/circleci/workflows.json");
    let told: json::Items<json::Workflow> = serde_json::from_str(text).unwrap();
    let pipe = events::pipe(&pipelines()[0]).unwrap();
    let made: Vec<_> = told
        .items
        .iter()
        .map(|told| events::build(&"ci".into(), &pipe, told))
        .collect();
    let outcomes: Vec<_> = made
        .iter()
        .map(|event| event.as_ref().map(|event| build(event).outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            Some(Outcome::Succeeded),
            Some(Outcome::Running),
            Some(Outcome::Running),
            // It did not run.
            None,
            Some(Outcome::Cancelled),
            Some(Outcome::Failed),
        ]
    );
    let first = made[0].as_ref().unwrap();
    assert_eq!(first.id.as_str(), "circleci:workflow/w1");
    assert_eq!(
        first.url.as_deref(),
        Some("https://app.circleci.com/pipelines/gh/acme/shop/25/workflows/w1")
    );
    let first = build(first);
    assert_eq!(first.repository.as_str(), "github.com/acme/shop");
    assert_eq!(first.commit.to_string(), "a".repeat(40));
    assert_eq!(first.pipeline.as_deref(), Some("build"));
    assert_eq!(
        first.finished_at.unwrap().to_rfc3339(),
        "2026-02-01T00:05:00.250+00:00"
    );
    assert!(build(made[1].as_ref().unwrap()).finished_at.is_none());
}

#[test]
fn a_pipeline_whose_configuration_is_at_fault_failed_at_once() {
    let told = &pipelines()[1];
    let event = events::errored(&"ci".into(), &events::pipe(told).unwrap(), told);
    let failed = build(&event);
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(failed.started_at, failed.finished_at);
    assert_eq!(failed.tags[..], ["v1.2".into()]);
}

#[test]
fn a_pipeline_without_a_repository_builds_no_commit() {
    assert_eq!(events::pipe(&pipelines()[2]), None);
}
