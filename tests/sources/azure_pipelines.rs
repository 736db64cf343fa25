//! Azure Pipelines: a server that speaks its API, and what Pelorus makes of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row, counted};
use crate::estate::{Deployment, Estate, Repository, Run, Size, YEAR_OF_12, YEAR_OF_200, rfc3339};
use crate::program::{SIZE, Stand};
use crate::reading::{Pelorus, at, ledger};
use crate::resuming::{check, goes_on_where_it_stopped, holds_the_secret};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";
const PROJECT: &str = "a7573007-bbb3-4341-b726-0c4148a07853";

/// The estate is one project; of every second repository the deployments are classic releases.
struct Held {
    estate: Estate,
    name: &'static str,
}

type Shared = Arc<Mutex<Held>>;
type Asked = Query<HashMap<String, String>>;

fn routes(held: Shared) -> Router {
    let project = "/acme/{project}/_apis";
    let environments = format!("{project}/distributedtask/environments");
    Router::new()
        .route("/acme/_apis/projects", get(projects))
        .route("/acme/_apis/projects/{name}", get(one_project))
        .route(&format!("{project}/build/builds"), get(builds))
        .route(&environments, get(places))
        .route(
            &format!("{environments}/{{id}}/environmentdeploymentrecords"),
            get(records),
        )
        .route(&format!("{project}/release/deployments"), get(releases))
        .with_state(held)
}

fn project_json(held: &Held) -> Value {
    json!({"id": PROJECT, "name": held.name, "url": "", "state": "wellFormed", "revision": 12, "visibility": "private", "lastUpdateTime": "2025-01-01T00:00:00Z"})
}

async fn projects(State(held): State<Shared>, Query(asked): Asked) -> Response {
    assert_eq!(asked["api-version"], "7.1");
    let told = project_json(&held.lock().unwrap());
    Json(json!({"count": 1, "value": [told]})).into_response()
}

async fn one_project(State(held): State<Shared>, Path(name): Path<String>) -> Response {
    let held = held.lock().unwrap();
    if name == held.name {
        return Json(project_json(&held)).into_response();
    }
    let message = format!(
        "TF200016: The following project does not exist: {name}. Verify that the name of the project is correct and that the project exists on the specified Azure DevOps Server."
    );
    let body = json!({"$id": "1", "innerException": null, "message": message, "typeName": "Microsoft.TeamFoundation.Core.WebApi.ProjectDoesNotExistWithNameException", "typeKey": "ProjectDoesNotExistWithNameException", "errorCode": 0, "eventId": 3000});
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// A page of a list, and the token of the next.
fn page(items: Vec<Value>, top: usize, asked: &HashMap<String, String>) -> Response {
    let skip: usize = asked.get("continuationToken").map_or(0, |token| {
        token.strip_prefix("token-").unwrap().parse().unwrap()
    });
    let mut headers = HeaderMap::new();
    if skip + top < items.len() {
        let token = format!("token-{}", skip + top);
        headers.insert("x-ms-continuationtoken", token.parse().unwrap());
    }
    let shown: Vec<Value> = items.into_iter().skip(skip).take(top).collect();
    let body = json!({"count": shown.len(), "value": shown});
    (headers, Json(body)).into_response()
}

fn repository_json(repository: &Repository) -> Value {
    json!({"id": format!("{}/{}", repository.owner, repository.name), "type": "GitHub", "name": null, "url": null, "clean": null, "checkoutSubmodules": false})
}

/// A run that starts when it ends has not ended: a way to say so in the estate.
fn build_json(repository: &Repository, run: &Run) -> Value {
    let is_running = run.finished_at == run.started_at;
    let mut told = json!({
        "_links": {"web": {"href": format!("https://dev.azure.com/acme/_build/results?buildId={}", run.id)}},
        "id": run.id, "buildNumber": format!("20260101.{}", run.id), "status": if is_running { "inProgress" } else { "completed" },
        "queueTime": rfc3339(run.created_at), "startTime": rfc3339(run.started_at), "definition": {"id": 7, "name": run.pipeline},
        "project": {"id": PROJECT, "name": "Shop"}, "sourceBranch": "refs/heads/main", "sourceVersion": run.commit, "reason": "individualCI",
        "triggerInfo": {}, "repository": repository_json(repository),
    });
    if !is_running {
        told["result"] = json!(if run.is_successful {
            "succeeded"
        } else {
            "failed"
        });
        told["finishTime"] = json!(rfc3339(run.finished_at));
    }
    told
}

async fn builds(State(held): State<Shared>, Query(asked): Asked) -> Response {
    let held = held.lock().unwrap();
    let mut runs: Vec<(&Repository, &Run)> = held
        .estate
        .repositories
        .iter()
        .flat_map(|repository| repository.runs.iter().map(move |run| (repository, run)))
        .collect();
    if let Some(ids) = asked.get("buildIds") {
        let ids: Vec<u64> = ids.split(',').map(|id| id.parse().unwrap()).collect();
        assert!(ids.len() <= 200);
        runs.retain(|(_, run)| ids.contains(&run.id));
    } else if let Some(since) = asked.get("minTime") {
        assert_eq!(asked["queryOrder"], "queueTimeDescending");
        let since = at(since);
        runs.retain(|(_, run)| run.created_at >= since);
    }
    runs.sort_by_key(|(_, run)| (std::cmp::Reverse(run.created_at), run.id));
    let told = runs
        .into_iter()
        .map(|(repository, run)| build_json(repository, run));
    let top = asked.get("$top").map_or(1_000, |top| top.parse().unwrap());
    page(told.collect(), top.min(5_000), &asked)
}

async fn places(Query(asked): Asked) -> Response {
    assert_eq!(asked["api-version"], "7.1-preview.1");
    let place = json!({"id": 3, "name": "production", "description": "", "createdOn": "2025-01-01T00:00:00Z", "lastModifiedOn": "2025-01-01T00:00:00Z", "project": {"id": PROJECT}});
    page(vec![place], 1_000, &asked)
}

fn deployed(held: &Held, is_released: bool) -> Vec<(&Repository, &Deployment)> {
    let repositories = held.estate.repositories.iter();
    let wanted = repositories.filter(|repository| repository.id.is_multiple_of(2) == is_released);
    let mut deployed: Vec<_> = wanted
        .flat_map(|repository| {
            let deployments = repository.deployments.iter();
            deployments.map(move |deployment| (repository, deployment))
        })
        .collect();
    deployed.sort_by_key(|(_, deployment)| std::cmp::Reverse(deployment.started_at));
    deployed
}

/// The run that made what was deployed.
fn run_of<'r>(repository: &'r Repository, deployment: &Deployment) -> &'r Run {
    let mut runs = repository.runs.iter();
    runs.find(|run| run.commit == deployment.commit).unwrap()
}

