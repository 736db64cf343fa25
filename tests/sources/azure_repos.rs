//! Azure Repos: a server that speaks its API, and what Pelorus makes of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, TimeDelta, Utc};
use pelorus::ledger::Location;
use serde_json::{Value, json};

use crate::efficiency::{Counted, Row};
use crate::estate::{Commit, Estate, PullRequest, Repository, Size, YEAR_OF_12, rfc3339};
use crate::program::{SIZE, Stand};
use crate::reading::{CANARY, Pelorus, at, ledger};
use crate::server::{Allowed, Fault, Server};

const NOW: &str = "2026-10-01T00:00:00Z";
/// The host's largest page of pull requests.
const PAGE: usize = 1_000;
/// Commits of a request that asks for their pull requests: ours, for the vendor names none.
const BATCH: usize = 500;
const ANN: &str = "a0000000-0000-0000-0000-000000000001";
const BEN: &str = "b0000000-0000-0000-0000-000000000002";

type Shared = Arc<Mutex<Estate>>;
type Asked = Query<HashMap<String, String>>;

fn routes(estate: Shared) -> Router {
    let git = "/acme/_apis/git/repositories";
    let of_one = format!("{git}/{{id}}");
    Router::new()
        .route(git, get(repositories))
        .route("/acme/{project}/_apis/git/repositories", get(repositories))
        .route(
            "/acme/{project}/_apis/git/repositories/{name}",
            get(repository),
        )
        .route("/acme/{project}/_apis/git/pullrequests", get(pulls))
        .route(&format!("{of_one}/pullrequests"), get(pulls_of_one))
        .route(&format!("{of_one}/commitsbatch"), post(batch))
        .route(&format!("{of_one}/commits/{{hash}}"), get(commit))
        .route(&format!("{of_one}/pullrequestquery"), post(query))
        .route(&format!("{of_one}/refs"), get(refs))
        .route(&format!("{of_one}/pushes"), get(pushes))
        .route(
            &format!("{of_one}/pullRequests/{{number}}/threads"),
            get(threads),
        )
        .route(
            &format!("{of_one}/pullRequests/{{number}}/commits"),
            get(pull_commits),
        )
        .with_state(estate)
}

fn guid(id: u64) -> String {
    format!("3411ebc1-d5aa-464f-9615-{id:012}")
}

fn list(items: Vec<Value>) -> Response {
    Json(json!({"count": items.len(), "value": items})).into_response()
}

fn missing(key: &str, message: &str) -> Response {
    let body = json!({
        "$id": "1", "innerException": null, "message": message, "typeName": format!("Microsoft.TeamFoundation.Git.Server.{key}"),
        "typeKey": key, "errorCode": 0, "eventId": 3000,
    });
    (StatusCode::NOT_FOUND, Json(body)).into_response()
}

/// Does something with a repository, or says that there is none.
fn with(estate: &Shared, id: &str, answer: impl FnOnce(&Repository) -> Response) -> Response {
    let estate = estate.lock().unwrap();
    let mut repositories = estate.repositories.iter();
    match repositories.find(|repository| guid(repository.id) == id) {
        Some(repository) => answer(repository),
        None => missing(
            "GitRepositoryNotFoundException",
            "TF401019: The Git repository does not exist or you do not have permissions for the operation you are attempting.",
        ),
    }
}

fn repository_json(repository: &Repository) -> Value {
    let name = &repository.name;
    let mut told = json!({
        "id": guid(repository.id), "name": name, "url": "", "size": 728, "isDisabled": repository.is_archived, "isInMaintenance": false,
        "project": {"id": "a7573007-bbb3-4341-b726-0c4148a07853", "name": "Shop", "state": "wellFormed", "visibility": "private"},
        "remoteUrl": format!("http://acme@127.0.0.1/acme/Shop/_git/{name}"), "sshUrl": "", "webUrl": "",
    });
    if repository.is_fork {
        told["isFork"] = json!(true);
    }
    if repository.head.is_some() {
        told["defaultBranch"] = json!("refs/heads/main");
    }
    told
}

