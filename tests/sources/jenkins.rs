//! Jenkins: a server that speaks its remote access API, and what Pelorus makes of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::TimeDelta;
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row};
use crate::estate::{Estate, Repository, Run, Size};
use crate::program::{SIZE, Stand};
use crate::reading::{CANARY, Pelorus, at, ledger};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";

/// The estate, and whether its last builds still run.
struct Held {
    estate: Estate,
    is_running: bool,
}

type Shared = Arc<Mutex<Held>>;
type Asked = Query<HashMap<String, String>>;

fn routes(held: Shared) -> Router {
    Router::new()
        .route("/api/json", get(all))
        .route(
            "/job/{folder}/job/{project}/job/{branch}/api/json",
            get(job),
        )
        .route(
            "/job/{folder}/job/{project}/job/{branch}/{number}/api/json",
            get(build),
        )
        .with_state(held)
}

/// The bounds `{from,to}` that follow a word in the tree.
fn bounds(tree: &str, word: &str) -> Option<(usize, usize)> {
    let rest = &tree[tree.find(&format!("{word}["))?..];
    let inner = rest[rest.find('{')? + 1..].split('}').next()?;
    let (from, to) = inner.split_once(',')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

fn build_json(held: &Held, repository: &Repository, number: usize, run: &Run) -> Value {
    let is_running = held.is_running && number == repository.runs.len();
    let action = json!({
        "_class": "hudson.plugins.git.util.BuildData", "lastBuiltRevision": {"SHA1": run.commit},
        "remoteUrls": [format!("https://git.acme.example/{}/{}.git", repository.owner, repository.name)],
    });
    json!({
        "_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun", "number": number, "building": is_running,
        "result": if is_running { Value::Null } else if run.is_successful { json!("SUCCESS") } else { json!("FAILURE") },
        "timestamp": run.started_at.timestamp_millis(), "duration": if is_running { 0 } else { (run.finished_at - run.started_at).num_milliseconds() },
        "url": format!("https://jenkins.acme.example/{number}/"), "actions": [{}, null, action],
    })
}

/// Builds newest first, those between the bounds.
fn builds(held: &Held, repository: &Repository, (from, to): (usize, usize)) -> Vec<Value> {
    let newest_first = repository.runs.iter().enumerate().rev();
    let shown = newest_first.skip(from).take(to - from);
    shown
        .map(|(at, run)| build_json(held, repository, at + 1, run))
        .collect()
}

async fn all(State(held): State<Shared>, Query(asked): Asked) -> Response {
    let held = held.lock().unwrap();
    let tree = &asked["tree"];
    // `builds` holds a hundred at most, whatever is asked.
    let bounds = bounds(tree, "builds").map(|(from, to)| (from, to.min(100)));
    let projects = held.estate.repositories.iter().map(|repository| {
        let name = format!("{}/{}/main", repository.owner, repository.name);
        let mut job = json!({"_class": "WorkflowJob", "fullName": name, "firstBuild": {"number": 1}});
        if let Some(bounds) = bounds {
            job["builds"] = Value::Array(builds(&held, repository, bounds));
        }
        json!({"_class": "WorkflowMultiBranchProject", "fullName": format!("{}/{}", repository.owner, repository.name), "jobs": [job]})
    });
    let folder = json!({"_class": "com.cloudbees.hudson.plugins.folder.Folder", "fullName": "acme", "jobs": projects.collect::<Vec<_>>()});
    let mut headers = HeaderMap::new();
    headers.insert("x-jenkins", "2.479.1".parse().unwrap());
    (
        headers,
        json!({"_class": "hudson.model.Hudson", "jobs": [folder]}).to_string(),
    )
        .into_response()
}

fn find<'a>(held: &'a Held, project: &str) -> Option<&'a Repository> {
    held.estate
        .repositories
        .iter()
        .find(|repository| repository.name == project)
}

