//! The lists of a Bitbucket Data Center and how one leads to the next.
//!
//! No call of the API spans repositories, and none tells which were pushed to (a repository's ref changes are for its
//! administrators). Requests of a reading, the fewest: a page of a thousand repositories a project; of each repository its tags (a
//! thousand a page), the commits that are new (a hundred a page), and its pull requests (a hundred a page). A pull request
//! that was reviewed costs one more for its activities, and one for its commits where merging lost them.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::json::{self, Values};
use super::pieces::{Piece, Repo, Visit};
use crate::model::{Notice, TimeRange};
use crate::providers::git::joins::Graph;
use crate::providers::http::{Api, HttpError};
use crate::providers::scope::{self, MOST_READ, Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest, repository_name};

/// What a server gives of repositories and tags unless its administrator says otherwise (`page.max.*`).
const PAGE: &str = "1000";
/// What it gives of commits and pull requests.
pub(super) const HUNDRED: &str = "100";
/// Requests at the same time.
pub(super) const AT_ONCE: usize = 4;
/// Clocks of the server's parts differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// A server and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) api: Api,
    pub(super) projects: Vec<String>,
    pub(super) repositories: Vec<String>,
    pub(super) scope: Scope,
}

/// What is known for good of a repository, by its number.
#[derive(Serialize, Deserialize)]
pub(super) struct KnownRepo {
    /// The newest commit of the default branch that was read; `None`: it had none.
    pub(super) head: Option<String>,
    pub(super) tag: Option<String>,
    /// How far back it was read.
    pub(super) from: DateTime<Utc>,
    /// Until when its pull requests were read.
    pub(super) until: DateTime<Utc>,
    /// As it was met first: when it is renamed its events keep their name, or one repository would be two.
    pub(super) repo: Repo,
}

pub(super) fn key(id: u64) -> String {
    format!("repo/{id}")
}