/// A commit as lists tell it: without parents, and without all but the first line of its message.
fn commit_json(commit: &Commit) -> Value {
    let signature = |at: DateTime<Utc>| json!({"name": commit.author, "email": format!("{}@acme.example", commit.author), "date": rfc3339(at)});
    let mut told = json!({
        "commitId": commit.hash, "author": signature(commit.authored_at), "committer": signature(commit.committed_at),
        "comment": commit.message.lines().next(), "changeCounts": {"Add": 0, "Edit": 1, "Delete": 0},
        "url": "", "remoteUrl": format!("http://127.0.0.1/acme/Shop/_git/x/commit/{}", commit.hash),
    });
    if commit.message.lines().count() > 1 {
        told["commentTruncated"] = json!(true);
    }
    told
}

fn pull_json(repository: &Repository, request: &PullRequest) -> Value {
    let of = |hash: Option<&String>| hash.map(|hash| json!({"commitId": hash, "url": ""}));
    let merge = request.merge_commit.as_deref();
    let merge = merge.map(|hash| repository.commit_of(hash));
    // The first of all has nothing to stand on.
    let target = merge.and_then(|merge| merge.parents.first());
    let target = target.filter(|hash| Some(*hash) != request.commits.last());
    let strategy = if request.is_squashed {
        "squash"
    } else {
        "noFastForward"
    };
    let mut told = json!({
        "repository": {"id": guid(repository.id), "name": repository.name, "url": "", "project": {"id": "", "name": "Shop"}},
        "pullRequestId": request.number, "codeReviewId": request.number, "status": if merge.is_some() { "completed" } else { "active" },
        "createdBy": {"id": ANN, "displayName": request.author, "uniqueName": "ann@acme.example"}, "creationDate": rfc3339(request.opened_at),
        "title": request.title, "sourceRefName": format!("refs/heads/{}", request.head_branch), "targetRefName": "refs/heads/main",
        "mergeStatus": "succeeded", "isDraft": false, "lastMergeSourceCommit": of(request.commits.last()), "lastMergeTargetCommit": of(target),
        "lastMergeCommit": of(merge.map(|merge| &merge.hash)),
        "reviewers": [{"id": BEN, "displayName": "Ben", "vote": if request.approved_at.is_some() { 10 } else { 0 }}], "url": "", "supportsIterations": true,
    });
    if !request.labels.is_empty() {
        let labels = request.labels.iter();
        told["labels"] = labels
            .map(|name| json!({"id": "", "name": name, "active": true}))
            .collect();
    }
    if let Some(merged_at) = request.merged_at {
        told["closedDate"] = json!(rfc3339(merged_at));
        told["completionOptions"] =
            json!({"mergeStrategy": strategy, "squashMerge": request.is_squashed});
    }
    told
}

async fn repositories(State(estate): State<Shared>) -> Response {
    let estate = estate.lock().unwrap();
    list(estate.repositories.iter().map(repository_json).collect())
}

async fn repository(
    State(estate): State<Shared>,
    Path((_, name)): Path<(String, String)>,
) -> Response {
    let id = {
        let estate = estate.lock().unwrap();
        let mut repositories = estate.repositories.iter();
        repositories
            .find(|repository| repository.name == name)
            .map_or(0, |repository| repository.id)
    };
    with(&estate, &guid(id), |repository| {
        Json(repository_json(repository)).into_response()
    })
}

