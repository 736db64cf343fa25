//! CircleCI: a server that speaks its API v2, and what Pelorus makes of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::TimeDelta;
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row, counted};
use crate::estate::{Estate, Repository, Run, Size, YEAR_OF_12, YEAR_OF_200, rfc3339};
use crate::program::{SIZE, Stand};
use crate::reading::{CANARY, Pelorus, at, ledger};
use crate::resuming::{check, goes_on_where_it_stopped, holds_the_secret};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";
/// Pipelines a page: nobody can ask for more.
const PAGE: usize = 20;

type Shared = Arc<Mutex<Estate>>;
type Asked = Query<HashMap<String, String>>;

fn routes(estate: Shared) -> Router {
    Router::new()
        .route("/api/v2/pipeline", get(of_organization))
        .route(
            "/api/v2/project/gh/{owner}/{name}/pipeline",
            get(of_project),
        )
        .route("/api/v2/pipeline/{id}", get(pipeline))
        .route("/api/v2/pipeline/{id}/workflow", get(workflows))
        .route("/api/v2/workflow/{id}", get(workflow))
        .with_state(estate)
}

fn missing(message: &str) -> Response {
    (StatusCode::NOT_FOUND, Json(json!({"message": message}))).into_response()
}

fn uuid(kind: u8, id: u64) -> String {
    format!("5034460f-c7c4-4c43-945{kind}-{id:012}")
}

fn number(uuid: &str) -> u64 {
    uuid.rsplit('-').next().unwrap().parse().unwrap()
}

fn pipeline_json(repository: &Repository, run: &Run) -> Value {
    let url = format!(
        "https://github.com/{}/{}",
        repository.owner, repository.name
    );
    json!({
        "id": uuid(1, run.id), "errors": [], "project_slug": format!("gh/{}/{}", repository.owner, repository.name), "updated_at": rfc3339(run.finished_at),
        "number": run.id, "trigger_parameters": {}, "state": "created", "created_at": rfc3339(run.created_at),
        "trigger": {"type": "webhook", "received_at": rfc3339(run.created_at), "actor": {"login": "ann", "avatar_url": null}},
        "vcs": {"provider_name": "GitHub", "target_repository_url": url, "origin_repository_url": url, "branch": "main", "review_id": null, "review_url": null, "revision": run.commit, "tag": null},
    })
}

/// A run that starts when it ends has not ended: a way to say so in the estate.
fn workflow_json(repository: &Repository, run: &Run) -> Value {
    let is_running = run.finished_at == run.started_at;
    let status = match (is_running, run.is_successful) {
        (true, _) => "running",
        (false, true) => "success",
        (false, false) => "failed",
    };
    json!({
        "pipeline_id": uuid(1, run.id), "id": uuid(2, run.id), "name": run.pipeline, "project_slug": format!("gh/{}/{}", repository.owner, repository.name),
        "status": status, "started_by": "u", "pipeline_number": run.id, "created_at": rfc3339(run.started_at),
        "stopped_at": if is_running { Value::Null } else { json!(rfc3339(run.finished_at)) },
    })
}

fn page(mut runs: Vec<(&Repository, &Run)>, asked: &HashMap<String, String>) -> Response {
    runs.sort_by_key(|(_, run)| (std::cmp::Reverse(run.created_at), run.id));
    let skip: usize = asked.get("page-token").map_or(0, |token| {
        token.strip_prefix("AARLwwV").unwrap().parse().unwrap()
    });
    let next = skip + PAGE;
    let next = (next < runs.len()).then(|| format!("AARLwwV{next}"));
    let items = runs.into_iter().skip(skip).take(PAGE);
    let items: Vec<Value> = items
        .map(|(repository, run)| pipeline_json(repository, run))
        .collect();
    Json(json!({"items": items, "next_page_token": next})).into_response()
}

fn runs_of<'e>(
    repositories: impl Iterator<Item = &'e Repository>,
) -> Vec<(&'e Repository, &'e Run)> {
    repositories
        .flat_map(|repository| repository.runs.iter().map(move |run| (repository, run)))
        .collect()
}

