//! A reading: the activity tells what ran and deployed, runs come by REST, deployments of many repositories by one question.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::events::{self, Origin};
use super::json::{JobsJson, ListJson, RunJson, RunsJson, UnfinishedJson};
use super::pieces::{AT_ONCE, Deployments, Piece, Place, Runs};
use super::repositories::{self, keep};
use crate::model::{Glob, Notice, Repository, SourceName};
use crate::providers::git::github::connection::Named;
use crate::providers::git::github::documents::{self, ListKind, Part};
use crate::providers::git::github::graphql::{GraphQl, Unasked, gone};
use crate::providers::http::{Answer, HttpError};
use crate::providers::scope::Scope;
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest, repository_name};

/// Things on a page of REST: the vendor's cap.
const PAGE: usize = 100;
/// A list of runs that is filtered by time ends after a thousand, the vendor says; a window of the rest goes on.
const LAST_PAGE: u32 = 10;
/// A run may be listed a little after it was made.
pub(super) const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// A configured GitHub, as a CI system.
pub(super) struct Actions {
    pub(super) source: SourceName,
    pub(super) github: GraphQl,
    pub(super) named: Named,
    pub(super) scope: Scope,
    pub(super) with_archived: bool,
    pub(super) with_forks: bool,
    pub(super) workflows: Vec<Glob>,
    pub(super) branches: Vec<Glob>,
    /// The branch, where the settings name one and no pattern: GitHub filters by it.
    pub(super) only_branch: Option<String>,
    pub(super) with_jobs: bool,
}

impl Walk for Actions {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, request: &PageRequest, known: &Known) -> Vec<Piece> {
        repositories::begin(self, request, known)
    }

    fn turn<'a>(
        &'a self,
        piece: Piece,
        request: &'a PageRequest,
        known: Arc<Known>,
    ) -> BoxFuture<'a, Result<Turn<Piece>, FetchError>> {
        async move {
            match piece {
                Piece::Owner {
                    login,
                    after,
                    taken,
                    lists,
                } => {
                    self.owner((login, after), (taken, lists), request, &known)
                        .await
                }
                Piece::Named { names } => self.named(names, request, &known).await,
                Piece::Seen { repositories } => self.seen(repositories, request, &known).await,
                Piece::Unfinished { ids } => self.unfinished(ids, request, &known).await,
                Piece::Deployments { lists } => self.deployments(lists, request).await,
                Piece::Runs(runs) => self.runs(runs, request).await,
                Piece::Jobs { place, run, page } => self.jobs(place, run, page, request).await,
            }
        }
        .boxed()
    }
}

impl Actions {
    /// A page of each of these lists of deployments.
    async fn deployments(
        &self,
        lists: Vec<Deployments>,
        request: &PageRequest,
    ) -> Result<Turn<Piece>, FetchError> {
        let parts: Vec<Part<'_>> = lists
            .iter()
            .map(|list| Part {
                kind: ListKind::Deployments,
                repository: &list.place.id,
                oid: None,
                after: list.after.as_deref(),
            })
            .collect();
        let can_be_split = lists.len() > 1;
        let mut reply = match self
            .github
            .ask(request.priority, &documents::batch(&parts), can_be_split)
            .await
        {
            Ok(reply) => reply,
            Err(Unasked::TooHeavy(_)) if can_be_split => {
                let halves = lists.chunks(lists.len().div_ceil(2));
                let next = halves
                    .map(|lists| Piece::Deployments {
                        lists: lists.to_vec(),
                    })
                    .collect();
                return Ok(Turn {
                    next,
                    ..Turn::default()
                });
            }
            Err(unasked) => return Err(unasked.into()),
        };
        let mut turn = Turn::default();
        let mut rest = Vec::new();
        for (at, list) in lists.into_iter().enumerate() {
            let alias = format!("list{at}");
            let told: Option<ListJson> = reply.take(&alias)?;
            let Some(page) = told.and_then(|told| told.deployments) else {
                let (problem, name) = (reply.problem(&alias), &list.place.path);
                turn.notices
                    .push(problem.map_or_else(|| gone(name), |problem| problem.notice(name)));
                continue;
            };
            let repository = Repository::from(list.place.name.as_str());
            let origin = self.origin(&repository);
            turn.events.extend(
                page.seen()
                    .filter_map(|told| events::of_deployment(&origin, told)),
            );
            let oldest = page.seen().map(|told| told.created_at).min();
            let is_deep_enough = oldest.is_none_or(|oldest| oldest < list.until);
            match page.next().filter(|_| !is_deep_enough) {
                Some(after) => rest.push(Deployments {
                    after: Some(after.to_owned()),
                    ..list
                }),
                None => {
                    let floor = if page.next().is_none() {
                        DateTime::UNIX_EPOCH
                    } else {
                        list.floor
                    };
                    let key = format!("deployments:{}", list.place.id);
                    turn.learnt.push((key, Some(keep(list.newest, floor, ""))));
                }
            }
        }
        if !rest.is_empty() {
            turn.next.push(Piece::Deployments { lists: rest });
        }
        Ok(turn)
    }

    fn origin<'a>(&'a self, repository: &'a Repository) -> Origin<'a> {
        Origin {
            source: &self.source,
            repository,
        }
    }

    /// Whether a run's builds are asked for.
    fn reads(&self, run: &RunJson) -> bool {
        let fits = |globs: &[Glob], text: Option<&str>| {
            globs.is_empty() || text.is_some_and(|text| globs.iter().any(|glob| glob.matches(text)))
        };
        fits(&self.workflows, run.name.as_deref())
            && fits(&self.branches, run.head_branch.as_deref())
    }

