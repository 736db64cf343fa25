//! The lists of a GitLab and how one leads to the next.
//!
//! Requests of a reading, the fewest that GitLab documents (page cap 100): a page of projects a group, last active first, and
//! a page of the merge requests that changed, with their notes, approvals and commits; one more where the page holds
//! squashed ones, whose commit REST alone tells. Of a project that is new its commits, 100 a page, and its tags; of one
//! that was active a comparison and its tags; releases of twenty projects at a time.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;

use super::json;
use super::known::{KnownRepo, known_repo, known_tags};
use super::pieces::{Owner, Piece, Repo};
use super::queries::LARGEST_PAGE;
use super::server::Server;
use crate::model::{Notice, TimeRange};
use crate::providers::http::{Answer, Api, HttpError};
use crate::providers::scope::{self, MOST_READ, Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest, repository_name};

/// The largest page.
const PAGE: usize = 100;
/// Requests at the same time.
pub(super) const AT_ONCE: usize = 4;
/// Projects whose releases are asked for at once: what GitLab answers well within the 30 s it gives a request.
const RELEASED_AT_ONCE: usize = 20;
/// Clocks of the server's parts differ.
pub(super) const OVERLAP: TimeDelta = TimeDelta::minutes(2);
/// GitLab writes a project's activity down once an hour: what happens within it hides behind what was seen.
const THROTTLE: TimeDelta = TimeDelta::minutes(70);

/// Under this name it is known how far back the source was ever read.
const EARLIEST: &str = "earliest";

/// A server and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) server: Server,
    pub(super) scope: Scope,
    pub(super) with_archived: bool,
}

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, _: &PageRequest, _: &Known) -> Vec<Piece> {
        let groups = self.server.groups.iter().map(|group| Piece::Projects {
            group: group.clone(),
            page: 1,
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
            let name = piece.name();
            match asking.turn(piece).await {
                Ok(turn) => Ok(turn),
                // A token that lacks a scope lacks it everywhere: that is no matter of one project.
                Err(error @ HttpError::Forbidden { needs: Some(_), .. }) => Err(error.into()),
                Err(error) if error.concerns_one_thing() => Ok(Turn {
                    notices: vec![left_out(&name, &error)],
                    ..Turn::default()
                }),
                Err(error) => Err(error.into()),
            }
        })
    }
}

pub(super) fn left_out(name: &str, error: &HttpError) -> Notice {
    Notice::warning(format!("Leaves out {name}: {error}."))
}

impl Piece {
    fn name(&self) -> String {
        match self {
            Self::Projects { group, .. } => group.clone(),
            Self::Named { path } => path.clone(),
            Self::MergeRequests { of, .. } => match of {
                Owner::Group(path) => format!("the merge requests of {path}"),
                Owner::Project(repo) => format!("the merge requests of {}", repo.path),
            },
            Self::Between { repo, .. } | Self::Commits { repo, .. } => repo.path.clone(),
            Self::Releases { .. } => "releases".to_owned(),
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

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Projects { group, page } => self.projects(group, page).await,
            Piece::Named { path } => self.named(&path).await,
            Piece::MergeRequests {
                of,
                since,
                after,
                size,
            } => self.merge_requests(of, since, after, size).await,
            Piece::Between { repo, known } => self.between(repo, &known).await,
            Piece::Commits { repo, page, head } => self.commits(repo, page, head).await,
            Piece::Releases { repos } => self.releases(repos).await,
        }
    }

    pub(super) async fn page(
        &self,
        path: &[&str],
        page: u32,
        query: &[(&str, &str)],
    ) -> Result<Answer, HttpError> {
        let call = self
            .api
            .get(path)
            .query("per_page", PAGE)
            .query("page", page);
        query
            .iter()
            .fold(call, |call, (key, value)| call.query(key, value))
            .send()
            .await
    }

    async fn projects(&self, group: String, page: u32) -> Result<Turn<Piece>, HttpError> {
        let mut query = vec![
            ("include_subgroups", "true"),
            ("with_shared", "false"),
            ("order_by", "last_activity_at"),
            ("sort", "desc"),
        ];
        if !self.lists.with_archived {
            query.push(("archived", "false"));
        }
        let answer = self
            .page(&["v4", "groups", &group, "projects"], page, &query)
            .await?;
        let told: Vec<json::Project> = answer.json()?;
        let mut turn = Turn {
            learnt: vec![self.reach()],
            ..Turn::default()
        };
        let mut met = Vec::new();
        for project in &told {
            met.extend(self.meet(project, &mut turn));
        }
        // Last active first: behind one that is unchanged nothing changed, unless others came to the group.
        let count_key = format!("count/{group}");
        let count = answer.header("x-total").map(str::to_owned);
        let is_all_known = count.as_ref() == self.known.get(&count_key)
            && told
                .iter()
                .rfind(|told| self.reads(told) && !told.empty_repo)
                .is_some_and(|told| self.is_unchanged(told));
        turn.next.extend(released(&met));
        let is_full = page as usize * PAGE >= MOST_READ;
        let has_more = answer.next().is_some();
        if has_more && is_full {
            let names: Vec<String> = told
                .into_iter()
                .map(|project| project.path_with_namespace)
                .collect();
            // Beyond 10,000 GitLab does not count.
            let count = count.as_deref().and_then(|count| count.parse().ok());
            turn.notices
                .push(scope::too_many(count.unwrap_or(MOST_READ + 1), &names));
        }
        if has_more && !is_full && !is_all_known {
            let page = page + 1;
            turn.next.insert(0, Piece::Projects { group, page });
        } else {
            turn.learnt.push((count_key, count));
            // Only now is it known which projects count.
            turn.next.push(Piece::MergeRequests {
                of: Owner::Group(group),
                since: self.range.start,
                after: None,
                size: LARGEST_PAGE,
            });
        }
        Ok(turn)
    }

