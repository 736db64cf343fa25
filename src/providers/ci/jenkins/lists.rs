//! The lists of a Jenkins: one request for all jobs with their newest builds, more only where a job has more.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::builds;
use super::json::{self, BUILD};
use crate::model::{Glob, Notice};
use crate::providers::http::{Api, HttpError};
use crate::providers::scope::{Scope, Standing};
use crate::providers::walk::{Known, Turn, Walk};
use crate::providers::{CheckReport, FetchError, PageRequest};

/// Folders in folders that are looked into: an organisation, its projects, their branches, and two more.
const DEPTH: usize = 5;
/// What `builds` holds at most.
const MOST_OF_ALL: usize = 100;
/// What a refresh asks of every job; a job with more new builds is asked by itself.
const NEWEST: usize = 20;
/// A range this short is a refresh.
const REFRESH: TimeDelta = TimeDelta::days(2);
/// Builds of one job a page.
const PAGE: usize = 500;
const AT_ONCE: usize = 2;
/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// A Jenkins and what is read of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) api: Api,
    pub(super) scope: Scope,
    /// Repositories that are only used.
    pub(super) libraries: Vec<Glob>,
}

/// One answer that is still to be read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    /// All jobs with their newest builds.
    All,
    /// All jobs without builds, for a Jenkins too large to tell both at once.
    Names,
    /// Builds of one job, from so many on.
    Job { name: String, from: usize },
    /// A build that was running.
    Build { job: String, number: u64 },
}

impl Walk for Lists {
    type Piece = Piece;

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn begin(&self, _: &PageRequest, _: &Known) -> Vec<Piece> {
        vec![Piece::All]
    }

    fn turn<'a>(
        &'a self,
        piece: Piece,
        request: &'a PageRequest,
        _: Arc<Known>,
    ) -> BoxFuture<'a, Result<Turn<Piece>, FetchError>> {
        Box::pin(async move {
            let api = self.api.at(request.priority);
            let name = match &piece {
                Piece::All | Piece::Names => None,
                Piece::Job { name, .. } | Piece::Build { job: name, .. } => Some(name.clone()),
            };
            let turned = match piece {
                Piece::All => match self.all(&api, request).await {
                    Err(HttpError::TooLarge { .. }) => Ok(Turn {
                        next: vec![Piece::Names],
                        ..Turn::default()
                    }),
                    turned => turned,
                },
                Piece::Names => self.names(&api, request).await,
                Piece::Job { name, from } => self.job(&api, request, name, from).await,
                Piece::Build { job, number } => self.build(&api, &job, number).await,
            };
            match (turned, name) {
                (Err(error), Some(name)) if error.concerns_one_thing() => Ok(Turn {
                    notices: vec![Notice::warning(format!("Leaves out {name}: {error}."))],
                    ..Turn::default()
                }),
                (turned, _) => turned.map_err(FetchError::from),
            }
        })
    }
}

/// `jobs[…,jobs[…]]`, as deep as folders are looked into.
fn nested(of_job: &str) -> String {
    (0..DEPTH).fold(String::new(), |inner, _| {
        let comma = if inner.is_empty() { "" } else { "," };
        format!("jobs[fullName,{of_job}{comma}{inner}]")
    })
}

/// The parts of a job's path.
fn path(job: &str) -> Vec<&str> {
    job.split('/').flat_map(|part| ["job", part]).collect()
}

/// The jobs in folders, with the folders left out.
fn flattened(jobs: Vec<json::Job>) -> Vec<json::Job> {
    let mut found = Vec::new();
    let mut open = jobs;
    while let Some(mut job) = open.pop() {
        match job.jobs.take() {
            Some(inner) => open.extend(inner),
            None => found.push(job),
        }
    }
    found
}

impl Lists {
    fn host(&self) -> &str {
        self.api.base().host_str().unwrap_or_default()
    }

    fn reads(&self, job: &json::Job) -> bool {
        job.full_name
            .as_deref()
            .is_some_and(|name| self.scope.reads(name, Standing::default()))
    }

    async fn all(&self, api: &Api, request: &PageRequest) -> Result<Turn<Piece>, HttpError> {
        let newest = if request.range.length() <= REFRESH {
            NEWEST
        } else {
            MOST_OF_ALL
        };
        let tree = nested(&format!("builds[{BUILD}]{{0,{newest}}},firstBuild[number]"));
        let told: json::Job = api
            .get(&["api", "json"])
            .query("tree", tree)
            .send()
            .await?
            .json()?;
        let mut turn = Turn::default();
        let mut running = self.running(request);
        for job in flattened(told.jobs.unwrap_or_default()) {
            if !self.reads(&job) {
                continue;
            }
            let name = job.full_name.unwrap_or_default();
            let listed = job.builds.unwrap_or_default();
            running.retain(|(of, number)| {
                *of != name || !listed.iter().any(|build| build.number == *number)
            });
            let reaches_further = self.take(&name, &listed, request, &mut turn);
            let is_all = listed.last().map(|build| build.number)
                == job.first_build.map(|first| first.number);
            if reaches_further && listed.len() == newest && !is_all {
                turn.next.push(Piece::Job { name, from: newest });
            }
        }
        turn.next.extend(
            running
                .into_iter()
                .map(|(job, number)| Piece::Build { job, number }),
        );
        Ok(turn)
    }