fn pull_page(repositories: &[&Repository], asked: &HashMap<String, String>) -> Response {
    let mut requests: Vec<(&Repository, &PullRequest)> = repositories
        .iter()
        .flat_map(|repository| {
            let requests = repository.pull_requests.iter();
            requests.map(move |request| (*repository, request))
        })
        .filter(
            |(_, request)| match asked["searchCriteria.status"].as_str() {
                "active" => request.merged_at.is_none(),
                "all" => {
                    assert_eq!(asked["searchCriteria.queryTimeRangeType"], "closed");
                    let since = at(&asked["searchCriteria.minTime"]);
                    request
                        .merged_at
                        .is_some_and(|merged_at| merged_at >= since)
                }
                other => panic!("{other}"),
            },
        )
        .collect();
    requests.sort_by_key(|(_, request)| std::cmp::Reverse(request.opened_at));
    let number = |key: &str| asked[key].parse::<usize>().unwrap();
    let shown = requests
        .into_iter()
        .skip(number("$skip"))
        .take(number("$top").min(PAGE));
    list(
        shown
            .map(|(repository, request)| pull_json(repository, request))
            .collect(),
    )
}

async fn pulls(State(estate): State<Shared>, Query(asked): Asked) -> Response {
    let estate = estate.lock().unwrap();
    pull_page(&estate.repositories.iter().collect::<Vec<_>>(), &asked)
}

async fn pulls_of_one(
    State(estate): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
) -> Response {
    with(&estate, &id, |repository| pull_page(&[repository], &asked))
}

async fn batch(
    State(estate): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
    Json(criteria): Json<Value>,
) -> Response {
    assert_eq!(asked["api-version"], "7.1");
    let number = |key: &str| asked[key].parse::<usize>().unwrap();
    assert!(number("$top") <= 50_000);
    with(&estate, &id, |repository| {
        let has = |hash: &str| {
            let mut commits = repository.commits.iter();
            commits.any(|commit| commit.hash == hash)
        };
        let commits = if let Some(ids) = criteria["ids"].as_array() {
            let ids = ids.iter().map(|id| id.as_str().unwrap());
            ids.map(|id| repository.commit_of(id)).collect()
        } else if criteria["compareVersion"].is_object() {
            let known = criteria["itemVersion"]["version"].as_str().unwrap();
            assert_eq!(criteria["compareVersion"]["version"], "main");
            if !has(known) {
                return missing(
                    "GitUnresolvableToCommitException",
                    "TF401175:The version descriptor <Commit> could not be resolved to a version in the repository.",
                );
            }
            repository.between(known)
        } else {
            assert_eq!(
                criteria["itemVersion"],
                json!({"version": "main", "versionType": "branch"})
            );
            repository.main_newest_first()
        };
        let shown = commits
            .into_iter()
            .skip(number("$skip"))
            .take(number("$top"));
        list(shown.map(commit_json).collect())
    })
}

async fn commit(
    State(estate): State<Shared>,
    Path((id, hash)): Path<(String, String)>,
) -> Response {
    with(&estate, &id, |repository| {
        let commit = repository.commit_of(&hash);
        let mut told = commit_json(commit);
        told["comment"] = json!(commit.message);
        told["parents"] = json!(commit.parents);
        told["treeId"] = json!("");
        Json(told).into_response()
    })
}

async fn query(
    State(estate): State<Shared>,
    Path(id): Path<String>,
    Json(mut asked): Json<Value>,
) -> Response {
    with(&estate, &id, |repository| {
        let merged = || {
            let requests = repository.pull_requests.iter();
            requests.filter(|request| request.merged_at.is_some())
        };
        let queries = asked["queries"].as_array().unwrap();
        let results = queries.iter().map(|query| {
            let mut found: HashMap<String, Vec<Value>> = HashMap::new();
            let items = query["items"].as_array().unwrap();
            assert!(items.len() <= BATCH);
            let asked: Vec<&str> = items.iter().map(|item| item.as_str().unwrap()).collect();
            for request in merged() {
                let by: Vec<&String> = match query["type"].as_str().unwrap() {
                    "lastMergeCommit" => request.merge_commit.iter().collect(),
                    "commit" => request
                        .commits
                        .iter()
                        .chain(&request.merge_commit)
                        .collect(),
                    other => panic!("{other}"),
                };
                for hash in by.into_iter().filter(|hash| asked.contains(&hash.as_str())) {
                    let told = pull_json(repository, request);
                    found.entry(hash.clone()).or_default().push(told);
                }
            }
            json!(found)
        });
        asked["results"] = results.collect::<Vec<_>>().into();
        Json(asked).into_response()
    })
}