async fn job(
    State(held): State<Shared>,
    Path((_, project, _)): Path<(String, String, String)>,
    Query(asked): Asked,
) -> Response {
    let held = held.lock().unwrap();
    match find(&held, &project) {
        Some(repository) => {
            let bounds = bounds(&asked["tree"], "allBuilds").unwrap();
            json!({"_class": "WorkflowJob", "allBuilds": builds(&held, repository, bounds)})
                .to_string()
                .into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn build(
    State(held): State<Shared>,
    Path((_, project, _, number)): Path<(String, String, String, usize)>,
) -> Response {
    let held = held.lock().unwrap();
    let repository = find(&held, &project).unwrap();
    build_json(&held, repository, number, &repository.runs[number - 1])
        .to_string()
        .into_response()
}

/// A Jenkins that builds an estate.
struct Jenkins {
    server: Server,
    held: Shared,
}

impl Jenkins {
    async fn with(size: Size) -> Self {
        let estate = Estate::of("acme", size, at(NOW));
        let held = Arc::new(Mutex::new(Held {
            estate,
            is_running: false,
        }));
        let server = Server::start(
            routes(Arc::clone(&held)),
            Allowed {
                at_once: 2,
                ..Allowed::default()
            },
        )
        .await;
        Self { server, held }
    }

    fn source(&self) -> Value {
        json!({"name": "ci", "kind": "jenkins", "url": self.server.url, "user": "pelorus"})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        let settings = json!({"sources": [self.source()], "deployments": builds_are_deployments()});
        Pelorus::start(
            &settings,
            &["ci__token"],
            ledger,
            at(NOW) + TimeDelta::minutes(minutes),
        )
    }
}

fn builds_are_deployments() -> Value {
    json!([{"from": "build", "environment": "production"}])
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let jenkins = Jenkins::with(SIZE).await;
    let estate = jenkins.held.lock().unwrap().estate.clone();
    Stand {
        kind: "jenkins",
        source: jenkins.source(),
        host: "git.acme.example",
        tells: &["build"],
        deployments: builds_are_deployments(),
        estate,
        now: NOW,
        server: jenkins.server.clone(),
        held: Box::new(jenkins),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_give_the_keys_that_the_same_events_give() {
    let folder = tempfile::tempdir().unwrap();
    let jenkins = Jenkins::with(Size {
        repositories: 3,
        pull_requests: 30,
    })
    .await;
    let file = |types: &[&str], name: &str| {
        let path = folder.path().join(name);
        std::fs::write(
            &path,
            jenkins
                .held
                .lock()
                .unwrap()
                .estate
                .events("git.acme.example", types),
        )
        .unwrap();
        json!({"name": "file", "kind": "events", "path": [path]})
    };
    let code = file(&["commit", "pull_request"], "code.jsonl");
    let all = file(&["commit", "pull_request", "build"], "all.jsonl");
    let answers = async |sources: Value| {
        let settings = json!({"sources": sources, "deployments": builds_are_deployments()});
        let pelorus = Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW));
        let mut keys = pelorus.five_keys("committed").await;
        let parts = pelorus.parts().await;
        pelorus.stop().await;
        // The pipelines' names differ, and with them nothing else.
        keys["parts"] = parts;
        keys
    };
    let of_jenkins = answers(json!([code, jenkins.source()])).await;
    assert_eq!(of_jenkins, answers(json!([all])).await);
    assert_eq!(of_jenkins["deployments"][0][0].as_array().unwrap().len(), 3);
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let jenkins = Jenkins::with(size).await;
    let mut counted = Vec::new();
    for minutes in [0, 60] {
        jenkins.server.forget();
        let pelorus = jenkins.start(&ledger(folder.path()), minutes);
        let keys = pelorus.five_keys("landed").await;
        pelorus.stop().await;
        assert_eq!(
            keys["deployments"][0][0].as_array().unwrap().len(),
            size.repositories
        );
        assert_eq!(jenkins.server.answered_with(429), 0);
        counted.push(jenkins.server.requests());
    }
    Row {
        kind: "jenkins",
        page: "100 builds of every job, then 500",
        batched: "all jobs with their newest builds",
        least: "1 + Σ ⌈(b − 100)/500⌉; refresh 1",
        cold: Counted::of(1, counted[0]),
        warm: Counted::of(1, counted[1]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_more_builds_than_the_first_answer_holds_is_asked_for_the_rest() {
    let jenkins = Jenkins::with(Size {
        repositories: 2,
        pull_requests: 650,
    })
    .await;
    let pelorus = jenkins.start(&Location::Memory, 0);
    let builds = pelorus.events_of("build").await;
    pelorus.stop().await;
    assert_eq!(builds, 1300);
    assert_eq!(
        jenkins.server.requests(),
        1 + 2 * 2,
        "{}",
        jenkins.server.bill()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_build_settles_though_newer_ones_hide_it() {
    let folder = tempfile::tempdir().unwrap();
    let jenkins = Jenkins::with(Size {
        repositories: 1,
        pull_requests: 5,
    })
    .await;
    jenkins.held.lock().unwrap().is_running = true;
    let deployments = json!({"kind": "metric", "metric": "deployments", "bucket": "none"});
    let pelorus = jenkins.start(&ledger(folder.path()), 0);
    let before = pelorus.number(deployments.clone()).await;
    pelorus.stop().await;
    {
        let mut held = jenkins.held.lock().unwrap();
        held.is_running = false;
        for number in 6..40 {
            held.estate.repositories[0]
                .add_pull_request(number, at(NOW) - TimeDelta::minutes(125 - number as i64));
        }
    }
    let pelorus = jenkins.start(&ledger(folder.path()), 60);
    let after = pelorus.number(deployments).await;
    pelorus.stop().await;
    // Within 300 days 4 of 5 builds, the last still running; then it succeeded, and 34 more ran, of which 9, 18, 27, 36 failed.
    assert_eq!((before, after), (Some(3.0), Some(4.0 + 34.0 - 4.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_jenkins_from_answering_is_told_with_the_way_out() {
    let size = Size {
        repositories: 2,
        pull_requests: 3,
    };
    let permission = Fault {
        path_holds: "api/json",
        times: usize::MAX,
        answer: (
            StatusCode::FORBIDDEN,
            vec![(
                "x-required-permission",
                "hudson.model.Hudson.Read".to_owned(),
            )],
            String::new(),
        ),
    };
    let cases = [
        (Fault::of("api/json", 401), "refused the credentials"),
        (
            permission,
            "it needs the permission hudson.model.Hudson.Read",
        ),
        (Fault::page("api/json"), "web page"),
    ];
    for (fault, says) in cases {
        let jenkins = Jenkins::with(size).await;
        jenkins.server.fail(fault);
        let pelorus = jenkins.start(&Location::Memory, 0);
        let told = format!("{} {}", pelorus.told().await, pelorus.check().await);
        pelorus.stop().await;
        assert!(told.contains(says) && !told.contains(CANARY), "{told}");
    }
    let jenkins = Jenkins::with(size).await;
    let pelorus = jenkins.start(&Location::Memory, 0);
    let check = pelorus.check().await;
    pelorus.stop().await;
    assert!(
        check.contains(
            "Sees 2 jobs of Jenkins 2.479.1 (acme/service-001/main, acme/service-002/main)"
        ),
        "{check}"
    );
}
