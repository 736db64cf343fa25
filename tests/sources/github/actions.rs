//! `github_actions` over the same GitHub.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::Location;
use serde_json::{Value, json};

use super::tests::{NOW, SECRETS, SMALL, github, holds, now, size};
use super::{lock, settings};
use crate::efficiency::{Counted, Row};
use crate::estate::{Estate, Size};
use crate::program::{SIZE, Stand};
use crate::reading::{Pelorus, ledger};
use crate::server::Server;

fn source(server: &Server, more: Value) -> Value {
    let mut fields = json!({"organizations": ["acme"]});
    fields
        .as_object_mut()
        .expect("fields")
        .extend(more.as_object().expect("fields").clone());
    settings(server, "github_actions", fields)
}

/// The same facts as an events file: what a CI system knows, and commits for both.
fn with_commits(
    mut settings: Value,
    folder: &Path,
    estate: &Estate,
    kinds: &[&str],
    name: &str,
) -> Value {
    let path = folder.join(format!("{name}.jsonl"));
    std::fs::write(&path, estate.events("github.com", kinds)).expect("a file");
    let sources = settings["sources"].as_array_mut().expect("sources");
    sources.push(json!({"name": name, "kind": "events", "path": path}));
    settings
}

async fn read(settings: &Value, location: &Location, now: DateTime<Utc>) -> (Vec<String>, Value) {
    let pelorus = Pelorus::start(settings, SECRETS, location, now);
    let notices = pelorus.notices().await;
    let question = json!({"kind": "events", "table": "deployments", "limit": 10_000});
    let deployments = pelorus.frames(question, 300).await;
    pelorus.stop().await;
    (notices, deployments)
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let (github, server) = github(SIZE).await;
    let estate = github.estate().clone();
    Stand {
        kind: "github_actions",
        source: source(&server, json!({}))["sources"][0].clone(),
        host: "github.com",
        tells: &["build", "deployment"],
        deployments: json!([]),
        estate,
        now: NOW,
        server,
        held: Box::new(github),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_keys_are_those_of_the_same_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    let estate = github.estate().clone();
    let commits = ["commit", "pull_request", "release"];
    let all = ["commit", "pull_request", "release", "build", "deployment"];
    let from_events = with_commits(json!({"sources": []}), folder.path(), &estate, &all, "all");
    let from_github = with_commits(
        source(&server, json!({})),
        folder.path(),
        &estate,
        &commits,
        "code",
    );
    let mut answers = Vec::new();
    for (settings, secrets) in [(from_events, &[][..]), (from_github, SECRETS)] {
        let pelorus = Pelorus::start(&settings, secrets, &Location::Memory, now());
        answers.push(pelorus.five_keys("committed").await);
        pelorus.stop().await;
    }
    assert!(
        answers[0]["change_lead_time"]
            .to_string()
            .contains("service-001"),
        "{}",
        answers[0]
    );
    for (key, value) in answers[0].as_object().expect("keys") {
        assert_eq!(&answers[1][key], value, "{key}");
    }
}

/// The activity of a hundred repositories, ten lists of deployments, and a hundred runs of a repository are a request each.
fn least_cold(estate: &Estate) -> usize {
    let count = estate.repositories.len();
    let runs = estate
        .repositories
        .iter()
        .map(|repository| repository.runs.len().div_ceil(100).max(1));
    count.div_ceil(100) + count.div_ceil(10) + runs.sum::<usize>()
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(size).await;
    let settings = source(&server, json!({}));
    read(&settings, &ledger(folder.path()), now()).await;
    let cold = Counted::of(least_cold(&github.estate()), server.requests());
    server.forget();
    read(
        &settings,
        &ledger(folder.path()),
        now() + TimeDelta::minutes(60),
    )
    .await;
    assert_eq!(server.answered_with(429) + *lock(&github.exceeded), 0);
    Row {
        kind: "github_actions",
        page: "100",
        batched: "what ran and was deployed, for 100 repositories; deployments of 10",
        least: "⌈K/100⌉ + ⌈K/10⌉ + K · ⌈b/100⌉; refresh ⌈K/100⌉",
        cold,
        warm: Counted::of(size.repositories.div_ceil(100), server.requests()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_takes_hardly_more_requests_than_must_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(size()).await;
    let settings = source(&server, json!({}));
    read(&settings, &ledger(folder.path()), now()).await;
    let least = github.estate().repositories.len().div_ceil(100);
    let later = now() + TimeDelta::hours(6);
    let changed = {
        let mut estate = github.estate();
        let changed: Vec<_> = estate.repositories.iter_mut().step_by(10).collect();
        let count = changed.len();
        for repository in changed {
            // A multiple of five is deployed.
            let number = repository.pull_requests.len() as u64 / 5 * 5 + 5;
            repository.add_pull_request(number, later - TimeDelta::hours(3));
        }
        count
    };
    server.forget();
    read(&settings, &ledger(folder.path()), later).await;
    let least = least + changed + changed.div_ceil(10);
    let efficiency = least as f64 / server.requests() as f64;
    println!(
        "github_actions warm, {changed} changed: R_min {least}, R {}, η {efficiency:.3}",
        server.requests()
    );
    assert!(efficiency >= 0.95, "{}", server.bill());
    assert_eq!(server.answered_with(429) + *lock(&github.exceeded), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_is_read_until_it_settles() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    let (run, deployment) = {
        let estate = github.estate();
        let repository = &estate.repositories[0];
        (
            repository.runs.last().expect("a run").id,
            repository.deployments.last().expect("a deployment").id,
        )
    };
    github.ways().running_runs = vec![run];
    github.ways().running_deployments = vec![deployment];
    let settings = source(&server, json!({}));
    let count = |deployments: &Value, word: &str| deployments.to_string().matches(word).count();
    let (_, before) = read(&settings, &ledger(folder.path()), now()).await;
    github.ways().running_runs.clear();
    github.ways().running_deployments.clear();
    server.forget();
    let (notices, after) = read(
        &settings,
        &ledger(folder.path()),
        now() + TimeDelta::minutes(30),
    )
    .await;
    assert_eq!(
        server.requests(),
        2,
        "the activity, and all that is unfinished\n{}",
        server.bill()
    );
    assert_eq!(notices, Vec::<String>::new(), "{}", server.bill());
    assert!(
        count(&after, "service-001") > count(&before, "service-001"),
        "{before} {after}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_thousand_runs_come_in_windows_and_only_the_asked_ones_count() {
    let (github, server) = github(SMALL).await;
    {
        let mut estate = github.estate();
        let run = estate.repositories[0].runs[0].clone();
        for number in 0..1_100 {
            let made_at = run.created_at + TimeDelta::minutes(number + 1);
            estate.repositories[0].runs.push(crate::estate::Run {
                id: 9_000_000 + number as u64,
                created_at: made_at,
                started_at: made_at,
                finished_at: made_at + TimeDelta::minutes(1),
                ..run.clone()
            });
        }
    }
    read(
        &source(&server, json!({"workflows": ["nothing*"], "jobs": true})),
        &Location::Memory,
        now(),
    )
    .await;
    let runs = |server: &Server| {
        server
            .seen()
            .iter()
            .filter(|seen| seen.path().ends_with("service-001/actions/runs"))
            .count()
    };
    assert_eq!(
        runs(&server),
        12,
        "1,118 runs, and a page anew after the thousandth\n{}",
        server.bill()
    );
    let jobs = |server: &Server| {
        server
            .seen()
            .iter()
            .filter(|seen| seen.path().ends_with("/jobs"))
            .count()
    };
    assert_eq!(jobs(&server), 0);
    github.estate().repositories[0].runs.truncate(18);
    server.forget();
    read(
        &source(
            &server,
            json!({"workflows": ["build"], "branches": ["main"], "jobs": true}),
        ),
        &Location::Memory,
        now(),
    )
    .await;
    assert_eq!(jobs(&server), 3 * 18, "{}", server.bill());
    assert!(
        server
            .seen()
            .iter()
            .any(|seen| seen.target.contains("branch=main"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_reads_no_question_twice() {
    let (github, server) = github(SMALL).await;
    let settings = source(&server, json!({}));
    let (_, expected) = read(&settings, &Location::Memory, now()).await;
    for answered in 1..2 {
        let folder = tempfile::tempdir().expect("a folder");
        github.ways().answered = Some(answered);
        server.forget();
        read(&settings, &ledger(folder.path()), now()).await;
        github.ways().answered = None;
        let (_, found) = read(
            &settings,
            &ledger(folder.path()),
            now() + TimeDelta::minutes(1),
        )
        .await;
        assert_eq!(found[0]["data"], expected[0]["data"]);
        let runs = server
            .seen()
            .iter()
            .filter(|seen| seen.path().ends_with("/actions/runs") && seen.status == 200)
            .count();
        assert_eq!(runs, 3, "{}", server.bill());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_permissions_are_named_by_github_s_words() {
    let (github, server) = github(SMALL).await;
    github.ways().forbidden = Some("runs");
    let (notices, _) = read(&source(&server, json!({})), &Location::Memory, now()).await;
    assert!(
        holds(&notices, &["service-00", "actions=read"]),
        "{notices:?}"
    );
    github.ways().forbidden = Some("deployments");
    let (notices, _) = read(&source(&server, json!({})), &Location::Memory, now()).await;
    assert!(holds(&notices, &["Deployments (read)"]), "{notices:?}");
}
