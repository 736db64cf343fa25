//! Gitea: a server that speaks its API, and what Pelorus makes of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{OriginalUri, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row};
use crate::estate::{Commit, Estate, PullRequest, Repository, Size, YEAR_OF_12, rfc3339};
use crate::program::{SIZE, Stand};
use crate::reading::{CANARY, Pelorus, at, ledger};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";
/// `MAX_RESPONSE_ITEMS` as it comes.
const PAGE: usize = 50;

type Shared = Arc<Mutex<Estate>>;

fn routes(estate: Shared) -> Router {
    Router::new()
        .route("/api/v1/users/{name}", get(owner))
        .route("/api/v1/repos/search", get(search))
        .route("/api/v1/repos/issues/search", get(issues))
        .route("/api/v1/repos/{owner}/{name}", get(repository))
        .route("/api/v1/repos/{owner}/{name}/commits", get(commits))
        .route(
            "/api/v1/repos/{owner}/{name}/git/commits/{hash}",
            get(commit),
        )
        .route("/api/v1/repos/{owner}/{name}/compare/{range}", get(compare))
        .route("/api/v1/repos/{owner}/{name}/pulls", get(pulls))
        .route("/api/v1/repos/{owner}/{name}/pulls/{number}", get(pull))
        .route(
            "/api/v1/repos/{owner}/{name}/pulls/{number}/reviews",
            get(reviews),
        )
        .route(
            "/api/v1/repos/{owner}/{name}/pulls/{number}/commits",
            get(pull_commits),
        )
        .route("/api/v1/repos/{owner}/{name}/releases", get(releases))
        .route("/api/v1/repos/{owner}/{name}/tags", get(tags))
        .with_state(estate)
}

type Asked = Query<HashMap<String, String>>;

