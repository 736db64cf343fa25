//! Deployments of a project: into environments, and those of classic releases.

use chrono::TimeDelta;

use super::lists::{Asking, BY_NUMBER, ENVIRONMENT, PAGE, RELEASE, instant, page};
use super::pieces::{Piece, Place, Project};
use super::{events, json};
use crate::providers::azure_devops::{PREVIEW, VERSION, continuation};
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// Deployments of releases a page: the vendor's cap.
const RELEASES: usize = 100;
/// A deployment that waits longer for an approval is found by its number.
const LONGEST_RUN: TimeDelta = TimeDelta::days(1);

impl Asking<'_> {
    pub(super) async fn environments(
        &self,
        project: Project,
        next: Option<String>,
        mut found: Vec<Place>,
    ) -> Result<Turn<Piece>, HttpError> {
        let call = self
            .api
            .get(&[&project.id, "_apis", "distributedtask", "environments"])
            .query("$top", PAGE);
        let answer = page(call, next.as_deref(), PREVIEW, ENVIRONMENT).await?;
        let told: json::List<json::Environment> = answer.json()?;
        found.extend(told.value.into_iter().map(|told| Place {
            id: told.id,
            name: told.name,
        }));
        let next = match continuation(&answer) {
            Some(next) => Piece::Environments {
                project,
                next: Some(next),
                found,
            },
            None => after_place(project, found),
        };
        Ok(Turn {
            next: vec![next],
            ..Turn::default()
        })
    }

    pub(super) async fn records(
        &self,
        mut project: Project,
        mut places: Vec<Place>,
        next: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let place = places[0].clone();
        let number = place.id.to_string();
        let call = self
            .api
            .get(&[
                &project.id,
                "_apis",
                "distributedtask",
                "environments",
                &number,
                "environmentdeploymentrecords",
            ])
            .query("top", PAGE);
        let answer = page(call, next.as_deref(), PREVIEW, ENVIRONMENT).await?;
        let told: json::List<json::Record> = answer.json()?;
        let mut turn = Turn::default();
        let owner = |told: &json::Record| told.owner.as_ref()?.id;
        let deployed = told.value.iter().filter_map(owner);
        self.look_up(&mut project, deployed.collect(), &mut turn)
            .await?;
        for told in &told.value {
            let made = owner(told).and_then(|run| project.runs.get(&run));
            let event = self.origin(&project).record(told, &place.name, made);
            turn.events.extend(event);
        }
        // Newest first: what lies behind is known, but for what was still to end.
        let oldest = told.value.iter().filter_map(|told| {
            let at = told.start_time.or(told.queue_time)?;
            Some((at, told.id))
        });
        let waiting = self.unfinished_of(&project, "environment").min();
        let goes_on = oldest.min().is_none_or(|(at, number)| {
            at >= project.since - LONGEST_RUN || waiting.is_some_and(|waiting| waiting < number)
        });
        turn.next.push(match continuation(&answer) {
            Some(next) if goes_on => Piece::Records {
                project,
                places,
                next: Some(next),
            },
            Some(_) | None => {
                places.remove(0);
                after_place(project, places)
            }
        });
        Ok(turn)
    }

    /// Asks for runs by number that were not met in this reading: older ones, and those that were deployed anew.
    async fn look_up(
        &self,
        project: &mut Project,
        mut runs: Vec<u64>,
        turn: &mut Turn<Piece>,
    ) -> Result<(), HttpError> {
        runs.sort_unstable();
        runs.dedup();
        runs.retain(|run| !project.runs.contains_key(run));
        for some in runs.chunks(BY_NUMBER) {
            let found = match self.by_number(project, some).await {
                Ok(found) => found,
                // Runs are hidden, which their own list has said: deployments count without their commits.
                Err(error) if error.concerns_one_thing() => return Ok(()),
                Err(error) => return Err(error),
            };
            for told in found {
                if let Some((made, _)) = self.run(&told, project, turn) {
                    project.meet(told.id, made);
                }
            }
        }
        Ok(())
    }

    pub(super) async fn deployments(
        &self,
        mut project: Project,
        next: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let call = self
            .releases
            .get(&[&project.id, "_apis", "release", "deployments"])
            .query("queryOrder", "descending")
            .query("minModifiedTime", instant(project.since))
            .query("$top", RELEASES);
        let answer = page(call, next.as_deref(), VERSION, RELEASE).await?;
        let told: json::List<json::Deployment> = answer.json()?;
        let mut turn = Turn::default();
        let run_of = |told: &json::Deployment| told.release.as_ref().and_then(events::run_of);
        let said_itself = |told: &json::Deployment, project: &Project| {
            let artifact = told.release.as_ref().and_then(events::primary)?;
            self.origin(project).made_of(artifact)
        };
        let unsaid = told
            .value
            .iter()
            .filter(|told| said_itself(told, &project).is_none());
        let runs = unsaid.filter_map(run_of).collect();
        self.look_up(&mut project, runs, &mut turn).await?;
        for told in &told.value {
            let of_run = run_of(told).and_then(|run| project.runs.get(&run)).cloned();
            let made = of_run.or_else(|| said_itself(told, &project));
            let event = self.origin(&project).release(told, made.as_ref());
            turn.events.extend(event);
        }
        match continuation(&answer) {
            Some(next) => turn.next.push(Piece::Releases {
                project,
                next: Some(next),
            }),
            None => turn.learnt.push(self.read(&project)),
        }
        Ok(turn)
    }
}

/// What follows on the environments before.
pub(super) fn after_place(project: Project, places: Vec<Place>) -> Piece {
    if places.is_empty() {
        Piece::Releases {
            project,
            next: None,
        }
    } else {
        Piece::Records {
            project,
            places,
            next: None,
        }
    }
}
