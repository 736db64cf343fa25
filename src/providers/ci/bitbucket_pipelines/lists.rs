//! The lists of Bitbucket Pipelines and how one leads to the next.
//!
//! Requests of a reading, the fewest that the API documents: a page of a hundred repositories that were updated, a workspace; of
//! each that is new or was updated its deployments and its runs, a hundred a page; of each that deploys and was not updated
//! its deployments, for somebody can deploy or roll back without a push, and no list spans repositories.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::BoxFuture;

use super::pieces::{OVERLAP, Piece, Repo, again, met, whole};
use super::{events, json};
use crate::model::Notice;
use crate::providers::bitbucket_cloud::{
    Cloud, PAGE, REPOSITORY_FIELDS, ToldRepository, Values, of_values, page,
};
use crate::providers::http::{Api, HttpError};
use crate::providers::scope::{self, MOST_READ, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest};

/// What is read of Bitbucket Pipelines.
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
        let named = self.0.repositories.iter();
        pieces.extend(named.map(|name| Piece::Named { name: name.clone() }));
        // Those that were met before and not read as far back as is asked now; lists would not name them again.
        let repos = known.keys().filter_map(|key| key.strip_prefix("repo/"));
        let unread = repos
            .filter_map(|uuid| Repo::known(known, uuid))
            .filter(|repo| !repo.is_read_from(start) && self.reads_still(repo));
        pieces.extend(unread.map(|repo| whole(repo, start)));
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
                request,
                known,
            };
            let name = match &piece {
                Piece::Named { name } => name.clone(),
                Piece::Repositories { workspace, .. } => workspace.clone(),
                Piece::Deployments { repo, .. } | Piece::Runs { repo, .. } => repo.name.clone(),
            };
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
struct Asking<'a> {
    cloud: &'a Cloud,
    api: Api,
    request: &'a PageRequest,
    known: Arc<Known>,
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
            Piece::Deployments {
                repo,
                since,
                next,
                with_runs,
            } => self.deployments(repo, since, next, with_runs).await,
            Piece::Runs { repo, since, next } => self.runs(repo, since, next).await,
        }
    }

    async fn repositories(
        &self,
        workspace: String,
        since: Option<DateTime<Utc>>,
        next: Option<String>,
        count: usize,
    ) -> Result<Turn<Piece>, HttpError> {
        let fields = of_values(REPOSITORY_FIELDS);
        let updated = since.map(|since| {
            let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("updated_on>=\"{since}\"")
        });
        let mut query = vec![
            ("sort", "-updated_on"),
            ("pagelen", PAGE),
            ("fields", fields.as_str()),
        ];
        query.extend(updated.as_deref().map(|updated| ("q", updated)));
        let path = ["repositories", &workspace];
        let told: Values<ToldRepository> = page(&self.api, &path, &query, next.as_deref()).await?;
        let mut turn = Turn::default();
        for repository in &told.values {
            self.meet(repository, &mut turn);
        }
        let count = count + told.values.len();
        let is_full = count >= MOST_READ;
        match told.next {
            Some(next) if !is_full => turn.next.insert(
                0,
                Piece::Repositories {
                    workspace,
                    since,
                    next: Some(next),
                    count,
                },
            ),
            more => {
                if more.is_some() {
                    let names: Vec<String> = told
                        .values
                        .iter()
                        .map(|told| told.full_name.clone())
                        .collect();
                    let size = told.size.unwrap_or(count + 1);
                    turn.notices.push(scope::too_many(size, &names));
                }
                self.look_again(&workspace, &told.values, &mut turn);
                turn.learnt.push((met(&workspace), Some(String::new())));
            }
        }
        Ok(turn)
    }

    async fn named(&self, name: &str) -> Result<Turn<Piece>, HttpError> {
        let (workspace, short) = name.split_once('/').unwrap_or((name, ""));
        // A renamed repository answers from its new address.
        let call = self.api.get(&["repositories", workspace, short]);
        let answer = call.query("fields", REPOSITORY_FIELDS).send().await?;
        let mut turn = Turn::default();
        self.meet(&answer.json()?, &mut turn);
        Ok(turn)
    }

    /// Decides what of a repository that is new or was updated is read.
    fn meet(&self, told: &ToldRepository, turn: &mut Turn<Piece>) {
        if !self.cloud.scope.reads(&told.full_name, told.standing()) {
            return;
        }
        let start = self.request.range.start;
        let Some(known) = Repo::known(&self.known, &told.uuid) else {
            let repo = Repo {
                uuid: told.uuid.clone(),
                name: told.full_name.clone(),
                repository: told.repository(),
                from: None,
                until: start,
                deploys: false,
                tail: None,
            };
            turn.learnt.push(repo.learnt());
            turn.next.push(whole(repo, start));
            return;
        };
        if !known.is_read_from(start) {
            // It is being read.
            return;
        }
        if known.repository != told.repository() {
            turn.notices.push(Notice::info(format!(
                "{} is called {} now; its events keep the name {}.",
                known.name, told.full_name, known.repository
            )));
        }
        let repo = Repo {
            name: told.full_name.clone(),
            ..known
        };
        turn.next.push(again(repo, true));
    }

    /// Repositories that deploy, or where something runs, change without being updated.
    fn look_again(&self, workspace: &str, updated: &[ToldRepository], turn: &mut Turn<Piece>) {
        let repos = self
            .known
            .keys()
            .filter_map(|key| key.strip_prefix("repo/"));
        for repo in repos.filter_map(|uuid| Repo::known(&self.known, uuid)) {
            let beginning = events::beginning(&repo.repository);
            let mut unfinished = self.request.unfinished.iter();
            let runs = unfinished.any(|id| id.as_str().starts_with(&beginning));
            let is_read_anyway = !repo.is_read_from(self.request.range.start)
                || updated.iter().any(|told| told.uuid == repo.uuid);
            if (runs || repo.deploys) && !is_read_anyway && repo.workspace() == workspace {
                turn.next.push(again(repo, runs));
            }
        }
    }

    async fn deployments(
        &self,
        mut repo: Repo,
        since: DateTime<Utc>,
        next: Option<String>,
        with_runs: bool,
    ) -> Result<Turn<Piece>, HttpError> {
        let query = [("pagelen", PAGE), ("fields", json::DEPLOYMENT_FIELDS)];
        let asked = next.or_else(|| repo.tail.clone());
        let told: Values<json::Deployment> = page(
            &self.api,
            &repo.path("deployments"),
            &query,
            asked.as_deref(),
        )
        .await?;
        let mut turn = Turn::default();
        let made = told
            .values
            .iter()
            .filter_map(|told| events::deployment(self.api.source(), &repo.repository, told));
        turn.events.extend(made);
        repo.deploys |= !turn.events.is_empty();
        let mut times = told.values.iter().filter_map(json::Deployment::changed_at);
        let is_new = times.clone().any(|at| at >= since);
        // Their order is not documented: either way the list is read no further than it has to be.
        let first = times.next();
        let is_oldest_first = times.next_back().is_some_and(|last| first < Some(last));
        let with_runs = with_runs || is_new;
        let goes_on = is_new || is_oldest_first || told.values.is_empty();
        if let Some(next) = told.next.filter(|_| goes_on) {
            turn.next.push(Piece::Deployments {
                repo,
                since,
                next: Some(next),
                with_runs,
            });
            return Ok(turn);
        }
        repo.tail = asked.filter(|_| is_oldest_first);
        if with_runs {
            turn.next.push(Piece::Runs {
                repo,
                since,
                next: None,
            });
        } else {
            turn.learnt.push(self.read(repo));
        }
        Ok(turn)
    }

    async fn runs(
        &self,
        repo: Repo,
        since: DateTime<Utc>,
        next: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let query = [
            ("sort", "-created_on"),
            ("pagelen", PAGE),
            ("fields", json::RUN_FIELDS),
        ];
        let told: Values<json::Run> =
            page(&self.api, &repo.path("pipelines"), &query, next.as_deref()).await?;
        let mut turn = Turn::default();
        let made = told
            .values
            .iter()
            .filter_map(|told| events::build(self.api.source(), &repo.repository, told));
        turn.events.extend(made);
        let created = told.values.iter().filter_map(|told| told.created_on);
        let is_new = created.min().is_none_or(|at| at >= since);
        match told.next.filter(|_| is_new) {
            Some(next) => turn.next.push(Piece::Runs {
                repo,
                since,
                next: Some(next),
            }),
            None => turn.learnt.push(self.read(repo)),
        }
        Ok(turn)
    }

    /// Everything of a repository is stored.
    fn read(&self, repo: Repo) -> (String, Option<String>) {
        let range = self.request.range;
        let from = repo.from.map_or(range.start, |from| from.min(range.start));
        let until = match repo.from {
            Some(_) => repo.until.max(range.end),
            None => range.end,
        };
        let repo = Repo {
            from: Some(from),
            until,
            ..repo
        };
        repo.learnt()
    }
}
