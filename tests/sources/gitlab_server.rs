//! A server that speaks GitLab's APIs (REST v4 and GraphQL of GitLab 18) about an estate: the owner is the group `acme`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{OriginalUri, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::estate::{Commit, Deployment, Estate, PullRequest, Repository, rfc3339};
use crate::gitlab_graph::{complexity, operation};
use crate::reading::at;
use crate::server::{Allowed, Server};

/// GitLab's largest page, and the largest complexity for those who show a token.
pub const PAGE: usize = 100;
const MOST_COMPLEX: f64 = 250.0;

type Shared = Arc<Mutex<Held>>;
type Asked = Query<HashMap<String, String>>;

/// What the server holds, and how it misbehaves.
pub struct Held {
    pub estate: Estate,
    /// Requests after which the token is revoked.
    pub revoked_after: Option<usize>,
    /// GraphQL pages of more merge requests than this take too long.
    pub most_in_time: usize,
    /// What ends later still runs; `None`: everything has ended.
    pub now: Option<DateTime<Utc>>,
    /// The most complex query that was asked, by name.
    pub complexity: HashMap<String, f64>,
    /// Requests since it was last changed.
    asked: usize,
}

/// A GitLab that holds an estate.
pub struct GitLab {
    pub server: Server,
    held: Shared,
}

impl GitLab {
    pub async fn of(estate: Estate) -> Self {
        Self::below("", estate).await
    }

