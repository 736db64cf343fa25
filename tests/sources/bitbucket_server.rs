//! Bitbucket Data Center: a server that speaks its API, and what Pelorus makes of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row, counted};
use crate::estate::{
    Commit, Estate, PullRequest, Repository, Size, YEAR_OF_12, YEAR_OF_200, one_is_open,
};
use crate::program::{SIZE, Stand};
use crate::reading::{Pelorus, at, ledger};
use crate::resuming::{check, goes_on_where_it_stopped, holds_the_secret};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";

type Shared = Arc<Mutex<Estate>>;
type Asked = Query<HashMap<String, String>>;

fn routes(estate: Shared) -> Router {
    let repository = "/rest/api/latest/projects/{project}/repos/{slug}";
    let below = |rest: &str| format!("{repository}/{rest}");
    Router::new()
        .route(
            "/rest/api/latest/projects/{project}/repos",
            get(repositories),
        )
        .route(repository, get(one))
        .route(&below("tags"), get(tags))
        .route(&below("commits"), get(commits))
        .route(&below("commits/{hash}"), get(commit))
        .route(&below("pull-requests"), get(pull_requests))
        .route(&below("pull-requests/{number}"), get(pull_request))
        .route(&below("pull-requests/{number}/activities"), get(activities))
        .route(&below("pull-requests/{number}/commits"), get(own_commits))
        .with_state(estate)
}

/// A page of a list: `start`, `limit` cut to the cap, `isLastPage`, `nextPageStart`.
fn paged(items: Vec<Value>, asked: &HashMap<String, String>, cap: usize) -> Response {
    let number =
        |key: &str, default: usize| asked.get(key).map_or(default, |text| text.parse().unwrap());
    let (start, limit) = (number("start", 0), number("limit", 25).min(cap));
    let is_last = start + limit >= items.len();
    let values: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
    let next = (!is_last).then_some(start + limit);
    json!({"size": values.len(), "limit": limit, "isLastPage": is_last, "start": start, "nextPageStart": next, "values": values}).to_string().into_response()
}

fn failed(status: StatusCode, exception: &str) -> Response {
    let body = json!({"errors": [{"context": null, "message": "It is not so.", "exceptionName": format!("com.atlassian.bitbucket.{exception}")}]});
    (status, body.to_string()).into_response()
}

/// Does something with a repository, or says that there is none of that name.
fn with(
    estate: &Shared,
    project: &str,
    slug: &str,
    answer: impl FnOnce(&Repository) -> Response,
) -> Response {
    let estate = estate.lock().unwrap();
    let found = estate
        .repositories
        .iter()
        .find(|repository| project == "ACME" && repository.name == slug);
    match found {
        Some(repository) => answer(repository),
        None => failed(
            StatusCode::NOT_FOUND,
            "repository.NoSuchRepositoryException",
        ),
    }
}

fn user(name: &str) -> Value {
    json!({"name": name, "emailAddress": format!("{name}@acme.example"), "id": 1, "displayName": name, "active": true, "slug": name, "type": "NORMAL", "links": {}})
}

fn repository_json(repository: &Repository) -> Value {
    json!({
        "slug": repository.name, "id": repository.id, "name": repository.name, "hierarchyId": "x", "scmId": "git", "state": "AVAILABLE", "statusMessage": "Available",
        "forkable": true, "public": false, "archived": repository.is_archived, "project": {"key": "ACME", "id": 1, "name": "Acme", "public": false, "type": "NORMAL", "links": {}},
        "links": {"clone": [
            {"href": format!("ssh://git@127.0.0.1:7999/acme/{}.git", repository.name), "name": "ssh"},
            {"href": format!("http://127.0.0.1:7990/scm/acme/{}.git", repository.name), "name": "http"}],
            "self": [{"href": format!("http://127.0.0.1:7990/projects/ACME/repos/{}/browse", repository.name)}]},
    })
}

fn commit_json(commit: &Commit) -> Value {
    let person =
        json!({"name": commit.author, "emailAddress": format!("{}@acme.example", commit.author)});
    let parents = commit
        .parents
        .iter()
        .map(|hash| json!({"id": hash, "displayId": hash[..11]}));
    json!({
        "id": commit.hash, "displayId": commit.hash[..11], "message": commit.message, "author": person, "committer": person,
        "authorTimestamp": commit.authored_at.timestamp_millis(), "committerTimestamp": commit.committed_at.timestamp_millis(), "parents": parents.collect::<Vec<_>>(),
    })
}