async fn records(
    State(held): State<Shared>,
    Path((_, id)): Path<(String, u64)>,
    Query(asked): Asked,
) -> Response {
    assert_eq!((id, asked["api-version"].as_str()), (3, "7.1-preview.1"));
    let held = held.lock().unwrap();
    let told = deployed(&held, false).into_iter().map(|(repository, deployment)| {
        let run = run_of(repository, deployment);
        json!({
            "id": deployment.id, "environmentId": 3, "planType": "Build", "stageName": "Deploy", "jobName": "web", "jobAttempt": 1, "stageAttempt": 1,
            "definition": {"id": 7, "name": "build"}, "owner": {"id": run.id, "name": format!("20260101.{}", run.id)},
            "result": if deployment.is_successful { "succeeded" } else { "failed" }, "queueTime": rfc3339(deployment.started_at),
            "startTime": rfc3339(deployment.started_at), "finishTime": rfc3339(deployment.finished_at),
        })
    });
    let top = asked.get("top").map_or(25, |top| top.parse().unwrap());
    page(told.collect(), top, &asked)
}

fn release_json(repository: &Repository, deployment: &Deployment) -> Value {
    let run = run_of(repository, deployment);
    let reference = json!({
        "definition": {"id": "7", "name": "build"}, "version": {"id": run.id.to_string(), "name": ""}, "branch": {"id": "refs/heads/main", "name": "main"},
        "repository": {"id": format!("{}/{}", repository.owner, repository.name), "name": ""}, "repository.provider": {"id": "GitHub", "name": ""},
        "sourceVersion": {"id": deployment.commit, "name": ""},
    });
    json!({
        "id": deployment.id, "attempt": 1, "reason": "automated", "deploymentStatus": if deployment.is_successful { "succeeded" } else { "failed" },
        "operationStatus": "Approved", "queuedOn": rfc3339(deployment.started_at), "startedOn": rfc3339(deployment.started_at),
        "completedOn": rfc3339(deployment.finished_at), "lastModifiedOn": rfc3339(deployment.finished_at),
        "releaseEnvironment": {"id": 5, "name": "production"}, "releaseDefinition": {"id": 1, "name": "Shop"},
        "release": {"id": deployment.id, "name": format!("Release-{}", deployment.id), "artifacts": [{"type": "Build", "alias": "_build", "isPrimary": true, "definitionReference": reference}]},
    })
}

