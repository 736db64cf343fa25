use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::Location;
use serde_json::{Value, json};

use super::{GitHub, lock, settings};
use crate::efficiency::{Counted, Row};
use crate::estate::{Estate, Size, YEAR_OF_12, YEAR_OF_200};
use crate::program::{SIZE, Stand};
use crate::reading::{CANARY, Pelorus, at, ledger};
use crate::server::Server;

pub const SECRETS: &[&str] = &["host__token"];
/// An events file and a clone are covered from their first event on: what is compared begins after it.
const DAYS: i64 = 340;
pub const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 18,
};

pub const NOW: &str = "2026-11-20T12:00:00Z";

pub fn now() -> DateTime<Utc> {
    at(NOW)
}

pub async fn github(size: Size) -> (Arc<GitHub>, Server) {
    let github = GitHub::over(Estate::of("acme", size, now()), now());
    let server = github.serve().await;
    (github, server)
}

pub fn source(server: &Server, more: Value) -> Value {
    with_rules(settings(server, "github", more))
}

pub fn acme(server: &Server) -> Value {
    source(server, json!({"organizations": ["acme"]}))
}

/// What every deployment of the estate rests on, so that keys have something to count.
fn with_rules(mut settings: Value) -> Value {
    settings["deployments"] = json!([{"from": "tag", "repositories": ["github.com/acme/*"], "match": "^v", "environment": "production"}]);
    settings
}

/// The same facts as an events file, without what a Git host does not know.
fn events(folder: &Path, estate: &Estate) -> Value {
    let path = folder.join("events.jsonl");
    let told = estate.events("github.com", &["commit", "pull_request", "release"]);
    std::fs::write(&path, told).expect("a file");
    with_rules(json!({"sources": [{"name": "host", "kind": "events", "path": path}]}))
}

async fn five_keys(settings: &Value, secrets: &[&str], now: DateTime<Utc>) -> Value {
    let pelorus = Pelorus::start(settings, secrets, &Location::Memory, now);
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    keys
}

/// Reads on a ledger that lives on; the notices, and the changes that are known.
pub async fn read(
    settings: &Value,
    location: &Location,
    now: DateTime<Utc>,
) -> (Vec<String>, usize) {
    let pelorus = Pelorus::start(settings, SECRETS, location, now);
    let notices = pelorus.notices().await;
    let commits = commits(&pelorus).await;
    pelorus.stop().await;
    (notices, commits)
}

/// Commits that are known, by the ledger's own count.
pub async fn commits(pelorus: &Pelorus) -> usize {
    let question = json!({"kind": "metric", "metric": "undeployed_commits", "bucket": "none"});
    let undeployed = number(&pelorus.frames(question, 300).await);
    let question = json!({"kind": "metric", "metric": "commits", "bucket": "none"});
    undeployed + number(&pelorus.frames(question, 300).await)
}

fn number(frames: &Value) -> usize {
    let values = &frames[0]["data"]["values"];
    let last = values
        .as_array()
        .and_then(|fields| fields.last())
        .expect("a field");
    last[0].as_f64().unwrap_or_default() as usize
}

pub fn holds(notices: &[String], words: &[&str]) -> bool {
    notices
        .iter()
        .any(|notice| words.iter().all(|word| notice.contains(word)))
}

/// R_min: two questions of a hundred repositories each tell what changed; pages that weigh 1,000 together are one question
/// (`MOST_WEIGHT`), a page of commits 100, of pull requests 250, of releases and tags 25.
fn least_cold(estate: &Estate) -> usize {
    let pages = |count: usize| count.div_ceil(100);
    let weights = estate.repositories.iter().map(|repository| {
        let on_main = repository
            .commits
            .iter()
            .filter(|commit| commit.is_on_main)
            .count();
        100 * pages(on_main)
            + 250 * pages(repository.pull_requests.len())
            + 50 * pages(repository.releases.len())
    });
    estate.repositories.len().div_ceil(100) + weights.sum::<usize>().div_ceil(1_000)
}