    /// A GitLab that lies below a path.
    pub async fn below(root: &str, estate: Estate) -> Self {
        let held = Arc::new(Mutex::new(Held {
            estate,
            revoked_after: None,
            most_in_time: PAGE,
            now: None,
            complexity: HashMap::new(),
            asked: 0,
        }));
        let routes = routes(Arc::clone(&held));
        let routes = if root.is_empty() {
            routes
        } else {
            Router::new().nest(root, routes)
        };
        let allowed = Allowed {
            at_once: 4,
            within: Some((2_000, std::time::Duration::from_secs(60))),
            headers: Some(["ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]),
        };
        let server = Server::start(routes, allowed).await;
        Self { server, held }
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Held) -> T) -> T {
        let mut held = self.held.lock().unwrap();
        held.asked = 0;
        change(&mut held)
    }
}

fn routes(held: Shared) -> Router {
    let api = Router::new()
        .route("/groups/{id}/projects", get(group_projects))
        .route("/groups/{id}/merge_requests", get(group_requests))
        .route("/projects/{id}", get(project))
        .route("/projects/{id}/merge_requests", get(project_requests))
        .route("/projects/{id}/repository/commits", get(commits))
        .route("/projects/{id}/repository/compare", get(compare))
        .route("/projects/{id}/repository/tags", get(tags))
        .route("/projects/{id}/deployments", get(deployments));
    Router::new()
        .nest("/api/v4", api)
        .route("/api/graphql", post(graphql))
        .layer(middleware::from_fn_with_state(Arc::clone(&held), revoke))
        .with_state(held)
}

async fn revoke(State(held): State<Shared>, request: Request, next: Next) -> Response {
    let is_revoked = {
        let mut held = held.lock().unwrap();
        held.asked += 1;
        held.revoked_after.is_some_and(|most| held.asked > most)
    };
    if is_revoked {
        let body = json!({"error": "invalid_token", "error_description": "Token was revoked. You have to re-authorize from the user."});
        return (StatusCode::UNAUTHORIZED, body.to_string()).into_response();
    }
    next.run(request).await
}

/// A page of a REST list, as GitLab pages: `page` and `per_page`, `Link`, `X-Total` where it counts.
fn paged(items: Vec<Value>, asked: &HashMap<String, String>, uri: &Uri) -> Response {
    let number = |key: &str, default: usize| {
        asked
            .get(key)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (page, size) = (number("page", 1).max(1), number("per_page", 20).min(PAGE));
    let total = items.len();
    let shown: Vec<Value> = items
        .into_iter()
        .skip((page - 1) * size)
        .take(size)
        .collect();
    let mut headers = HeaderMap::new();
    if total <= 10_000 {
        headers.insert("x-total", total.to_string().parse().unwrap());
    }
    if page * size < total {
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
    (headers, Value::Array(shown).to_string()).into_response()
}

pub fn missing(what: &str) -> Response {
    let body = json!({"message": format!("404 {what} Not Found")});
    (StatusCode::NOT_FOUND, body.to_string()).into_response()
}

fn path_of(repository: &Repository) -> String {
    format!("{}/{}", repository.owner, repository.name)
}

/// Does something with a project, by number or full path.
fn with(held: &Shared, id: &str, answer: impl FnOnce(&Repository) -> Response) -> Response {
    let held = held.lock().unwrap();
    let found = held
        .estate
        .repositories
        .iter()
        .find(|repository| repository.id.to_string() == id || path_of(repository) == id);
    match found {
        Some(repository) => answer(repository),
        None => missing("Project"),
    }
}

fn project_json(repository: &Repository) -> Value {
    let path = path_of(repository);
    let mut told = json!({
        "id": repository.id, "name": repository.name, "path_with_namespace": path,
        "default_branch": "main", "archived": repository.is_archived, "empty_repo": repository.head.is_none(),
        "created_at": "2024-01-01T00:00:00.000Z", "last_activity_at": rfc3339(repository.updated_at),
        "http_url_to_repo": format!("http://127.0.0.1/{path}.git"), "web_url": format!("http://127.0.0.1/{path}"),
    });
    if repository.is_fork {
        told["forked_from_project"] = json!({"id": 1});
    }
    if repository.head.is_none() {
        told["default_branch"] = Value::Null;
    }
    told
}

fn commit_json(commit: &Commit) -> Value {
    json!({
        "id": commit.hash, "short_id": &commit.hash[..8], "title": commit.message.lines().next(), "message": commit.message,
        "parent_ids": commit.parents, "author_name": commit.author, "author_email": format!("{}@acme.example", commit.author),
        "authored_date": rfc3339(commit.authored_at), "committer_name": commit.author, "committed_date": rfc3339(commit.committed_at),
        "created_at": rfc3339(commit.committed_at), "trailers": {}, "web_url": format!("http://127.0.0.1/c/{}", commit.hash),
    })
}

async fn group_projects(
    State(held): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let held = held.lock().unwrap();
    if held.estate.owner != id {
        return missing("Group");
    }
    let mut projects: Vec<_> = held
        .estate
        .repositories
        .iter()
        .filter(|repository| {
            !repository.is_archived || asked.get("archived").map(String::as_str) != Some("false")
        })
        .collect();
    projects.sort_by_key(|repository| std::cmp::Reverse((repository.updated_at, repository.id)));
    paged(
        projects.into_iter().map(project_json).collect(),
        &asked,
        &uri,
    )
}

async fn project(State(held): State<Shared>, Path(id): Path<String>) -> Response {
    with(&held, &id, |repository| {
        project_json(repository).to_string().into_response()
    })
}

/// REST tells nothing of reviews here: what is looked up is the commit of a squash.
fn request_json(repository: &Repository, request: &PullRequest) -> Value {
    let (merge, squash) = match (&request.merge_commit, request.is_squashed) {
        (Some(merge), true) => (Value::Null, json!(merge)),
        (Some(merge), false) => (json!(merge), Value::Null),
        (None, _) => (Value::Null, Value::Null),
    };
    json!({
        "id": request.id, "iid": request.number, "project_id": repository.id, "title": request.title,
        "state": if request.merged_at.is_some() { "merged" } else { "opened" },
        "created_at": rfc3339(request.opened_at), "updated_at": rfc3339(request.updated_at), "merged_at": request.merged_at.map(rfc3339),
        "sha": request.commits.last(), "merge_commit_sha": merge, "squash_commit_sha": squash, "squash": request.is_squashed,
    })
}

fn requests_in<'a>(
    repositories: impl Iterator<Item = &'a Repository>,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Vec<(&'a Repository, &'a PullRequest)> {
    let mut found: Vec<_> = repositories
        .flat_map(|repository| {
            repository
                .pull_requests
                .iter()
                .map(move |request| (repository, request))
        })
        .filter(|(_, request)| request.updated_at >= since && request.updated_at <= until)
        .collect();
    found.sort_by_key(|(_, request)| std::cmp::Reverse((request.updated_at, request.id)));
    found
}

async fn group_requests(
    State(held): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    let held = held.lock().unwrap();
    if held.estate.owner != id {
        return missing("Group");
    }
    merged(held.estate.repositories.iter(), &asked, &uri)
}

async fn project_requests(
    State(held): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&held, &id, |repository| {
        merged(std::iter::once(repository), &asked, &uri)
    })
}

fn merged<'a>(
    repositories: impl Iterator<Item = &'a Repository>,
    asked: &HashMap<String, String>,
    uri: &Uri,
) -> Response {
    assert_eq!(
        (asked["state"].as_str(), asked["scope"].as_str()),
        ("merged", "all")
    );
    let found = requests_in(
        repositories,
        at(&asked["updated_after"]),
        at(&asked["updated_before"]),
    );
    let told = found
        .into_iter()
        .filter(|(_, request)| request.merged_at.is_some())
        .map(|(repository, request)| request_json(repository, request));
    paged(told.collect(), asked, uri)
}

