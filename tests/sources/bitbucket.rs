//! Bitbucket Cloud: what Pelorus makes of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::bitbucket_cloud::{Shared, routes};
use crate::efficiency::{Counted, Row, counted};
use crate::estate::{Estate, Size, YEAR_OF_12, YEAR_OF_200, one_is_open};
use crate::program::{SIZE, Stand};
use crate::reading::{Pelorus, at, ledger};
use crate::resuming::{check, goes_on_where_it_stopped, holds_the_secret};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";

/// A Bitbucket Cloud that holds an estate.
struct Bitbucket {
    server: Server,
    estate: Shared,
}

impl Bitbucket {
    async fn of(estate: Estate) -> Self {
        let estate = Arc::new(Mutex::new(estate));
        let allowed = Allowed {
            at_once: 4,
            ..Allowed::default()
        };
        let server = Server::start(routes(Arc::clone(&estate)), allowed).await;
        Self { server, estate }
    }

    async fn with(size: Size) -> Self {
        Self::of(Estate::of("acme", size, at(NOW))).await
    }

    fn source(&self) -> Value {
        // The vendor's limit is tested apart: here it would take hours.
        json!({"name": "code", "kind": "bitbucket", "url": self.server.url, "workspaces": ["acme"], "requestsPerHour": 10_000})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        self.start_with(self.source(), ledger, minutes)
    }

    fn start_with(&self, source: Value, ledger: &Location, minutes: i64) -> Pelorus {
        let settings = json!({"sources": [source], "deployments": tags_are_deployments()});
        let now = at(NOW) + TimeDelta::minutes(minutes);
        Pelorus::start(&settings, &["code__token"], ledger, now)
    }

    fn change(&self, change: impl FnOnce(&mut Estate)) {
        change(&mut self.estate.lock().unwrap());
    }
}

fn tags_are_deployments() -> Value {
    json!([{"from": "tag", "match": "^v1", "environment": "production"}])
}

const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 12,
};

fn pages(items: usize, cap: usize) -> usize {
    items.div_ceil(cap).max(1)
}