pub fn size() -> Size {
    let is_soak = std::env::var_os("PELORUS_SOAK").is_some();
    if is_soak { YEAR_OF_200 } else { YEAR_OF_12 }
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let (github, server) = github(SIZE).await;
    let estate = github.estate().clone();
    Stand {
        kind: "github",
        source: acme(&server)["sources"][0].clone(),
        host: "github.com",
        tells: &["commit", "pull_request", "release"],
        deployments: acme(&server)["deployments"].clone(),
        estate,
        now: NOW,
        server,
        held: Box::new(github),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_keys_are_those_of_the_same_events() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(YEAR_OF_12).await;
    let from_events = events(folder.path(), &github.estate());
    let expected = five_keys(&from_events, &[], now()).await;
    let found = five_keys(&acme(&server), SECRETS, now()).await;
    assert!(
        expected["change_lead_time"].to_string().len() > 40,
        "{expected}"
    );
    for (key, value) in expected.as_object().expect("keys") {
        assert_eq!(&found[key], value, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_keys_are_those_of_git_over_the_same_repository() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut estate = Estate::of(
        "acme",
        Size {
            repositories: 1,
            pull_requests: 18,
        },
        now(),
    );
    let clone = folder.path().join("clone.git");
    estate.repositories[0].materialise(&clone);
    let github = GitHub::over(estate, now());
    let server = github.serve().await;
    let git = with_rules(
        json!({"sources": [{"name": "host", "kind": "git", "path": clone, "repository": "github.com/acme/service-001"}]}),
    );
    let mut answers = Vec::new();
    for (settings, secrets) in [(git, &[][..]), (acme(&server), SECRETS)] {
        let pelorus = Pelorus::start(&settings, secrets, &Location::Memory, now());
        let mut keys = Vec::new();
        for metric in [
            "change_lead_time",
            "deployment_frequency",
            "change_fail_rate",
            "failed_deployment_recovery_time",
            "deployment_rework_rate",
            "commits",
        ] {
            // Git does not know when the commits of a squash were made: the times of what landed are compared.
            let question = json!({"kind": "metric", "metric": metric, "groupBy": ["application"], "bucket": "none", "leadTimeFrom": "landed"});
            keys.push(pelorus.frames(question, DAYS).await[0]["data"].clone());
        }
        pelorus.stop().await;
        answers.push(keys);
    }
    assert!(
        answers[0][0].to_string().contains("service-001"),
        "{:?}",
        answers[0]
    );
    assert_eq!(answers[1], answers[0]);
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(size).await;
    let settings = acme(&server);
    let (_, first) = read(&settings, &ledger(folder.path()), now()).await;
    let cold = Counted::of(least_cold(&github.estate()), server.requests());
    server.forget();
    let (_, again) = read(
        &settings,
        &ledger(folder.path()),
        now() + TimeDelta::minutes(60),
    )
    .await;
    assert_eq!(again, first);
    assert_eq!(server.answered_with(429) + *lock(&github.exceeded), 0);
    assert!(server.most_at_once() <= 4);
    Row {
        kind: "github",
        page: "100",
        batched: "what changed, for 100 repositories; pages of lists of weight 1,000 (commits 100, pull requests 250, releases and tags 25)",
        least: "⌈K/100⌉ + ⌈K · (100⌈n/100⌉ + 250⌈p/100⌉ + 50⌈r/100⌉)/1000⌉; refresh ⌈K/100⌉",
        cold,
        warm: Counted::of(size.repositories.div_ceil(100), server.requests()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_takes_hardly_more_requests_than_must_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(size()).await;
    let settings = acme(&server);
    read(&settings, &ledger(folder.path()), now()).await;
    let least = github.estate().repositories.len().div_ceil(100);
    // An hour in which every tenth repository got a pull request.
    let later = now() + TimeDelta::hours(6);
    let changed = {
        let mut estate = github.estate();
        let changed: Vec<_> = estate.repositories.iter_mut().step_by(10).collect();
        let count = changed.len();
        for repository in changed {
            let number = repository.pull_requests.len() as u64 + 1;
            repository.add_pull_request(number, later - TimeDelta::hours(3));
        }
        count
    };
    server.forget();
    read(&settings, &ledger(folder.path()), later).await;
    // A page of commits and one of pull requests of each; a release with its tag where the number says so.
    let least = least + (changed * 350).div_ceil(1_000);
    let efficiency = least as f64 / server.requests() as f64;
    println!(
        "github warm, {changed} changed: R_min {least}, R {}, η {efficiency:.3}",
        server.requests()
    );
    assert!(efficiency >= 0.95, "{efficiency}: {}", server.bill());
    assert_eq!(server.answered_with(429) + *lock(&github.exceeded), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_commits_that_are_merged_late_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    let settings = acme(&server);
    let (_, before) = read(&settings, &ledger(folder.path()), now()).await;
    // A branch that began with the history, months ago, is merged today.
    let later = now() + TimeDelta::hours(1);
    {
        let mut estate = github.estate();
        let repository = &mut estate.repositories[0];
        let root = repository.commits[0].clone();
        let old = crate::estate::Commit {
            hash: "f".repeat(40),
            parents: vec![root.hash.clone()],
            message: "Old work".to_owned(),
            is_on_main: true,
            committed_at: root.committed_at + TimeDelta::minutes(1),
            ..root
        };
        let merge = crate::estate::Commit {
            hash: "e".repeat(40),
            parents: vec![repository.head.clone().expect("a head"), old.hash.clone()],
            message: "Merge branch 'old'".to_owned(),
            committed_at: later - TimeDelta::minutes(5),
            ..old.clone()
        };
        repository.head = Some(merge.hash.clone());
        repository.commits.extend([old, merge]);
        repository.updated_at = later;
    }
    server.forget();
    let (_, after) = read(&settings, &ledger(folder.path()), later).await;
    assert_eq!(
        after,
        before + 1,
        "the merge is no change, the old commit is"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_older_than_a_page_is_had_from_compare() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(Size {
        repositories: 1,
        pull_requests: 60,
    })
    .await;
    let settings = acme(&server);
    let (_, before) = read(&settings, &ledger(folder.path()), now()).await;
    let later = now() + TimeDelta::hours(1);
    {
        let mut estate = github.estate();
        let repository = &mut estate.repositories[0];
        let mut tip = repository.commits[0].clone();
        let began = tip.committed_at;
        for at in 0..120 {
            tip = crate::estate::Commit {
                hash: format!("{:040x}", 0xf000_0000_u64 + at),
                parents: vec![tip.hash.clone()],
                message: "Old work".to_owned(),
                committed_at: began + TimeDelta::minutes(at as i64 + 1),
                ..tip
            };
            repository.commits.push(tip.clone());
        }
        let merge = crate::estate::Commit {
            hash: "e".repeat(40),
            parents: vec![repository.head.clone().expect("a head"), tip.hash.clone()],
            message: "Merge branch 'old'".to_owned(),
            committed_at: later - TimeDelta::minutes(5),
            ..tip
        };
        repository.head = Some(merge.hash.clone());
        repository.commits.push(merge);
    }
    server.forget();
    let (_, after) = read(&settings, &ledger(folder.path()), later).await;
    assert_eq!(after, before + 120, "{}", server.bill());
    let compared = server
        .seen()
        .iter()
        .filter(|seen| seen.path().contains("/compare/"))
        .count();
    assert_eq!(compared, 2, "{}", server.bill());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_reads_no_page_twice() {
    let (github, server) = github(YEAR_OF_12).await;
    let settings = acme(&server);
    let whole = tempfile::tempdir().expect("a folder");
    let (_, expected) = read(&settings, &ledger(whole.path()), now()).await;
    let all = server.requests();
    for answered in 1..all {
        let folder = tempfile::tempdir().expect("a folder");
        server.forget();
        github.ways().answered = Some(answered);
        read(&settings, &ledger(folder.path()), now()).await;
        assert_eq!(server.answered_with(200), answered);
        github.ways().answered = None;
        let (_, found) = read(
            &settings,
            &ledger(folder.path()),
            now() + TimeDelta::minutes(1),
        )
        .await;
        // What became of the minute since the first reading is asked for too.
        let again = server.answered_with(200) - all;
        assert!(
            again <= 1,
            "cut after {answered}: {again} more\n{}",
            server.bill()
        );
        assert_eq!(found, expected, "cut after {answered}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_that_vanish_move_or_are_empty_are_told_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    let settings = acme(&server);
    let (_, before) = read(&settings, &ledger(folder.path()), now()).await;
    let later = now() + TimeDelta::hours(1);
    {
        let mut estate = github.estate();
        estate.repositories[0].name = "shop".to_owned();
        estate.repositories[0].add_pull_request(19, later - TimeDelta::hours(3));
        let id = estate.repositories[1].id;
        github.ways().hidden = vec![id];
        let mut empty = estate.repositories[2].clone();
        (empty.id, empty.name, empty.head) = (99, "empty".to_owned(), None);
        (empty.commits, empty.pull_requests, empty.releases) = (Vec::new(), Vec::new(), Vec::new());
        estate.repositories.push(empty);
    }
    let (notices, after) = read(&settings, &ledger(folder.path()), later).await;
    assert!(
        holds(&notices, &["service-001", "shop", "now"]),
        "{notices:?}"
    );
    assert!(
        holds(&notices, &["service-002", "no longer listed"]),
        "{notices:?}"
    );
    assert!(!holds(&notices, &["empty"]), "{notices:?}");
    assert_eq!(after, before + 4, "the renamed one is read on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_without_default_branch_is_told_of() {
    let (github, server) = github(SMALL).await;
    github.ways().without_default_branch = vec![3];
    let (notices, _) = read(&acme(&server), &Location::Memory, now()).await;
    assert!(
        holds(&notices, &["service-003", "no default branch"]),
        "{notices:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_may_not_be_listed_is_told_of_and_named_repositories_are_read() {
    let (github, server) = github(SMALL).await;
    github.ways().is_unlistable = true;
    let named =
        json!({"organizations": ["acme"], "repositories": ["acme/service-001", "acme/nothing"]});
    let (notices, found) = read(&source(&server, named), &Location::Memory, now()).await;
    assert!(holds(&notices, &["acme", "`repositories`"]), "{notices:?}");
    assert!(
        holds(&notices, &["acme/nothing", "gone, or hidden"]),
        "{notices:?}"
    );
    assert!(found > 50, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_permission_is_named_by_github_s_word() {
    let (github, server) = github(SMALL).await;
    github.ways().forbidden = Some("pullRequests");
    let (notices, found) = read(&acme(&server), &Location::Memory, now()).await;
    assert!(
        holds(&notices, &["permission Pull requests (read)"]),
        "{notices:?}"
    );
    assert!(found > 50, "commits are read all the same: {found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_pull_request_is_read_until_it_settles() {
    let folder = tempfile::tempdir().expect("a folder");
    let (github, server) = github(SMALL).await;
    let opened_at = now() - TimeDelta::hours(1);
    let merged = {
        let mut estate = github.estate();
        let repository = &mut estate.repositories[0];
        let head = repository.head.clone();
        repository.add_pull_request(19, opened_at);
        let merged = (
            repository.head.clone(),
            repository.pull_requests.last().expect("one").clone(),
        );
        repository.head = head;
        let open = repository.pull_requests.last_mut().expect("one");
        (open.merged_at, open.merge_commit, open.updated_at) = (None, None, opened_at);
        merged
    };
    let settings = acme(&server);
    let open = json!({"kind": "metric", "metric": "pull_request_age", "statistic": "count", "bucket": "none"});
    let pelorus = Pelorus::start(&settings, SECRETS, &ledger(folder.path()), now());
    assert_eq!(number(&pelorus.frames(open.clone(), 300).await), 1);
    pelorus.stop().await;
    let later = now() + TimeDelta::hours(3);
    {
        let mut estate = github.estate();
        let repository = &mut estate.repositories[0];
        repository.head = merged.0;
        *repository.pull_requests.last_mut().expect("one") = merged.1;
    }
    let pelorus = Pelorus::start(&settings, SECRETS, &ledger(folder.path()), later);
    assert_eq!(number(&pelorus.frames(open, 300).await), 0);
    pelorus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_limit_is_exceeded() {
    let (github, server) = github(YEAR_OF_12).await;
    // A question takes up to 17 points: a window bears two of them.
    github.ways().points = (50, Duration::from_secs(2));
    let (notices, _) = read(&acme(&server), &Location::Memory, now()).await;
    let points: u64 = lock(&github.costs).iter().map(|cost| cost.points()).sum();
    assert!(points > 50, "{points} points try nothing");
    assert_eq!(*lock(&github.exceeded), 0, "{notices:?}");
    assert_eq!(server.answered_with(429), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_takes_github_too_long_is_asked_in_parts() {
    let (github, server) = github(YEAR_OF_12).await;
    let (_, expected) = read(&acme(&server), &Location::Memory, now()).await;
    github.ways().heaviest = 500;
    server.forget();
    let (_, found) = read(&acme(&server), &Location::Memory, now()).await;
    assert!(server.answered_with(502) > 0);
    assert_eq!(found, expected, "{}", server.bill());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_asks_with_tokens_of_its_installation() {
    let (github, server) = github(SMALL).await;
    github.ways().tokens.clear();
    let app = source(
        &server,
        json!({"organizations": ["acme"], "appId": 7, "installationId": 8}),
    );
    let key = include_str!("../../fixtures/github/app-key.pem");
    let pelorus = Pelorus::start_with(&app, &[("host__privateKey", key)], &Location::Memory, now());
    pelorus.notices().await;
    assert!(commits(&pelorus).await > 100);
    assert_eq!(*lock(&github.made), 1, "{}", server.bill());
    // GitHub takes the token back: another is had.
    github.ways().tokens.clear();
    pelorus.stop().await;
    let pelorus = Pelorus::start_with(&app, &[("host__privateKey", key)], &Location::Memory, now());
    assert!(commits(&pelorus).await > 100);
    assert_eq!(*lock(&github.made), 2);
    pelorus.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_and_an_address_that_is_no_api_are_told_and_no_secret_is() {
    let (github, server) = github(SMALL).await;
    github.ways().tokens.clear();
    let (refused, _) = read(&acme(&server), &Location::Memory, now()).await;
    assert!(holds(&refused, &["refused the credentials"]), "{refused:?}");
    let page =
        axum::Router::new().fallback(|| async { axum::response::Html("<html>Sign in</html>") });
    let page = Server::start(page, crate::server::Allowed::default()).await;
    let (wrong, _) = read(&acme(&page), &Location::Memory, now()).await;
    assert!(holds(&wrong, &["web page"]), "{wrong:?}");
    let told = format!("{refused:?}{wrong:?}");
    assert!(!told.contains(CANARY), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_come_with_status_200_are_what_they_say() {
    let (github, server) = github(SMALL).await;
    let errors: Value =
        serde_json::from_str(include_str!("../../fixtures/github/errors.json")).expect("JSON");
    for (name, words) in [
        ("limit", "asks to wait until"),
        ("secondary", "asks to wait until"),
        ("scopes", "read:org"),
        ("resources", "Resource limits"),
        ("nothing", "cannot understand"),
    ] {
        github.ways().instead = Some(errors[name].clone());
        let (notices, _) = read(&acme(&server), &Location::Memory, now()).await;
        assert!(holds(&notices, &[words]), "{name}: {notices:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let (_github, server) = github(SMALL).await;
    read(&acme(&server), &ledger(folder.path()), now()).await;
    for entry in std::fs::read_dir(folder.path())
        .expect("a folder")
        .flatten()
    {
        let bytes = std::fs::read(entry.path()).expect("a file");
        let has = bytes
            .windows(CANARY.len())
            .any(|window| window == CANARY.as_bytes());
        assert!(!has, "{:?} holds the token", entry.path());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tells_what_is_seen_and_what_is_left() {
    let (github, server) = github(SMALL).await;
    let check = |at: DateTime<Utc>| {
        let settings = acme(&server);
        async move {
            let pelorus = Pelorus::start(&settings, SECRETS, &Location::Memory, at);
            let mut checks = pelorus.app.check(None, at, Duration::from_secs(10)).await;
            pelorus.stop().await;
            checks.remove(0)
        }
    };
    let told = check(now()).await;
    let message = told.result.expect("it sees");
    assert!(
        message.contains("3 repositories of acme: acme/service-003")
            && message.contains("points left"),
        "{message}"
    );
    assert!(
        told.advice.is_some_and(|advice| advice.contains("clock")),
        "the server's clock is the real one"
    );
    assert_eq!(server.requests(), 1);
    github.ways().is_unlistable = true;
    let told = check(now()).await;
    assert!(
        told.advice
            .is_some_and(|advice| advice.contains("`repositories`")),
        "{:?}",
        told.result
    );
}