    async fn named(&self, path: &str) -> Result<Turn<Piece>, HttpError> {
        // A renamed project answers from its new address.
        let told: json::Project = self
            .api
            .get(&["v4", "projects", path])
            .send()
            .await?
            .json()?;
        let mut turn = Turn {
            learnt: vec![self.reach()],
            ..Turn::default()
        };
        let met = self.meet(&told, &mut turn);
        turn.next.extend(released(met.as_slice()));
        let repo = met.or_else(|| known_repo(&self.known, told.id).map(|known| known.repo));
        turn.next.extend(repo.map(|repo| Piece::MergeRequests {
            of: Owner::Project(Repo {
                path: told.path_with_namespace.clone(),
                ..repo
            }),
            since: self.range.start,
            after: None,
            size: LARGEST_PAGE,
        }));
        Ok(turn)
    }

    /// How far back the source was ever read, this reading included.
    pub(super) fn earliest(&self) -> DateTime<Utc> {
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

    /// Whether nothing can have happened in it since it was read.
    fn is_unchanged(&self, told: &json::Project) -> bool {
        let Some(known) = known_repo(&self.known, told.id) else {
            return false;
        };
        // A project that never says when it was active is looked at every time.
        let is_quiet = |active_at: Option<DateTime<Utc>>, read_at: Option<DateTime<Utc>>| {
            active_at == told.last_activity_at
                && active_at
                    .zip(read_at)
                    .is_some_and(|(active_at, read_at)| read_at > active_at + THROTTLE)
        };
        known.from.is_some_and(|from| from <= self.range.start)
            && known.repo.path == told.path_with_namespace
            && is_quiet(known.active_at, known.read_at)
            && known_tags(&self.known, told.id)
                .is_some_and(|tags| is_quiet(tags.active_at, Some(tags.read_at)))
    }

    fn reads(&self, told: &json::Project) -> bool {
        let standing = Standing {
            is_archived: told.archived,
            is_fork: told.forked_from_project.is_some(),
        };
        self.lists.scope.reads(&told.path_with_namespace, standing)
    }

    /// Decides what of a project is read; the project, where its tags are to be read too.
    fn meet(&self, told: &json::Project, turn: &mut Turn<Piece>) -> Option<Repo> {
        if !self.reads(told) || self.is_unchanged(told) {
            return None;
        }
        let host = self.api.base().host_str().unwrap_or_default();
        let repository = told
            .http_url_to_repo
            .as_deref()
            .and_then(repository_name::of_url)
            .unwrap_or_else(|| {
                repository_name::of_text(&format!("{host}/{}", told.path_with_namespace))
            });
        let branch = told
            .default_branch
            .clone()
            .filter(|branch| !branch.is_empty() && !told.empty_repo);
        let Some(branch) = branch else {
            turn.notices.push(Notice::info(format!(
                "{} is empty: it has no default branch yet.",
                told.path_with_namespace
            )));
            return None;
        };
        let mut repo = Repo {
            id: told.id,
            path: told.path_with_namespace.clone(),
            repository,
            branch,
            active_at: told.last_activity_at,
        };
        let before = known_repo(&self.known, told.id);
        if let Some(before) = &before
            && before.repo.repository != repo.repository
        {
            if before.repo.path != repo.path {
                turn.notices.push(Notice::info(format!(
                    "{} is called {} now; its events keep the name {}.",
                    before.repo.path, repo.path, before.repo.repository
                )));
            }
            repo.repository = before.repo.repository.clone();
        }
        let known = KnownRepo {
            repo: repo.clone(),
            head: before.as_ref().and_then(|before| before.head.clone()),
            from: before.as_ref().and_then(|before| before.from),
            read_at: before.as_ref().and_then(|before| before.read_at),
            active_at: before.as_ref().and_then(|before| before.active_at),
        };
        turn.learnt.push(known.learnt());
        if known.from.is_none() && self.earliest() < self.range.start {
            // It was made, moved here or opened to us after the others were read: it is read as far back as they were.
            turn.next.push(Piece::MergeRequests {
                of: Owner::Project(repo.clone()),
                since: self.earliest(),
                after: None,
                size: LARGEST_PAGE,
            });
        }
        let reaches = known.from.is_some_and(|from| from <= self.range.start);
        turn.next.push(match known.head.filter(|_| reaches) {
            Some(known) => Piece::Between {
                repo: repo.clone(),
                known,
            },
            None => Piece::Commits {
                repo: repo.clone(),
                page: 1,
                head: None,
            },
        });
        Some(repo)
    }
}

fn released(repos: &[Repo]) -> impl Iterator<Item = Piece> + '_ {
    repos.chunks(RELEASED_AT_ONCE).map(|repos| Piece::Releases {
        repos: repos.to_vec(),
    })
}
