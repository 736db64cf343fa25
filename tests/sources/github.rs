//! A GitHub over an estate: GraphQL and what of REST is needed, with the vendor's limits and errors.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::estate::{Commit, Estate, Repository, rfc3339};
use super::graphql::{Cost, Question};
use super::reading::CANARY;
use super::server::{Allowed, Server};

pub mod actions;
mod edges;
mod objects;
pub mod tests;

/// What the server does besides telling of its estate.
#[derive(Clone, Debug)]
pub struct Ways {
    /// Points of GraphQL within a window.
    pub points: (u64, Duration),
    /// Questions that follow more connections than this time out.
    pub heaviest: u64,
    /// Repositories that the token may not see, by id.
    pub hidden: Vec<u64>,
    /// Owners whose repositories it may not list.
    pub is_unlistable: bool,
    /// Fields it may not see.
    pub forbidden: Option<&'static str>,
    /// Branches that are no more: the repositories have no default branch.
    pub without_default_branch: Vec<u64>,
    /// Questions that are answered before all are refused.
    pub answered: Option<usize>,
    /// Runs and deployments that are under way, by id.
    pub running_runs: Vec<u64>,
    pub running_deployments: Vec<u64>,
    /// What every question is answered with.
    pub instead: Option<Value>,
    /// Tokens that are good.
    pub tokens: Vec<String>,
    /// How long a new token is good.
    pub token_life: chrono::TimeDelta,
    /// So many of the newest tokens are good.
    pub newest_tokens: usize,
}

pub struct GitHub {
    pub estate: Mutex<Estate>,
    /// When the reading's clock began.
    now: DateTime<Utc>,
    pub ways: Mutex<Ways>,
    used: Mutex<(Instant, u64)>,
    /// Requests that asked for more than was left.
    pub exceeded: Mutex<usize>,
    /// The most points of a question, and what it followed.
    pub costs: Mutex<Vec<Cost>>,
    /// Tokens made for installations.
    pub made: Mutex<usize>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics while it holds this")
}

impl GitHub {
    pub fn over(estate: Estate, now: DateTime<Utc>) -> Arc<Self> {
        Arc::new(Self {
            estate: Mutex::new(estate),
            now,
            ways: Mutex::new(Ways {
                points: (5_000, Duration::from_secs(3_600)),
                heaviest: 10_000,
                hidden: Vec::new(),
                is_unlistable: false,
                forbidden: None,
                without_default_branch: Vec::new(),
                answered: None,
                running_runs: Vec::new(),
                running_deployments: Vec::new(),
                instead: None,
                tokens: vec![format!("Bearer {CANARY}")],
                token_life: chrono::TimeDelta::hours(1),
                newest_tokens: usize::MAX,
            }),
            used: Mutex::new((Instant::now(), 0)),
            exceeded: Mutex::default(),
            costs: Mutex::default(),
            made: Mutex::default(),
        })
    }

    pub async fn serve(self: &Arc<Self>) -> Server {
        let router = Router::new()
            .route("/api/graphql", post(graphql))
            .route("/api/v3/repos/{owner}/{name}/compare/{range}", get(compare))
            .route(
                "/api/v3/app/installations/{id}/access_tokens",
                post(access_token),
            )
            .route("/api/v3/repos/{owner}/{name}/actions/runs", get(runs))
            .route(
                "/api/v3/repos/{owner}/{name}/actions/runs/{id}/jobs",
                get(jobs),
            )
            .with_state(Arc::clone(self));
        Server::start(router, Allowed::default()).await
    }

    pub fn estate(&self) -> MutexGuard<'_, Estate> {
        lock(&self.estate)
    }

    pub fn ways(&self) -> MutexGuard<'_, Ways> {
        lock(&self.ways)
    }

    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let token = headers
            .get("authorization")
            .and_then(|value| value.to_str().ok());
        let is_good =
            token.is_some_and(|token| self.ways().tokens.iter().any(|good| good == token));
        let body = json!({"message": "Bad credentials", "documentation_url": "https://docs.github.com/graphql", "status": "401"});
        (!is_good).then(|| (StatusCode::UNAUTHORIZED, axum::Json(body)).into_response())
    }

    /// Takes points off the window: the headers, and whether they were there.
    fn spend(&self, points: u64) -> (Vec<(&'static str, String)>, bool) {
        let (most, window) = self.ways().points;
        let mut used = lock(&self.used);
        if used.0.elapsed() >= window {
            *used = (Instant::now(), 0);
        }
        let is_there = used.1 + points <= most;
        if is_there {
            used.1 += points;
        }
        // By the server's own clock, as its `Date` tells it; a little late, for seconds are whole.
        let left_of_it = window.saturating_sub(used.0.elapsed()) + Duration::from_secs(1);
        let since = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("it is later than 1970");
        let reset_at = (since + left_of_it).as_secs();
        let left = if is_there { most - used.1 } else { 0 };
        let headers = vec![
            ("x-ratelimit-limit", most.to_string()),
            ("x-ratelimit-remaining", left.to_string()),
            ("x-ratelimit-reset", reset_at.to_string()),
            ("x-ratelimit-resource", "graphql".to_owned()),
        ];
        (headers, is_there)
    }
}

