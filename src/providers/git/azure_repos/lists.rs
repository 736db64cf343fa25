//! The lists of Azure Repos and how one leads to the next.
//!
//! Requests of a reading, the fewest that the API documents: one for all repositories of the organisation (or of each
//! project), ⌈closed/1000⌉ + ⌈open/1000⌉ of each project for pull requests, one a pull request for its threads, one for its
//! commits where merging lost them. Of a repository that is new: its commits (10,000 a page), which pull requests brought
//! them in (500 a request), its tags. Nothing tells for many repositories at once that something was pushed, so a
//! refresh asks each for its pushes, one request that also names the tags; what changed costs two more.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::future::BoxFuture;

use super::json;
use super::pieces::{History, KnownRepo, Of, Piece, Repo, Which, known_repo};
use crate::model::{Notice, TimeRange};
use crate::providers::azure_devops::{self, AT_ONCE, short_name};
use crate::providers::http::{Answer, Api, Call, HttpError};
use crate::providers::scope::{self, MOST_READ, Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest, repository_name};

/// What tokens need.
pub(super) const SCOPE: &str = "the scope Code (Read)";
/// Clocks of the host's parts differ.
pub(super) const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// Pushes that are asked for at once; where more came, everything may have changed.
const PUSHES: usize = 1_000;

/// An organisation or collection and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) api: Api,
    /// All of them, where neither these nor repositories are named.
    pub(super) projects: Vec<String>,
    /// Project and name.
    pub(super) repositories: Vec<(String, String)>,
    pub(super) scope: Scope,
}

impl Lists {
    /// Whether one of that name is read, disabled ones and forks apart.
    pub(super) fn reads(&self, name: &str) -> bool {
        // A fork that was met was asked for.
        let is_named = self
            .repositories
            .iter()
            .any(|(project, short)| name.eq_ignore_ascii_case(&format!("{project}/{short}")));
        is_named || self.scope.reads(name, Standing::default())
    }

    /// What lists of repositories there are.
    pub(super) fn places(&self) -> Vec<Option<String>> {
        if self.projects.is_empty() && self.repositories.is_empty() {
            return vec![None];
        }
        self.projects.iter().cloned().map(Some).collect()
    }
}

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, _: &PageRequest, _: &Known) -> Vec<Piece> {
        let named = self
            .repositories
            .iter()
            .map(|(project, name)| Piece::Named {
                project: project.clone(),
                name: name.clone(),
            });
        self.places()
            .into_iter()
            .map(|project| Piece::Repositories { project })
            .chain(named)
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
                known,
            };
            // Without the list of all there is nothing left to read.
            let is_all = matches!(piece, Piece::Repositories { project: None });
            let name = piece.name().to_owned();
            match asking.turn(piece).await {
                Ok(turn) => Ok(turn),
                Err(error) if error.concerns_one_thing() && !is_all => Ok(Turn {
                    notices: vec![Notice::warning(format!("Leaves out {name}: {error}."))],
                    ..Turn::default()
                }),
                Err(error) => Err(error.into()),
            }
        })
    }
}

