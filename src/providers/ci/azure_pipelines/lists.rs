//! The lists of Azure Pipelines and how one leads to the next.
//!
//! Requests of a reading, the fewest that the API documents: the projects, and of each its runs (a thousand a page), its
//! environments with their deployments (a thousand a page each), and its classic releases' deployments (a hundred a
//! page). A deployment into an environment is a part of a run, so environments are asked only where something ran.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::future::BoxFuture;

use super::deployments::after_place;
use super::events::{self, Made, Origin};
use super::json;
use super::pieces::{KnownProject, Piece, Project, repository_key};
use crate::model::{Event, Glob, Notice};
use crate::providers::azure_devops::{self, AT_ONCE, VERSION, continuation};
use crate::providers::http::{Answer, Api, Call, HttpError};
use crate::providers::scope::{self, MOST_READ, Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{FetchError, PageRequest};

/// What tokens need.
pub(super) const BUILD: &str = "the scope Build (Read), `vso.build`";
pub(super) const RELEASE: &str = "the scope Release (Read), `vso.release`";
pub(super) const ENVIRONMENT: &str =
    "the scope Environment (Read & manage), `vso.environment_manage`";
pub(super) const PROJECT: &str = "the scope Project and Team (Read), `vso.project`";

/// Runs, projects, environments and their records a page.
pub(super) const PAGE: usize = 1_000;
/// Runs that are asked for by number at once: an address has room for them.
pub(super) const BY_NUMBER: usize = 200;
/// Clocks of the host's parts differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

/// An organisation or collection and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) api: Api,
    /// Where releases are.
    pub(super) releases: Api,
    /// All of them, where none is named.
    pub(super) projects: Vec<String>,
    pub(super) scope: Scope,
    pub(super) pipelines: Vec<Glob>,
    pub(super) branches: Vec<Glob>,
}

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, _: &PageRequest, _: &Known) -> Vec<Piece> {
        if self.projects.is_empty() {
            return vec![Piece::Projects {
                next: None,
                count: 0,
            }];
        }
        let named = self.projects.iter();
        named
            .map(|name| Piece::Named { name: name.clone() })
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
                releases: self.releases.at(request.priority),
                request,
                known,
            };
            // Without the list of all there is nothing left to read.
            let is_all = matches!(piece, Piece::Projects { .. });
            let name = piece.name();
            match asking.turn(piece.clone()).await {
                Ok(turn) => Ok(turn),
                Err(error) if error.concerns_one_thing() && !is_all => Ok(Turn {
                    notices: vec![Notice::warning(format!("Leaves out {name}: {error}."))],
                    next: asking.after_refusal(piece),
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
    pub(super) releases: Api,
    pub(super) request: &'a PageRequest,
    pub(super) known: Arc<Known>,
}

impl Asking<'_> {
    async fn turn(&self, piece: Piece) -> Result<Turn<Piece>, HttpError> {
        match piece {
            Piece::Projects { next, count } => self.projects(next, count).await,
            Piece::Named { name } => self.named(&name).await,
            Piece::Runs { project, next } => self.runs(project, next).await,
            Piece::Unfinished { project, ids } => self.unfinished(project, ids).await,
            Piece::Environments {
                project,
                next,
                found,
            } => self.environments(project, next, found).await,
            Piece::Records {
                project,
                places,
                next,
            } => self.records(project, places, next).await,
            Piece::Releases { project, next } => self.deployments(project, next).await,
        }
    }

    /// What is read of a project although a part of it is hidden.
    fn after_refusal(&self, piece: Piece) -> Vec<Piece> {
        match piece {
            Piece::Projects { .. } | Piece::Named { .. } | Piece::Releases { .. } => Vec::new(),
            Piece::Runs { project, .. } | Piece::Unfinished { project, .. } => {
                self.after_runs(project)
            }
            Piece::Environments { project, .. } => vec![Piece::Releases {
                project,
                next: None,
            }],
            Piece::Records {
                project,
                mut places,
                ..
            } => {
                places.remove(0);
                vec![after_place(project, places)]
            }
        }
    }

    async fn projects(&self, next: Option<String>, count: usize) -> Result<Turn<Piece>, HttpError> {
        let call = self.api.get(&["_apis", "projects"]).query("$top", PAGE);
        let answer = page(call, next.as_deref(), VERSION, PROJECT).await?;
        let told: json::List<json::Project> = answer.json()?;
        let mut turn = Turn::default();
        let mut read: Vec<&json::Project> = told.value.iter().collect();
        read.retain(|told| self.lists.scope.reads(&told.name, Standing::default()));
        let room = MOST_READ.saturating_sub(count);
        if read.len() > room {
            let names: Vec<String> = read.iter().map(|told| told.name.clone()).collect();
            turn.notices
                .push(scope::too_many(count + read.len(), &names));
        }
        let count = count + read.len();
        let read = read.into_iter().take(room);
        turn.next = read.map(|told| self.begin(told)).collect();
        if let Some(next) = continuation(&answer)
            && count < MOST_READ
        {
            turn.next.push(Piece::Projects {
                next: Some(next),
                count,
            });
        }
        Ok(turn)
    }

    async fn named(&self, name: &str) -> Result<Turn<Piece>, HttpError> {
        let call = self.api.get(&["_apis", "projects", name]);
        let told: json::Project = azure_devops::send(call, PROJECT).await?.json()?;
        Ok(Turn {
            next: vec![self.begin(&told)],
            ..Turn::default()
        })
    }

    /// Where the reading of a project begins.
    fn begin(&self, told: &json::Project) -> Piece {
        let start = self.request.range.start;
        let known = KnownProject::of(&self.known, &told.id).filter(|known| known.from <= start);
        Piece::Runs {
            project: Project {
                id: told.id.clone(),
                name: told.name.clone(),
                since: known.as_ref().map_or(start, |known| known.until - OVERLAP),
                is_new: known.is_none(),
                runs: Default::default(),
            },
            next: None,
        }
    }

    async fn runs(
        &self,
        mut project: Project,
        next: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let call = self
            .api
            .get(&[&project.id, "_apis", "build", "builds"])
            .query("queryOrder", "queueTimeDescending")
            .query("minTime", instant(project.since))
            .query("$top", PAGE);
        let answer = page(call, next.as_deref(), VERSION, BUILD).await?;
        let told: json::List<json::Build> = answer.json()?;
        let mut turn = Turn::default();
        self.take_runs(&told.value, &mut project, &mut turn);
        match continuation(&answer) {
            Some(next) => turn.next.push(Piece::Runs {
                project,
                next: Some(next),
            }),
            None => {
                let ids: Vec<u64> = self
                    .unfinished_of(&project, "build")
                    .filter(|id| !told.value.iter().any(|told| told.id == *id))
                    .filter(|id| !project.runs.contains_key(id))
                    .collect();
                if ids.is_empty() {
                    turn.next = self.after_runs(project);
                } else {
                    turn.next.push(Piece::Unfinished { project, ids });
                }
            }
        }
        Ok(turn)
    }

    /// Numbers of events of a project and a kind that had not ended.
    pub(super) fn unfinished_of(&self, project: &Project, kind: &str) -> impl Iterator<Item = u64> {
        let beginning = events::beginning(self.api.base(), &project.id) + kind + "/";
        let ids = self.request.unfinished.iter();
        ids.filter_map(move |id| {
            // What has no number behind it is another one's.
            id.as_str().strip_prefix(beginning.as_str())?.parse().ok()
        })
        .collect::<Vec<u64>>()
        .into_iter()
    }

    async fn unfinished(
        &self,
        mut project: Project,
        mut ids: Vec<u64>,
    ) -> Result<Turn<Piece>, HttpError> {
        let rest = ids.split_off(ids.len().min(BY_NUMBER));
        let told = self.by_number(&project, &ids).await?;
        let mut turn = Turn::default();
        self.take_runs(&told, &mut project, &mut turn);
        if rest.is_empty() {
            turn.next = self.after_runs(project);
        } else {
            turn.next.push(Piece::Unfinished { project, ids: rest });
        }
        Ok(turn)
    }

    pub(super) async fn by_number(
        &self,
        project: &Project,
        ids: &[u64],
    ) -> Result<Vec<json::Build>, HttpError> {
        let ids: Vec<String> = ids.iter().map(u64::to_string).collect();
        let call = self
            .api
            .get(&[&project.id, "_apis", "build", "builds"])
            .query("buildIds", ids.join(","));
        let told: json::List<json::Build> = azure_devops::send(call, BUILD).await?.json()?;
        Ok(told.value)
    }

    /// Makes builds of runs and keeps what they were made of.
    fn take_runs(&self, told: &[json::Build], project: &mut Project, turn: &mut Turn<Piece>) {
        for told in told {
            if let Some((made, event)) = self.run(told, project, turn) {
                turn.events.extend(event);
                project.meet(told.id, made);
            }
        }
    }

    /// What a run was made of, and the build where its pipeline and branch are read.
    pub(super) fn run(
        &self,
        told: &json::Build,
        project: &Project,
        turn: &mut Turn<Piece>,
    ) -> Option<(Made, Option<Event>)> {
        let origin = self.origin(project);
        let mut made = origin.made(told)?;
        if let Some(id) = told.repository.as_ref().and_then(|told| told.id.as_deref()) {
            let key = repository_key(id);
            let learnt = turn.learnt.iter().find(|(known, _)| *known == key);
            let known = self
                .known
                .get(&key)
                .or_else(|| learnt.and_then(|(_, name)| name.as_ref()));
            match known {
                // It was renamed, or its project was; its events keep the name that it had when it was met first.
                Some(known) => made.repository = known.as_str().into(),
                None => turn
                    .learnt
                    .push((key, Some(made.repository.as_str().to_owned()))),
            }
        }
        let name = told
            .definition
            .as_ref()
            .and_then(|told| told.name.as_deref());
        let is_read = any(&self.lists.pipelines, name.unwrap_or_default())
            && any(&self.lists.branches, events::branch(told));
        let event = is_read.then(|| origin.build(told, &made));
        Some((made, event))
    }

    pub(super) fn origin<'o>(&'o self, project: &'o Project) -> Origin<'o> {
        Origin {
            source: self.api.source(),
            base: self.api.base(),
            project_id: &project.id,
            project: &project.name,
        }
    }

    /// Environments change only where something runs.
    fn after_runs(&self, project: Project) -> Vec<Piece> {
        let runs = !project.runs.is_empty();
        let waits = self.unfinished_of(&project, "environment").next().is_some();
        vec![if project.is_new || runs || waits {
            Piece::Environments {
                project,
                next: None,
                found: Vec::new(),
            }
        } else {
            Piece::Releases {
                project,
                next: None,
            }
        }]
    }

    /// Everything of a project is stored.
    pub(super) fn read(&self, project: &Project) -> (String, Option<String>) {
        let range = self.request.range;
        let known = KnownProject::of(&self.known, &project.id).filter(|_| !project.is_new);
        KnownProject {
            name: project.name.clone(),
            from: known
                .as_ref()
                .map_or(range.start, |known| known.from.min(range.start)),
            until: known
                .as_ref()
                .map_or(range.end, |known| known.until.max(range.end)),
        }
        .learnt(&project.id)
    }
}

/// Whether one of the globs matches, or there are none.
fn any(globs: &[Glob], name: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| glob.matches(name))
}

pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Reads a page of a list: the first, or the one behind the token.
pub(super) async fn page(
    call: Call<'_>,
    next: Option<&str>,
    version: &str,
    needs: &str,
) -> Result<Answer, HttpError> {
    let call = match next {
        Some(next) => call.query("continuationToken", next),
        None => call,
    };
    let answer = azure_devops::send_as(call, version, needs).await?;
    if next.is_some() && continuation(&answer).as_deref() == next {
        return Err(HttpError::Malformed {
            what: answer.what().to_owned(),
            source: anyhow::anyhow!("its list repeats a page"),
        });
    }
    Ok(answer)
}
