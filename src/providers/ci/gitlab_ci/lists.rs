//! The lists of a GitLab and how one leads to the next.
//!
//! Requests of a reading, the fewest that GitLab documents: pages of the projects of a group, each project with its newest 100
//! pipelines and its environments, which tell when something was last deployed to them; more pipelines 100 at a time; of a
//! project that deployed something, its deployments, 100 a page by REST, for GraphQL tells those of one project a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::pieces::{Piece, Repo};
use super::pipelines::deployed_at;
use super::queries::{LARGEST_PAGE, SMALLEST_PAGE};
use super::{events, json, queries};
use crate::model::{Glob, Notice, Repository, TimeRange};
use crate::providers::git::gitlab::server::{Connection, Server, Told, ask};
use crate::providers::http::{Api, HttpError};
use crate::providers::scope::{Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest, repository_name};

const AT_ONCE: usize = 4;
/// Clocks of the server's parts differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// Over a longer range pages are full of pipelines: so many projects at once GitLab answers within its 30 s.
const BUSY_PAGE: u32 = 20;
const BUSY: TimeDelta = TimeDelta::days(2);
/// Under this name it is known how far back the source was ever read.
const EARLIEST: &str = "earliest";

/// A server and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) server: Server,
    pub(super) scope: Scope,
    pub(super) refs: Vec<Glob>,
    /// The one branch or tag that is read, where the settings name no more: then GitLab leaves out the others.
    pub(super) only_ref: Option<String>,
    pub(super) started_by: Vec<String>,
}

/// The name, where there is one and it is no pattern.
pub(super) fn plain(refs: &[String]) -> Option<String> {
    match refs {
        [only] if !only.contains(['*', '?', '[', '{', '!']) => Some(only.clone()),
        _ => None,
    }
}

/// What is known for good of a project, by its number.
#[derive(Serialize, Deserialize)]
struct KnownRepo {
    path: String,
    /// As it was met first: when it is renamed its events keep their name, or one repository would be two.
    repository: Repository,
}

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, request: &PageRequest, _: &Known) -> Vec<Piece> {
        let is_busy = request.range.end - request.range.start > BUSY;
        let size = if is_busy { BUSY_PAGE } else { LARGEST_PAGE };
        let groups = self.server.groups.iter().map(|group| Piece::Projects {
            group: group.clone(),
            after: None,
            size,
        });
        let named = self
            .server
            .projects
            .iter()
            .map(|path| Piece::Named { path: path.clone() });
        groups.chain(named).collect()
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
                api: self.server.api.at(request.priority),
                range: request.range,
                known,
            };
            let name = piece.name().to_owned();
            match asking.turn(piece).await {
                Ok(turn) => Ok(turn),
                // A token that lacks a scope lacks it everywhere: that is no matter of one project.
                Err(error @ HttpError::Forbidden { needs: Some(_), .. }) => Err(error.into()),
                Err(error) if error.concerns_one_thing() => Ok(Turn {
                    notices: vec![Notice::warning(format!("Leaves out {name}: {error}."))],
                    ..Turn::default()
                }),
                Err(error) => Err(error.into()),
            }
        })
    }
}

impl Piece {
    fn name(&self) -> &str {
        match self {
            Self::Projects { group, .. } => group,
            Self::Named { path } => path,
            Self::Pipelines { repo, .. } | Self::Deployments { repo, .. } => &repo.path,
        }
    }
}

/// One turn's circumstances.
pub(super) struct Asking<'a> {
    pub(super) lists: &'a Lists,
    pub(super) api: Api,
    pub(super) range: TimeRange,
    pub(super) known: Arc<Known>,
}