async fn refs(
    State(estate): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
) -> Response {
    assert_eq!(asked["filter"], "tags/");
    with(&estate, &id, |repository| {
        let tags = repository.releases.iter().map(|release| {
            json!({"name": format!("refs/tags/{}", release.tag), "objectId": release.commit, "creator": {"displayName": "Ann", "id": ANN}, "url": ""})
        });
        list(tags.collect())
    })
}

async fn pushes(
    State(estate): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
) -> Response {
    assert_eq!(asked["searchCriteria.includeRefUpdates"], "true");
    let since = at(&asked["searchCriteria.fromDate"]);
    with(&estate, &id, |repository| {
        let merges = repository
            .pull_requests
            .iter()
            .filter_map(|request| Some((request.merged_at?, "refs/heads/main".to_owned())));
        let tags = repository
            .releases
            .iter()
            .map(|release| (release.published_at, format!("refs/tags/{}", release.tag)));
        let new = merges
            .chain(tags)
            .filter(|(pushed_at, _)| *pushed_at >= since);
        let pushes = new.map(|(pushed_at, name)| {
            json!({
                "pushId": 1, "date": rfc3339(pushed_at), "pushedBy": {"id": ANN}, "url": "",
                "refUpdates": [{"repositoryId": guid(repository.id), "name": name, "oldObjectId": "", "newObjectId": ""}],
            })
        });
        list(pushes.collect())
    })
}

async fn threads(
    State(estate): State<Shared>,
    Path((id, number)): Path<(String, u64)>,
) -> Response {
    with(&estate, &id, |repository| {
        let mut requests = repository.pull_requests.iter();
        let request = requests.find(|request| request.number == number).unwrap();
        let remark = |at: DateTime<Utc>, who: &str| {
            json!({
                "id": 1, "publishedDate": rfc3339(at), "properties": {}, "identities": null, "isDeleted": false,
                "comments": [{"id": 1, "author": {"id": who}, "commentType": "text", "publishedDate": rfc3339(at)}],
            })
        };
        let vote = |at: DateTime<Utc>| {
            json!({
                "id": 2, "publishedDate": rfc3339(at), "identities": {"1": {"id": BEN}}, "isDeleted": false,
                "properties": {
                    "CodeReviewThreadType": {"$type": "System.String", "$value": "VoteUpdate"}, "CodeReviewVoteResult": {"$type": "System.String", "$value": "10"},
                    "CodeReviewVotedByIdentity": {"$type": "System.String", "$value": "1"},
                },
                "comments": [{"id": 1, "author": {"id": BEN}, "commentType": "system", "publishedDate": rfc3339(at)}],
            })
        };
        // The author's own remark is no review.
        let own = remark(request.opened_at + TimeDelta::minutes(1), ANN);
        let all = std::iter::once(own)
            .chain(request.first_review_at.map(|at| remark(at, BEN)))
            .chain(request.approved_at.map(vote));
        list(all.collect())
    })
}

async fn pull_commits(
    State(estate): State<Shared>,
    Path((id, number)): Path<(String, u64)>,
) -> Response {
    with(&estate, &id, |repository| {
        let mut requests = repository.pull_requests.iter();
        let request = requests.find(|request| request.number == number).unwrap();
        let newest_first = request.commits.iter().rev();
        list(
            newest_first
                .map(|hash| commit_json(repository.commit_of(hash)))
                .collect(),
        )
    })
}

/// An Azure DevOps that holds an estate in its project *Shop*.
struct Azure {
    server: Server,
    estate: Shared,
}

impl Azure {
    async fn of(estate: Estate) -> Self {
        let estate = Arc::new(Mutex::new(estate));
        let routes = routes(Arc::clone(&estate));
        Self::serving(routes, estate).await
    }