    /// The builds that were running when last read.
    fn running(&self, request: &PageRequest) -> Vec<(String, u64)> {
        let ids = request.unfinished.iter();
        let builds = ids.filter_map(|id| builds::of_id(id.as_str(), self.host()));
        builds
            .map(|(job, number)| (job.to_owned(), number))
            .collect()
    }

    /// Takes builds in, newest first; whether older ones may still count.
    fn take(
        &self,
        name: &str,
        listed: &[json::Build],
        request: &PageRequest,
        turn: &mut Turn<Piece>,
    ) -> bool {
        let start = request.range.start;
        for build in listed {
            // A build counts from its end on; one that runs is taken whenever it began.
            if builds::finished_at(build).is_none_or(|at| at >= start) {
                turn.events.extend(builds::events(
                    self.api.source(),
                    self.host(),
                    name,
                    build,
                    &self.libraries,
                ));
            }
        }
        listed
            .last()
            .and_then(builds::started_at)
            .is_some_and(|at| at >= start)
    }

    async fn names(&self, api: &Api, request: &PageRequest) -> Result<Turn<Piece>, HttpError> {
        let told: json::Job = api
            .get(&["api", "json"])
            .query("tree", nested("firstBuild[number]"))
            .send()
            .await?
            .json()?;
        let jobs = flattened(told.jobs.unwrap_or_default()).into_iter();
        let built = jobs.filter(|job| self.reads(job) && job.first_build.is_some());
        let mut turn = Turn::default();
        turn.next.extend(
            built
                .filter_map(|job| job.full_name)
                .map(|name| Piece::Job { name, from: 0 }),
        );
        turn.next.extend(
            self.running(request)
                .into_iter()
                .map(|(job, number)| Piece::Build { job, number }),
        );
        Ok(turn)
    }

    async fn job(
        &self,
        api: &Api,
        request: &PageRequest,
        name: String,
        from: usize,
    ) -> Result<Turn<Piece>, HttpError> {
        let tree = format!("allBuilds[{BUILD}]{{{from},{}}}", from + PAGE);
        let path: Vec<&str> = path(&name).into_iter().chain(["api", "json"]).collect();
        let told: json::Job = api.get(&path).query("tree", tree).send().await?.json()?;
        let listed = told.all_builds.unwrap_or_default();
        let mut turn = Turn::default();
        if self.take(&name, &listed, request, &mut turn) && listed.len() == PAGE {
            turn.next.push(Piece::Job {
                name,
                from: from + PAGE,
            });
        }
        Ok(turn)
    }

    async fn build(&self, api: &Api, job: &str, number: u64) -> Result<Turn<Piece>, HttpError> {
        let number = number.to_string();
        let path: Vec<&str> = path(job)
            .into_iter()
            .chain([number.as_str(), "api", "json"])
            .collect();
        let build: json::Build = api.get(&path).query("tree", BUILD).send().await?.json()?;
        let events = builds::events(self.api.source(), self.host(), job, &build, &self.libraries);
        Ok(Turn {
            events,
            ..Turn::default()
        })
    }

    /// Reads the names of jobs.
    pub(super) async fn check(&self, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
        let answer = self
            .api
            .get(&["api", "json"])
            .query("tree", nested("name"))
            .send()
            .await?;
        let told: json::Job = answer.json()?;
        let mut names: Vec<String> = flattened(told.jobs.unwrap_or_default())
            .into_iter()
            .filter(|job| self.reads(job))
            .filter_map(|job| job.full_name)
            .collect();
        names.sort();
        let shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
        let more = if names.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        let version = answer
            .header("x-jenkins")
            .map(|version| format!(" of Jenkins {version}"))
            .unwrap_or_default();
        let mut advice = names
            .is_empty()
            .then(|| "The user needs Overall/Read and, on folders and jobs, Job/Read; `include` and `exclude` may leave all out.".to_owned());
        if let Some(skew) = answer
            .served_at()
            .map(|served_at| (served_at - now).abs())
            .filter(|skew| *skew > SKEW)
        {
            advice = Some(format!(
                "The server's clock and this machine's differ by {} s: set both by NTP.",
                skew.num_seconds()
            ));
        }
        Ok(CheckReport {
            message: format!(
                "Sees {} jobs{version} ({}{more}).",
                names.len(),
                shown.join(", ")
            ),
            advice,
        })
    }
}