/// One turn's circumstances.
pub(super) struct Asking<'a> {
    pub(super) lists: &'a Lists,
    pub(super) api: Api,
    pub(super) range: TimeRange,
    pub(super) known: Arc<Known>,
}

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Repositories { project } => self.repositories(project).await,
            Piece::Named { project, name } => self.named(&project, &name).await,
            Piece::PullRequests { of, which, skip } => self.pull_requests(of, which, skip).await,
            Piece::Pushes { repo } => self.pushes(repo).await,
            Piece::Commits(history) => self.commits(history).await,
            Piece::Tags { repo, names } => self.tags(repo, &names).await,
        }
    }

    pub(super) async fn send(&self, call: Call<'_>) -> Result<Answer, HttpError> {
        azure_devops::send(call, SCOPE).await
    }

    /// A path of a repository's own: its GUID is enough, and stays when it or its project is renamed.
    pub(super) fn path<'p>(repo: &'p Repo, rest: &[&'p str]) -> Vec<&'p str> {
        ["_apis", "git", "repositories", &repo.id]
            .into_iter()
            .chain(rest.iter().copied())
            .collect()
    }

    /// A page of a repository for people.
    pub(super) fn page_of(&self, repo: &Repo, rest: &[&str]) -> String {
        let (project, name) = repo.name.split_once('/').unwrap_or((&repo.name, ""));
        let path = [&[project, "_git", name], rest].concat();
        self.api.url(&path).to_string()
    }

    /// The start of the range, so much earlier.
    pub(super) fn since(&self, earlier: TimeDelta) -> String {
        (self.range.start - earlier).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    async fn repositories(&self, project: Option<String>) -> Result<Turn<Piece>, HttpError> {
        let path: Vec<&str> = project
            .as_deref()
            .into_iter()
            .chain(["_apis", "git", "repositories"])
            .collect();
        let told: json::List<json::Repository> = self.send(self.api.get(&path)).await?.json()?;
        let mut turn = Turn::default();
        let wanted: Vec<&json::Repository> = told
            .value
            .iter()
            .filter(|told| {
                let standing = Standing {
                    // A disabled repository can be neither read nor cloned.
                    is_archived: told.is_disabled == Some(true),
                    is_fork: told.is_fork == Some(true),
                };
                self.lists.scope.reads(&full_name(told), standing)
            })
            .collect();
        if wanted.len() > MOST_READ {
            let names: Vec<String> = wanted.iter().map(|told| full_name(told)).collect();
            turn.notices.push(scope::too_many(wanted.len(), &names));
        }
        let mut projects = BTreeSet::new();
        for told in wanted.into_iter().take(MOST_READ) {
            projects.insert(told.project.name.clone());
            self.meet(told, &mut turn);
        }
        for project in projects {
            turn.next
                .extend(Self::requests_of(Of::Project(project.clone())));
        }
        Ok(turn)
    }

    async fn named(&self, project: &str, name: &str) -> Result<Turn<Piece>, HttpError> {
        let path = [project, "_apis", "git", "repositories", name];
        let told: json::Repository = self.send(self.api.get(&path)).await?.json()?;
        let mut turn = Turn::default();
        if let Some(repo) = self.meet(&told, &mut turn)
            // Those of a project that is listed come with it.
            && !self.lists.projects.iter().any(|listed| listed == project)
        {
            turn.next.extend(Self::requests_of(Of::Repository(repo)));
        }
        Ok(turn)
    }

    fn requests_of(of: Of) -> impl Iterator<Item = Piece> {
        [Which::Closed, Which::Open]
            .into_iter()
            .map(move |which| Piece::PullRequests {
                of: of.clone(),
                which,
                skip: 0,
            })
    }

    /// Decides what of a repository is read; the repository, unless it is empty.
    fn meet(&self, told: &json::Repository, turn: &mut Turn<Piece>) -> Option<Repo> {
        let name = full_name(told);
        let Some(branch) = told.default_branch.clone() else {
            turn.notices.push(Notice::info(format!(
                "{name} is empty: it has no default branch yet."
            )));
            return None;
        };
        let known = known_repo(&self.known, &told.id);
        let mut repo = Repo {
            id: told.id.clone(),
            repository: self.repository(told, &name),
            name,
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
        let is_read = |known: &&KnownRepo| {
            known.repo.branch == repo.branch
                && known.head.is_some()
                && known.from.is_some_and(|from| from <= self.range.start)
        };
        turn.next.push(if known.as_ref().filter(is_read).is_some() {
            Piece::Pushes { repo: repo.clone() }
        } else {
            Piece::Commits(History {
                repo: repo.clone(),
                known: None,
                skip: 0,
                head: None,
                held: Vec::new(),
            })
        });
        let learnt = KnownRepo {
            head: known.as_ref().and_then(|known| known.head.clone()),
            from: known.as_ref().and_then(|known| known.from),
            repo: repo.clone(),
        };
        if known.as_ref() != Some(&learnt) {
            turn.learnt.push(learnt.learnt());
        }
        Some(repo)
    }

    fn repository(&self, told: &json::Repository, name: &str) -> crate::model::Repository {
        let of_clone = told.remote_url.as_deref().and_then(repository_name::of_url);
        of_clone.unwrap_or_else(|| {
            let (project, short) = name.split_once('/').unwrap_or((name, ""));
            let url = self.api.url(&[project, "_git", short]);
            repository_name::of_text(url.as_str())
        })
    }

    async fn pushes(&self, repo: Repo) -> Result<Turn<Piece>, HttpError> {
        let path = Self::path(&repo, &["pushes"]);
        let call = self
            .api
            .get(&path)
            .query("searchCriteria.fromDate", self.since(OVERLAP))
            .query("searchCriteria.includeRefUpdates", "true")
            .query("$top", PUSHES);
        let told: json::List<json::Push> = self.send(call).await?.json()?;
        let is_cut = told.value.len() == PUSHES;
        let updated: BTreeSet<&str> = told
            .value
            .iter()
            .flat_map(|push| push.ref_updates.iter().flatten())
            .filter_map(|update| update.name.as_deref())
            .collect();
        let mut turn = Turn::default();
        if is_cut || updated.contains(repo.branch.as_str()) {
            let known = known_repo(&self.known, &repo.id).and_then(|known| known.head);
            turn.next.push(Piece::Commits(History {
                repo: repo.clone(),
                known,
                skip: 0,
                head: None,
                held: Vec::new(),
            }));
        }
        let names: Vec<String> = updated
            .iter()
            .filter(|name| name.starts_with("refs/tags/"))
            .map(|name| short_name(name).to_owned())
            .collect();
        if is_cut {
            let names = Vec::new();
            turn.next.push(Piece::Tags { repo, names });
        } else if !names.is_empty() {
            turn.next.push(Piece::Tags { repo, names });
        }
        Ok(turn)
    }

    /// What is known for good of a repository once its commits are stored.
    pub(super) fn learn(&self, repo: &Repo, head: Option<String>) -> (String, Option<String>) {
        let before: Option<DateTime<Utc>> =
            known_repo(&self.known, &repo.id).and_then(|known| known.from);
        KnownRepo {
            head,
            from: Some(before.map_or(self.range.start, |before| before.min(self.range.start))),
            repo: repo.clone(),
        }
        .learnt()
    }
}

/// A repository's name for people and patterns.
pub(super) fn full_name(told: &json::Repository) -> String {
    format!("{}/{}", told.project.name, told.name)
}
