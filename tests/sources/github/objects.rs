//! What GitHub's schema tells of an estate, field by field.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{Ways, history};
use crate::estate::{Commit, Estate, PullRequest, Release, Repository, rfc3339};
use crate::graphql::{Resolved, Schema};

/// The estate as one token sees it at one moment.
pub struct View<'e> {
    pub estate: &'e Estate,
    pub ways: Ways,
}

/// A thing of the schema; places in the estate, so that it borrows nothing.
#[derive(Clone, Debug)]
pub enum Object {
    Query,
    Owner,
    Repository(usize),
    Branch(usize),
    Tag(usize, usize),
    Commit(usize, String),
    PullRequest(usize, usize),
    OwnCommit(usize, String),
    Review(String, DateTime<Utc>, &'static str),
    Release(usize, usize),
    Deployment(usize, usize),
    Run(usize, usize),
    /// Plain fields.
    Plain(Value),
}

fn instant(at: DateTime<Utc>) -> Resolved<Object> {
    Resolved::Leaf(rfc3339(at).into())
}

fn instant_or_null(at: Option<DateTime<Utc>>) -> Resolved<Object> {
    Resolved::Leaf(at.map(rfc3339).into())
}

fn text(text: &str) -> Resolved<Object> {
    Resolved::Leaf(text.into())
}

fn actor(login: &str) -> Resolved<Object> {
    Resolved::One(Some(Object::Plain(
        json!({"__typename": "User", "login": login}),
    )))
}

pub fn node_id(repository: &Repository) -> String {
    format!("R_{}", repository.id)
}

impl View<'_> {
    fn repository(&self, at: usize) -> &Repository {
        &self.estate.repositories[at]
    }

    fn is_seen(&self, at: usize) -> bool {
        !self.ways.hidden.contains(&self.repository(at).id)
    }

    fn seen(&self) -> Vec<usize> {
        (0..self.estate.repositories.len())
            .filter(|at| self.is_seen(*at))
            .collect()
    }