    async fn serving(routes: Router, estate: Shared) -> Self {
        let allowed = Allowed {
            at_once: 4,
            ..Allowed::default()
        };
        let server = Server::start(routes, allowed).await;
        Self { server, estate }
    }

    async fn with(size: Size) -> Self {
        Self::of(Estate::of("_git", size, at(NOW))).await
    }

    fn source(&self) -> Value {
        json!({"name": "code", "kind": "azure_repos", "url": format!("{}/acme", self.server.url)})
    }

    fn start(&self, ledger: &Location, minutes: i64) -> Pelorus {
        start(self.source(), ledger, minutes)
    }

    fn change(&self, change: impl FnOnce(&mut Estate)) {
        change(&mut self.estate.lock().unwrap());
    }
}

fn start(source: Value, ledger: &Location, minutes: i64) -> Pelorus {
    let settings = json!({"sources": [source], "deployments": tags_are_deployments()});
    let now = at(NOW) + TimeDelta::minutes(minutes);
    Pelorus::start(&settings, &["code__token"], ledger, now)
}

fn tags_are_deployments() -> Value {
    json!([{"from": "tag", "match": "^v1", "environment": "production"}])
}

/// The fewest requests of a first reading: all repositories, closed and open pull requests of the project, their threads,
/// the commits of those that were squashed; of each repository its commits, what brought them in, its tags.
fn least_cold(size: Size) -> usize {
    let requests = size.pull_requests;
    let all = size.repositories * requests;
    let of_one = 1 + (requests * 5).div_ceil(BATCH) + 1;
    1 + all.div_ceil(PAGE) + 1 + all + size.repositories * (requests / 4 + of_one)
}