async fn of_organization(State(estate): State<Shared>, Query(asked): Asked) -> Response {
    let estate = estate.lock().unwrap();
    if asked["org-slug"] != "gh/acme" {
        return missing("Organization not found");
    }
    page(runs_of(estate.repositories.iter()), &asked)
}

async fn of_project(
    State(estate): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Asked,
) -> Response {
    let estate = estate.lock().unwrap();
    let mut repositories = estate.repositories.iter();
    let found =
        repositories.find(|repository| repository.owner == owner && repository.name == name);
    match found {
        Some(repository) => page(runs_of(std::iter::once(repository)), &asked),
        None => missing("Project not found"),
    }
}

/// Does something with a run, or says that there is none.
fn with(estate: &Shared, id: &str, answer: impl FnOnce(&Repository, &Run) -> Value) -> Response {
    let estate = estate.lock().unwrap();
    let found = runs_of(estate.repositories.iter())
        .into_iter()
        .find(|(_, run)| run.id == number(id));
    match found {
        Some((repository, run)) => Json(answer(repository, run)).into_response(),
        None => missing("Pipeline not found"),
    }
}

async fn pipeline(State(estate): State<Shared>, Path(id): Path<String>) -> Response {
    with(&estate, &id, pipeline_json)
}

async fn workflow(State(estate): State<Shared>, Path(id): Path<String>) -> Response {
    with(&estate, &id, workflow_json)
}

async fn workflows(State(estate): State<Shared>, Path(id): Path<String>) -> Response {
    with(
        &estate,
        &id,
        |repository, run| json!({"items": [workflow_json(repository, run)], "next_page_token": null}),
    )
}

/// CircleCI over an estate.
struct CircleCi {
    server: Server,
    estate: Shared,
    folder: tempfile::TempDir,
}

impl CircleCi {
    async fn with(size: Size) -> Self {
        let estate = Estate::of("acme", size, at(NOW));
        let folder = tempfile::tempdir().unwrap();
        // Commits, pull requests and deployments come from a file: CircleCI knows none.
        let types = ["commit", "pull_request", "deployment"];
        let lines = estate.events("github.com", &types);
        std::fs::write(folder.path().join("code.jsonl"), lines).unwrap();
        let estate = Arc::new(Mutex::new(estate));
        let allowed = Allowed {
            at_once: 4,
            ..Allowed::default()
        };
        let server = Server::start(routes(Arc::clone(&estate)), allowed).await;
        Self {
            server,
            estate,
            folder,
        }
    }

    fn source(&self) -> Value {
        json!({"name": "ci", "kind": "circleci", "url": self.server.url, "organizations": ["gh/acme"]})
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

    /// Pelorus over this source alone, so that its events can be counted.
    fn alone(&self, change: impl FnOnce(&mut Value)) -> Pelorus {
        let mut source = self.source();
        change(&mut source);
        let settings = json!({"sources": [source]});
        Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW))
    }
}

const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 12,
};

/// The fewest requests of a first reading: pages of pipelines, and the workflows of each.
fn least_cold(size: Size) -> usize {
    let pipelines = size.repositories * size.pull_requests;
    pipelines.div_ceil(PAGE) + pipelines
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let circle = CircleCi::with(size).await;
    let start = |minutes| circle.start(&ledger(folder.path()), minutes);
    let [cold, warm] = counted(&circle.server, start).await;
    Row {
        kind: "circleci",
        page: "20",
        batched: "pipelines of an organisation",
        least: "⌈Kb/20⌉ + Kb; refresh 1",
        cold: Counted::of(least_cold(size), cold),
        warm: Counted::of(1, warm),
    }
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let circle = CircleCi::with(SIZE).await;
    let estate = circle.estate.lock().unwrap().clone();
    Stand {
        kind: "circleci",
        source: circle.source(),
        host: "github.com",
        tells: &["build"],
        deployments: json!([{"from": "build", "environment": "production"}]),
        estate,
        now: NOW,
        server: circle.server.clone(),
        held: Box::new(circle),
    }
}

