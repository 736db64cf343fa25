//! A server that speaks Bitbucket Cloud's API 2.0.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use crate::estate::{Commit, Estate, PullRequest, Repository, Run, rfc3339};
use crate::reading::at;

pub type Shared = Arc<Mutex<Estate>>;

pub fn routes(estate: Shared) -> Router {
    let repository = "/2.0/repositories/{workspace}/{repository}";
    let below = |rest: &str| format!("{repository}/{rest}");
    Router::new()
        .route("/2.0/repositories/{workspace}", get(repositories))
        .route(repository, get(one))
        .route(&below("commits"), get(commits))
        .route(&below("commit/{digits}"), get(commit))
        .route(&below("pullrequests"), get(pull_requests))
        .route(&below("pullrequests/activity"), get(activity))
        .route(
            &below("pullrequests/{number}/activity"),
            get(activity_of_one),
        )
        .route(&below("pullrequests/{number}/commits"), get(own_commits))
        .route(&below("refs/tags"), get(tags))
        .route(&below("pipelines"), get(pipelines))
        .route(&below("deployments"), get(deployments))
        .with_state(estate)
}

/// What a request asked, with its keys in order and again and again.
struct Asked {
    pairs: Vec<(String, String)>,
    here: String,
}

impl Asked {
    fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default().as_bytes();
        let host = headers["host"].to_str().unwrap();
        Self {
            pairs: url::form_urlencoded::parse(query).into_owned().collect(),
            here: format!("http://{host}{}", uri.path()),
        }
    }

    fn all(&self, key: &str) -> Vec<&str> {
        let of_key = self.pairs.iter().filter(|(name, _)| name == key);
        of_key.map(|(_, value)| value.as_str()).collect()
    }

    fn one(&self, key: &str) -> Option<&str> {
        self.all(key).first().copied()
    }

    fn number(&self, key: &str, default: usize) -> usize {
        self.one(key).map_or(default, |text| text.parse().unwrap())
    }

    /// The moment of `q=<field>>="…"`.
    fn since(&self, field: &str) -> DateTime<Utc> {
        let written = self.one("q").map_or("1970-01-01T00:00:00Z", |written| {
            let rest = written
                .strip_prefix(field)
                .expect("the field that can be filtered by");
            rest.strip_prefix(">=\"")
                .unwrap()
                .strip_suffix('"')
                .unwrap()
        });
        at(written)
    }

    /// A page of a list, as Bitbucket pages: `page`, `pagelen` with a cap, the address of the next in the body.
    fn paged(&self, items: Vec<Value>, cap: usize) -> Response {
        let (page, length) = (self.number("page", 1), self.number("pagelen", 10));
        if length > cap || length == 0 {
            return failed(StatusCode::BAD_REQUEST, "Invalid pagelen");
        }
        let total = items.len();
        let values: Vec<Value> = items
            .into_iter()
            .skip((page - 1) * length)
            .take(length)
            .collect();
        let mut body = json!({"page": page, "pagelen": length, "size": total, "values": values});
        if page * length < total {
            let mut next = url::Url::parse(&self.here).unwrap();
            let rest = self.pairs.iter().filter(|(key, _)| key != "page");
            next.query_pairs_mut()
                .extend_pairs(rest)
                .append_pair("page", &(page + 1).to_string());
            body["next"] = json!(next.as_str());
        }
        self.answer(body)
    }

    /// The body with the fields that `fields` names, and no other.
    fn answer(&self, body: Value) -> Response {
        let body = match self.one("fields") {
            Some(fields) => {
                let paths: Vec<Vec<&str>> = fields
                    .split(',')
                    .map(|path| path.split('.').collect())
                    .collect();
                let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
                only(body, &paths)
            }
            None => body,
        };
        body.to_string().into_response()
    }
}

fn only(value: Value, paths: &[&[&str]]) -> Value {
    if paths.iter().any(|path| path.is_empty()) {
        return value;
    }
    match value {
        Value::Array(items) => items.into_iter().map(|item| only(item, paths)).collect(),
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                let below: Vec<&[&str]> = paths
                    .iter()
                    .filter(|path| path[0] == name)
                    .map(|path| &path[1..])
                    .collect();
                if !below.is_empty() {
                    kept.insert(name, only(value, &below));
                }
            }
            Value::Object(kept)
        }
        other => other,
    }
}

fn failed(status: StatusCode, message: &str) -> Response {
    let body = json!({"type": "error", "error": {"message": message}});
    (status, body.to_string()).into_response()
}

type Answered = (State<Shared>, OriginalUri, HeaderMap);