async fn releases(State(held): State<Shared>, Query(asked): Asked) -> Response {
    let held = held.lock().unwrap();
    let since: Option<DateTime<Utc>> = asked.get("minModifiedTime").map(|since| at(since));
    let told = deployed(&held, true)
        .into_iter()
        .filter(|(_, deployment)| since.is_none_or(|since| deployment.finished_at >= since))
        .map(|(repository, deployment)| release_json(repository, deployment));
    let top = asked.get("$top").map_or(50, |top| top.parse().unwrap());
    page(told.collect(), top.min(100), &asked)
}

/// Azure Pipelines over an estate.
struct Pipelines {
    server: Server,
    held: Shared,
    folder: tempfile::TempDir,
}

impl Pipelines {
    async fn with(size: Size) -> Self {
        let estate = Estate::of("acme", size, at(NOW));
        let folder = tempfile::tempdir().unwrap();
        // Commits and pull requests come from a file: pipelines know none.
        let lines = estate.events("github.com", &["commit", "pull_request"]);
        std::fs::write(folder.path().join("code.jsonl"), lines).unwrap();
        let held = Arc::new(Mutex::new(Held {
            estate,
            name: "Shop",
        }));
        let allowed = Allowed {
            at_once: 4,
            ..Allowed::default()
        };
        let server = Server::start(routes(Arc::clone(&held)), allowed).await;
        Self {
            server,
            held,
            folder,
        }
    }

    fn source(&self) -> Value {
        json!({"name": "ci", "kind": "azure_pipelines", "url": format!("{}/acme", self.server.url)})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        self.start_with(self.source(), ledger, minutes)
    }

    fn start_with(&self, source: Value, ledger: &Location, minutes: i64) -> Pelorus {
        let code = json!({"name": "code", "kind": "events", "path": [self.folder.path().join("code.jsonl")]});
        let now = at(NOW) + TimeDelta::minutes(minutes);
        let settings = json!({"sources": [code, source]});
        Pelorus::start(&settings, &["ci__token"], ledger, now)
    }

    fn asked_for(&self, word: &str) -> usize {
        let seen = self.server.seen();
        seen.iter()
            .filter(|seen| seen.path().ends_with(word))
            .count()
    }
}

const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 12,
};