/// What tells whether builds count alike: the keys with deployments that a rule makes of them.
#[tokio::test(flavor = "multi_thread")]
async fn the_five_keys_are_those_of_the_same_events() {
    let size = Size {
        repositories: 2,
        pull_requests: 30,
    };
    let circle = CircleCi::with(size).await;
    let (file, code) = (
        circle.folder.path().join("ci.jsonl"),
        circle.folder.path().join("only-code.jsonl"),
    );
    {
        let estate = circle.estate.lock().unwrap();
        std::fs::write(&file, estate.events("github.com", &["build"])).unwrap();
        let types = ["commit", "pull_request"];
        std::fs::write(&code, estate.events("github.com", &types)).unwrap();
    }
    let answers = async |source: Value| {
        let code = json!({"name": "code", "kind": "events", "path": [code]});
        let rule = json!({"from": "build", "match": "^build$", "environment": "production"});
        let settings = json!({"sources": [code, source], "deployments": [rule]});
        let pelorus = Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW));
        let answers = [pelorus.five_keys("committed").await, pelorus.parts().await];
        pelorus.stop().await;
        answers
    };
    let of_circle = answers(circle.source()).await;
    let of_events = answers(json!({"name": "file", "kind": "events", "path": [file]})).await;
    assert_eq!(of_circle, of_events);
    assert!(
        of_circle[0]["deployments"][0][1][0].as_f64() > Some(20.0),
        "{}",
        of_circle[0]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_reading_takes_the_fewest_requests_and_the_next_only_asks_what_is_new() {
    let is_soaked = std::env::var_os("PELORUS_SOAK").is_some();
    let size = if is_soaked { YEAR_OF_200 } else { YEAR_OF_12 };
    let folder = tempfile::tempdir().unwrap();
    let circle = CircleCi::with(size).await;
    let server = &circle.server;
    let pelorus = circle.start(&ledger(folder.path()), 0);
    pelorus.five_keys("committed").await;
    assert_eq!(pelorus.notices().await, Vec::<String>::new());
    pelorus.stop().await;
    let (least, cold) = (least_cold(size), server.requests());
    let efficiency = least as f64 / cold as f64;
    println!("circleci, cold: {least} / {cold} = {efficiency:.3}");
    assert!(efficiency >= 0.9, "{least} / {cold}\n{}", server.bill());
    assert_eq!(server.answered_with(429), 0);
    let seen = server.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.credential.as_deref() == Some(CANARY))
    );

    server.forget();
    let pelorus = circle.start(&ledger(folder.path()), 60);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(server.requests(), 1, "{}", server.bill());

    // Two pipelines came: the page, and their workflows.
    server.forget();
    {
        let mut estate = circle.estate.lock().unwrap();
        for repository in &mut estate.repositories[..2] {
            let run = repository.runs.last().unwrap().clone();
            repository.runs.push(Run {
                id: 9_999_000 + repository.id,
                created_at: at(NOW) + TimeDelta::minutes(70),
                started_at: at(NOW) + TimeDelta::minutes(70),
                finished_at: at(NOW) + TimeDelta::minutes(75),
                ..run
            });
        }
    }
    let pelorus = circle.start(&ledger(folder.path()), 180);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(server.requests(), 3, "{}", server.bill());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_goes_on_at_its_page() {
    let circle = CircleCi::with(SMALL).await;
    let pelorus = circle.start(&Location::Memory, 0);
    let whole = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    for word in ["/api/v2/pipeline", "/workflow", "300007/workflow"] {
        let folder = tempfile::tempdir().unwrap();
        goes_on_where_it_stopped(
            &circle.server,
            |ledger| circle.start(ledger, 0),
            &ledger(folder.path()),
            word,
            &whole,
        )
        .await;
        assert!(!holds_the_secret(folder.path()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_read_again_by_its_id_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let circle = CircleCi::with(SMALL).await;
    let ended = {
        let mut estate = circle.estate.lock().unwrap();
        let run = estate.repositories[0].runs.last_mut().unwrap();
        std::mem::replace(&mut run.finished_at, run.started_at)
    };
    let pelorus = circle.start(&ledger(folder.path()), 0);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    // First it still runs, then it has ended, then nobody asks any more.
    for (minutes, requests) in [(60, 2), (120, 2), (180, 1)] {
        circle.server.forget();
        if minutes == 120 {
            let mut estate = circle.estate.lock().unwrap();
            estate.repositories[0].runs.last_mut().unwrap().finished_at = ended;
        }
        let pelorus = circle.start(&ledger(folder.path()), minutes);
        pelorus.five_keys("committed").await;
        pelorus.stop().await;
        assert_eq!(
            circle.server.requests(),
            requests,
            "after {minutes} minutes:\n{}",
            circle.server.bill()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_settings_name_is_read_and_asked_for() {
    let circle = CircleCi::with(SMALL).await;
    let counts = async |change: &dyn Fn(&mut Value)| {
        circle.server.forget();
        let pelorus = circle.alone(change);
        let builds = pelorus.events_of("build").await as usize;
        pelorus.stop().await;
        (builds, circle.server.requests())
    };
    assert_eq!(counts(&|_| ()).await, (36, 2 + 36));
    let one = |source: &mut Value| source["include"] = json!(["acme/service-001"]);
    assert_eq!(counts(&one).await, (12, 2 + 12));
    let none = |source: &mut Value| source["branches"] = json!(["release/*"]);
    assert_eq!(counts(&none).await, (0, 2));
    // Which workflows a pipeline has only the pipeline tells.
    let none = |source: &mut Value| source["workflows"] = json!(["deploy-*"]);
    assert_eq!(counts(&none).await, (0, 2 + 36));
    let named = |source: &mut Value| {
        source["organizations"] = json!([]);
        source["projects"] = json!(["gh/acme/service-002"]);
    };
    assert_eq!(counts(&named).await, (12, 1 + 12));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_with_its_reason() {
    let circle = CircleCi::with(SMALL).await;
    let fail = |path_holds, status, body: &str| {
        circle.server.fail(Fault {
            path_holds,
            times: 1,
            answer: (status, Vec::new(), body.to_owned()),
        });
    };
    let pelorus = circle.alone(|_| ());
    let said = check(&pelorus).await;
    assert!(
        said.starts_with(
            "sees: Sees pipelines of gh/acme; one of the newest ran for github.com/acme/service-00"
        ),
        "{said}"
    );
    fail(
        "pipeline",
        StatusCode::UNAUTHORIZED,
        "{\"message\":\"You must log in first.\"}",
    );
    let said = check(&pelorus).await;
    assert!(said.contains("refused the credentials"), "{said}");
    fail(
        "pipeline",
        StatusCode::OK,
        "<!DOCTYPE html><title>CircleCI</title>",
    );
    let said = check(&pelorus).await;
    assert!(said.contains("it answered a web page"), "{said}");
    pelorus.stop().await;

    let pelorus = circle.alone(|source| source["organizations"] = json!(["gh/other", "gh/acme"]));
    let said = check(&pelorus).await;
    assert!(
        said.contains("its user must be a member of gh/other"),
        "{said}"
    );
    let notices = pelorus.notices().await.join("\n");
    assert!(notices.contains("Leaves out gh/other: "), "{notices}");
    assert_eq!(pelorus.events_of("build").await, 36);
    pelorus.stop().await;

    // One pipeline is gone: the others are read.
    fail(
        "200003/workflow",
        StatusCode::NOT_FOUND,
        "{\"message\":\"Pipeline not found\"}",
    );
    let pelorus = circle.alone(|_| ());
    let notices = pelorus.notices().await.join("\n");
    assert!(
        notices.contains("Leaves out a pipeline of gh/acme/service-002: "),
        "{notices}"
    );
    assert_eq!(pelorus.events_of("build").await, 35);
    pelorus.stop().await;
}
