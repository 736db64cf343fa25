//! The lists of a Gitea and how one leads to the next.
//!
//! Requests of a reading, the fewest that the API documents (page cap 50, `MAX_RESPONSE_ITEMS`): a page of repositories an
//! owner, last updated first, and one of changed pull requests; of a repository that is new its commits, pull requests,
//! releases and tags, 50 a page; of one that changed a comparison, its releases and tags. A pull request costs one more
//! for its reviews, and one for its commits where merging lost them.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::json;
use super::pieces::{Joins, Piece, Repo};
use crate::model::{Notice, TimeRange};
use crate::providers::http::{Answer, Api, HttpError};
use crate::providers::scope::{self, MOST_READ, Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest, repository_name};

/// The largest page a server gives unless its administrator says otherwise.
const PAGE: usize = 50;
/// Requests of one page's pull requests at the same time.
pub(super) const AT_ONCE: usize = 4;
/// Clocks of the server's parts differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// A server and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) api: Api,
    pub(super) owners: Vec<String>,
    pub(super) repositories: Vec<String>,
    pub(super) scope: Scope,
}

/// What is known for good of a repository, by its number.
#[derive(Serialize, Deserialize)]
pub(super) struct KnownRepo {
    /// The newest commit of the default branch that was read; `None`: it had none.
    pub(super) head: Option<String>,
    /// How far back it was read.
    pub(super) from: DateTime<Utc>,
    /// End of the range for which its lists were last read whole.
    pub(super) listed_for: DateTime<Utc>,
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

    fn begin(&self, _: &PageRequest, known: &Known) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for owner in &self.owners {
            let id = known
                .get(&format!("owner/{owner}"))
                .and_then(|id| id.parse().ok());
            pieces.push(match id {
                Some(id) => Piece::Repositories {
                    owner: owner.clone(),
                    id,
                    page: 1,
                },
                None => Piece::Owner {
                    name: owner.clone(),
                },
            });
            if id.is_some() {
                pieces.push(Piece::Changed {
                    owner: owner.clone(),
                    page: 1,
                });
            }
        }
        pieces.extend(
            self.repositories
                .iter()
                .map(|name| Piece::Named { name: name.clone() }),
        );
        pieces
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
                known,
            };
            let name = piece.name().to_owned();
            match asking.turn(piece).await {
                Ok(turn) => Ok(turn),
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
            Self::Owner { name } | Self::Named { name } => name,
            Self::Repositories { owner, .. } | Self::Changed { owner, .. } => owner,
            Self::Between { repo, .. }
            | Self::Commits { repo, .. }
            | Self::PullRequests { repo, .. }
            | Self::PullRequest { repo, .. }
            | Self::Releases { repo, .. }
            | Self::Tags { repo, .. } => &repo.name,
        }
    }
}