async fn commits(
    State(held): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&held, &id, |repository| {
        if asked["ref_name"] != "main" {
            return missing("Commit");
        }
        let since = at(&asked["since"]);
        let told = repository
            .main_newest_first()
            .into_iter()
            .filter(|commit| commit.committed_at >= since);
        paged(told.map(commit_json).collect(), &asked, &uri)
    })
}

async fn compare(
    State(held): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
) -> Response {
    with(&held, &id, |repository| {
        if !repository
            .commits
            .iter()
            .any(|commit| commit.hash == asked["from"])
        {
            return missing("Ref");
        }
        let mut new = repository.between(&asked["from"]);
        new.reverse();
        let head = repository
            .head
            .as_deref()
            .map(|head| commit_json(repository.commit_of(head)));
        json!({
            "commit": head, "commits": new.into_iter().map(commit_json).collect::<Vec<_>>(), "diffs": [],
            "compare_timeout": false, "compare_same_ref": false,
        })
        .to_string()
        .into_response()
    })
}

async fn tags(
    State(held): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    with(&held, &id, |repository| {
        let tags = repository.releases.iter().rev().map(|release| {
            json!({
                "name": release.tag, "target": release.commit, "message": "", "protected": false, "created_at": null,
                "commit": commit_json(repository.commit_of(&release.commit)),
                "release": {"tag_name": release.tag, "description": ""},
            })
        });
        paged(tags.collect(), &asked, &uri)
    })
}