pub(super) fn known_repo(known: &Known, id: u64) -> Option<KnownRepo> {
    // What another version wrote differently is read again.
    serde_json::from_str(known.get(&key(id))?).ok()
}

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, _: &PageRequest, _: &Known) -> Vec<Piece> {
        let projects = self.projects.iter().map(|project| Piece::Repositories {
            project: project.clone(),
            start: 0,
            count: 0,
        });
        let named = self.repositories.iter();
        projects
            .chain(named.map(|name| Piece::Named { name: name.clone() }))
            .collect()
    }

    fn turn<'a>(
        &'a self,
        piece: Piece,
        request: &'a PageRequest,
        known: Arc<Known>,
    ) -> BoxFuture<'a, Result<Turn<Piece>, FetchError>> {
        Box::pin(async move {
            let asking = Asking {
                lists: self,
                api: self.api.at(request.priority),
                range: request.range,
                request,
                known,
            };
            let name = piece.name();
            // A server refuses what one may not see with the status for credentials it does not know.
            let is_hidden = |error: &HttpError| matches!(error, HttpError::Unauthorized { .. });
            let is_of_one = piece.concerns_one_repository();
            match asking.turn(piece).await {
                Ok(turn) => Ok(turn),
                Err(error) if error.concerns_one_thing() || (is_of_one && is_hidden(&error)) => {
                    Ok(Turn {
                        notices: vec![Notice::warning(format!("Leaves out {name}: {error}."))],
                        ..Turn::default()
                    })
                }
                Err(HttpError::Unauthorized { what }) => Err(FetchError::Unauthorized {
                    what,
                    needs: Some("*Project read* and *Repository read*".to_owned()),
                }),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// One turn's circumstances.
pub(super) struct Asking<'a> {
    lists: &'a Lists,
    pub(super) api: Api,
    pub(super) range: TimeRange,
    request: &'a PageRequest,
    pub(super) known: Arc<Known>,
}

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Repositories {
                project,
                start,
                count,
            } => self.repositories(project, start, count).await,
            Piece::Named { name } => self.named(&name).await,
            Piece::Tags { visit, start } => self.tags(visit, start).await,
            Piece::Commits { visit, start } => self.commits(visit, start).await,
            Piece::Tagged { visit } => self.tagged(visit).await,
            Piece::PullRequests { visit, start } => self.pull_requests(visit, start).await,
            Piece::PullRequest { visit, number } => self.pull_request(&visit, number).await,
        }
    }

    /// A path of a repository's own.
    pub(super) fn path<'p>(repo: &'p Repo, rest: &[&'p str]) -> Vec<&'p str> {
        ["projects", &repo.project, "repos", &repo.slug]
            .into_iter()
            .chain(rest.iter().copied())
            .collect()
    }

    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        path: &[&str],
        start: u64,
        limit: &str,
        query: &[(&str, &str)],
    ) -> Result<Values<T>, HttpError> {
        let call = self
            .api
            .get(path)
            .query("limit", limit)
            .query("start", start);
        let answer = query
            .iter()
            .fold(call, |call, (key, value)| call.query(key, value))
            .send()
            .await?;
        let page: Values<T> = answer.json()?;
        if page.next().is_some_and(|next| next <= start) {
            return Err(HttpError::Malformed {
                what: answer.what().to_owned(),
                source: anyhow::anyhow!("its list repeats a page"),
            });
        }
        Ok(page)
    }

    async fn repositories(
        &self,
        project: String,
        start: u64,
        count: usize,
    ) -> Result<Turn<Piece>, HttpError> {
        let told: Values<json::Repository> = self
            .page(&["projects", &project, "repos"], start, PAGE, &[])
            .await?;
        let mut turn = Turn::default();
        for repository in &told.values {
            self.meet(repository, &mut turn);
        }
        let count = count + told.values.len();
        let Some(next) = told.next() else {
            return Ok(turn);
        };
        if count >= MOST_READ {
            let name = |told: &json::Repository| format!("{}/{}", told.project.key, told.slug);
            let names: Vec<String> = told.values.iter().map(name).collect();
            turn.notices.push(scope::too_many(count + 1, &names));
        } else {
            turn.next.push(Piece::Repositories {
                project,
                start: next,
                count,
            });
        }
        Ok(turn)
    }

    async fn named(&self, name: &str) -> Result<Turn<Piece>, HttpError> {
        let (project, slug) = name.split_once('/').unwrap_or((name, ""));
        let told: json::Repository = self
            .api
            .get(&["projects", project, "repos", slug])
            .send()
            .await?
            .json()?;
        let mut turn = Turn::default();
        self.meet(&told, &mut turn);
        Ok(turn)
    }

    /// Decides what of a repository is read.
    fn meet(&self, told: &json::Repository, turn: &mut Turn<Piece>) {
        let standing = Standing {
            is_archived: told.archived,
            is_fork: told.origin.is_some(),
        };
        let name = format!("{}/{}", told.project.key, told.slug);
        if !self.lists.scope.reads(&name, standing) {
            return;
        }
        let mut repo = Repo {
            id: told.id,
            project: told.project.key.clone(),
            slug: told.slug.clone(),
            repository: self.repository(told, &name),
        };
        let known = known_repo(&self.known, told.id);
        if let Some(known) = &known
            && known.repo.repository != repo.repository
        {
            turn.notices.push(Notice::info(format!(
                "{} is called {name} now; its events keep the name {}.",
                known.repo.name(),
                known.repo.repository
            )));
            repo.repository = known.repo.repository.clone();
        }
        // What was read less far back is read anew.
        let known = known.filter(|known| known.from <= self.range.start);
        let beginning = format!("pull_request:{}#", repo.repository);
        let open = self.request.unfinished.iter().filter_map(|id| {
            let number = id.as_str().strip_prefix(&beginning)?;
            // Ids are ours: what is no number is no pull request's.
            number.parse().ok()
        });
        let visit = Visit {
            repo,
            since: known
                .as_ref()
                .map_or(self.range.start, |known| known.until - OVERLAP),
            known_tag: known.as_ref().and_then(|known| known.tag.clone()),
            known: known.and_then(|known| known.head),
            head: None,
            tag: None,
            tags: Vec::new(),
            graph: Graph::default(),
            open: open.collect(),
        };
        turn.next.push(Piece::Tags { visit, start: 0 });
    }

    fn repository(&self, told: &json::Repository, name: &str) -> crate::model::Repository {
        let clones = told.links.iter().flat_map(|links| &links.clones);
        let over_http = clones
            .filter(|link| matches!(link.name.as_deref(), Some("http" | "https")))
            .find_map(|link| repository_name::of_url(link.href.as_deref()?));
        let host = self.api.base().host_str().unwrap_or_default();
        over_http
            .unwrap_or_else(|| repository_name::of_text(&format!("{host}/{}", name.to_lowercase())))
    }

    /// Everything of a repository is stored.
    pub(super) fn read_whole(&self, visit: &Visit) -> (String, Option<String>) {
        let before = known_repo(&self.known, visit.repo.id);
        let earliest = before.as_ref().map(|before| before.from);
        let known = KnownRepo {
            head: visit.head.clone().or_else(|| visit.known.clone()),
            tag: visit.tag.clone().or_else(|| visit.known_tag.clone()),
            from: earliest.map_or(self.range.start, |from| from.min(self.range.start)),
            until: before.map_or(self.range.end, |before| before.until.max(self.range.end)),
            repo: visit.repo.clone(),
        };
        let text = serde_json::to_string(&known).expect("plain data with text keys");
        (key(visit.repo.id), Some(text))
    }
}