/// A page of a list, as Gitea pages: `page` and `limit`, `Link` and `X-Total-Count`.
fn paged(
    items: Vec<Value>,
    asked: &HashMap<String, String>,
    uri: &axum::http::Uri,
    wrap: fn(Vec<Value>) -> Value,
) -> Response {
    let number = |key: &str, default: usize| {
        asked
            .get(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (page, limit) = (number("page", 1).max(1), number("limit", 30).min(PAGE));
    let total = items.len();
    let shown: Vec<Value> = items
        .into_iter()
        .skip((page - 1) * limit)
        .take(limit)
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert("x-total-count", total.to_string().parse().unwrap());
    if page * limit < total {
        let rest: Vec<String> = asked
            .iter()
            .filter(|(key, _)| *key != "page")
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let link = format!(
            "<{}?{}&page={}>; rel=\"next\"",
            uri.path(),
            rest.join("&"),
            page + 1
        );
        headers.insert("link", link.parse().unwrap());
    }
    (headers, wrap(shown).to_string()).into_response()
}

fn missing() -> Response {
    let body = json!({"errors": null, "message": "The target couldn't be found.", "url": "https://git.acme.example/api/swagger"});
    (StatusCode::NOT_FOUND, body.to_string()).into_response()
}

/// Does something with a repository, or says that there is none of that name.
fn with(
    estate: &Shared,
    owner: &str,
    name: &str,
    answer: impl FnOnce(&Repository) -> Response,
) -> Response {
    let estate = estate.lock().unwrap();
    match estate
        .repositories
        .iter()
        .find(|repository| repository.owner == owner && repository.name == name)
    {
        Some(repository) => answer(repository),
        None => missing(),
    }
}

fn repository_json(repository: &Repository) -> Value {
    let full = format!("{}/{}", repository.owner, repository.name);
    json!({
        "id": repository.id, "name": repository.name, "full_name": full, "owner": {"id": 7, "login": repository.owner},
        "empty": repository.head.is_none(), "archived": repository.is_archived, "fork": repository.is_fork, "private": true,
        "default_branch": "main", "created_at": "2024-01-01T00:00:00Z", "updated_at": rfc3339(repository.updated_at),
        "html_url": format!("http://127.0.0.1/{full}"), "clone_url": format!("http://127.0.0.1/{full}.git"),
    })
}

fn commit_json(commit: &Commit) -> Value {
    let signature = |at: DateTime<Utc>| json!({"name": commit.author, "email": format!("{}@acme.example", commit.author), "date": rfc3339(at)});
    json!({
        "url": "", "sha": commit.hash, "created": rfc3339(commit.committed_at), "html_url": format!("http://127.0.0.1/c/{}", commit.hash),
        "commit": {"message": commit.message, "author": signature(commit.authored_at), "committer": signature(commit.committed_at), "tree": null, "verification": null},
        "author": null, "committer": null, "parents": commit.parents.iter().map(|hash| json!({"sha": hash, "url": ""})).collect::<Vec<_>>(),
        "files": null, "stats": null,
    })
}

fn pull_json(request: &PullRequest) -> Value {
    json!({
        "id": request.id, "number": request.number, "title": request.title, "body": "", "state": if request.merged_at.is_some() { "closed" } else { "open" },
        "user": {"id": 1, "login": request.author}, "labels": request.labels.iter().map(|name| json!({"id": 1, "name": name})).collect::<Vec<_>>(),
        "head": {"label": request.head_branch, "ref": request.head_branch, "sha": request.commits.last()}, "base": {"label": "main", "ref": "main", "sha": ""},
        "merged": request.merged_at.is_some(), "merged_at": request.merged_at.map(rfc3339), "merge_commit_sha": request.merge_commit,
        "created_at": rfc3339(request.opened_at), "updated_at": rfc3339(request.updated_at), "closed_at": request.merged_at.map(rfc3339),
        "html_url": format!("http://127.0.0.1/p/{}", request.number),
    })
}

async fn owner(State(estate): State<Shared>, Path(name): Path<String>) -> Response {
    if estate.lock().unwrap().owner == name {
        json!({"id": 7, "login": name}).to_string().into_response()
    } else {
        missing()
    }
}

async fn search(
    State(estate): State<Shared>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    assert_eq!(
        (asked["uid"].as_str(), asked["exclusive"].as_str()),
        ("7", "true")
    );
    let mut repositories = estate.lock().unwrap().repositories.clone();
    repositories.sort_by_key(|repository| std::cmp::Reverse(repository.updated_at));
    paged(
        repositories.iter().map(repository_json).collect(),
        &asked,
        &uri,
        |shown| json!({"ok": true, "data": shown}),
    )
}

async fn issues(
    State(estate): State<Shared>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let since = at(&asked["since"]);
    let estate = estate.lock().unwrap();
    let hits = estate.repositories.iter().flat_map(|repository| {
        let full = format!("{}/{}", repository.owner, repository.name);
        let changed = repository.pull_requests.iter().filter(|request| request.updated_at >= since);
        changed.map(move |request| json!({
            "number": request.number, "updated_at": rfc3339(request.updated_at),
            "repository": {"id": repository.id, "full_name": full}, "pull_request": {"merged": request.merged_at.is_some()},
        }))
    });
    paged(hits.collect(), &asked, &uri, Value::Array)
}

async fn repository(
    State(estate): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        repository_json(repository).to_string().into_response()
    })
}

async fn commits(
    State(estate): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        paged(
            repository
                .main_newest_first()
                .into_iter()
                .map(commit_json)
                .collect(),
            &asked,
            &uri,
            Value::Array,
        )
    })
}

async fn commit(
    State(estate): State<Shared>,
    Path((owner, name, hash)): Path<(String, String, String)>,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        commit_json(repository.commit_of(&hash))
            .to_string()
            .into_response()
    })
}

async fn compare(
    State(estate): State<Shared>,
    Path((owner, name, range)): Path<(String, String, String)>,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        let (known, _) = range.split_once("...").unwrap();
        if !repository.commits.iter().any(|commit| commit.hash == known) {
            return missing();
        }
        let new = repository.between(known);
        json!({"total_commits": new.len(), "commits": new.into_iter().map(commit_json).collect::<Vec<_>>()}).to_string().into_response()
    })
}

async fn pulls(
    State(estate): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        let mut requests: Vec<_> = repository.pull_requests.iter().collect();
        requests.sort_by_key(|request| std::cmp::Reverse(request.updated_at));
        paged(
            requests.into_iter().map(pull_json).collect(),
            &asked,
            &uri,
            Value::Array,
        )
    })
}

async fn pull(
    State(estate): State<Shared>,
    Path((owner, name, number)): Path<(String, String, u64)>,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        match repository
            .pull_requests
            .iter()
            .find(|request| request.number == number)
        {
            Some(request) => pull_json(request).to_string().into_response(),
            None => missing(),
        }
    })
}