    /// A page of REST, or what people are told where it is hidden or gone.
    async fn rest(
        &self,
        place: &Place,
        path: &[&str],
        query: &[(&str, String)],
        request: &PageRequest,
    ) -> Result<Result<Answer, Notice>, FetchError> {
        let api = self.github.api.at(request.priority);
        let (owner, name) = place.path.split_once('/').unwrap_or(("", &place.path));
        let mut whole = self.github.rest.to_vec();
        whole.extend(["repos", owner, name, "actions"]);
        whole.extend(path);
        let mut call = api.get(&whole);
        for (key, value) in query {
            call = call.query(key, value);
        }
        match call.send().await {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) if error.concerns_one_thing() => Ok(Err(refused(&place.path, &error))),
            Err(error) => Err(error.into()),
        }
    }

    async fn runs(&self, runs: Runs, request: &PageRequest) -> Result<Turn<Piece>, FetchError> {
        let written = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let mut query = vec![
            ("per_page", PAGE.to_string()),
            ("page", runs.page.to_string()),
            (
                "created",
                format!("{}..{}", written(runs.start), written(runs.end)),
            ),
        ];
        query.extend(
            self.only_branch
                .iter()
                .map(|branch| ("branch", branch.clone())),
        );
        let mut turn = Turn::default();
        let answer = match self.rest(&runs.place, &["runs"], &query, request).await? {
            Ok(answer) => answer,
            Err(notice) => {
                turn.notices.push(notice);
                return Ok(turn);
            }
        };
        let told: RunsJson = answer.json()?;
        let repository = Repository::from(runs.place.name.as_str());
        let origin = self.origin(&repository);
        for run in told.workflow_runs.iter().filter(|run| self.reads(run)) {
            turn.events.extend(events::of_run(&origin, run));
            let is_over = run.status.as_deref() == Some("completed");
            if self.with_jobs && is_over {
                turn.next.push(Piece::Jobs {
                    place: runs.place.clone(),
                    run: (run.id, run.node_id.clone()),
                    page: 1,
                });
            }
        }
        let oldest = told.workflow_runs.iter().map(|run| run.created_at).min();
        let is_full = told.workflow_runs.len() >= PAGE;
        match (oldest, answer.next().is_some()) {
            (_, true) if runs.page < LAST_PAGE => turn.next.push(Piece::Runs(Runs {
                page: runs.page + 1,
                ..runs
            })),
            (Some(oldest), _) if is_full && runs.page == LAST_PAGE && oldest < runs.end => {
                // Those of the same second come again: storing them twice changes nothing.
                turn.next.push(Piece::Runs(Runs {
                    page: 1,
                    end: oldest,
                    ..runs
                }));
            }
            _ => {
                let key = format!("runs:{}", runs.place.id);
                turn.learnt
                    .push((key, Some(keep(runs.until, runs.floor, &runs.fingerprint))));
            }
        }
        Ok(turn)
    }

    async fn jobs(
        &self,
        place: Place,
        run: (u64, String),
        page: u32,
        request: &PageRequest,
    ) -> Result<Turn<Piece>, FetchError> {
        let number = run.0.to_string();
        let query = [("per_page", PAGE.to_string()), ("page", page.to_string())];
        let mut turn = Turn::default();
        let answer = match self
            .rest(&place, &["runs", &number, "jobs"], &query, request)
            .await?
        {
            Ok(answer) => answer,
            Err(notice) => {
                turn.notices.push(notice);
                return Ok(turn);
            }
        };
        let told: JobsJson = answer.json()?;
        let repository = Repository::from(place.name.as_str());
        let origin = self.origin(&repository);
        turn.events.extend(
            told.jobs
                .iter()
                .filter_map(|job| events::of_job(&origin, &run.1, job)),
        );
        if answer.next().is_some() && !told.jobs.is_empty() {
            turn.next.push(Piece::Jobs {
                place,
                run,
                page: page + 1,
            });
        }
        Ok(turn)
    }

    /// How unfinished runs and deployments went on.
    async fn unfinished(
        &self,
        ids: Vec<String>,
        request: &PageRequest,
        known: &Known,
    ) -> Result<Turn<Piece>, FetchError> {
        let asked = documents::unfinished(&ids);
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let told: Vec<Option<UnfinishedJson>> = reply.take("nodes")?.unwrap_or_default();
        let events = told.iter().flatten().filter_map(|told| {
            let place = match told {
                UnfinishedJson::Deployment { repository, .. } => repository,
                UnfinishedJson::WorkflowRun(run) => &run.check_suite.repository,
            };
            let first = known.get(&format!("name:{}", place.id));
            let repository = match first {
                Some(name) => Repository::from(name.as_str()),
                None => repository_name::of_url(&place.url)?,
            };
            let origin = self.origin(&repository);
            match told {
                UnfinishedJson::Deployment { deployment, .. } => {
                    events::of_deployment(&origin, deployment)
                }
                UnfinishedJson::WorkflowRun(run) => events::of_unfinished(&origin, run),
            }
        });
        Ok(Turn {
            events: events.collect(),
            ..Turn::default()
        })
    }
}

fn refused(thing: &str, error: &HttpError) -> Notice {
    match error {
        HttpError::Forbidden { needs, .. } => {
            let needs = needs.as_deref().unwrap_or("the permission Actions (read)");
            Notice::warning(format!(
                "Cannot read the runs of {thing}: the token needs {needs}."
            ))
        }
        _ => gone(thing),
    }
}
