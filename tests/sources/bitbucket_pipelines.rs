//! Bitbucket Pipelines: what Pelorus makes of them.

use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use chrono::TimeDelta;
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::bitbucket_cloud::{Shared, routes};
use crate::efficiency::{Counted, Row, counted};
use crate::estate::{Deployment, Estate, Size, YEAR_OF_12, YEAR_OF_200};
use crate::program::{SIZE, Stand};
use crate::reading::{Pelorus, at, ledger};
use crate::resuming::{check, goes_on_where_it_stopped, holds_the_secret};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";

/// Bitbucket Pipelines over an estate.
struct Pipelines {
    server: Server,
    estate: Shared,
    folder: tempfile::TempDir,
}

impl Pipelines {
    async fn with(size: Size) -> Self {
        let estate = Estate::of("acme", size, at(NOW));
        let folder = tempfile::tempdir().unwrap();
        // Commits and pull requests come from a file: pipelines know none.
        let types = ["commit", "pull_request"];
        let lines = estate.events("127.0.0.1", &types);
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
        json!({"name": "ci", "kind": "bitbucket_pipelines", "url": self.server.url, "workspaces": ["acme"], "requestsPerHour": 10_000})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        self.start_with(self.source(), ledger, minutes)
    }

    fn start_with(&self, source: Value, ledger: &Location, minutes: i64) -> Pelorus {
        let code = json!({"name": "code", "kind": "events", "path": [self.folder.path().join("code.jsonl")]});
        let now = at(NOW) + TimeDelta::minutes(minutes);
        Pelorus::start(
            &json!({"sources": [code, source]}),
            &["ci__token"],
            ledger,
            now,
        )
    }
}

const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 12,
};

/// The fewest requests of a first reading: repositories; of each its deployments and its runs.
fn least_cold(size: Size) -> usize {
    let pages = |items: usize| items.div_ceil(100).max(1);
    pages(size.repositories)
        + size.repositories * (pages(size.pull_requests / 5) + pages(size.pull_requests))
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = Pipelines::with(size).await;
    let start = |minutes| pipelines.start(&ledger(folder.path()), minutes);
    let [cold, warm] = counted(&pipelines.server, start).await;
    Row {
        kind: "bitbucket_pipelines",
        page: "100",
        batched: "what was updated in a workspace",
        least: "⌈K/100⌉ + K · (⌈b/100⌉ + ⌈d/100⌉); refresh 1 + K",
        cold: Counted::of(least_cold(size), cold),
        warm: Counted::of(1 + size.repositories, warm),
    }
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let pipelines = Pipelines::with(SIZE).await;
    let estate = pipelines.estate.lock().unwrap().clone();
    Stand {
        kind: "bitbucket_pipelines",
        source: pipelines.source(),
        host: "127.0.0.1",
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
        .estate
        .lock()
        .unwrap()
        .events("127.0.0.1", &["build", "deployment"]);
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
    println!("bitbucket_pipelines, cold: {least} / {cold} = {efficiency:.3}");
    assert!(efficiency >= 0.9, "{least} / {cold}\n{}", server.bill());
    assert_eq!(server.answered_with(429), 0);

    // Nothing changed: the updated repositories, and the deployments of each.
    server.forget();
    let pelorus = pipelines.start(&ledger(folder.path()), 60);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(
        server.requests(),
        1 + size.repositories,
        "{}",
        server.bill()
    );

    // Somebody puts an older version live again, without a push.
    server.forget();
    {
        let mut estate = pipelines.estate.lock().unwrap();
        let repository = &mut estate.repositories[0];
        let older = repository.deployments[0].clone();
        repository.deployments.push(Deployment {
            id: 9_999_999,
            started_at: at(NOW) + TimeDelta::minutes(70),
            finished_at: at(NOW) + TimeDelta::minutes(75),
            ..older
        });
    }
    let pelorus = pipelines.start(&ledger(folder.path()), 180);
    let after = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(
        server.requests(),
        2 + size.repositories,
        "{}",
        server.bill()
    );
    let deployments = |keys: &Value| keys["deployments"][0][1][0].as_f64().unwrap();
    assert_eq!(deployments(&after), deployments(&before) + 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_goes_on_at_its_page() {
    let pipelines = Pipelines::with(SMALL).await;
    let pelorus = pipelines.start(&Location::Memory, 0);
    let whole = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    for word in ["/deployments", "/pipelines", "/repositories/acme"] {
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
async fn a_run_is_read_again_until_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let pipelines = Pipelines::with(SMALL).await;
    let ended = {
        let mut estate = pipelines.estate.lock().unwrap();
        let repository = &mut estate.repositories[0];
        repository.deployments.clear();
        let run = repository.runs.last_mut().unwrap();
        let ended = run.finished_at;
        // The server tells that it runs while it has no end.
        run.finished_at = run.started_at;
        ended
    };
    let pelorus = pipelines.start(&ledger(folder.path()), 0);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    pipelines.estate.lock().unwrap().repositories[0]
        .runs
        .last_mut()
        .unwrap()
        .finished_at = ended;
    for (minutes, runs) in [(60, 1), (120, 0)] {
        pipelines.server.forget();
        let pelorus = pipelines.start(&ledger(folder.path()), minutes);
        pelorus.five_keys("committed").await;
        pelorus.stop().await;
        let seen = pipelines.server.seen();
        let asked = seen
            .iter()
            .filter(|seen| seen.path().ends_with("/pipelines"));
        assert_eq!(asked.count(), runs, "after {minutes} minutes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_with_its_reason() {
    let pipelines = Pipelines::with(SMALL).await;
    let fail = |path_holds, status| {
        pipelines.server.fail(Fault {
            path_holds,
            times: 1,
            answer: (status, Vec::new(), "{}".to_owned()),
        });
    };
    let settings = json!({"sources": [pipelines.source()]});
    let pelorus = Pelorus::start(&settings, &["ci__token"], &Location::Memory, at(NOW));
    let said = check(&pelorus).await;
    assert!(
        said.starts_with("sees: Sees 3 repositories of acme ("),
        "{said}"
    );
    fail("/pipelines", StatusCode::FORBIDDEN);
    let said = check(&pelorus).await;
    assert!(said.contains("`read:pipeline:bitbucket`"), "{said}");
    fail("repositories", StatusCode::UNAUTHORIZED);
    let said = check(&pelorus).await;
    assert!(said.contains("refused the credentials"), "{said}");
    pelorus.stop().await;
    // One repository has no pipelines: the others are read.
    fail("000000000002%7D/deployments", StatusCode::NOT_FOUND);
    let pelorus = pipelines.start(&Location::Memory, 0);
    let notices = pelorus.notices().await.join("\n");
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert!(
        notices.contains("Leaves out acme/service-002: "),
        "{notices}"
    );
    let names = keys["deployments"][0][0].as_array().unwrap();
    assert!(
        names.contains(&json!("service-001")) && names.contains(&json!("service-003")),
        "{keys}"
    );
}