async fn reviews(
    State(estate): State<Shared>,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        let request = repository
            .pull_requests
            .iter()
            .find(|request| request.number == number)
            .unwrap();
        let review = |at: Option<DateTime<Utc>>, who: &str, state: &str| {
            at.map(|at| json!({"id": 1, "user": {"login": who}, "state": state, "submitted_at": rfc3339(at), "dismissed": false, "stale": false}))
        };
        // The author's own remark is no review.
        let own = review(
            Some(request.opened_at + TimeDelta::minutes(1)),
            &request.author,
            "COMMENT",
        );
        let all = own
            .into_iter()
            .chain(review(request.first_review_at, "ben", "COMMENT"))
            .chain(review(request.approved_at, "ben", "APPROVED"));
        paged(all.collect(), &asked, &uri, Value::Array)
    })
}

async fn pull_commits(
    State(estate): State<Shared>,
    Path((owner, name, number)): Path<(String, String, u64)>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        let request = repository
            .pull_requests
            .iter()
            .find(|request| request.number == number)
            .unwrap();
        paged(
            request
                .commits
                .iter()
                .map(|hash| commit_json(repository.commit_of(hash)))
                .collect(),
            &asked,
            &uri,
            Value::Array,
        )
    })
}

async fn releases(
    State(estate): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        let releases = repository.releases.iter().map(|release| {
            json!({"id": release.id, "tag_name": release.tag, "target_commitish": "main", "draft": false, "prerelease": false, "published_at": rfc3339(release.published_at)})
        });
        paged(releases.collect(), &asked, &uri, Value::Array)
    })
}

async fn tags(
    State(estate): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&estate, &owner, &name, |repository| {
        let tags = repository.releases.iter().map(|release| {
            let created = repository.commit_of(&release.commit).committed_at;
            json!({"name": release.tag, "id": release.commit, "message": "", "commit": {"sha": release.commit, "url": "", "created": rfc3339(created)}})
        });
        paged(tags.collect(), &asked, &uri, Value::Array)
    })
}

/// A Gitea that holds an estate.
struct Gitea {
    server: Server,
    estate: Shared,
}

impl Gitea {
    async fn of(estate: Estate) -> Self {
        let estate = Arc::new(Mutex::new(estate));
        let server = Server::start(
            routes(Arc::clone(&estate)),
            Allowed {
                at_once: 4,
                ..Allowed::default()
            },
        )
        .await;
        Self { server, estate }
    }

    async fn with(size: Size) -> Self {
        Self::of(Estate::of("acme", size, at(NOW))).await
    }

    fn settings(&self) -> Value {
        json!({"sources": [{"name": "code", "kind": "gitea", "url": self.server.url, "owners": ["acme"]}], "deployments": tags_are_deployments()})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        Pelorus::start(
            &self.settings(),
            &["code__token"],
            ledger,
            at(NOW) + TimeDelta::minutes(minutes),
        )
    }

    fn change(&self, change: impl FnOnce(&mut Estate)) {
        change(&mut self.estate.lock().unwrap());
    }
}

fn tags_are_deployments() -> Value {
    json!([{"from": "tag", "match": "^v1", "environment": "production"}])
}