fn pull_request_json(request: &PullRequest) -> Value {
    let is_merged = request.merged_at.is_some();
    let reviewer = json!({"user": user("ben"), "role": "REVIEWER", "approved": request.approved_at.is_some(), "status": if request.approved_at.is_some() { "APPROVED" } else { "UNAPPROVED" }});
    let mut told = json!({
        "id": request.number, "version": 1, "title": request.title, "description": "", "state": if is_merged { "MERGED" } else { "OPEN" }, "open": !is_merged, "closed": is_merged, "draft": false, "locked": false,
        "createdDate": request.opened_at.timestamp_millis(), "updatedDate": request.updated_at.timestamp_millis(),
        "fromRef": {"id": format!("refs/heads/{}", request.head_branch), "displayId": request.head_branch, "latestCommit": request.commits.last(), "type": "BRANCH", "repository": {}},
        "toRef": {"id": "refs/heads/main", "displayId": "main", "latestCommit": "0000000000000000000000000000000000000000", "type": "BRANCH", "repository": {}},
        "author": {"user": user(&request.author), "role": "AUTHOR", "approved": false, "status": "UNAPPROVED"}, "reviewers": [reviewer], "participants": [],
        "properties": {"resolvedTaskCount": 0, "commentCount": 2, "openTaskCount": 0}, "links": {"self": [{"href": format!("http://127.0.0.1:7990/p/{}", request.number)}]},
    });
    if let Some(merged_at) = request.merged_at {
        told["closedDate"] = json!(merged_at.timestamp_millis());
    }
    if let Some(hash) = &request.merge_commit {
        told["properties"]["mergeCommit"] = json!({"id": hash, "displayId": hash[..11]});
    }
    told
}

async fn repositories(
    State(estate): State<Shared>,
    Path(project): Path<String>,
    Query(asked): Asked,
) -> Response {
    if project != "ACME" {
        return failed(StatusCode::NOT_FOUND, "project.NoSuchProjectException");
    }
    let estate = estate.lock().unwrap();
    paged(
        estate.repositories.iter().map(repository_json).collect(),
        &asked,
        1_000,
    )
}

async fn one(
    State(estate): State<Shared>,
    Path((project, slug)): Path<(String, String)>,
) -> Response {
    with(&estate, &project, &slug, |repository| {
        repository_json(repository).to_string().into_response()
    })
}

async fn tags(
    State(estate): State<Shared>,
    Path((project, slug)): Path<(String, String)>,
    Query(asked): Asked,
) -> Response {
    with(&estate, &project, &slug, |repository| {
        assert_eq!(asked["orderBy"], "MODIFICATION");
        let mut found: Vec<_> = repository
            .releases
            .iter()
            .map(|release| (release, repository.commit_of(&release.commit)))
            .collect();
        found.sort_by_key(|(_, commit)| std::cmp::Reverse(commit.committed_at));
        let told = found.into_iter().map(|(release, commit)| {
            json!({"id": format!("refs/tags/{}", release.tag), "displayId": release.tag, "type": "TAG", "latestCommit": commit.hash, "latestChangeset": commit.hash, "hash": null})
        });
        paged(told.collect(), &asked, 1_000)
    })
}

fn ancestors<'a>(repository: &'a Repository, of: &str) -> Option<BTreeSet<&'a str>> {
    let by_hash: HashMap<&str, &Commit> = repository
        .commits
        .iter()
        .map(|commit| (commit.hash.as_str(), commit))
        .collect();
    let mut open = vec![by_hash.get(of)?.hash.as_str()];
    let mut seen = BTreeSet::new();
    while let Some(hash) = open.pop() {
        if seen.insert(hash) {
            open.extend(by_hash[hash].parents.iter().map(String::as_str));
        }
    }
    Some(seen)
}

