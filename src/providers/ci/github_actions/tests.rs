//! What GitHub's answers become.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::events::{self, Origin};
use super::json::{DeploymentJson, JobsJson, RunsJson};
use crate::model::{Event, EventId, Repository, SourceName};

fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/github_actions")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The bodies of events, with their ids.
fn told<T>(things: &[T], event: impl Fn(&Origin<'_>, &T) -> Option<Event>) -> Vec<Value> {
    let (source, repository) = (
        SourceName::from("ci"),
        Repository::from("github.com/acme/shop"),
    );
    let origin = Origin {
        source: &source,
        repository: &repository,
    };
    let events = things.iter().filter_map(|thing| event(&origin, thing));
    let shown = events.map(|event| {
        let mut shown = serde_json::to_value(&event.body).unwrap();
        shown["id"] = event.id.as_str().into();
        shown
    });
    shown.collect()
}

#[test]
fn a_deployment_that_was_live_stays_so_when_the_next_one_made_it_inactive() {
    let deployments: Vec<DeploymentJson> = fixture("deployments.json");
    let told = told(&deployments, events::of_deployment);
    assert_eq!(
        told[0],
        json!({
            "type": "deployment", "environment": "production", "repository": "github.com/acme/shop", "started_at": "2026-11-01T10:01:00Z",
            "finished_at": "2026-11-01T10:05:00Z", "commit": "1111111111111111111111111111111111111111", "version": "v1.2.0",
            "id": "github_actions:github.com/DE_live",
        })
    );
    let outcomes: Vec<_> = told
        .iter()
        .map(|told| (told["outcome"].as_str(), told["finished_at"].as_str()))
        .collect();
    assert_eq!(
        outcomes,
        [
            (None, Some("2026-11-01T10:05:00Z")),
            (Some("failed"), Some("2026-11-01T10:03:00Z")),
            (Some("running"), None),
            (Some("cancelled"), Some("2026-11-01T11:00:00Z")),
        ]
    );
    assert_eq!(told[1]["environment"], "staging");
}

#[test]
fn runs_are_builds_and_a_skipped_one_is_none() {
    let page: RunsJson = fixture("runs.json");
    let told = told(&page.workflow_runs, events::of_run);
    assert_eq!(
        told,
        [
            json!({
                "type": "build", "repository": "github.com/acme/shop", "commit": "1111111111111111111111111111111111111111", "pipeline": "Build",
                "started_at": "2026-11-01T10:00:30Z", "finished_at": "2026-11-01T10:09:00Z", "id": "github_actions:github.com/WFR_1",
            }),
            json!({
                "type": "build", "repository": "github.com/acme/shop", "commit": "2222222222222222222222222222222222222222",
                "started_at": "2026-11-01T10:00:00Z", "finished_at": "2026-11-01T16:00:00Z", "outcome": "failed", "tags": ["v1.2.0"],
                "id": "github_actions:github.com/WFR_2",
            }),
            json!({
                "type": "build", "repository": "github.com/acme/shop", "commit": "3333333333333333333333333333333333333333", "pipeline": "Build",
                "started_at": "2026-11-01T10:00:00Z", "outcome": "running", "id": "github_actions:github.com/WFR_3",
            }),
        ]
    );
}

#[test]
fn a_job_is_a_build_below_its_run_and_is_not_read_again_by_itself() {
    let page: JobsJson = fixture("jobs.json");
    let told = told(&page.jobs, |origin, job| {
        events::of_job(origin, "WFR_1", job)
    });
    assert_eq!(told[0]["pipeline"], "Build / compile");
    assert_eq!(
        (&told[0]["outcome"], &told[0]["id"]),
        (
            &json!("cancelled"),
            &json!("github_actions:github.com/WFR_1/11")
        )
    );
    assert_eq!(
        events::node(&EventId::from("github_actions:github.com/WFR_1/11")),
        None
    );
    assert_eq!(
        events::node(&EventId::from("github_actions:github.com/WFR_1")),
        Some("WFR_1")
    );
}