/// Does something with a repository, named by its slug or its uuid in braces, or says that there is none.
fn with(
    (State(estate), OriginalUri(uri), headers): Answered,
    workspace: &str,
    name: &str,
    answer: impl FnOnce(&Repository, &Asked) -> Response,
) -> Response {
    let asked = Asked::of(&uri, &headers);
    let estate = estate.lock().unwrap();
    let found = estate.repositories.iter().find(|repository| {
        repository.owner == workspace && (repository.name == name || uuid(repository.id) == name)
    });
    match found {
        Some(repository) => answer(repository, &asked),
        None => {
            let message = format!("Repository {workspace}/{name} not found");
            failed(StatusCode::NOT_FOUND, &message)
        }
    }
}

/// The uuid of a thing, in braces as Bitbucket writes it.
pub fn uuid(id: u64) -> String {
    format!("{{00000000-0000-4000-8000-{id:012x}}}")
}

fn user(name: &str) -> Value {
    json!({"type": "user", "uuid": format!("{{{name}}}"), "nickname": name, "display_name": name, "account_id": null, "links": {}})
}

fn html(path: String) -> Value {
    json!({"html": {"href": format!("http://127.0.0.1/{path}")}, "self": {"href": "http://127.0.0.1/2.0/"}})
}

fn repository_json(repository: &Repository) -> Value {
    let full = format!("{}/{}", repository.owner, repository.name);
    let branch = repository
        .head
        .as_ref()
        .map(|_| json!({"type": "branch", "name": "main"}));
    let mut told = json!({
        "type": "repository", "uuid": uuid(repository.id), "full_name": full, "name": repository.name, "slug": repository.name,
        "is_private": true, "scm": "git", "size": 1, "language": "", "description": "", "mainbranch": branch, "project": {"key": "ACME"},
        "created_on": "2024-01-01T00:00:00+00:00", "updated_on": rfc3339(repository.updated_at), "links": html(full),
    });
    if repository.is_fork {
        told["parent"] =
            json!({"type": "repository", "uuid": uuid(999), "full_name": "else/where"});
    }
    told
}

fn commit_json(commit: &Commit) -> Value {
    let parents = commit
        .parents
        .iter()
        .map(|hash| json!({"type": "commit", "hash": hash, "links": {}}));
    json!({
        "type": "commit", "hash": commit.hash, "date": rfc3339(commit.committed_at), "message": commit.message, "summary": {"raw": commit.message},
        "author": {"type": "author", "raw": format!("{0} <{0}@acme.example>", commit.author), "user": user(&commit.author)},
        "parents": parents.collect::<Vec<_>>(), "links": html(format!("acme/x/commits/{}", commit.hash)), "rendered": {}, "repository": {},
    })
}

fn short(hash: Option<&String>) -> Value {
    hash.map_or(
        Value::Null,
        |hash| json!({"type": "commit", "hash": hash[..12], "links": {}}),
    )
}

fn pull_request_json(request: &PullRequest) -> Value {
    let state = if request.merged_at.is_some() {
        "MERGED"
    } else {
        "OPEN"
    };
    json!({
        "type": "pullrequest", "id": request.number, "title": request.title, "description": "", "state": state, "draft": false,
        "author": user(&request.author), "closed_by": request.merged_at.map(|_| user("ben")), "reason": "", "comment_count": 2, "task_count": 0,
        "created_on": rfc3339(request.opened_at), "updated_on": rfc3339(request.updated_at), "closed_on": request.merged_at.map(rfc3339),
        "source": {"branch": {"name": request.head_branch}, "commit": short(request.commits.last()), "repository": {}},
        "destination": {"branch": {"name": "main"}, "commit": {"hash": "000000000000"}, "repository": {}},
        "merge_commit": short(request.merge_commit.as_ref()), "links": html(format!("acme/x/pull-requests/{}", request.number)),
    })
}

/// What happened to a pull request, newest first.
fn happened(request: &PullRequest) -> Vec<(DateTime<Utc>, Value)> {
    let named =
        json!({"type": "pullrequest", "id": request.number, "title": request.title, "links": {}});
    let update = |at: DateTime<Utc>, state: &str| {
        let update = json!({"state": state, "title": request.title, "date": rfc3339(at), "author": user(&request.author), "changes": {}});
        (at, json!({"pull_request": named, "update": update}))
    };
    let comment = |at: DateTime<Utc>, who: &str| {
        let comment = json!({"id": 1, "created_on": rfc3339(at), "updated_on": rfc3339(at), "user": user(who), "content": {"raw": "Hm"}, "deleted": false});
        (at, json!({"pull_request": named, "comment": comment}))
    };
    let mut all = vec![
        update(request.opened_at, "OPEN"),
        // The author's own remark is no review.
        comment(request.opened_at + TimeDelta::minutes(1), &request.author),
    ];
    all.extend(request.first_review_at.map(|at| comment(at, "ben")));
    all.extend(request.approved_at.map(|at| {
        let approval = json!({"date": rfc3339(at), "user": user("ben"), "pullrequest": named});
        (at, json!({"pull_request": named, "approval": approval}))
    }));
    all.extend(request.merged_at.map(|at| update(at, "MERGED")));
    all.reverse();
    all
}