/// The fewest requests of a first reading: repositories; of each its commits, its pull requests with five entries each of
/// what happened to them, the commits of fifty pull requests' squashes at once, and its tags.
fn least_cold(size: Size) -> usize {
    let requests = size.pull_requests;
    let of_one = pages(requests * 5, 100)
        + pages(requests, 50)
        + pages(requests * 5, 50)
        + pages(requests, 50)
        + pages(requests / 5, 100);
    pages(size.repositories, 100) + size.repositories * of_one
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let bitbucket = Bitbucket::with(size).await;
    let start = |minutes| bitbucket.start(&ledger(folder.path()), minutes);
    let [cold, warm] = counted(&bitbucket.server, start).await;
    Row {
        kind: "bitbucket",
        page: "100 (pull requests 50)",
        batched: "what was updated in a workspace; what happened to 50 pull requests, commits of 50 squashes",
        least: "⌈K/100⌉ + K · (⌈n/100⌉ + 2⌈p/50⌉ + ⌈5p/50⌉ + ⌈r/100⌉); refresh 1",
        cold: Counted::of(least_cold(size), cold),
        warm: Counted::of(1, warm),
    }
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let estate = Estate::of("acme", SIZE, at(NOW));
    let bitbucket = Bitbucket::of(estate.clone()).await;
    Stand {
        kind: "bitbucket",
        source: bitbucket.source(),
        host: "127.0.0.1",
        tells: &["commit", "pull_request", "release"],
        deployments: tags_are_deployments(),
        estate,
        now: NOW,
        server: bitbucket.server.clone(),
        held: Box::new(bitbucket),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_five_keys_are_those_of_the_same_events_and_of_git() {
    let folder = tempfile::tempdir().unwrap();
    let size = Size {
        repositories: 1,
        pull_requests: 30,
    };
    let mut estate = Estate::of("acme", size, at(NOW));
    let bare = folder.path().join("service.git");
    estate.repositories[0].materialise(&bare);
    let file = folder.path().join("events.jsonl");
    let types = ["commit", "pull_request", "release"];
    std::fs::write(&file, estate.events("127.0.0.1", &types)).unwrap();
    let bitbucket = Bitbucket::of(estate).await;
    let answers = async |source: Value| {
        let pelorus = bitbucket.start_with(source, &Location::Memory, 0);
        let answers = [
            pelorus.five_keys("committed").await,
            pelorus.parts().await,
            pelorus.five_keys("landed").await,
        ];
        pelorus.stop().await;
        answers
    };
    let of_bitbucket = answers(bitbucket.source()).await;
    let of_events = answers(json!({"name": "file", "kind": "events", "path": [file]})).await;
    assert_eq!(of_bitbucket, of_events);
    assert!(of_bitbucket[0]["commits"][0][1][0].as_f64() > Some(50.0));
    let repository = "127.0.0.1/acme/service-001";
    let of_git =
        answers(json!({"name": "clone", "kind": "git", "path": bare, "repository": repository}))
            .await;
    // Git does not know the branch of what was squashed, so it cannot tell every hotfix.
    let without_rework = |keys: &Value| {
        let mut keys = keys.clone();
        keys.as_object_mut()
            .unwrap()
            .remove("deployment_rework_rate");
        keys
    };
    assert_eq!(without_rework(&of_bitbucket[2]), without_rework(&of_git[2]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_reading_takes_the_fewest_requests_and_the_next_only_asks_what_changed() {
    let is_soaked = std::env::var_os("PELORUS_SOAK").is_some();
    let size = if is_soaked { YEAR_OF_200 } else { YEAR_OF_12 };
    let folder = tempfile::tempdir().unwrap();
    let bitbucket = Bitbucket::with(size).await;
    let server = &bitbucket.server;
    let pelorus = bitbucket.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    assert_eq!(pelorus.notices().await, Vec::<String>::new());
    pelorus.stop().await;
    let (least, cold) = (least_cold(size), server.requests());
    let efficiency = least as f64 / cold as f64;
    println!("bitbucket, cold: {least} / {cold} = {efficiency:.3}");
    assert!(efficiency >= 0.9, "{least} / {cold}\n{}", server.bill());
    assert_eq!(server.answered_with(429), 0);

    server.forget();
    let pelorus = bitbucket.start(&ledger(folder.path()), 60);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(
        server.requests(),
        1,
        "the updated repositories:\n{}",
        server.bill()
    );

    // A pull request that was worked on long before is merged now: its commits are old.
    server.forget();
    let number = size.pull_requests as u64 + 5;
    bitbucket.change(|estate| {
        let repository = &mut estate.repositories[0];
        repository.add_pull_request(number, at(NOW) - TimeDelta::minutes(30));
        for commit in repository.commits.iter_mut().rev().skip(1).take(4) {
            commit.committed_at -= TimeDelta::days(20);
        }
    });
    let pelorus = bitbucket.start(&ledger(folder.path()), 180);
    let after = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    // Repositories, commits, pull requests, what happened to the one, tags.
    assert_eq!(server.requests(), 5, "{}", server.bill());
    let deployments = |keys: &Value| keys["deployments"][0][1][0].as_f64().unwrap();
    let changes = |keys: &Value| keys["commits"][0][1][0].as_f64().unwrap();
    assert_eq!(deployments(&after), deployments(&before) + 1.0);
    assert_eq!(
        changes(&after),
        changes(&before) + 4.0,
        "old commits, merged late"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_was_cut_off_goes_on_at_its_page() {
    let bitbucket = Bitbucket::with(SMALL).await;
    let pelorus = bitbucket.start(&Location::Memory, 0);
    let whole = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    for word in [
        "/commits",
        "/pullrequests",
        "/refs/tags",
        "/repositories/acme",
    ] {
        let folder = tempfile::tempdir().unwrap();
        goes_on_where_it_stopped(
            &bitbucket.server,
            |ledger| bitbucket.start(ledger, 0),
            &ledger(folder.path()),
            word,
            &whole,
        )
        .await;
        assert!(!holds_the_secret(folder.path()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_that_vanish_are_renamed_or_empty_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let mut estate = Estate::of("acme", SMALL, at(NOW));
    let mut empty = estate.repositories[2].clone();
    (empty.id, empty.name, empty.head) = (77, "empty".to_owned(), None);
    empty.commits.clear();
    empty.pull_requests.clear();
    empty.releases.clear();
    estate.repositories.push(empty);
    let bitbucket = Bitbucket::of(estate).await;
    // It is listed, and gone when it is asked.
    bitbucket.server.fail(Fault {
        path_holds: "000000000002%7D/commits",
        times: 1,
        answer: (StatusCode::NOT_FOUND, Vec::new(), "{}".to_owned()),
    });
    let pelorus = bitbucket.start(&ledger(folder.path()), 0);
    let notices = pelorus.notices().await.join("\n");
    pelorus.stop().await;
    assert!(notices.contains("acme/empty is empty"), "{notices}");
    assert!(
        notices.contains("Leaves out acme/service-002: "),
        "{notices}"
    );

    // It is there again.
    let pelorus = bitbucket.start(&ledger(folder.path()), 60);
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(
        applications(&keys),
        ["service-001", "service-002", "service-003"]
    );
}

fn applications(keys: &Value) -> Vec<&str> {
    let names = keys["deployments"][0][0].as_array().expect("applications");
    names.iter().filter_map(Value::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_renamed_stays_one() {
    let folder = tempfile::tempdir().unwrap();
    let bitbucket = Bitbucket::with(SMALL).await;
    let pelorus = bitbucket.start(&ledger(folder.path()), 0);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    bitbucket.change(|estate| {
        let repository = &mut estate.repositories[0];
        repository.name = "shop".to_owned();
        repository.add_pull_request(25, at(NOW) - TimeDelta::minutes(100));
    });
    let pelorus = bitbucket.start(&ledger(folder.path()), 60);
    let notices = pelorus.notices().await.join("\n");
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    let says = "acme/service-001 is called acme/shop now; its events keep the name 127.0.0.1/acme/service-001.";
    assert!(notices.contains(says), "{notices}");
    assert_eq!(
        applications(&keys),
        ["service-001", "service-002", "service-003"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_pull_request_is_read_again_until_it_is_merged() {
    let folder = tempfile::tempdir().unwrap();
    let (estate, merged) = one_is_open(Estate::of("acme", SMALL, at(NOW)), at(NOW));
    let bitbucket = Bitbucket::of(estate).await;
    let pelorus = bitbucket.start(&ledger(folder.path()), 0);
    let open = json!({"kind": "metric", "metric": "pull_request_age", "bucket": "none", "statistic": "count"});
    let count = |frames: &Value| frames[0]["data"]["values"][0][0].as_f64();
    assert_eq!(count(&pelorus.frames(open.clone(), 300).await), Some(1.0));
    pelorus.stop().await;
    bitbucket.server.forget();
    bitbucket.change(|estate| *estate = merged);
    let pelorus = bitbucket.start(&ledger(folder.path()), 120);
    let left = pelorus.frames(open, 300).await;
    pelorus.stop().await;
    assert_eq!(count(&left), Some(0.0), "{left}");
    // Repositories, commits, pull requests, what happened to this one, tags.
    assert_eq!(
        bitbucket.server.requests(),
        5,
        "{}",
        bitbucket.server.bill()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_with_its_reason() {
    let bitbucket = Bitbucket::with(SMALL).await;
    let fail = |path_holds, status, headers: Vec<(&'static str, String)>, body: &str| {
        bitbucket.server.fail(Fault {
            path_holds,
            times: 1,
            answer: (status, headers, body.to_owned()),
        });
    };
    let pelorus = bitbucket.start(&Location::Memory, 0);
    let said = check(&pelorus).await;
    let sees =
        "sees: Sees 3 repositories of acme (acme/service-003, acme/service-002, acme/service-001).";
    assert!(said.starts_with(sees), "{said}");
    assert!(
        said.contains("s behind this machine's") || said.contains("s ahead of this machine's"),
        "{said}"
    );
    fail("pullrequests", StatusCode::FORBIDDEN, Vec::new(), "{}");
    let said = check(&pelorus).await;
    assert!(said.contains("`read:pullrequest:bitbucket`"), "{said}");
    fail("repositories", StatusCode::FORBIDDEN, Vec::new(), "{}");
    let said = check(&pelorus).await;
    assert!(said.contains("needs `read:repository:bitbucket`"), "{said}");
    fail("repositories", StatusCode::UNAUTHORIZED, Vec::new(), "{}");
    let said = check(&pelorus).await;
    assert!(said.contains("refused the credentials"), "{said}");
    fail(
        "repositories",
        StatusCode::OK,
        Vec::new(),
        "<!doctype html><p>Hello",
    );
    let said = check(&pelorus).await;
    assert!(said.contains("a web page"), "{said}");
    pelorus.stop().await;

    // A workspace that may not be listed, whose repositories are named.
    let mut source = bitbucket.source();
    source["workspaces"] = json!(["closed"]);
    source["repositories"] = json!(["acme/service-002"]);
    let pelorus = bitbucket.start_with(source, &Location::Memory, 0);
    let notices = pelorus.notices().await.join("\n");
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert!(notices.contains("Leaves out closed"), "{notices}");
    assert_eq!(applications(&keys), ["service-002"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_kept_to_and_never_hit() {
    // As many requests as the first reading takes, a few less than in two windows.
    let estate = Arc::new(Mutex::new(Estate::of("acme", SMALL, at(NOW))));
    let allowed = Allowed {
        at_once: 4,
        within: Some((12, Duration::from_secs(3600))),
        headers: None,
    };
    let server = Server::start(routes(Arc::clone(&estate)), allowed).await;
    let bitbucket = Bitbucket { server, estate };
    let mut source = bitbucket.source();
    source["requestsPerHour"] = json!(12);
    let folder = tempfile::tempdir().unwrap();
    let pelorus = bitbucket.start_with(source, &ledger(folder.path()), 0);
    let notices = pelorus.notices().await.join("\n");
    pelorus.stop().await;
    assert_eq!(
        bitbucket.server.answered_with(429),
        0,
        "{}",
        bitbucket.server.bill()
    );
    // What waits when the limit is used up is not asked.
    let asked = bitbucket.server.requests();
    assert!((8..=12).contains(&asked), "{asked}");
    assert!(notices.contains("asks to wait until"), "{notices}");
}
