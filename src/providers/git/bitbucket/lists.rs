//! The lists of Bitbucket Cloud and how one leads to the next.
//!
//! Requests of a reading, the fewest that the API documents: a page of a hundred repositories that were updated, a
//! workspace; of a repository that is new its commits (a hundred a page), pull requests and what happened to them (fifty a
//! page each), and its tags; of one that changed what came since the commit that is known, the pull requests that were
//! updated, and the tags. The commits that merging lost cost one request for fifty pull requests.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::log::Log;
use super::pieces::{Piece, Repo, Visit};
use crate::model::{Notice, TimeRange};
use crate::providers::bitbucket_cloud::{
    Cloud, PAGE, REPOSITORY_FIELDS, ToldRepository, of_values, page,
};
use crate::providers::git::joins::Graph;
use crate::providers::http::{Api, HttpError};
use crate::providers::scope::{self, MOST_READ, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest};

/// Clocks of the vendor's parts differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// What is known for good of a repository, by its uuid.
#[derive(Serialize, Deserialize)]
pub(super) struct KnownRepo {
    /// As it was met first: when it is renamed its events keep their name, or one repository would be two.
    pub(super) repo: Repo,
    /// The newest commit of the default branch that was read; `None`: it had none.
    pub(super) head: Option<String>,
    /// How far back it was read; `None`: it was only met.
    pub(super) from: Option<DateTime<Utc>>,
    /// Until when its pull requests and tags were read.
    pub(super) until: DateTime<Utc>,
}

pub(super) fn key(uuid: &str) -> String {
    format!("repo/{uuid}")
}

pub(super) fn known_repo(known: &Known, uuid: &str) -> Option<KnownRepo> {
    // What another version wrote differently is read again.
    serde_json::from_str(known.get(&key(uuid))?).ok()
}

/// The mark of a workspace whose repositories were all met.
fn met(workspace: &str) -> String {
    format!("workspace/{workspace}")
}

fn fresh(repo: Repo, since: DateTime<Utc>) -> Visit {
    Visit {
        repo,
        since,
        head: None,
        graph: Graph::default(),
    }
}