async fn commits(
    State(estate): State<Shared>,
    Path((project, slug)): Path<(String, String)>,
    Query(asked): Asked,
) -> Response {
    with(&estate, &project, &slug, |repository| {
        let Some(head) = &repository.head else {
            return failed(StatusCode::NOT_FOUND, "repository.NoDefaultBranchException");
        };
        let with = ancestors(repository, head).unwrap();
        let without = match asked.get("since") {
            Some(since) => match ancestors(repository, since) {
                Some(known) => known,
                None => return failed(StatusCode::NOT_FOUND, "commit.NoSuchCommitException"),
            },
            None => BTreeSet::new(),
        };
        let mut found: Vec<&Commit> = repository
            .commits
            .iter()
            .filter(|commit| {
                with.contains(commit.hash.as_str()) && !without.contains(commit.hash.as_str())
            })
            .collect();
        found.sort_by(|one, other| {
            other
                .committed_at
                .cmp(&one.committed_at)
                .then(other.hash.cmp(&one.hash))
        });
        paged(found.into_iter().map(commit_json).collect(), &asked, 100)
    })
}

async fn commit(
    State(estate): State<Shared>,
    Path((project, slug, hash)): Path<(String, String, String)>,
) -> Response {
    with(&estate, &project, &slug, |repository| {
        match repository.commits.iter().find(|commit| commit.hash == hash) {
            Some(commit) => commit_json(commit).to_string().into_response(),
            None => failed(StatusCode::NOT_FOUND, "commit.NoSuchCommitException"),
        }
    })
}

async fn pull_requests(
    State(estate): State<Shared>,
    Path((project, slug)): Path<(String, String)>,
    Query(asked): Asked,
) -> Response {
    with(&estate, &project, &slug, |repository| {
        assert_eq!(
            (asked["state"].as_str(), asked["order"].as_str()),
            ("ALL", "NEWEST")
        );
        let mut found: Vec<&PullRequest> = repository.pull_requests.iter().collect();
        found.sort_by_key(|request| std::cmp::Reverse(request.opened_at));
        paged(
            found.into_iter().map(pull_request_json).collect(),
            &asked,
            100,
        )
    })
}

fn with_request(
    estate: &Shared,
    (project, slug, number): (String, String, u64),
    answer: impl FnOnce(&Repository, &PullRequest) -> Response,
) -> Response {
    with(estate, &project, &slug, |repository| {
        match repository
            .pull_requests
            .iter()
            .find(|request| request.number == number)
        {
            Some(request) => answer(repository, request),
            None => failed(StatusCode::NOT_FOUND, "pull.NoSuchPullRequestException"),
        }
    })
}

async fn pull_request(
    State(estate): State<Shared>,
    Path(of): Path<(String, String, u64)>,
) -> Response {
    with_request(&estate, of, |_, request| {
        pull_request_json(request).to_string().into_response()
    })
}

async fn activities(
    State(estate): State<Shared>,
    Path(of): Path<(String, String, u64)>,
    Query(asked): Asked,
) -> Response {
    with_request(&estate, of, |_, request| {
        let told = |at: DateTime<Utc>, who: &str, action: &str| json!({"id": at.timestamp(), "createdDate": at.timestamp_millis(), "user": user(who), "action": action});
        let mut all = Vec::new();
        all.extend(request.merged_at.map(|at| {
            let mut merged = told(at, "ben", "MERGED");
            merged["commit"] = json!({"id": request.merge_commit, "displayId": "x"});
            merged
        }));
        all.extend(request.approved_at.map(|at| told(at, "ben", "APPROVED")));
        all.extend(
            request
                .first_review_at
                .map(|at| told(at, "ben", "COMMENTED")),
        );
        // The author's own remark is no review.
        all.push(told(
            request.opened_at + TimeDelta::minutes(1),
            &request.author,
            "COMMENTED",
        ));
        all.push(told(request.opened_at, &request.author, "OPENED"));
        paged(all, &asked, 500)
    })
}

async fn own_commits(
    State(estate): State<Shared>,
    Path(of): Path<(String, String, u64)>,
    Query(asked): Asked,
) -> Response {
    with_request(&estate, of, |repository, request| {
        let own = request
            .commits
            .iter()
            .rev()
            .map(|hash| commit_json(repository.commit_of(hash)));
        paged(own.collect(), &asked, 100)
    })
}

/// The token bucket of "Improving instance stability with rate limiting": sixty at first, five more a second.
#[derive(Clone)]
struct Bucket(Arc<Mutex<(f64, Instant)>>);