pub(super) fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Projects { group, after, size } => self.projects(group, after, size).await,
            Piece::Named { path } => self.named(&path).await,
            Piece::Pipelines {
                repo,
                since,
                after,
                is_whole,
            } => self.pipelines(repo, since, after, is_whole).await,
            Piece::Deployments {
                repo,
                since,
                page,
                is_whole,
                running_since,
            } => {
                self.deployments(repo, since, page, is_whole, running_since)
                    .await
            }
        }
    }

    /// The range that is asked for, to the end of the reading's.
    pub(super) fn variables(&self, path: &str, since: DateTime<Utc>) -> Value {
        json!({
            "path": path, "since": rfc3339(since - OVERLAP), "until": rfc3339(self.range.end + OVERLAP),
            "ref": self.lists.only_ref,
        })
    }

    async fn projects(
        &self,
        group: String,
        after: Option<String>,
        size: u32,
    ) -> Result<Turn<Piece>, HttpError> {
        let query = queries::projects(self.lists.only_ref.as_deref());
        let mut variables = self.variables(&group, self.range.start);
        variables["first"] = json!(size);
        variables["after"] = json!(after);
        let told: json::Listed<json::Projects> = match ask(&self.api, &query, variables).await? {
            Told::Data(told) => told,
            Told::TooMuch(error) if size <= SMALLEST_PAGE => return Err(error),
            Told::TooMuch(_) => {
                let size = (size / 2).max(SMALLEST_PAGE);
                return Ok(Turn {
                    next: vec![Piece::Projects { group, after, size }],
                    ..Turn::default()
                });
            }
        };
        let page =
            told.list
                .and_then(|group| group.projects)
                .ok_or_else(|| HttpError::NotFound {
                    what: group.clone(),
                })?;
        let mut turn = Turn {
            learnt: vec![self.reach()],
            ..Turn::default()
        };
        let next = page.next().filter(|next| Some(next) != after.as_ref());
        for project in page.into_items() {
            self.meet(project, &mut turn).await?;
        }
        if let Some(next) = next {
            let after = Some(next);
            turn.next.insert(0, Piece::Projects { group, after, size });
        }
        Ok(turn)
    }

    async fn named(&self, path: &str) -> Result<Turn<Piece>, HttpError> {
        let query = queries::project(self.lists.only_ref.as_deref());
        let variables = self.variables(path, self.range.start);
        let told: json::Listed<json::Project> = match ask(&self.api, &query, variables).await? {
            Told::Data(told) => told,
            Told::TooMuch(error) => return Err(error),
        };
        let project = told.list.ok_or_else(|| HttpError::NotFound {
            what: path.to_owned(),
        })?;
        let mut turn = Turn {
            learnt: vec![self.reach()],
            ..Turn::default()
        };
        self.meet(project, &mut turn).await?;
        Ok(turn)
    }

    /// How far back the source was ever read, this reading included.
    fn earliest(&self) -> DateTime<Utc> {
        let before = self
            .known
            .get(EARLIEST)
            .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        before.map_or(self.range.start, |before| {
            before.to_utc().min(self.range.start)
        })
    }

    fn reach(&self) -> (String, Option<String>) {
        (EARLIEST.to_owned(), Some(self.earliest().to_rfc3339()))
    }

    fn known_repo(&self, id: u64) -> Option<KnownRepo> {
        // What another version wrote differently is met again.
        serde_json::from_str(self.known.get(&format!("project/{id}"))?).ok()
    }

    /// What is known of a project once it was read.
    pub(super) fn learnt(repo: &Repo) -> (String, Option<String>) {
        let known = KnownRepo {
            path: repo.path.clone(),
            repository: repo.repository.clone(),
        };
        let text = serde_json::to_string(&known).expect("plain data with text keys");
        (format!("project/{}", repo.id), Some(text))
    }

    /// Takes in a project: its pipelines, and what more of it is to be read.
    async fn meet(&self, told: json::Project, turn: &mut Turn<Piece>) -> Result<(), HttpError> {
        let standing = Standing {
            is_archived: told.archived == Some(true),
            is_fork: told.is_forked == Some(true),
        };
        let Some(id) = events::number(&told.id) else {
            return Ok(());
        };
        if !self.lists.scope.reads(&told.full_path, standing) {
            return Ok(());
        }
        let host = self.api.base().host_str().unwrap_or_default();
        let mut repo = Repo {
            id,
            repository: told
                .http_url_to_repo
                .as_deref()
                .and_then(repository_name::of_url)
                .unwrap_or_else(|| repository_name::of_text(&format!("{host}/{}", told.full_path))),
            path: told.full_path,
            url: told.web_url,
            tiers: BTreeMap::new(),
        };
        let before = self.known_repo(id);
        if let Some(before) = &before
            && before.repository != repo.repository
        {
            if before.path != repo.path {
                turn.notices.push(Notice::info(format!(
                    "{} is called {} now; its events keep the name {}.",
                    before.path, repo.path, before.repository
                )));
            }
            repo.repository = before.repository.clone();
        }
        let environments = self.environments(&repo, told.environments).await?;
        let last = environments.iter().filter_map(deployed_at).max();
        for environment in environments {
            let tier = environment.tier.map(|tier| tier.to_lowercase());
            // `other` says no more than that GitLab has no guess.
            if let Some(tier) = tier.filter(|tier| tier != "other") {
                repo.tiers.insert(environment.name, tier);
            }
        }
        let (start, earliest) = (self.range.start, self.earliest());
        if before.is_none() && earliest < start {
            // It was made, moved here or opened to us after the others were read: it is read as far back as they were.
            turn.next.push(Piece::Pipelines {
                repo,
                since: earliest,
                after: None,
                is_whole: true,
            });
            return Ok(());
        }
        turn.learnt.push(Self::learnt(&repo));
        let pipelines = told.pipelines;
        let after = pipelines.as_ref().and_then(Connection::next);
        let pipelines = pipelines.map(Connection::into_items).unwrap_or_default();
        turn.events.extend(self.builds(&repo, &pipelines));
        if after.is_some() {
            turn.next.push(Piece::Pipelines {
                repo: repo.clone(),
                since: start,
                after,
                is_whole: false,
            });
        }
        let running_since = self.running_since(id);
        let has_any = told.any.is_some_and(|any| any.items().next().is_some());
        let is_new = before.is_none() || earliest == start;
        if is_new && has_any
            || last.is_some_and(|last| last >= start - OVERLAP)
            || running_since.is_some()
        {
            turn.next.push(Piece::Deployments {
                repo,
                since: running_since.map_or(start, |running| running.min(start)),
                page: 1,
                is_whole: false,
                running_since: None,
            });
        }
        Ok(())
    }
}