async fn deployments(
    State(held): State<Shared>,
    Path(id): Path<String>,
    Query(asked): Asked,
    OriginalUri(uri): OriginalUri,
) -> Response {
    assert_eq!(
        (asked["order_by"].as_str(), asked["sort"].as_str()),
        ("updated_at", "desc")
    );
    let since = at(&asked["updated_after"]);
    let now = held.lock().unwrap().now;
    with(&held, &id, |repository| {
        let told = repository
            .deployments
            .iter()
            .rev()
            .filter(|deployment| updated_at(deployment, now) >= since)
            .map(|deployment| {
                let status = status_of(deployment, now);
                let has_ended = status != "running";
                let finished_at = has_ended.then(|| rfc3339(deployment.finished_at));
                json!({
                    "id": deployment.id, "iid": deployment.id % 100_000, "ref": "main", "sha": deployment.commit, "status": status,
                    "created_at": rfc3339(deployment.started_at - TimeDelta::minutes(1)), "updated_at": rfc3339(updated_at(deployment, now)),
                    "user": {"id": 1, "username": "ann"}, "environment": {"id": 9, "name": deployment.environment, "external_url": null},
                    "deployable": {
                        "id": deployment.id, "status": status, "stage": "deploy", "name": "deploy", "ref": "main", "tag": false,
                        "created_at": rfc3339(deployment.started_at - TimeDelta::minutes(1)), "started_at": rfc3339(deployment.started_at),
                        "finished_at": finished_at, "web_url": "http://127.0.0.1/j/1", "pipeline": {"id": 1, "ref": "main"},
                    },
                })
            });
        paged(told.collect(), &asked, &uri)
    })
}

fn status_of(deployment: &Deployment, now: Option<DateTime<Utc>>) -> &'static str {
    match (deployment.is_successful, now) {
        (_, Some(now)) if deployment.finished_at > now => "running",
        (true, _) => "success",
        (false, _) => "failed",
    }
}

fn updated_at(deployment: &Deployment, now: Option<DateTime<Utc>>) -> DateTime<Utc> {
    match status_of(deployment, now) {
        "running" => deployment.started_at,
        _ => deployment.finished_at,
    }
}

async fn graphql(State(held): State<Shared>, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let (query, variables) = (body["query"].as_str().expect("a query"), &body["variables"]);
    assert!(query.len() <= 10_000, "GitLab takes no longer query");
    let counted = complexity(query, variables);
    if counted > MOST_COMPLEX {
        return trouble(&format!(
            "Query has complexity of {counted}, which exceeds max complexity of {MOST_COMPLEX}"
        ));
    }
    let mut held = held.lock().unwrap();
    let most = held
        .complexity
        .entry(operation(query).to_owned())
        .or_default();
    *most = most.max(counted);
    let data = match operation(query) {
        "mergeRequests" => {
            if variables["first"].as_u64() > Some(held.most_in_time as u64) {
                return trouble("Timeout on MergeRequest.notes");
            }
            merge_requests(&held.estate, variables)
        }
        "notes" => one(
            &held.estate,
            variables,
            |repository, request| json!({"notes": list(notes_of(repository, request), 100, &variables["after"])}),
        ),
        "releases" => releases(&held.estate, variables),
        "projects" => ci_projects(&held, variables),
        "project" => {
            let found = of_path(&held.estate, variables["path"].as_str().unwrap());
            json!({"list": found.map(|found| ci_project(found[0], held.now, variables))})
        }
        "pipelines" => ci_pipelines(&held.estate, variables),
        other => panic!("{other} is not known here"),
    };
    json!({"data": data}).to_string().into_response()
}

fn trouble(message: &str) -> Response {
    json!({"data": null, "errors": [{"message": message}]})
        .to_string()
        .into_response()
}

fn skipped(after: &Value) -> usize {
    let cursor = after.as_str();
    cursor.map_or(0, |cursor| {
        cursor.strip_prefix("after-").unwrap().parse().unwrap()
    })
}

/// A page of a GraphQL list; its cursors are opaque to clients.
fn list(items: Vec<Value>, first: u64, after: &Value) -> Value {
    let skip = skipped(after);
    let first = (first as usize).min(PAGE);
    let has_next = items.len() > skip + first;
    let shown: Vec<Value> = items.into_iter().skip(skip).take(first).collect();
    let end = (!shown.is_empty()).then(|| format!("after-{}", skip + shown.len()));
    json!({"pageInfo": {"hasNextPage": has_next, "endCursor": end}, "nodes": shown})
}

fn of_path<'a>(estate: &'a Estate, path: &'a str) -> Option<Vec<&'a Repository>> {
    if estate.owner == path {
        return Some(estate.repositories.iter().collect());
    }
    let project = estate
        .repositories
        .iter()
        .find(|repository| path_of(repository) == path)?;
    Some(vec![project])
}