/// The fewest requests of a first reading: owner, repositories, commits, pull requests with their reviews, the commits of
/// those that were squashed, releases, tags.
fn least_cold(size: Size) -> usize {
    let pages = |items: usize| items.div_ceil(PAGE).max(1);
    let requests = size.pull_requests;
    let of_one =
        pages(requests * 5) + pages(requests) + requests + requests / 4 + 2 * pages(requests / 5);
    1 + pages(size.repositories) + size.repositories * of_one
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let estate = Estate::of("acme", SIZE, at(NOW));
    let gitea = Gitea::of(estate.clone()).await;
    Stand {
        kind: "gitea",
        source: gitea.settings()["sources"][0].clone(),
        host: "127.0.0.1",
        tells: &["commit", "pull_request", "release"],
        deployments: tags_are_deployments(),
        estate,
        now: NOW,
        server: gitea.server.clone(),
        held: Box::new(gitea),
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
    let gitea = Gitea::of(estate).await;
    let answers = async |source: Value| {
        let settings = json!({"sources": [source], "deployments": tags_are_deployments()});
        let pelorus = Pelorus::start(&settings, &["code__token"], &Location::Memory, at(NOW));
        let answers = [
            pelorus.five_keys("committed").await,
            pelorus.parts().await,
            pelorus.five_keys("landed").await,
        ];
        pelorus.stop().await;
        answers
    };
    let of_gitea = answers(gitea.settings()["sources"][0].clone()).await;
    let of_events = answers(json!({"name": "file", "kind": "events", "path": [file]})).await;
    assert_eq!(of_gitea, of_events);
    assert!(
        of_gitea[0]["commits"][0][1][0].as_f64() > Some(50.0),
        "{}",
        of_gitea[0]
    );
    let repository = "127.0.0.1/acme/service-001";
    // Git knows neither labels nor the branch of what was squashed, so it cannot tell every hotfix.
    let without_rework = |keys: &Value| {
        let mut keys = keys.clone();
        keys.as_object_mut()
            .unwrap()
            .remove("deployment_rework_rate");
        keys
    };
    let of_git =
        answers(json!({"name": "clone", "kind": "git", "path": bare, "repository": repository}))
            .await;
    assert_eq!(without_rework(&of_gitea[2]), without_rework(&of_git[2]));
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let gitea = Gitea::with(size).await;
    let mut counted = Vec::new();
    for minutes in [0, 60] {
        gitea.server.forget();
        let pelorus = gitea.start(&ledger(folder.path()), minutes);
        pelorus.five_keys("committed").await;
        assert_eq!(pelorus.notices().await, Vec::<String>::new());
        pelorus.stop().await;
        assert_eq!(gitea.server.answered_with(429), 0);
        assert!(gitea.server.most_at_once() <= 4);
        counted.push(gitea.server.requests());
    }
    Row {
        kind: "gitea",
        page: "50",
        batched: "what changed, for all repositories of an owner",
        least: "1 + ⌈K/50⌉ + K · (⌈n/50⌉ + ⌈p/50⌉ + p + s + 2⌈r/50⌉); refresh 2",
        cold: Counted::of(least_cold(size), counted[0]),
        warm: Counted::of(2, counted[1]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_commits_that_are_merged_late_are_found_and_only_what_changed_is_asked_for() {
    let size = YEAR_OF_12;
    let folder = tempfile::tempdir().unwrap();
    let gitea = Gitea::with(size).await;
    let pelorus = gitea.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    gitea.server.forget();
    gitea.change(|estate| {
        let opened_at = at(NOW) - TimeDelta::minutes(30);
        let number = size.pull_requests as u64 + 5;
        estate.repositories[0].add_pull_request(number, opened_at);
        let own = estate.repositories[0]
            .commits
            .iter_mut()
            .rev()
            .skip(1)
            .take(4);
        own.for_each(|commit| commit.committed_at -= TimeDelta::days(20));
    });
    let pelorus = gitea.start(&ledger(folder.path()), 180);
    let after = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    // Repositories and pull requests that changed; the comparison, releases and tags; the pull request, its reviews, its
    // commits and the commit that merged it.
    assert_eq!(
        gitea.server.requests(),
        2 + 3 + 4,
        "{}",
        gitea.server.bill()
    );
    let deployments = |keys: &Value| keys["deployments"][0][1][0].as_f64().unwrap();
    let changes = |keys: &Value| keys["commits"][0][1][0].as_f64().unwrap();
    assert_eq!(deployments(&after), deployments(&before) + 1.0);
    assert_eq!(changes(&after), changes(&before) + 4.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_cut_off_goes_on_where_it_stopped() {
    let gitea = Gitea::with(YEAR_OF_12).await;
    let whole = gitea.start(&Location::Memory, 0);
    let expected = whole.five_keys("committed").await;
    whole.stop().await;
    let cold = gitea.server.requests();
    for stop_at in [3, 60, 400] {
        gitea.server.forget();
        let folder = tempfile::tempdir().unwrap();
        let pelorus = gitea.start(&ledger(folder.path()), 0);
        pelorus.begin(300).await;
        gitea.server.wait_for(stop_at).await;
        pelorus.stop().await;
        let pelorus = gitea.start(&ledger(folder.path()), 0);
        assert_eq!(
            pelorus.five_keys("committed").await,
            expected,
            "cut off after {stop_at}"
        );
        pelorus.stop().await;
        // What was under way is asked for again: four pages, each with the reviews and commits of its pull requests.
        let most = cold + 4 * 40;
        assert!(
            gitea.server.requests() <= most,
            "{} > {most}",
            gitea.server.requests()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_hidden_renamed_or_empty_leaves_the_others_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let size = Size {
        repositories: 5,
        pull_requests: 10,
    };
    let mut estate = Estate::of("acme", size, at(NOW));
    estate.repositories[1].head = None;
    estate.repositories[2].is_archived = true;
    let gitea = Gitea::of(estate).await;
    gitea.server.fail(Fault::of("service-004/pulls", 403));
    gitea.server.fail(Fault::of("service-005/commits", 404));
    let pelorus = gitea.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    let notices = pelorus.told().await;
    pelorus.stop().await;
    for says in [
        "acme/service-002 is empty",
        "Leaves out acme/service-004",
        "Leaves out acme/service-005",
    ] {
        assert!(notices.contains(says), "{notices}");
    }
    assert!(!notices.contains(CANARY));
    assert!(
        !gitea
            .server
            .seen()
            .iter()
            .any(|seen| seen.path().contains("service-003"))
    );

    // The first is renamed, the fourth is gone: their events stay, under their names.
    gitea.change(|estate| {
        estate.repositories[0].name = "shop".to_owned();
        estate.repositories[0].updated_at = at(NOW) + TimeDelta::minutes(30);
        estate.repositories.remove(3);
    });
    let pelorus = gitea.start(&ledger(folder.path()), 60);
    let after = pelorus.five_keys("committed").await;
    let notices = pelorus.told().await;
    pelorus.stop().await;
    assert!(
        notices.contains("acme/service-001 is called acme/shop now"),
        "{notices}"
    );
    let names = |keys: &Value| keys["deployments"][0][0].clone();
    assert_eq!(names(&before), names(&after));
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_addresses_and_refused_tokens_are_told_with_the_way_out() {
    let size = Size {
        repositories: 1,
        pull_requests: 1,
    };
    let cases = [
        (Fault::of("users", 401), "refused the credentials"),
        (Fault::page("users"), "web page"),
        (Fault::of("users", 404), "acme"),
    ];
    for (fault, says) in cases {
        let gitea = Gitea::with(size).await;
        gitea.server.fail(fault);
        let pelorus = gitea.start(&Location::Memory, 0);
        let told = format!("{:?} {:?}", pelorus.notices().await, pelorus.check().await);
        pelorus.stop().await;
        assert!(told.contains(says) && !told.contains(CANARY), "{told}");
        assert!(
            gitea
                .server
                .seen()
                .iter()
                .all(|seen| seen.credential.as_deref() == Some("token canary-5f3a9d"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_of_an_owner_that_may_not_be_listed_are_read_by_name() {
    let gitea = Gitea::with(Size {
        repositories: 2,
        pull_requests: 5,
    })
    .await;
    gitea.server.fail(Fault::of("search", 403));
    let mut settings = gitea.settings();
    settings["sources"][0]["owners"] = json!([]);
    settings["sources"][0]["repositories"] = json!(["acme/service-002"]);
    let pelorus = Pelorus::start(&settings, &["code__token"], &Location::Memory, at(NOW));
    let keys = pelorus.five_keys("committed").await;
    let check = pelorus.check().await;
    pelorus.stop().await;
    assert_eq!(keys["deployments"][0][0], json!(["service-002"]));
    assert!(check.contains("Sees acme/service-002"), "{check}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_pull_request_settles_later() {
    let folder = tempfile::tempdir().unwrap();
    let gitea = Gitea::with(Size {
        repositories: 1,
        pull_requests: 5,
    })
    .await;
    gitea.change(|estate| {
        let request = estate.repositories[0].pull_requests.last_mut().unwrap();
        (request.merged_at, request.merge_commit, request.approved_at) = (None, None, None);
    });
    let open = json!({"kind": "metric", "metric": "pull_request_age", "statistic": "count", "bucket": "none"});
    let pelorus = gitea.start(&ledger(folder.path()), 0);
    let before = pelorus.number(open.clone()).await;
    pelorus.stop().await;
    gitea.change(|estate| {
        let request = estate.repositories[0].pull_requests.last_mut().unwrap();
        request.merged_at = Some(at(NOW) + TimeDelta::minutes(20));
        request.updated_at = at(NOW) + TimeDelta::minutes(20);
    });
    let pelorus = gitea.start(&ledger(folder.path()), 60);
    let after = pelorus.number(open).await;
    pelorus.stop().await;
    assert_eq!((before, after), (Some(1.0), Some(0.0)));
}