fn with(headers: Vec<(&'static str, String)>, status: StatusCode, body: Value) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, value.parse().expect("a header's value"));
    }
    response
}

async fn graphql(
    State(github): State<Arc<GitHub>>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Response {
    if let Some(refusal) = github.refusal(&headers) {
        return refusal;
    }
    if let Some(answered) = &mut github.ways().answered {
        if *answered == 0 {
            return with(
                Vec::new(),
                StatusCode::BAD_REQUEST,
                json!({"message": "Problems parsing JSON"}),
            );
        }
        *answered -= 1;
    }
    if let Some(instead) = &github.ways().instead {
        return with(Vec::new(), StatusCode::OK, instead.clone());
    }
    let text = body["query"].as_str().expect("a query");
    let variables = body["variables"].as_object().cloned().unwrap_or_default();
    let question = match Question::of(text, variables) {
        Ok(question) => question,
        Err(error) => {
            return with(
                Vec::new(),
                StatusCode::OK,
                json!({"errors": [{"message": error}]}),
            );
        }
    };
    let cost = question.cost();
    let (headers, is_there) = github.spend(cost.points());
    if !is_there {
        *lock(&github.exceeded) += 1;
        let error =
            json!({"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."});
        return with(headers, StatusCode::OK, json!({"errors": [error]}));
    }
    if cost.nodes > 500_000 {
        let error = json!({"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "By the time this query traverses, it would request too many nodes"});
        return with(headers, StatusCode::OK, json!({"errors": [error]}));
    }
    if cost.connections > github.ways().heaviest {
        let error =
            json!({"message": "We couldn't respond to your request in time. Sorry about that."});
        return with(headers, StatusCode::BAD_GATEWAY, error);
    }
    lock(&github.costs).push(cost);
    let ways = github.ways().clone();
    let answer = {
        let estate = &github.estate();
        question.answer(&objects::View { estate, ways })
    };
    with(headers, StatusCode::OK, answer)
}

/// The hashes that a commit holds, itself included.
fn history(repository: &Repository, head: &str) -> Vec<String> {
    let commits: HashMap<&str, &Commit> = repository
        .commits
        .iter()
        .map(|commit| (commit.hash.as_str(), commit))
        .collect();
    let mut found = std::collections::HashSet::new();
    let mut open = vec![head];
    while let Some(hash) = open.pop() {
        if let Some(commit) = commits.get(hash).filter(|_| found.insert(hash)) {
            open.extend(commit.parents.iter().map(String::as_str));
        }
    }
    let mut found: Vec<&Commit> = found.into_iter().map(|hash| commits[hash]).collect();
    found.sort_by(|one, other| {
        other
            .committed_at
            .cmp(&one.committed_at)
            .then(other.hash.cmp(&one.hash))
    });
    found
        .into_iter()
        .map(|commit| commit.hash.clone())
        .collect()
}

async fn compare(
    State(github): State<Arc<GitHub>>,
    Path((owner, name, range)): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = github.refusal(&headers) {
        return refusal;
    }
    let estate = github.estate();
    let repository = estate
        .repositories
        .iter()
        .find(|repository| repository.owner == owner && repository.name == name);
    let (base, head) = range.split_once("...").expect("two commits");
    let known = |hash: &str| {
        repository
            .is_some_and(|repository| repository.commits.iter().any(|commit| commit.hash == hash))
    };
    let (Some(repository), true, true) = (repository, known(base), known(head)) else {
        let body = json!({"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"});
        return with(Vec::new(), StatusCode::NOT_FOUND, body);
    };
    let held = history(repository, base);
    let mut new: Vec<String> = history(repository, head)
        .into_iter()
        .filter(|hash| !held.contains(hash))
        .collect();
    new.reverse();
    let number = |name: &str, usual: usize| {
        query
            .get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(usual)
    };
    let (page, size) = (number("page", 1), number("per_page", 30).min(100));
    let commits: Vec<Value> = new.iter().skip((page - 1) * size).take(size).map(|hash| {
        let commit = repository.commit_of(hash);
        json!({
            "sha": hash, "html_url": format!("https://github.com/{owner}/{name}/commit/{hash}"),
            "commit": {
                "author": {"name": commit.author, "email": "a@acme.example", "date": rfc3339(commit.authored_at)},
                "committer": {"name": commit.author, "email": "a@acme.example", "date": rfc3339(commit.committed_at)},
                "message": commit.message,
            },
            "author": null, "committer": null,
            "parents": commit.parents.iter().map(|parent| json!({"sha": parent})).collect::<Vec<_>>(),
        })
    }).collect();
    let mut answer = Vec::new();
    if page * size < new.len() {
        let host = headers["host"].to_str().expect("a host");
        answer.push(("link", format!("<http://{host}/api/v3/repos/{owner}/{name}/compare/{range}?per_page={size}&page={}>; rel=\"next\"", page + 1)));
    }
    let status = if held.iter().any(|hash| hash == head) {
        "behind"
    } else {
        "ahead"
    };
    with(
        answer,
        StatusCode::OK,
        json!({"status": status, "ahead_by": new.len(), "total_commits": new.len(), "commits": commits, "files": []}),
    )
}

async fn runs(
    State(github): State<Arc<GitHub>>,
    Path((owner, name)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = github.refusal(&headers) {
        return refusal;
    }
    if github.ways().forbidden == Some("runs") {
        let body =
            json!({"message": "Resource not accessible by personal access token", "status": "403"});
        return with(
            vec![("x-accepted-github-permissions", "actions=read".to_owned())],
            StatusCode::FORBIDDEN,
            body,
        );
    }
    let running = github.ways().running_runs.clone();
    let estate = github.estate();
    let Some(repository) = estate
        .repositories
        .iter()
        .find(|repository| repository.owner == owner && repository.name == name)
    else {
        return with(
            Vec::new(),
            StatusCode::NOT_FOUND,
            json!({"message": "Not Found", "status": "404"}),
        );
    };
    let (start, end) = query["created"].split_once("..").expect("a window");
    let instant = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
    let (start, end) = (instant(start), instant(end));
    let mut found: Vec<_> = repository
        .runs
        .iter()
        .filter(|run| (start..=end).contains(&run.created_at))
        .collect();
    found.sort_by_key(|run| std::cmp::Reverse(run.created_at));
    let total = found.len();
    // "This endpoint will return up to 1,000 results for each search".
    found.truncate(1_000);
    let (page, size): (usize, usize) = (
        query["page"].parse().expect("a page"),
        query["per_page"].parse().expect("a size"),
    );
    let told: Vec<Value> = found.iter().skip((page - 1) * size).take(size).map(|run| {
        let is_running = running.contains(&run.id);
        let conclusion = if run.is_successful { "success" } else { "failure" };
        json!({
            "id": run.id, "node_id": format!("WFR_{}", run.id), "name": run.pipeline, "head_branch": "main", "head_sha": run.commit,
            "event": "push", "status": if is_running { "in_progress" } else { "completed" }, "conclusion": (!is_running).then_some(conclusion),
            "html_url": format!("https://github.com/{owner}/{name}/actions/runs/{}", run.id), "created_at": rfc3339(run.created_at),
            "updated_at": rfc3339(run.finished_at), "run_started_at": rfc3339(run.started_at), "run_attempt": 1, "run_number": 1,
        })
    }).collect();
    let mut answer = Vec::new();
    if page * size < found.len() {
        let host = headers["host"].to_str().expect("a host");
        let created = &query["created"];
        answer.push(("link", format!("<http://{host}/api/v3/repos/{owner}/{name}/actions/runs?created={created}&per_page={size}&page={}>; rel=\"next\"", page + 1)));
    }
    with(
        answer,
        StatusCode::OK,
        json!({"total_count": total, "workflow_runs": told}),
    )
}

async fn jobs(
    Path((owner, name, id)): Path<(String, String, u64)>,
    State(github): State<Arc<GitHub>>,
) -> Response {
    let estate = github.estate();
    let repository = estate
        .repositories
        .iter()
        .find(|repository| repository.owner == owner && repository.name == name)
        .expect("a repository");
    let run = repository
        .runs
        .iter()
        .find(|run| run.id == id)
        .expect("a run");
    let job = json!({
        "id": id * 10, "run_id": id, "name": "compile", "workflow_name": run.pipeline, "head_sha": run.commit, "status": "completed", "conclusion": "success",
        "html_url": null, "started_at": rfc3339(run.started_at), "completed_at": rfc3339(run.finished_at),
    });
    with(
        Vec::new(),
        StatusCode::OK,
        json!({"total_count": 1, "jobs": [job]}),
    )
}

async fn access_token(State(github): State<Arc<GitHub>>, headers: HeaderMap) -> Response {
    // Whether the signature is good is the unit tests' matter; here it must be one.
    let is_signed = headers["authorization"]
        .to_str()
        .expect("text")
        .split('.')
        .count()
        == 3;
    if !is_signed {
        return with(
            Vec::new(),
            StatusCode::UNAUTHORIZED,
            json!({"message": "A JSON web token could not be decoded"}),
        );
    }
    let mut made = lock(&github.made);
    *made += 1;
    let token = format!("ghs_{CANARY}{made}");
    let mut ways = github.ways();
    ways.tokens.push(format!("Bearer {token}"));
    let old = ways.tokens.len().saturating_sub(ways.newest_tokens);
    ways.tokens.drain(..old);
    let expires_at = rfc3339(github.now + ways.token_life);
    with(
        Vec::new(),
        StatusCode::CREATED,
        json!({"token": token, "expires_at": expires_at, "permissions": {"contents": "read"}, "repository_selection": "all"}),
    )
}

/// Settings of one source over a server.
pub fn settings(server: &Server, kind: &str, more: Value) -> Value {
    let mut source = Map::new();
    source.insert("name".to_owned(), "host".into());
    source.insert("kind".to_owned(), kind.into());
    source.insert("url".to_owned(), server.url.clone().into());
    source.extend(more.as_object().expect("fields").clone());
    json!({"sources": [source]})
}