fn merge_requests(estate: &Estate, variables: &Value) -> Value {
    let time = |key: &str| at(variables[key].as_str().unwrap());
    let Some(repositories) = of_path(estate, variables["path"].as_str().unwrap()) else {
        return json!({"list": null});
    };
    let found = requests_in(repositories.into_iter(), time("since"), time("until"));
    let first = variables["first"].as_u64().unwrap();
    let mut page = list(vec![Value::Null; found.len()], first, &variables["after"]);
    let shown = page["nodes"].as_array_mut().unwrap();
    let skip = skipped(&variables["after"]);
    for (node, (repository, request)) in shown.iter_mut().zip(&found[skip..]) {
        *node = graph_request(repository, request);
    }
    json!({"list": {"mergeRequests": page}})
}

fn graph_request(repository: &Repository, request: &PullRequest) -> Value {
    let own = request.commits.iter().rev().map(|hash| {
        let commit = repository.commit_of(hash);
        json!({"sha": hash, "authoredDate": rfc3339(commit.authored_at), "committedDate": rfc3339(commit.committed_at)})
    });
    let approved = request.approved_at.map(|_| json!({"username": "ben"}));
    json!({
        "iid": request.number.to_string(), "projectId": repository.id, "title": request.title,
        "webUrl": format!("http://127.0.0.1/{}/-/merge_requests/{}", path_of(repository), request.number),
        "sourceBranch": request.head_branch, "targetBranch": "main", "diffHeadSha": request.commits.last(),
        "mergeCommitSha": request.merge_commit.as_ref().filter(|_| !request.is_squashed),
        "squash": request.is_squashed, "squashOnMerge": request.is_squashed,
        "createdAt": rfc3339(request.opened_at), "updatedAt": rfc3339(request.updated_at),
        "mergedAt": request.merged_at.map(rfc3339), "closedAt": null, "author": {"username": request.author},
        "labels": {"nodes": request.labels.iter().map(|title| json!({"title": title})).collect::<Vec<_>>()},
        "approvedBy": {"nodes": approved.into_iter().collect::<Vec<_>>()},
        "notes": list(notes_of(repository, request), 30, &Value::Null),
        "commits": list(own.collect(), 100, &Value::Null),
    })
}

/// Notes oldest first: the author's own remark, GitLab's remark on a label, a review, an approval.
fn notes_of(_: &Repository, request: &PullRequest) -> Vec<Value> {
    let note = |at: DateTime<Utc>, who: &str, action: Option<&str>| {
        json!({
            "author": {"username": who}, "createdAt": rfc3339(at), "system": action.is_some(),
            "systemNoteMetadata": action.map(|action| json!({"action": action})),
        })
    };
    // Where a merge request is much talked about, what counts stands behind the first page.
    let remarks = if request.title.starts_with("Talk") {
        40
    } else {
        1
    };
    let own = (0..remarks).map(|number| {
        note(
            request.opened_at + TimeDelta::seconds(number),
            &request.author,
            None,
        )
    });
    let label = note(
        request.opened_at + TimeDelta::minutes(2),
        "cleo",
        Some("label"),
    );
    let review = request.first_review_at.map(|at| note(at, "ben", None));
    let approval = request
        .approved_at
        .map(|at| note(at, "ben", Some("approved")));
    own.chain([label]).chain(review).chain(approval).collect()
}

fn one(
    estate: &Estate,
    variables: &Value,
    answer: impl FnOnce(&Repository, &PullRequest) -> Value,
) -> Value {
    let path = variables["path"].as_str().unwrap();
    let iid = variables["iid"].as_str().unwrap();
    let told = of_path(estate, path).and_then(|repositories| {
        let request = repositories[0]
            .pull_requests
            .iter()
            .find(|request| request.number.to_string() == iid)?;
        Some(answer(repositories[0], request))
    });
    json!({"list": {"mergeRequest": told}})
}