    fn query(&self, field: &str, arguments: &Map<String, Value>) -> Resolved<Object> {
        let argument = |name: &str| {
            arguments
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let by_id = |id: &str| {
            self.seen()
                .into_iter()
                .find(|at| node_id(self.repository(*at)) == id)
        };
        match field {
            "repositoryOwner" => {
                let login = argument("login");
                let is_there = login == self.estate.owner && !self.ways.is_unlistable;
                Resolved::One(is_there.then(|| Object::Owner))
            }
            "repository" => {
                let (owner, name) = (argument("owner"), argument("name"));
                let found = self.seen().into_iter().find(|at| {
                    let repository = self.repository(*at);
                    repository.owner == owner && repository.name == name
                });
                match found {
                    Some(at) => Resolved::One(Some(Object::Repository(at))),
                    None => Resolved::Refused(
                        "NOT_FOUND",
                        format!(
                            "Could not resolve to a Repository with the name '{owner}/{name}'."
                        ),
                    ),
                }
            }
            "node" => match by_id(argument("id")) {
                Some(at) => Resolved::One(Some(Object::Repository(at))),
                None => Resolved::Refused(
                    "NOT_FOUND",
                    format!(
                        "Could not resolve to a node with the global id of '{}'",
                        argument("id")
                    ),
                ),
            },
            "nodes" => {
                let ids = arguments["ids"].as_array().expect("ids");
                assert!(ids.len() <= 100, "nodes takes 100 ids");
                let found = ids.iter().map(|id| {
                    let id = id.as_str().expect("an id");
                    by_id(id).map(Object::Repository).or_else(|| self.thing(id))
                });
                Resolved::Many(found.collect())
            }
            _ => Resolved::Unknown,
        }
    }

    /// A run or a deployment by its node id.
    fn thing(&self, id: &str) -> Option<Object> {
        let (kind, number) = id.split_once('_')?;
        let number: u64 = number.parse().ok()?;
        self.seen().into_iter().find_map(|at| {
            let repository = self.repository(at);
            match kind {
                "DE" => repository
                    .deployments
                    .iter()
                    .position(|one| one.id == number)
                    .map(|place| Object::Deployment(at, place)),
                "WFR" => repository
                    .runs
                    .iter()
                    .position(|one| one.id == number)
                    .map(|place| Object::Run(at, place)),
                _ => None,
            }
        })
    }

    fn of_deployment(&self, at: usize, place: usize, field: &str) -> Resolved<Object> {
        let deployment = &self.repository(at).deployments[place];
        let is_running = self.ways.running_deployments.contains(&deployment.id);
        match field {
            "__typename" => text("Deployment"),
            "id" => text(&format!("DE_{}", deployment.id)),
            "commitOid" => text(&deployment.commit),
            "environment" | "originalEnvironment" => text(&deployment.environment),
            "createdAt" => instant(deployment.started_at),
            "state" => text("INACTIVE"),
            "repository" => Resolved::One(Some(Object::Repository(at))),
            "ref" => Resolved::One(Some(Object::Plain(
                json!({"name": "main", "prefix": "refs/heads/"}),
            ))),
            "statuses" => {
                let status = |state: &str, at: DateTime<Utc>| {
                    Object::Plain(json!({"state": state, "createdAt": rfc3339(at), "logUrl": null}))
                };
                let mut statuses = vec![status("IN_PROGRESS", deployment.started_at)];
                if !is_running {
                    let state = if deployment.is_successful {
                        "SUCCESS"
                    } else {
                        "FAILURE"
                    };
                    statuses.push(status(state, deployment.finished_at));
                    // The next one made it inactive.
                    statuses.push(status(
                        "INACTIVE",
                        deployment.finished_at + chrono::TimeDelta::days(1),
                    ));
                }
                // Newest first, as REST lists them.
                statuses.reverse();
                Resolved::Connection(statuses)
            }
            _ => Resolved::Unknown,
        }
    }

    fn of_run(&self, at: usize, place: usize, field: &str) -> Resolved<Object> {
        let run = &self.repository(at).runs[place];
        let is_running = self.ways.running_runs.contains(&run.id);
        match field {
            "__typename" => text("WorkflowRun"),
            "id" => text(&format!("WFR_{}", run.id)),
            "url" => text("https://github.com/acme/run"),
            "workflow" => Resolved::One(Some(Object::Plain(json!({"name": run.pipeline})))),
            "checkSuite" => {
                let repository = self.repository(at);
                let url = format!(
                    "https://github.com/{}/{}",
                    repository.owner, repository.name
                );
                let conclusion = if run.is_successful {
                    "SUCCESS"
                } else {
                    "FAILURE"
                };
                Resolved::Leaf(json!({
                    "status": if is_running { "IN_PROGRESS" } else { "COMPLETED" },
                    "conclusion": (!is_running).then_some(conclusion), "updatedAt": rfc3339(run.finished_at),
                    "commit": {"oid": run.commit}, "repository": {"id": node_id(repository), "url": url},
                }))
            }
            _ => Resolved::Unknown,
        }
    }

    fn owner(&self, field: &str, arguments: &Map<String, Value>) -> Resolved<Object> {
        let allows = |name: &str, is: bool| {
            arguments
                .get(name)
                .and_then(Value::as_bool)
                .is_none_or(|wanted| wanted == is)
        };
        match field {
            "repositories" => {
                let mut found: Vec<usize> = self.seen();
                found.retain(|at| {
                    let repository = self.repository(*at);
                    allows("isArchived", repository.is_archived)
                        && allows("isFork", repository.is_fork)
                });
                found.sort_by_key(|at| std::cmp::Reverse(self.repository(*at).updated_at));
                Resolved::Connection(found.into_iter().map(Object::Repository).collect())
            }
            _ => Resolved::Unknown,
        }
    }

    fn of_repository(
        &self,
        at: usize,
        field: &str,
        arguments: &Map<String, Value>,
    ) -> Resolved<Object> {
        let repository = self.repository(at);
        match field {
            "id" => text(&node_id(repository)),
            "nameWithOwner" => text(&format!("{}/{}", repository.owner, repository.name)),
            "url" => text(&format!(
                "https://github.com/{}/{}",
                repository.owner, repository.name
            )),
            "isArchived" => Resolved::Leaf(repository.is_archived.into()),
            "isFork" => Resolved::Leaf(repository.is_fork.into()),
            "isDisabled" => Resolved::Leaf(false.into()),
            "isEmpty" => Resolved::Leaf(repository.commits.is_empty().into()),
            "defaultBranchRef" => {
                let has_branch = repository.head.is_some()
                    && !self.ways.without_default_branch.contains(&repository.id);
                Resolved::One(has_branch.then_some(Object::Branch(at)))
            }
            "pushedAt" => instant(repository.updated_at),
            "deployments" => {
                let mut found: Vec<usize> = (0..repository.deployments.len()).collect();
                found.sort_by_key(|place| {
                    std::cmp::Reverse(repository.deployments[*place].started_at)
                });
                Resolved::Connection(
                    found
                        .into_iter()
                        .map(|place| Object::Deployment(at, place))
                        .collect(),
                )
            }
            "object" => {
                let oid = arguments["oid"].as_str().expect("an oid");
                let found = repository.commits.iter().find(|commit| commit.hash == oid);
                Resolved::One(found.map(|commit| Object::Commit(at, commit.hash.clone())))
            }
            "pullRequests" => {
                let mut found: Vec<usize> = (0..repository.pull_requests.len()).collect();
                found.sort_by_key(|number| {
                    std::cmp::Reverse(repository.pull_requests[*number].updated_at)
                });
                Resolved::Connection(
                    found
                        .into_iter()
                        .map(|number| Object::PullRequest(at, number))
                        .collect(),
                )
            }
            "releases" | "refs" => {
                let mut found: Vec<usize> = (0..repository.releases.len()).collect();
                found.sort_by_key(|number| {
                    std::cmp::Reverse(repository.releases[*number].published_at)
                });
                let is_release = field == "releases";
                let object = |number| {
                    if is_release {
                        Object::Release(at, number)
                    } else {
                        Object::Tag(at, number)
                    }
                };
                Resolved::Connection(found.into_iter().map(object).collect())
            }
            _ => Resolved::Unknown,
        }
    }

    fn of_commit(&self, at: usize, hash: &str, field: &str) -> Resolved<Object> {
        let repository = self.repository(at);
        let commit: &Commit = repository.commit_of(hash);
        match field {
            "oid" => text(hash),
            "message" => text(&commit.message),
            "url" => text(&format!(
                "https://github.com/{}/{}/commit/{hash}",
                repository.owner, repository.name
            )),
            "authoredDate" => instant(commit.authored_at),
            "committedDate" => instant(commit.committed_at),
            "author" => Resolved::One(Some(Object::Plain(json!({"name": commit.author})))),
            "checkSuites" => {
                let runs = repository.runs.iter().filter(|run| run.commit == hash);
                Resolved::Connection(runs.map(|_| Object::Plain(json!({}))).collect())
            }
            "parents" => Resolved::Connection(
                commit
                    .parents
                    .iter()
                    .map(|parent| Object::Plain(json!({"oid": parent})))
                    .collect(),
            ),
            "history" => Resolved::Connection(
                history(repository, hash)
                    .into_iter()
                    .map(|hash| Object::Commit(at, hash))
                    .collect(),
            ),
            _ => Resolved::Unknown,
        }
    }

    fn of_pull_request(&self, at: usize, number: usize, field: &str) -> Resolved<Object> {
        let repository = self.repository(at);
        let request: &PullRequest = &repository.pull_requests[number];
        match field {
            "number" => Resolved::Leaf(request.number.into()),
            "title" => text(&request.title),
            "url" => text(&format!(
                "https://github.com/{}/{}/pull/{}",
                repository.owner, repository.name, request.number
            )),
            "createdAt" => instant(request.opened_at),
            "updatedAt" => instant(request.updated_at),
            "mergedAt" | "closedAt" => instant_or_null(request.merged_at),
            "headRefName" => text(&request.head_branch),
            "headRefOid" => text(request.commits.last().expect("a commit")),
            "baseRefName" => text("main"),
            "author" => actor(&request.author),
            "mergeCommit" => Resolved::One(
                request
                    .merge_commit
                    .clone()
                    .map(|hash| Object::Commit(at, hash)),
            ),
            "labels" => Resolved::Connection(
                request
                    .labels
                    .iter()
                    .map(|label| Object::Plain(json!({"name": label})))
                    .collect(),
            ),
            "reviews" => {
                // The author's own remark comes first and is no review by somebody else.
                let own = Object::Review(request.author.clone(), request.opened_at, "COMMENTED");
                let first = request
                    .first_review_at
                    .map(|at| Object::Review("eve".to_owned(), at, "CHANGES_REQUESTED"));
                let approved = request
                    .approved_at
                    .map(|at| Object::Review("eve".to_owned(), at, "APPROVED"));
                Resolved::Connection([Some(own), first, approved].into_iter().flatten().collect())
            }
            "commits" => Resolved::Connection(
                request
                    .commits
                    .iter()
                    .map(|hash| Object::OwnCommit(at, hash.clone()))
                    .collect(),
            ),
            _ => Resolved::Unknown,
        }
    }

    fn of_release(&self, at: usize, number: usize, field: &str) -> Resolved<Object> {
        let repository = self.repository(at);
        let release: &Release = &repository.releases[number];
        match field {
            "id" => text(&format!("RE_{}", release.id)),
            "tagName" => text(&release.tag),
            "isDraft" | "isPrerelease" => Resolved::Leaf(false.into()),
            "createdAt" | "publishedAt" | "updatedAt" => instant(release.published_at),
            "url" => text(&format!(
                "https://github.com/{}/{}/releases/tag/{}",
                repository.owner, repository.name, release.tag
            )),
            "tagCommit" => Resolved::One(Some(Object::Commit(at, release.commit.clone()))),
            _ => Resolved::Unknown,
        }
    }
}

impl Schema for View<'_> {
    type Object = Object;