async fn limited(State(bucket): State<Bucket>, request: Request, next: Next) -> Response {
    let left = {
        let mut bucket = bucket.0.lock().unwrap();
        let now = Instant::now();
        let filled = (bucket.0 + now.duration_since(bucket.1).as_secs_f64() * 5.0).min(60.0);
        *bucket = (filled - 1.0_f64.min(filled), now);
        filled - 1.0
    };
    let mut response = if left < 0.0 {
        (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], "{}").into_response()
    } else {
        next.run(request).await
    };
    for (name, value) in [
        ("x-ratelimit-limit", 60),
        ("x-ratelimit-remaining", left.max(0.0) as u64),
        ("x-ratelimit-fillrate", 5),
        ("x-ratelimit-interval-seconds", 1),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from(value));
    }
    response
}

/// A Bitbucket Data Center that holds an estate.
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
        json!({"name": "code", "kind": "bitbucket_server", "url": self.server.url, "projects": ["ACME"]})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        self.start_with(self.source(), ledger, minutes)
    }

    fn start_with(&self, source: Value, ledger: &Location, minutes: i64) -> Pelorus {
        let settings = json!({"sources": [source], "deployments": [{"from": "tag", "match": "^v1", "environment": "production"}]});
        let now = at(NOW) + TimeDelta::minutes(minutes);
        Pelorus::start(&settings, &["code__token"], ledger, now)
    }

    fn change(&self, change: impl FnOnce(&mut Estate)) {
        change(&mut self.estate.lock().unwrap());
    }
}

const SMALL: Size = Size {
    repositories: 3,
    pull_requests: 12,
};

/// The fewest requests of a first reading: repositories; of each its tags, commits and pull requests, the activities of
/// each and the commits of those that were squashed.
fn least_cold(size: Size) -> usize {
    let pages = |items: usize, cap: usize| items.div_ceil(cap).max(1);
    let requests = size.pull_requests;
    let of_one = pages(requests / 5, 1_000)
        + pages(requests * 5, 100)
        + pages(requests, 100)
        + requests
        + requests / 4;
    pages(size.repositories, 1_000) + size.repositories * of_one
}