/// The kind as the program meets it.
pub async fn stand() -> Stand {
    let estate = Estate::of("_git", SIZE, at(NOW));
    let azure = Azure::of(estate.clone()).await;
    Stand {
        kind: "azure_repos",
        source: azure.source(),
        host: "127.0.0.1/acme/shop",
        tells: &["commit", "pull_request", "release"],
        deployments: tags_are_deployments(),
        estate,
        now: NOW,
        server: azure.server.clone(),
        held: Box::new(azure),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_five_keys_are_those_of_the_same_events_and_of_git() {
    let folder = tempfile::tempdir().unwrap();
    let size = Size {
        repositories: 1,
        pull_requests: 30,
    };
    let mut estate = Estate::of("_git", size, at(NOW));
    let bare = folder.path().join("service.git");
    estate.repositories[0].materialise(&bare);
    let file = folder.path().join("events.jsonl");
    let types = ["commit", "pull_request", "release"];
    std::fs::write(&file, estate.events("127.0.0.1/acme/shop", &types)).unwrap();
    let azure = Azure::of(estate).await;
    let answers = async |source: Value| {
        let pelorus = start(source, &Location::Memory, 0);
        let answers = [
            pelorus.five_keys("committed").await,
            pelorus.parts().await,
            pelorus.five_keys("landed").await,
        ];
        pelorus.stop().await;
        answers
    };
    let of_azure = answers(azure.source()).await;
    let of_events = answers(json!({"name": "file", "kind": "events", "path": [file]})).await;
    assert_eq!(of_azure, of_events);
    assert!(
        of_azure[0]["commits"][0][1][0].as_f64() > Some(50.0),
        "{}",
        of_azure[0]
    );
    let repository = "127.0.0.1/acme/shop/_git/service-001";
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
    assert_eq!(without_rework(&of_azure[2]), without_rework(&of_git[2]));
}

/// A first reading and a refresh of which nothing came, counted.
pub async fn efficiency(size: Size) -> Row {
    let folder = tempfile::tempdir().unwrap();
    let azure = Azure::with(size).await;
    let mut counted = Vec::new();
    for minutes in [0, 60] {
        azure.server.forget();
        let pelorus = azure.start(&ledger(folder.path()), minutes);
        pelorus.five_keys("committed").await;
        assert_eq!(pelorus.notices().await, Vec::<String>::new());
        pelorus.stop().await;
        assert_eq!(azure.server.answered_with(429), 0);
        assert!(azure.server.most_at_once() <= 4);
        counted.push(azure.server.requests());
    }
    Row {
        kind: "azure_repos",
        page: "10,000 commits, 1,000 pull requests and tags",
        batched: "repositories of the organisation, pull requests of a project, what brought 500 commits in",
        least: "1 + ⌈P/1000⌉ + 1 + P + S + K · (⌈n/10000⌉ + ⌈n/500⌉ + ⌈r/1000⌉); refresh 3 + K",
        cold: Counted::of(least_cold(size), counted[0]),
        warm: Counted::of(3 + size.repositories, counted[1]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_commits_that_are_merged_late_are_found_and_only_what_changed_is_asked_for() {
    let size = YEAR_OF_12;
    let folder = tempfile::tempdir().unwrap();
    let azure = Azure::with(size).await;
    let pelorus = azure.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    azure.server.forget();
    azure.change(|estate| {
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
    let pelorus = azure.start(&ledger(folder.path()), 180);
    let after = pelorus.five_keys("committed").await;
    pelorus.stop().await;
    // Repositories, closed and open pull requests, the pushes of each; the commits since, what brought them in, the tag and
    // its commit; the threads of the pull request.
    assert_eq!(
        azure.server.requests(),
        3 + size.repositories + 4 + 1,
        "{}",
        azure.server.bill()
    );
    let deployments = |keys: &Value| keys["deployments"][0][1][0].as_f64().unwrap();
    let changes = |keys: &Value| keys["commits"][0][1][0].as_f64().unwrap();
    assert_eq!(deployments(&after), deployments(&before) + 1.0);
    assert_eq!(changes(&after), changes(&before) + 4.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_was_rewritten_is_read_again_and_what_was_deployed_stays() {
    let folder = tempfile::tempdir().unwrap();
    let azure = Azure::with(Size {
        repositories: 1,
        pull_requests: 10,
    })
    .await;
    let pelorus = azure.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("landed").await;
    pelorus.stop().await;
    azure.change(|estate| {
        let repository = &mut estate.repositories[0];
        // The last commit was amended, and its tag is gone with what it was; a pull request follows.
        let gone = repository.head.clone().unwrap();
        let amended = "f".repeat(40);
        repository.releases.retain(|release| release.commit != gone);
        repository.commits.last_mut().unwrap().hash = amended.clone();
        repository.pull_requests.last_mut().unwrap().merge_commit = Some(amended.clone());
        repository.head = Some(amended);
        repository.add_pull_request(11, at(NOW) - TimeDelta::minutes(119));
    });
    let pelorus = azure.start(&ledger(folder.path()), 60);
    let after = pelorus.five_keys("landed").await;
    let commits = pelorus.events_of("commit").await;
    pelorus.stop().await;
    assert_eq!(before["deployments"], after["deployments"]);
    // Ten pull requests of five commits, two of them squashed and so of four more; the amended one; the new five.
    assert_eq!(commits, 10 * 5 + 2 * 4 + 1 + 5);
    let asked = azure.server.seen();
    let refused = asked.iter().filter(|seen| seen.status == 404);
    assert_eq!(refused.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_cut_off_goes_on_where_it_stopped() {
    let azure = Azure::with(YEAR_OF_12).await;
    let whole = azure.start(&Location::Memory, 0);
    let expected = whole.five_keys("committed").await;
    whole.stop().await;
    let cold = azure.server.requests();
    for stop_at in [3, 60, 400] {
        azure.server.forget();
        let folder = tempfile::tempdir().unwrap();
        let pelorus = azure.start(&ledger(folder.path()), 0);
        pelorus.begin(300).await;
        azure.server.wait_for(stop_at).await;
        pelorus.stop().await;
        let pelorus = azure.start(&ledger(folder.path()), 0);
        assert_eq!(
            pelorus.five_keys("committed").await,
            expected,
            "cut off after {stop_at}"
        );
        pelorus.stop().await;
        // What was under way is asked for again: a page of a hundred pull requests with their threads, a quarter with
        // their commits, and three repositories.
        let most = cold + 126 + 3 * 3;
        assert!(
            azure.server.requests() <= most,
            "{} > {most}",
            azure.server.requests()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_hidden_renamed_or_empty_leaves_the_others_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let size = Size {
        repositories: 6,
        pull_requests: 10,
    };
    let mut estate = Estate::of("_git", size, at(NOW));
    estate.repositories[1].head = None;
    estate.repositories[2].is_archived = true;
    let azure = Azure::of(estate).await;
    azure
        .server
        .fail(Fault::of("000000000004/commitsbatch", 403));
    azure
        .server
        .fail(Fault::of("000000000005/commitsbatch", 404));
    let pelorus = azure.start(&ledger(folder.path()), 0);
    let before = pelorus.five_keys("committed").await;
    let notices = pelorus.told().await;
    pelorus.stop().await;
    for says in [
        "Shop/service-002 is empty",
        "Leaves out Shop/service-004",
        "it needs the scope Code (Read)",
        "Leaves out Shop/service-005",
    ] {
        assert!(notices.contains(says), "{notices}");
    }
    assert!(!notices.contains(CANARY));
    let asked = azure.server.seen();
    assert!(!asked.iter().any(|seen| seen.path().contains(&guid(3))));

    // The first is renamed, the sixth is gone: their events stay, under their names.
    azure.change(|estate| {
        estate.repositories[0].name = "shop".to_owned();
        estate.repositories.remove(5);
    });
    let pelorus = azure.start(&ledger(folder.path()), 60);
    let after = pelorus.five_keys("committed").await;
    let notices = pelorus.told().await;
    pelorus.stop().await;
    assert!(
        notices.contains("Shop/service-001 is called Shop/shop now"),
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
    let signing_in = Fault {
        answer: (
            StatusCode::NON_AUTHORITATIVE_INFORMATION,
            vec![("content-type", "text/html".to_owned())],
            "<!doctype html><title>Azure DevOps Services | Sign In</title>".to_owned(),
        ),
        ..Fault::page("repositories")
    };
    let cases = [
        (Fault::of("repositories", 401), "refused the credentials"),
        (signing_in, "refused the credentials"),
        (
            Fault::of("repositories", 403),
            "it needs the scope Code (Read)",
        ),
        (Fault::page("repositories"), "web page"),
        (Fault::of("repositories", 404), "check the address"),
    ];
    for (fault, says) in cases {
        let azure = Azure::with(size).await;
        azure.server.fail(fault);
        let pelorus = azure.start(&Location::Memory, 0);
        let told = format!("{:?} {:?}", pelorus.notices().await, pelorus.check().await);
        pelorus.stop().await;
        assert!(told.contains(says) && !told.contains(CANARY), "{told}");
        // `:canary-5f3a9d`
        let expected = "Basic OmNhbmFyeS01ZjNhOWQ=";
        let asked = azure.server.seen();
        assert!(
            asked
                .iter()
                .all(|seen| seen.credential.as_deref() == Some(expected))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repositories_of_an_organisation_that_may_not_be_listed_are_read_by_name() {
    let azure = Azure::with(Size {
        repositories: 2,
        pull_requests: 5,
    })
    .await;
    let mut source = azure.source();
    source["repositories"] = json!(["Shop/service-002"]);
    source["bearer"] = json!(true);
    let pelorus = start(source, &Location::Memory, 0);
    let keys = pelorus.five_keys("committed").await;
    let check = pelorus.check().await;
    pelorus.stop().await;
    assert_eq!(keys["deployments"][0][0], json!(["service-002"]));
    assert!(
        check.contains("Sees 1 repositories of Shop (Shop/service-002)"),
        "{check}"
    );
    let asked = azure.server.seen();
    assert!(
        asked
            .iter()
            .all(|seen| seen.credential.as_deref() == Some("Bearer canary-5f3a9d"))
    );
    assert!(
        !asked
            .iter()
            .any(|seen| seen.path().ends_with("/repositories"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_pull_request_settles_later_and_is_left_alone_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let azure = Azure::with(Size {
        repositories: 1,
        pull_requests: 5,
    })
    .await;
    let mut kept = None;
    azure.change(|estate| {
        let request = estate.repositories[0].pull_requests.last_mut().unwrap();
        kept = request.merge_commit.take();
        (request.merged_at, request.approved_at) = (None, None);
    });
    let open = json!({"kind": "metric", "metric": "pull_request_age", "statistic": "count", "bucket": "none"});
    let read = async |minutes: i64| {
        azure.server.forget();
        let pelorus = azure.start(&ledger(folder.path()), minutes);
        let number = pelorus.number(open.clone()).await;
        pelorus.stop().await;
        let asked = azure.server.seen();
        let threads = asked.iter().filter(|seen| seen.path().contains("threads"));
        (number, threads.count())
    };
    assert_eq!(read(0).await, (Some(1.0), 5));
    assert_eq!(read(60).await, (Some(1.0), 0));
    azure.change(|estate| {
        let request = estate.repositories[0].pull_requests.last_mut().unwrap();
        request.approved_at = Some(at(NOW) + TimeDelta::minutes(100));
    });
    assert_eq!(read(120).await, (Some(1.0), 1));
    azure.change(|estate| {
        let request = estate.repositories[0].pull_requests.last_mut().unwrap();
        request.merged_at = Some(at(NOW) + TimeDelta::minutes(150));
        request.merge_commit = kept;
    });
    assert_eq!(read(180).await, (Some(0.0), 1));
}

/// Requests so far, and when the one came that was asked to slow down.
type Slowed = Arc<Mutex<(usize, Option<Instant>)>>;

/// Lets so many requests through, then asks to wait a second while it still answers; who does not wait is refused.
async fn slow_down(State(state): State<Slowed>, request: Request, next: Next) -> Response {
    const BURST: usize = 100;
    let asks_to_wait = {
        let mut state = state.lock().unwrap();
        if let Some(asked_at) = state.1 {
            let since = asked_at.elapsed();
            // What was under way when it asked is let through.
            if since >= Duration::from_secs(1) {
                *state = (0, None);
            } else if since >= Duration::from_millis(400) {
                return (
                    StatusCode::TOO_MANY_REQUESTS,
                    [("retry-after", "1")],
                    "TF400733: The request has been canceled: Request was blocked due to exceeding usage of resource Concurrency in namespace User.",
                )
                    .into_response();
            }
        }
        state.0 += 1;
        if state.0 >= BURST && state.1.is_none() {
            state.1 = Some(Instant::now());
        }
        state.1.is_some()
    };
    let mut response = next.run(request).await;
    if asks_to_wait {
        let headers = response.headers_mut();
        headers.insert("retry-after", "2".parse().unwrap());
        headers.insert("x-ratelimit-resource", "Core".parse().unwrap());
        headers.insert("x-ratelimit-delay", "1.5".parse().unwrap());
    }
    response
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_ask_to_slow_down_are_heeded_before_any_is_refused() {
    let estate = Estate::of("_git", YEAR_OF_12, at(NOW));
    let estate = Arc::new(Mutex::new(estate));
    let state = Arc::new(Mutex::new((0, None)));
    let routes =
        routes(Arc::clone(&estate)).layer(middleware::from_fn_with_state(state, slow_down));
    let azure = Azure::serving(routes, estate).await;
    let pelorus = azure.start(&Location::Memory, 0);
    assert_eq!(pelorus.notices().await, Vec::<String>::new());
    pelorus.stop().await;
    assert_eq!(azure.server.answered_with(429), 0);
    assert!(azure.server.requests() > 400);
}