async fn repositories(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path(workspace): Path<String>,
) -> Response {
    let asked = Asked::of(&uri, &headers);
    assert_eq!(asked.one("sort"), Some("-updated_on"));
    let estate = state.lock().unwrap();
    if workspace != estate.owner {
        return failed(StatusCode::NOT_FOUND, "No workspace with identifier");
    }
    let since = asked.since("updated_on");
    let mut found: Vec<&Repository> = estate
        .repositories
        .iter()
        .filter(|repository| repository.updated_at >= since)
        .collect();
    found.sort_by_key(|repository| std::cmp::Reverse(repository.updated_at));
    asked.paged(found.into_iter().map(repository_json).collect(), 100)
}

async fn one(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name)): Path<(String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| asked.answer(repository_json(repository)),
    )
}

/// The commits that these names (branches, or the first digits of commits) lead to; `None` where one leads nowhere.
fn reached<'a>(repository: &'a Repository, names: &[&str]) -> Option<BTreeSet<&'a str>> {
    let by_hash: HashMap<&str, &Commit> = repository
        .commits
        .iter()
        .map(|commit| (commit.hash.as_str(), commit))
        .collect();
    let mut open = Vec::new();
    for name in names {
        let hash = match *name {
            "main" => repository.head.as_deref()?,
            digits => by_hash
                .keys()
                .copied()
                .find(|hash| hash.starts_with(digits))?,
        };
        open.push(hash);
    }
    let mut seen = BTreeSet::new();
    while let Some(hash) = open.pop() {
        let commit = by_hash[hash];
        if seen.insert(commit.hash.as_str()) {
            open.extend(commit.parents.iter().map(String::as_str));
        }
    }
    Some(seen)
}

async fn commits(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name)): Path<(String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| {
            let (Some(with), Some(without)) = (
                reached(repository, &asked.all("include")),
                reached(repository, &asked.all("exclude")),
            ) else {
                return failed(StatusCode::NOT_FOUND, "Commit not found");
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
            // Topological: what something is based on comes after it, whatever its date.
            if let Some(place) = found
                .iter()
                .position(|commit| Some(&commit.hash) == repository.head.as_ref())
            {
                let head = found.remove(place);
                found.insert(0, head);
            }
            asked.paged(found.into_iter().map(commit_json).collect(), 100)
        },
    )
}

async fn commit(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name, digits)): Path<(String, String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| match repository
            .commits
            .iter()
            .find(|commit| commit.hash.starts_with(&digits))
        {
            Some(commit) => asked.answer(commit_json(commit)),
            None => failed(StatusCode::NOT_FOUND, "Commit not found"),
        },
    )
}

async fn pull_requests(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name)): Path<(String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| {
            let since = asked.since("updated_on");
            let states: BTreeSet<&str> = asked.all("state").into_iter().collect();
            let is_in = |request: &&PullRequest| {
                states.contains(if request.merged_at.is_some() {
                    "MERGED"
                } else {
                    "OPEN"
                })
            };
            let mut found: Vec<&PullRequest> = repository
                .pull_requests
                .iter()
                .filter(|request| request.updated_at >= since)
                .filter(is_in)
                .collect();
            found.sort_by_key(|request| std::cmp::Reverse(request.updated_at));
            asked.paged(found.into_iter().map(pull_request_json).collect(), 50)
        },
    )
}

async fn activity(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name)): Path<(String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| {
            let mut all: Vec<_> = repository.pull_requests.iter().flat_map(happened).collect();
            all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
            asked.paged(all.into_iter().map(|(_, told)| told).collect(), 50)
        },
    )
}

fn with_request(
    answered: Answered,
    (workspace, name, number): (String, String, u64),
    answer: impl FnOnce(&Repository, &PullRequest, &Asked) -> Response,
) -> Response {
    with(
        answered,
        &workspace,
        &name,
        |repository, asked| match repository
            .pull_requests
            .iter()
            .find(|request| request.number == number)
        {
            Some(request) => answer(repository, request, asked),
            None => failed(StatusCode::NOT_FOUND, "Pull request not found"),
        },
    )
}

