//! Answers of the reference, translated.

use super::events::{self, Origin};
use super::{json, release_address};
use crate::model::{Body, Build, Deployment, Event, Outcome};

fn with<T>(work: impl FnOnce(&Origin<'_>) -> T) -> T {
    work(&Origin {
        source: &"ci".into(),
        base: &"https://dev.azure.com/acme".parse().unwrap(),
        project_id: "a7573007-bbb3-4341-b726-0c4148a07853",
        project: "Shop",
    })
}

fn builds() -> Vec<Option<(Event, Build)>> {
    let text = include_str!("../../../../tests/fixtures/azure_pipelines/builds.json");
    let told: json::List<json::Build> = serde_json::from_str(text).unwrap();
    let made = told.value.iter().map(|told| {
        with(|origin| {
            let event = origin.build(told, &origin.made(told)?);
            match event.body.clone() {
                Body::Build(build) => Some((event, build)),
                other => panic!("{other:?}"),
            }
        })
    });
    made.collect()
}

fn deployment(event: Option<Event>) -> Option<Deployment> {
    match event?.body {
        Body::Deployment(deployment) => Some(deployment),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_ends_as_its_result_says() {
    let told: Vec<_> = builds()
        .into_iter()
        .map(|build| build.map(|(_, build)| (build.outcome, build.finished_at.is_some())))
        .collect();
    assert_eq!(
        told,
        [
            Some((Outcome::Succeeded, true)),
            Some((Outcome::Succeeded, true)),
            Some((Outcome::Cancelled, true)),
            Some((Outcome::Running, false)),
            // Not Git, and without a commit.
            None,
            None,
        ]
    );
}

#[test]
fn a_run_is_named_by_its_host_whatever_kind_its_repository_is_of() {
    let told: Vec<_> = builds().into_iter().flatten().collect();
    let repositories: Vec<_> = told
        .iter()
        .map(|(_, build)| build.repository.as_str())
        .collect();
    assert_eq!(
        repositories,
        [
            "dev.azure.com/acme/shop/api",
            "github.com/acme/shop",
            "bitbucket.org/acme/shop",
            "git.acme.example/shop",
        ]
    );
    let (event, first) = &told[0];
    assert_eq!(
        event.id.as_str(),
        "azure_pipelines:dev.azure.com/acme/a7573007-bbb3-4341-b726-0c4148a07853/build/42"
    );
    assert_eq!(first.tags[..], ["v1.2".into()]);
    assert_eq!(first.pipeline.as_deref(), Some("build"));
    let time = |at: Option<chrono::DateTime<chrono::Utc>>| at.unwrap().to_rfc3339();
    assert_eq!(time(first.started_at), "2026-02-01T00:00:10+00:00");
    assert_eq!(time(first.finished_at), "2026-02-01T00:05:00.500+00:00");
    // A pull request's run builds a commit that nobody else ever sees: its source is meant.
    assert_eq!(told[1].1.commit.to_string(), "c".repeat(40));
    assert_eq!(time(told[1].1.started_at), "2026-02-01T01:00:00+00:00");
}

#[test]
fn a_deployment_into_an_environment_carries_its_runs_commit() {
    let text = include_str!("../../../../tests/fixtures/azure_pipelines/records.json");
    let told: json::List<json::Record> = serde_json::from_str(text).unwrap();
    let made = events::Made {
        repository: "github.com/acme/shop".into(),
        commit: "a".repeat(40).parse().unwrap(),
    };
    let told: Vec<_> = told
        .value
        .iter()
        .map(|told| deployment(with(|origin| origin.record(told, "prod", Some(&made)))))
        .collect();
    let outcomes: Vec<_> = told
        .iter()
        .map(|told| told.as_ref().map(|told| told.outcome))
        .collect();
    assert_eq!(
        outcomes,
        [
            Some(Outcome::Succeeded),
            Some(Outcome::Failed),
            None,
            Some(Outcome::Cancelled),
            Some(Outcome::Running),
        ]
    );
    let first = told[0].as_ref().unwrap();
    assert_eq!(first.environment.as_ref().unwrap().as_str(), "prod");
    assert_eq!(first.commit.unwrap(), made.commit);
    assert_eq!(first.version.as_deref(), Some("20260201.1"));
    assert!(told[4].as_ref().unwrap().finished_at.is_none());
}

#[test]
fn a_release_says_what_it_put_live_by_its_first_artifact() {
    let text = include_str!("../../../../tests/fixtures/azure_pipelines/deployments.json");
    let told: json::List<json::Deployment> = serde_json::from_str(text).unwrap();
    let runs: Vec<_> = told
        .value
        .iter()
        .map(|told| told.release.as_ref().and_then(events::run_of))
        .collect();
    assert_eq!(runs, [Some(42), None, None, None, None]);
    let told: Vec<_> = told
        .value
        .iter()
        .map(|told| {
            with(|origin| {
                let artifact = told.release.as_ref().and_then(events::primary);
                let made = artifact.and_then(|artifact| origin.made_of(artifact));
                deployment(origin.release(told, made.as_ref()))
            })
        })
        .collect();
    let said: Vec<_> = told
        .iter()
        .map(|told| {
            let told = told.as_ref()?;
            let repository = told
                .repository
                .as_ref()
                .map(|name| name.as_str().to_owned());
            Some((told.outcome, repository))
        })
        .collect();
    let azure = Some("dev.azure.com/acme/shop/api".to_owned());
    assert_eq!(
        said,
        [
            Some((Outcome::Succeeded, Some("github.com/acme/shop".to_owned()))),
            Some((Outcome::Cancelled, azure)),
            Some((Outcome::Running, None)),
            None,
            Some((Outcome::Succeeded, None)),
        ]
    );
    assert_eq!(
        told[0].as_ref().unwrap().version.as_deref(),
        Some("Release-17")
    );
}

#[test]
fn releases_have_a_host_of_their_own_in_services_and_none_on_a_server() {
    let of = |text: &str| release_address(&text.parse().unwrap()).map(|url| url.to_string());
    assert_eq!(
        of("https://dev.azure.com/acme").as_deref(),
        Some("https://vsrm.dev.azure.com/acme")
    );
    assert_eq!(
        of("https://acme.visualstudio.com/").as_deref(),
        Some("https://acme.vsrm.visualstudio.com/")
    );
    assert_eq!(of("https://tfs.acme.example/tfs/DefaultCollection"), None);
}