/// The fewest requests of a first reading: projects; runs, environments, deployments into one, and of releases.
fn least_cold(size: Size) -> usize {
    let runs = size.repositories * size.pull_requests;
    let deployments = |repositories: usize| repositories * (size.pull_requests / 5);
    let pages = |items: usize, cap: usize| items.div_ceil(cap).max(1);
    let released = size.repositories / 2;
    1 + pages(runs, 1_000)
        + 1
        + pages(deployments(size.repositories - released), 1_000)
        + pages(deployments(released), 100)
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = Pipelines::with(size).await;
    let start = |minutes| pipelines.start(&ledger(folder.path()), minutes);
    let [cold, warm] = counted(&pipelines.server, start).await;
    Row {
        kind: "azure_pipelines",
        page: "1,000 (releases 100)",
        batched: "runs, environments and releases of a project",
        least: "1 + ⌈Kb/1000⌉ + 1 + ⌈d/1000⌉ + ⌈r/100⌉ in one project; refresh 3",
        cold: Counted::of(least_cold(size), cold),
        warm: Counted::of(3, warm),
    }
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let pipelines = Pipelines::with(SIZE).await;
    let estate = pipelines.held.lock().unwrap().estate.clone();
    Stand {
        kind: "azure_pipelines",
        source: pipelines.source(),
        host: "github.com",
        tells: &["build", "deployment"],
        deployments: json!([]),
        estate,
        now: NOW,
        server: pipelines.server.clone(),
        held: Box::new(pipelines),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_five_keys_are_those_of_the_same_events() {
    let size = Size {
        repositories: 2,
        pull_requests: 30,
    };
    let pipelines = Pipelines::with(size).await;
    let file = pipelines.folder.path().join("ci.jsonl");
    let lines = pipelines
        .held
        .lock()
        .unwrap()
        .estate
        .events("github.com", &["build", "deployment"]);
    std::fs::write(&file, lines).unwrap();
    let answers = async |source: Value| {
        let pelorus = pipelines.start_with(source, &Location::Memory, 0);
        let answers = [pelorus.five_keys("committed").await, pelorus.parts().await];
        pelorus.stop().await;
        answers
    };
    let of_pipelines = answers(pipelines.source()).await;
    let of_events = answers(json!({"name": "file", "kind": "events", "path": [file]})).await;
    assert_eq!(of_pipelines, of_events);
    assert!(
        of_pipelines[0]["commits"][0][1][0].as_f64() > Some(50.0),
        "{}",
        of_pipelines[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_reading_takes_the_fewest_requests_and_the_next_only_asks_what_is_new() {
    let is_soaked = std::env::var_os("PELORUS_SOAK").is_some();
    let size = if is_soaked { YEAR_OF_200 } else { YEAR_OF_12 };
    let folder = tempfile::tempdir().unwrap();
    let pipelines = Pipelines::with(size).await;
    let server = &pipelines.server;
    let pelorus = pipelines.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    assert_eq!(pelorus.notices().await, Vec::<String>::new());
    pelorus.stop().await;
    let (least, cold) = (least_cold(size), server.requests());
    let efficiency = least as f64 / cold as f64;
    println!("azure_pipelines, cold: {least} / {cold} = {efficiency:.3}");
    assert!(efficiency >= 0.9, "{least} / {cold}\n{}", server.bill());
    assert_eq!(server.answered_with(429), 0);

    // Nothing changed: projects, runs, releases. Environments change only where something runs.
    server.forget();
    let pelorus = pipelines.start(&ledger(folder.path()), 60);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(server.requests(), 3, "{}", server.bill());

    // Somebody releases an older run again, and a new run deploys an older commit again into the environment.
    server.forget();
    {
        let mut held = pipelines.held.lock().unwrap();
        for repository in &mut held.estate.repositories[..2] {
            let older = repository.deployments[0].clone();
            repository.deployments.push(Deployment {
                id: 9_999_000 + repository.id,
                started_at: at(NOW) + TimeDelta::minutes(70),
                finished_at: at(NOW) + TimeDelta::minutes(75),
                ..older
            });
        }
        let first = &mut held.estate.repositories[0];
        let run = first.runs.last().unwrap().clone();
        first.runs.push(Run {
            id: 9_999_999,
            created_at: at(NOW) + TimeDelta::minutes(69),
            started_at: at(NOW) + TimeDelta::minutes(69),
            finished_at: at(NOW) + TimeDelta::minutes(76),
            ..run
        });
    }
    let pelorus = pipelines.start(&ledger(folder.path()), 180);
    let after = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    // Environments, their records, and the older run that was deployed, by its number.
    assert_eq!(server.requests(), 6, "{}", server.bill());
    for at in [0, 1] {
        let deployments = |keys: &Value| keys["deployments"][0][1][at].as_f64().unwrap();
        assert_eq!(deployments(&after), deployments(&before) + 1.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_goes_on_at_its_page() {
    let pipelines = Pipelines::with(SMALL).await;
    let pelorus = pipelines.start(&Location::Memory, 0);
    let whole = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    for word in [
        "/_apis/projects",
        "/build/builds",
        "/environments",
        "/environmentdeploymentrecords",
        "/release/deployments",
    ] {
        let folder = tempfile::tempdir().unwrap();
        goes_on_where_it_stopped(
            &pipelines.server,
            |ledger| pipelines.start(ledger, 0),
            &ledger(folder.path()),
            word,
            &whole,
        )
        .await;
        assert!(!holds_the_secret(folder.path()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_read_again_by_its_number_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = Pipelines::with(SMALL).await;
    let ended = {
        let mut held = pipelines.held.lock().unwrap();
        let run = held.estate.repositories[0].runs.last_mut().unwrap();
        std::mem::replace(&mut run.finished_at, run.started_at)
    };
    let number = {
        let held = pipelines.held.lock().unwrap();
        held.estate.repositories[0].runs.last().unwrap().id
    };
    let pelorus = pipelines.start(&ledger(folder.path()), 0);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    pipelines.held.lock().unwrap().estate.repositories[0]
        .runs
        .last_mut()
        .unwrap()
        .finished_at = ended;
    for (minutes, times) in [(60, 1), (120, 0)] {
        pipelines.server.forget();
        let pelorus = pipelines.start(&ledger(folder.path()), minutes);
        pelorus.five_keys("committed").await;
        pelorus.stop().await;
        let seen = pipelines.server.seen();
        let by_number = format!("buildIds={number}&");
        let asked = seen.iter().filter(|seen| seen.target.contains(&by_number));
        assert_eq!(asked.count(), times, "after {minutes} minutes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_project_is_the_same_project() {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = Pipelines::with(SMALL).await;
    let pelorus = pipelines.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    pipelines.held.lock().unwrap().name = "Store";
    pipelines.server.forget();
    let pelorus = pipelines.start(&ledger(folder.path()), 0);
    let after = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(before, after);
    let pelorus = pipelines.start(&ledger(folder.path()), 60);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(pipelines.asked_for("/environmentdeploymentrecords"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pipelines_and_branches_that_are_not_named_make_no_builds() {
    let pipelines = Pipelines::with(SMALL).await;
    let builds = async |key: &str, globs: Value| {
        let mut source = pipelines.source();
        source[key] = globs;
        let settings = json!({"sources": [source]});
        let pelorus = Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW));
        let counts = [
            pelorus.events_of("build").await,
            pelorus.events_of("deployment").await,
        ];
        pelorus.stop().await;
        counts
    };
    assert_eq!(builds("pipelines", json!(["bui*"])).await, [36, 6]);
    // Deployments carry the commits of runs that are no builds.
    assert_eq!(builds("pipelines", json!(["nightly"])).await, [0, 6]);
    assert_eq!(builds("branches", json!(["release/*"])).await, [0, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_with_its_reason() {
    let pipelines = Pipelines::with(SMALL).await;
    let fail = |path_holds, times, status, body: &str| {
        pipelines.server.fail(Fault {
            path_holds,
            times,
            answer: (status, Vec::new(), body.to_owned()),
        });
    };
    let start = |source: Value| {
        let settings = json!({"sources": [source]});
        Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW))
    };
    let pelorus = start(pipelines.source());
    let said = check(&pelorus).await;
    assert!(said.starts_with("sees: Sees 1 projects (Shop)."), "{said}");
    fail("/environments", 1, StatusCode::FORBIDDEN, "{}");
    let said = check(&pelorus).await;
    assert!(
        said.contains("Environments of Shop cannot be read")
            && said.contains("`vso.environment_manage`"),
        "{said}"
    );
    fail("projects", 1, StatusCode::UNAUTHORIZED, "");
    let said = check(&pelorus).await;
    assert!(said.contains("refused the credentials"), "{said}");
    // A token that ran out is answered by a page to sign in.
    fail(
        "projects",
        1,
        StatusCode::NON_AUTHORITATIVE_INFORMATION,
        "<html>Sign In</html>",
    );
    let said = check(&pelorus).await;
    assert!(said.contains("refused the credentials"), "{said}");
    fail(
        "projects",
        1,
        StatusCode::OK,
        "<!doctype html><title>Acme</title>",
    );
    let said = check(&pelorus).await;
    assert!(said.contains("it answered a web page"), "{said}");
    pelorus.stop().await;

    let mut source = pipelines.source();
    source["projects"] = json!(["Gone", "Shop"]);
    let pelorus = start(source);
    let notices = pelorus.notices().await.join("\n");
    assert!(notices.contains("Leaves out Gone: "), "{notices}");
    assert_eq!(pelorus.events_of("build").await, 36);
    pelorus.stop().await;

    // One part is hidden: the others are read, and each says what it lacks.
    for (hidden, says, builds, deployments) in [
        ("/build/builds", "Leaves out runs of Shop: ", 0, 6),
        ("/environments", "Leaves out environments of Shop: ", 36, 2),
        (
            "/environmentdeploymentrecords",
            "Leaves out production of Shop: ",
            36,
            2,
        ),
        (
            "/release/deployments",
            "Leaves out releases of Shop: ",
            36,
            4,
        ),
    ] {
        let pipelines = Pipelines::with(SMALL).await;
        pipelines.server.fail(Fault::of(hidden, 403));
        let settings = json!({"sources": [pipelines.source()]});
        let pelorus = Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW));
        let notices = pelorus.notices().await.join("\n");
        assert!(notices.contains(says), "{hidden}: {notices}");
        let counts = [
            pelorus.events_of("build").await,
            pelorus.events_of("deployment").await,
        ];
        pelorus.stop().await;
        assert_eq!(counts, [builds, deployments], "{hidden}");
    }
}