/// One turn's circumstances.
pub(super) struct Asking<'a> {
    lists: &'a Lists,
    pub(super) api: Api,
    pub(super) range: TimeRange,
    pub(super) known: Arc<Known>,
}

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Owner { name } => self.owner(name).await,
            Piece::Repositories { owner, id, page } => self.repositories(owner, id, page).await,
            Piece::Named { name } => self.named(&name).await,
            Piece::Changed { owner, page } => self.changed(owner, page).await,
            Piece::Between { repo, known } => self.between(repo, &known).await,
            Piece::Commits {
                repo,
                page,
                head,
                joins,
            } => self.commits(repo, page, head, joins).await,
            Piece::PullRequests { repo, page, joins } => {
                self.pull_requests(repo, page, joins).await
            }
            Piece::PullRequest { repo, number } => self.pull_request(&repo, number).await,
            Piece::Releases {
                repo,
                page,
                published,
            } => self.releases(repo, page, published).await,
            Piece::Tags {
                repo,
                page,
                published,
            } => self.tags(repo, page, published).await,
        }
    }

    /// A path of a repository's own.
    pub(super) fn path<'p>(repo: &'p Repo, rest: &[&'p str]) -> Vec<&'p str> {
        let (owner, name) = repo.name.split_once('/').unwrap_or((&repo.name, ""));
        ["repos", owner, name]
            .into_iter()
            .chain(rest.iter().copied())
            .collect()
    }

    pub(super) async fn page(
        &self,
        path: &[&str],
        page: u32,
        query: &[(&str, &str)],
    ) -> Result<Answer, HttpError> {
        let call = self.api.get(path).query("limit", PAGE).query("page", page);
        query
            .iter()
            .fold(call, |call, (key, value)| call.query(key, value))
            .send()
            .await
    }

    async fn owner(&self, name: String) -> Result<Turn<Piece>, HttpError> {
        // Organisations are users too.
        let owner: json::Owner = self.api.get(&["users", &name]).send().await?.json()?;
        Ok(Turn {
            learnt: vec![(format!("owner/{name}"), Some(owner.id.to_string()))],
            next: vec![Piece::Repositories {
                owner: name,
                id: owner.id,
                page: 1,
            }],
            ..Turn::default()
        })
    }

    async fn repositories(
        &self,
        owner: String,
        id: u64,
        page: u32,
    ) -> Result<Turn<Piece>, HttpError> {
        let uid = id.to_string();
        let query = [
            ("uid", uid.as_str()),
            ("exclusive", "true"),
            ("sort", "updated"),
            ("order", "desc"),
        ];
        let answer = self.page(&["repos", "search"], page, &query).await?;
        let found: json::Found = answer.json()?;
        let mut turn = Turn::default();
        for told in &found.data {
            self.meet(told, &mut turn);
        }
        let since = self.range.start - OVERLAP;
        let reaches_older = found.data.iter().any(|told| told.updated_at < since);
        let count = answer.header("x-total-count").unwrap_or_default();
        let count_key = format!("count/{owner}");
        // A repository that comes into sight without being updated changes their number.
        let is_count_known = self
            .known
            .get(&count_key)
            .is_some_and(|known| known == count);
        if answer.next().is_none() {
            turn.learnt = vec![(count_key, Some(count.to_owned()))];
        } else if page as usize * PAGE >= MOST_READ {
            let count = count.parse().unwrap_or(MOST_READ + 1);
            let names: Vec<String> = found.data.into_iter().map(|told| told.full_name).collect();
            turn.notices.push(scope::too_many(count, &names));
        } else if !(reaches_older && is_count_known) {
            turn.next.insert(
                0,
                Piece::Repositories {
                    owner,
                    id,
                    page: page + 1,
                },
            );
        }
        Ok(turn)
    }

    async fn named(&self, name: &str) -> Result<Turn<Piece>, HttpError> {
        let (owner, short) = name.split_once('/').unwrap_or((name, ""));
        // A renamed repository answers from its new address.
        let told: json::Repository = self
            .api
            .get(&["repos", owner, short])
            .send()
            .await?
            .json()?;
        let mut turn = Turn::default();
        self.meet(&told, &mut turn);
        if let Some(repo) = self.repo_of(told.id) {
            // A pull request can change without its repository being updated.
            turn.next.push(Piece::PullRequests {
                repo,
                page: 1,
                joins: None,
            });
        }
        Ok(turn)
    }

    /// Whether nothing happened in it since it was read.
    fn is_unchanged(&self, told: &json::Repository) -> bool {
        let is_read = known_repo(&self.known, told.id).is_some_and(|known| {
            known.from <= self.range.start && known.repo.name == told.full_name
        });
        is_read && told.updated_at < self.range.start - OVERLAP
    }

    /// Decides what of a repository is read.
    fn meet(&self, told: &json::Repository, turn: &mut Turn<Piece>) {
        let standing = Standing {
            is_archived: told.archived,
            is_fork: told.fork,
        };
        if !self.lists.scope.reads(&told.full_name, standing) || self.is_unchanged(told) {
            return;
        }
        let known = known_repo(&self.known, told.id);
        let host = self.api.base().host_str().unwrap_or_default();
        let repository = told
            .clone_url
            .as_deref()
            .and_then(repository_name::of_url)
            .unwrap_or_else(|| repository_name::of_text(&format!("{host}/{}", told.full_name)));
        let Some(branch) = told
            .default_branch
            .clone()
            .filter(|branch| !branch.is_empty() && !told.empty)
        else {
            turn.notices.push(Notice::info(format!(
                "{} is empty: it has no default branch yet.",
                told.full_name
            )));
            return;
        };
        let mut repo = Repo {
            id: told.id,
            name: told.full_name.clone(),
            repository,
            branch,
        };
        if let Some(known) = &known
            && known.repo.repository != repo.repository
        {
            turn.notices.push(Notice::info(format!(
                "{} is called {} now; its events keep the name {}.",
                known.repo.name, repo.name, known.repo.repository
            )));
            repo.repository = known.repo.repository.clone();
        }
        match known
            .filter(|known| known.from <= self.range.start)
            .and_then(|known| known.head)
        {
            Some(known) => turn.next.push(Piece::Between {
                repo: repo.clone(),
                known,
            }),
            None => turn.next.push(Piece::Commits {
                repo: repo.clone(),
                page: 1,
                head: None,
                joins: Joins::default(),
            }),
        }
        turn.next.push(Piece::Releases {
            repo,
            page: 1,
            published: Vec::new(),
        });
    }

    async fn changed(&self, owner: String, page: u32) -> Result<Turn<Piece>, HttpError> {
        let since = (self.range.start - OVERLAP).to_rfc3339_opts(SecondsFormat::Secs, true);
        let query = [
            ("type", "pulls"),
            ("state", "all"),
            ("owner", owner.as_str()),
            ("since", since.as_str()),
        ];
        let answer = self
            .page(&["repos", "issues", "search"], page, &query)
            .await?;
        let hits: Vec<json::Hit> = answer.json()?;
        let mut turn = Turn::default();
        for hit in hits.iter().filter(|hit| hit.pull_request.is_some()) {
            // A repository that is not known yet is read whole by its own lists.
            let known = hit
                .repository
                .as_ref()
                .and_then(|repository| self.repo_of(repository.id));
            turn.next.extend(known.map(|repo| Piece::PullRequest {
                repo,
                number: hit.number,
            }));
        }
        if answer.next().is_some() {
            turn.next.push(Piece::Changed {
                owner,
                page: page + 1,
            });
        }
        Ok(turn)
    }

    fn repo_of(&self, id: u64) -> Option<Repo> {
        let known = known_repo(&self.known, id)?;
        // What this very reading listed whole needs no second look.
        (known.from <= self.range.start && known.listed_for != self.range.end).then_some(known.repo)
    }
}