async fn activity_of_one(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path(of): Path<(String, String, u64)>,
) -> Response {
    with_request((state, uri, headers), of, |_, request, asked| {
        asked.paged(
            happened(request)
                .into_iter()
                .map(|(_, told)| told)
                .collect(),
            50,
        )
    })
}

async fn own_commits(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path(of): Path<(String, String, u64)>,
) -> Response {
    with_request((state, uri, headers), of, |repository, request, asked| {
        let own = request
            .commits
            .iter()
            .rev()
            .map(|hash| commit_json(repository.commit_of(hash)));
        asked.paged(own.collect(), 100)
    })
}

async fn tags(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name)): Path<(String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| {
            assert_eq!(asked.one("sort"), Some("-target.date"));
            let mut found: Vec<_> = repository
                .releases
                .iter()
                .map(|release| (release, repository.commit_of(&release.commit)))
                .collect();
            found.sort_by_key(|(_, commit)| std::cmp::Reverse(commit.committed_at));
            let told = found.into_iter().map(|(release, commit)| {
            json!({"type": "tag", "name": release.tag, "message": null, "date": null, "tagger": null, "target": commit_json(commit), "links": {}})
        });
            asked.paged(told.collect(), 100)
        },
    )
}

fn pipeline_json(repository: &Repository, run: &Run) -> Value {
    let full = format!("{}/{}", repository.owner, repository.name);
    let is_over = run.finished_at > run.started_at;
    let state = if is_over {
        let name = if run.is_successful {
            "SUCCESSFUL"
        } else {
            "FAILED"
        };
        json!({"type": "pipeline_state_completed", "name": "COMPLETED", "result": {"type": format!("pipeline_state_completed_{}", name.to_lowercase()), "name": name}})
    } else {
        json!({"type": "pipeline_state_in_progress", "name": "IN_PROGRESS", "stage": {"type": "pipeline_state_in_progress_running", "name": "RUNNING"}})
    };
    json!({
        "type": "pipeline", "uuid": uuid(run.id), "build_number": run.id % 100_000, "creator": user("ann"), "repository": {"full_name": full}, "state": state,
        "target": {"type": "pipeline_ref_target", "ref_type": "branch", "ref_name": "main", "selector": {"type": "branches", "pattern": "main"}, "commit": {"type": "commit", "hash": run.commit}},
        "created_on": rfc3339(run.started_at), "completed_on": is_over.then(|| rfc3339(run.finished_at)), "build_seconds_used": 60, "trigger": {"type": "pipeline_trigger_push"}, "variables": [], "links": {},
    })
}

async fn pipelines(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name)): Path<(String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| {
            assert_eq!(asked.one("sort"), Some("-created_on"));
            let mut found: Vec<&Run> = repository.runs.iter().collect();
            found.sort_by_key(|run| std::cmp::Reverse(run.started_at));
            asked.paged(
                found
                    .into_iter()
                    .map(|run| pipeline_json(repository, run))
                    .collect(),
                100,
            )
        },
    )
}

async fn deployments(
    state: State<Shared>,
    uri: OriginalUri,
    headers: HeaderMap,
    Path((workspace, name)): Path<(String, String)>,
) -> Response {
    with(
        (state, uri, headers),
        &workspace,
        &name,
        |repository, asked| {
            let mut found: Vec<_> = repository.deployments.iter().collect();
            found.sort_by_key(|deployment| std::cmp::Reverse(deployment.started_at));
            let told = found.into_iter().map(|deployment| {
            let name = if deployment.is_successful { "SUCCESSFUL" } else { "FAILED" };
            json!({
                "type": "deployment", "uuid": uuid(deployment.id), "environment": {"type": "deployment_environment", "uuid": uuid(7), "name": deployment.environment, "environment_type": {"type": "deployment_environment_type", "name": "Production", "rank": 2}}, "version": 1,
                "release": {"type": "deployment_release", "uuid": uuid(deployment.id), "name": format!("#{}", deployment.id % 100_000), "url": "http://127.0.0.1/r", "commit": {"type": "commit", "hash": deployment.commit}, "created_on": rfc3339(deployment.started_at)},
                "state": {"type": "deployment_state_completed", "name": "COMPLETED", "url": "http://127.0.0.1/d", "deployer": user("ann"), "status": {"type": "deployment_state_completed_status", "name": name}, "start_date": rfc3339(deployment.started_at), "completion_date": rfc3339(deployment.finished_at)},
            })
        });
            asked.paged(told.collect(), 100)
        },
    )
}