/// What is read of Bitbucket Cloud.
#[derive(Debug)]
pub(super) struct Lists(pub(super) Cloud);

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        4
    }

    fn begin(&self, request: &PageRequest, known: &Known) -> Vec<Piece> {
        let start = request.range.start;
        let mut pieces: Vec<Piece> = self
            .0
            .workspaces
            .iter()
            .map(|workspace| Piece::Repositories {
                workspace: workspace.clone(),
                since: known
                    .contains_key(&met(workspace))
                    .then_some(start - OVERLAP),
                next: None,
                count: 0,
            })
            .collect();
        pieces.extend(
            self.0
                .repositories
                .iter()
                .map(|name| Piece::Named { name: name.clone() }),
        );
        // Those that were met before and not read as far back as is asked now; lists would not name them again.
        let names = known.keys().filter_map(|key| key.strip_prefix("repo/"));
        let unread = names
            .filter_map(|uuid| known_repo(known, uuid))
            .filter(|known| known.from.is_none_or(|from| from > start))
            .map(|known| known.repo)
            .filter(|repo| self.reads_still(repo));
        pieces.extend(unread.map(|repo| Piece::Commits {
            visit: fresh(repo, start),
            next: None,
        }));
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
                cloud: &self.0,
                api: self.0.api.at(request.priority),
                range: request.range,
                request,
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

impl Lists {
    fn reads_still(&self, repo: &Repo) -> bool {
        let is_named = self.0.repositories.iter().any(|name| name == &repo.name);
        let is_listed = self
            .0
            .workspaces
            .iter()
            .any(|name| name == repo.workspace());
        (is_named || is_listed) && self.0.scope.reads(&repo.name, Standing::default())
    }
}

/// One turn's circumstances.
pub(super) struct Asking<'a> {
    pub(super) cloud: &'a Cloud,
    pub(super) api: Api,
    pub(super) range: TimeRange,
    request: &'a PageRequest,
    pub(super) known: Arc<Known>,
}

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Repositories {
                workspace,
                since,
                next,
                count,
            } => self.repositories(workspace, since, next, count).await,
            Piece::Named { name } => self.named(&name).await,
            Piece::Between { visit, known, next } => self.between(visit, known, next).await,
            Piece::Commits { visit, next } => self.commits(visit, next).await,
            Piece::PullRequests {
                visit,
                next,
                log,
                is_alone,
            } => self.pull_requests(visit, next, log, is_alone).await,
            Piece::Tags { visit, next } => self.tags(visit, next).await,
        }
    }

    /// A path of a repository's own.
    pub(super) fn path<'p>(repo: &'p Repo, rest: &[&'p str]) -> Vec<&'p str> {
        ["repositories", repo.workspace(), &repo.uuid]
            .into_iter()
            .chain(rest.iter().copied())
            .collect()
    }

    async fn repositories(
        &self,
        workspace: String,
        since: Option<DateTime<Utc>>,
        next: Option<String>,
        count: usize,
    ) -> Result<Turn<Piece>, HttpError> {
        let fields = of_values(REPOSITORY_FIELDS);
        let updated = since.map(|since| newer("updated_on", since));
        let mut query = vec![
            ("sort", "-updated_on"),
            ("pagelen", PAGE),
            ("fields", fields.as_str()),
        ];
        query.extend(updated.as_deref().map(|updated| ("q", updated)));
        let told = page::<ToldRepository>(
            &self.api,
            &["repositories", &workspace],
            &query,
            next.as_deref(),
        )
        .await?;
        let mut turn = Turn::default();
        for repository in &told.values {
            self.meet(repository, &mut turn);
        }
        let count = count + told.values.len();
        match told.next {
            Some(_) if count >= MOST_READ => {
                let names: Vec<String> =
                    told.values.into_iter().map(|told| told.full_name).collect();
                let size = told.size.unwrap_or(count + 1);
                turn.notices.push(scope::too_many(size, &names));
                turn.learnt.push((met(&workspace), Some(String::new())));
            }
            Some(next) => turn.next.insert(
                0,
                Piece::Repositories {
                    workspace,
                    since,
                    next: Some(next),
                    count,
                },
            ),
            None => {
                if since.is_some() {
                    self.look_at_open(&workspace, &told.values, &mut turn);
                }
                turn.learnt.push((met(&workspace), Some(String::new())));
            }
        }
        Ok(turn)
    }

    async fn named(&self, name: &str) -> Result<Turn<Piece>, HttpError> {
        let (workspace, short) = name.split_once('/').unwrap_or((name, ""));
        // A renamed repository answers from its new address.
        let told: ToldRepository = self
            .api
            .get(&["repositories", workspace, short])
            .query("fields", REPOSITORY_FIELDS)
            .send()
            .await?
            .json()?;
        let mut turn = Turn::default();
        self.meet(&told, &mut turn);
        Ok(turn)
    }

    /// Decides what of a repository that is new or was updated is read.
    fn meet(&self, told: &ToldRepository, turn: &mut Turn<Piece>) {
        if !self.cloud.scope.reads(&told.full_name, told.standing()) {
            return;
        }
        let known = known_repo(&self.known, &told.uuid);
        let is_being_read = known
            .as_ref()
            .is_some_and(|known| known.from.is_none_or(|from| from > self.range.start));
        if is_being_read {
            return;
        }
        let Some(branch) = told
            .mainbranch
            .as_ref()
            .and_then(|branch| branch.name.clone())
        else {
            turn.notices.push(Notice::info(format!(
                "{} is empty: it has no main branch yet.",
                told.full_name
            )));
            return;
        };
        let mut repo = Repo {
            uuid: told.uuid.clone(),
            name: told.full_name.clone(),
            repository: told.repository(),
            branch,
        };
        let Some(known) = known else {
            let met = KnownRepo {
                repo: repo.clone(),
                head: None,
                from: None,
                until: self.range.start,
            };
            turn.learnt.push(learnt(&met));
            turn.next.push(Piece::Commits {
                visit: fresh(repo, self.range.start),
                next: None,
            });
            return;
        };
        if known.repo.repository != repo.repository {
            turn.notices.push(Notice::info(format!(
                "{} is called {} now; its events keep the name {}.",
                known.repo.name, repo.name, known.repo.repository
            )));
            repo.repository = known.repo.repository.clone();
        }
        let visit = fresh(repo, known.until - OVERLAP);
        turn.next.push(match known.head {
            Some(known) => Piece::Between {
                visit,
                known,
                next: None,
            },
            None => Piece::Commits { visit, next: None },
        });
    }

    /// Pull requests that are open change without their repository being updated: those are asked for.
    fn look_at_open(&self, workspace: &str, updated: &[ToldRepository], turn: &mut Turn<Piece>) {
        let mut seen = Vec::new();
        let names = self
            .known
            .keys()
            .filter_map(|key| key.strip_prefix("repo/"));
        for known in names.filter_map(|uuid| known_repo(&self.known, uuid)) {
            let beginning = format!("pull_request:{}#", known.repo.repository);
            let is_open = self
                .request
                .unfinished
                .iter()
                .any(|id| id.as_str().starts_with(&beginning));
            let is_read_anyway = known.from.is_none_or(|from| from > self.range.start)
                || updated.iter().any(|told| told.uuid == known.repo.uuid);
            if is_open && !is_read_anyway && known.repo.workspace() == workspace {
                seen.push(Piece::PullRequests {
                    visit: fresh(known.repo, known.until - OVERLAP),
                    next: None,
                    log: Log::default(),
                    is_alone: true,
                });
            }
        }
        turn.next.extend(seen);
    }
}

/// What is known from now on of a repository.
pub(super) fn learnt(known: &KnownRepo) -> (String, Option<String>) {
    let text = serde_json::to_string(known).expect("plain data with text keys");
    (key(&known.repo.uuid), Some(text))
}

/// The filter for what happened at that moment or later.
pub(super) fn newer(field: &str, since: DateTime<Utc>) -> String {
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    format!("{field}>=\"{since}\"")
}