fn applications(keys: &Value) -> Vec<&str> {
    let names = keys["deployments"][0][0].as_array().expect("applications");
    names.iter().filter_map(Value::as_str).collect()
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let bitbucket = Bitbucket::with(size).await;
    let start = |minutes| bitbucket.start(&ledger(folder.path()), minutes);
    let [cold, warm] = counted(&bitbucket.server, start).await;
    Row {
        kind: "bitbucket_server",
        page: "100 (tags and repositories 1,000)",
        batched: "nothing: no call spans repositories",
        least: "⌈K/1000⌉ + K · (⌈r/1000⌉ + ⌈n/100⌉ + ⌈p/100⌉ + p + s); refresh 1 + 3K",
        cold: Counted::of(least_cold(size), cold),
        warm: Counted::of(1 + 3 * size.repositories, warm),
    }
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let estate = Estate::of("acme", SIZE, at(NOW));
    let bitbucket = Bitbucket::of(estate.clone()).await;
    Stand {
        kind: "bitbucket_server",
        source: bitbucket.source(),
        host: "127.0.0.1",
        tells: &["commit", "pull_request", "release"],
        deployments: json!([{"from": "tag", "match": "^v1", "environment": "production"}]),
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
async fn a_first_reading_takes_the_fewest_requests_and_the_next_only_asks_what_is_new() {
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
    println!("bitbucket_server, cold: {least} / {cold} = {efficiency:.3}");
    assert!(efficiency >= 0.9, "{least} / {cold}\n{}", server.bill());

    server.forget();
    let pelorus = bitbucket.start(&ledger(folder.path()), 60);
    pelorus.five_keys("committed").await;
    pelorus.stop().await;
    // No call spans repositories: tags, commits and pull requests of each.
    assert_eq!(
        server.requests(),
        1 + 3 * size.repositories,
        "{}",
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
    assert_eq!(
        server.requests(),
        2 + 3 * size.repositories,
        "{}",
        server.bill()
    );
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
        "/tags",
        "service-002/commits",
        "/pull-requests",
        "/projects/ACME",
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
async fn repositories_that_are_hidden_empty_or_renamed_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let bitbucket = Bitbucket::with(SMALL).await;
    bitbucket.change(|estate| estate.repositories[2].head = None);
    // What one may not see is refused as if nobody was known.
    bitbucket.server.fail(Fault {
        path_holds: "service-002/tags",
        times: 1,
        answer: (StatusCode::UNAUTHORIZED, Vec::new(), "{}".to_owned()),
    });
    let pelorus = bitbucket.start(&ledger(folder.path()), 0);
    let notices = pelorus.notices().await.join("\n");
    pelorus.stop().await;
    assert!(
        notices.contains("Leaves out ACME/service-002: "),
        "{notices}"
    );
    assert!(
        notices.contains("Leaves out ACME/service-003: it is empty"),
        "{notices}"
    );
    bitbucket.change(|estate| {
        estate.repositories[0].name = "shop".to_owned();
        estate.repositories.truncate(2);
    });
    let pelorus = bitbucket.start(&ledger(folder.path()), 60);
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(
        applications(&keys),
        ["service-001", "service-002"],
        "the renamed one is not two"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_pull_request_is_read_again_until_it_is_merged() {
    let folder = tempfile::tempdir().unwrap();
    let (estate, merged) = one_is_open(Estate::of("acme", SMALL, at(NOW)), at(NOW));
    let bitbucket = Bitbucket::of(estate).await;
    let open = json!({"kind": "metric", "metric": "pull_request_age", "bucket": "none", "statistic": "count"});
    let count = |frames: &Value| frames[0]["data"]["values"][0][0].as_f64();
    let pelorus = bitbucket.start(&ledger(folder.path()), 0);
    assert_eq!(count(&pelorus.frames(open.clone(), 300).await), Some(1.0));
    pelorus.stop().await;
    bitbucket.change(|estate| *estate = merged);
    let pelorus = bitbucket.start(&ledger(folder.path()), 120);
    let left = pelorus.frames(open, 300).await;
    pelorus.stop().await;
    assert_eq!(count(&left), Some(0.0), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_said_with_its_reason() {
    let bitbucket = Bitbucket::with(SMALL).await;
    let fail = |status, body: &str| {
        bitbucket.server.fail(Fault {
            path_holds: "projects",
            times: 1,
            answer: (status, Vec::new(), body.to_owned()),
        });
    };
    let pelorus = bitbucket.start(&Location::Memory, 0);
    let said = check(&pelorus).await;
    let sees =
        "sees: Sees 3 repositories of ACME (ACME/service-001, ACME/service-002, ACME/service-003).";
    assert!(said.starts_with(sees), "{said}");
    for status in [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN] {
        fail(status, "{}");
        let said = check(&pelorus).await;
        assert!(
            said.contains("it needs *Project read* and *Repository read*"),
            "{said}"
        );
    }
    fail(StatusCode::OK, "<!doctype html><p>Log in");
    let said = check(&pelorus).await;
    assert!(said.contains("a web page"), "{said}");
    pelorus.stop().await;

    // A project that may not be listed, whose repositories are named.
    let mut source = bitbucket.source();
    source["projects"] = json!(["CLOSED"]);
    source["repositories"] = json!(["ACME/service-002"]);
    let pelorus = bitbucket.start_with(source, &Location::Memory, 0);
    let notices = pelorus.notices().await.join("\n");
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert!(notices.contains("Leaves out CLOSED"), "{notices}");
    assert_eq!(applications(&keys), ["service-002"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bucket_is_never_emptied() {
    let estate = Arc::new(Mutex::new(Estate::of(
        "acme",
        Size {
            repositories: 4,
            pull_requests: 12,
        },
        at(NOW),
    )));
    let bucket = Bucket(Arc::new(Mutex::new((60.0, Instant::now()))));
    let router = routes(Arc::clone(&estate)).layer(middleware::from_fn_with_state(bucket, limited));
    let server = Server::start(router, Allowed::default()).await;
    let bitbucket = Bitbucket { server, estate };
    let pelorus = bitbucket.start(&Location::Memory, 0);
    let keys = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    assert_eq!(applications(&keys).len(), 4);
    assert!(
        bitbucket.server.requests() > 60,
        "more than the bucket holds at first"
    );
    assert_eq!(
        bitbucket.server.answered_with(429),
        0,
        "{}",
        bitbucket.server.bill()
    );
}