fn releases(estate: &Estate, variables: &Value) -> Value {
    let ids = variables["ids"].as_array().unwrap();
    assert!(ids.len() <= PAGE);
    let nodes = estate
        .repositories
        .iter()
        .filter(|repository| ids.contains(&json!(format!("gid://gitlab/Project/{}", repository.id))))
        .map(|repository| {
            let releases = repository.releases.iter().rev().map(|release| {
                json!({"tagName": release.tag, "releasedAt": rfc3339(release.published_at), "upcomingRelease": false})
            });
            json!({"id": format!("gid://gitlab/Project/{}", repository.id), "releases": list(releases.collect(), 100, &Value::Null)})
        });
    json!({"projects": {"nodes": nodes.collect::<Vec<_>>()}})
}

fn ci_projects(held: &Held, variables: &Value) -> Value {
    let Some(repositories) = of_path(&held.estate, variables["path"].as_str().unwrap()) else {
        return json!({"list": null});
    };
    let nodes = repositories
        .into_iter()
        .map(|repository| ci_project(repository, held.now, variables));
    let first = variables["first"].as_u64().unwrap();
    json!({"list": {"projects": list(nodes.collect(), first, &variables["after"])}})
}

fn ci_project(repository: &Repository, now: Option<DateTime<Utc>>, variables: &Value) -> Value {
    let path = path_of(repository);
    let last = |status: &str| {
        let of_status = repository
            .deployments
            .iter()
            .filter(|deployment| status_of(deployment, now) == status);
        let last = of_status
            .map(|deployment| updated_at(deployment, now))
            .max();
        last.map(|at| json!({"updatedAt": rfc3339(at)}))
    };
    let production = json!({
        "name": "production", "tier": "PRODUCTION", "succeeded": last("success"), "failed": last("failed"), "cancelled": null, "running": last("running"),
    });
    let environments = if repository.deployments.is_empty() {
        vec![]
    } else {
        vec![production]
    };
    json!({
        "id": format!("gid://gitlab/Project/{}", repository.id), "fullPath": path, "archived": repository.is_archived,
        "isForked": repository.is_fork, "httpUrlToRepo": format!("http://127.0.0.1/{path}.git"), "webUrl": format!("http://127.0.0.1/{path}"),
        "any": {"nodes": environments.iter().map(|_| json!({"id": "gid://gitlab/Environment/9"})).collect::<Vec<_>>()},
        "environments": list(environments, 100, &Value::Null),
        "pipelines": list(runs(repository, variables), 100, &Value::Null),
    })
}

fn ci_pipelines(estate: &Estate, variables: &Value) -> Value {
    let project = of_path(estate, variables["path"].as_str().unwrap());
    let told = project.map(
        |found| json!({"pipelines": list(runs(found[0], variables), 100, &variables["after"])}),
    );
    json!({"list": told})
}

/// Pipelines latest first.
fn runs(repository: &Repository, variables: &Value) -> Vec<Value> {
    let time = |key: &str| at(variables[key].as_str().unwrap());
    let (since, until) = (time("since"), time("until"));
    let found = repository
        .runs
        .iter()
        .rev()
        .filter(|run| run.finished_at >= since && run.finished_at <= until);
    let told = found.map(|run| {
        let status = if run.is_successful { "SUCCESS" } else { "FAILED" };
        json!({
            "id": format!("gid://gitlab/Ci::Pipeline/{}", run.id), "sha": run.commit, "ref": "main", "name": run.pipeline, "source": "push",
            "status": status, "createdAt": rfc3339(run.created_at), "updatedAt": rfc3339(run.finished_at),
            "startedAt": rfc3339(run.started_at), "finishedAt": rfc3339(run.finished_at),
        })
    });
    told.collect()
}