    fn root(&self) -> Object {
        Object::Query
    }

    fn resolve(
        &self,
        object: &Object,
        field: &str,
        arguments: &Map<String, Value>,
    ) -> Resolved<Object> {
        if self.ways.forbidden == Some(field) {
            return Resolved::Refused(
                "FORBIDDEN",
                "Resource not accessible by personal access token".to_owned(),
            );
        }
        match object {
            Object::Query => self.query(field, arguments),
            Object::Owner => self.owner(field, arguments),
            Object::Repository(at) => self.of_repository(*at, field, arguments),
            Object::Branch(at) => match field {
                "name" => text("main"),
                "target" => Resolved::One(
                    self.repository(*at)
                        .head
                        .clone()
                        .map(|hash| Object::Commit(*at, hash)),
                ),
                _ => Resolved::Unknown,
            },
            Object::Tag(at, number) => match field {
                "name" => text(&self.repository(*at).releases[*number].tag),
                "target" => Resolved::One(Some(Object::Commit(
                    *at,
                    self.repository(*at).releases[*number].commit.clone(),
                ))),
                _ => Resolved::Unknown,
            },
            Object::Commit(at, hash) => self.of_commit(*at, hash, field),
            Object::PullRequest(at, number) => self.of_pull_request(*at, *number, field),
            Object::OwnCommit(at, hash) => match field {
                "commit" => Resolved::One(Some(Object::Commit(*at, hash.clone()))),
                _ => Resolved::Unknown,
            },
            Object::Review(login, submitted_at, state) => match field {
                "author" => actor(login),
                "submittedAt" => instant(*submitted_at),
                "state" => text(state),
                _ => Resolved::Unknown,
            },
            Object::Release(at, number) => self.of_release(*at, *number, field),
            Object::Deployment(at, place) => self.of_deployment(*at, *place, field),
            Object::Run(at, place) => self.of_run(*at, *place, field),
            Object::Plain(value) => value
                .get(field)
                .map_or(Resolved::Unknown, |value| Resolved::Leaf(value.clone())),
        }
    }

    fn is_of(&self, object: &Object, type_name: &str) -> bool {
        matches!(
            (object, type_name),
            (Object::Repository(_), "Repository")
                | (Object::Commit(..), "Commit")
                | (Object::Deployment(..), "Deployment")
                | (Object::Run(..), "WorkflowRun")
        )
    }
}
