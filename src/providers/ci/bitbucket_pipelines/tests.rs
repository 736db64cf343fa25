//! Answers of the reference, translated.

use super::{events, json};
use crate::model::{Body, Build, Deployment, Outcome};
use crate::providers::bitbucket_cloud::Values;

fn builds() -> Vec<Option<Build>> {
    let text = include_str!("../../../../tests/fixtures/bitbucket_pipelines/pipelines.json");
    let told: Values<json::Run> = serde_json::from_str(text).unwrap();
    let made = told
        .values
        .iter()
        .map(|told| events::build(&"ci".into(), &"bitbucket.org/acme/shop".into(), told));
    made.map(|event| match event?.body {
        Body::Build(build) => Some(build),
        other => panic!("{other:?}"),
    })
    .collect()
}

fn deployments() -> Vec<Option<Deployment>> {
    let text = include_str!("../../../../tests/fixtures/bitbucket_pipelines/deployments.json");
    let told: Values<json::Deployment> = serde_json::from_str(text).unwrap();
    let made = told
        .values
        .iter()
        .map(|told| events::deployment(&"ci".into(), &"bitbucket.org/acme/shop".into(), told));
    made.map(|event| match event?.body {
        Body::Deployment(deployment) => Some(deployment),
        other => panic!("{other:?}"),
    })
    .collect()
}

#[test]
fn a_run_ends_as_its_result_says() {
    let outcomes: Vec<_> = builds()
        .into_iter()
        .map(|build| build.map(|build| (build.outcome, build.finished_at.is_some())))
        .collect();
    assert_eq!(
        outcomes,
        [
            Some((Outcome::Succeeded, true)),
            Some((Outcome::Failed, true)),
            Some((Outcome::Cancelled, true)),
            // Paused at a manual step.
            Some((Outcome::Running, false)),
            // Without a commit.
            None,
        ]
    );
    let names: Vec<_> = builds()
        .into_iter()
        .flatten()
        .map(|build| build.pipeline.map(|name| name.to_string()))
        .collect();
    assert_eq!(names[0].as_deref(), Some("branches: main"));
    assert_eq!(names[1].as_deref(), Some("default"));
    assert_eq!(names[2], None);
}

#[test]
fn a_deployment_is_named_by_its_environment_and_type() {
    let told = deployments();
    let environments: Vec<_> = told
        .iter()
        .map(|told| {
            let environment = told.as_ref()?.environment.as_ref()?;
            Some(environment.as_str().to_owned())
        })
        .collect();
    let expected = [
        Some("Production"),
        Some("production/eu-west"),
        Some("stg"),
        None,
        None,
    ];
    assert_eq!(environments, expected.map(|name| name.map(str::to_owned)));
    let first = told[0].as_ref().unwrap();
    assert_eq!(first.outcome, Outcome::Succeeded);
    assert_eq!(first.version.as_deref(), Some("#42"));
    assert_eq!(
        first.finished_at.unwrap().to_rfc3339(),
        "2026-02-01T00:05:00+00:00"
    );
    assert_eq!(told[1].as_ref().unwrap().outcome, Outcome::Failed);
    let running = told[2].as_ref().unwrap();
    assert_eq!(
        (running.outcome, running.finished_at),
        (Outcome::Running, None)
    );
    assert!(told[3].is_none(), "nothing was put live");
    assert_eq!(told[4].as_ref().unwrap().outcome, Outcome::Cancelled);
}
