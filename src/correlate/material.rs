//! The events of one application, by kind, each once and in an order that does not depend on their arrival.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::input::millis;
use crate::model::{
    Body, Build, Commit, Deployment, Event, EventKind, Incident, PullRequest, Release, Repository,
    SourceName,
};

/// Events by kind.
#[derive(Default)]
pub(super) struct Material<'a> {
    /// Every repository that an event names, sorted.
    pub repositories: Vec<Repository>,
    /// Commits by (repository, hash), with the number of their repository.
    pub commits: Vec<(u32, &'a Event, &'a Commit)>,
    /// The sources of the events, each once a kind.
    pub sources: BTreeSet<(EventKind, &'a SourceName)>,
    /// Pull requests by (repository, number), with the number of their repository.
    pub pull_requests: Vec<(u32, &'a Event, &'a PullRequest)>,
    /// Builds by (finish, id).
    pub builds: Vec<(&'a Event, &'a Build)>,
    /// Rollouts by id.
    pub deployments: Vec<(&'a Event, &'a Deployment)>,
    /// Incidents by (opening, id).
    pub incidents: Vec<(&'a Event, &'a Incident)>,
    /// Tags and releases by id.
    pub releases: Vec<(&'a Event, &'a Release)>,
}

impl<'a> Material<'a> {
    /// Sorts the events.
    pub(super) fn sort(events: &'a [Event]) -> Self {
        let mut material = Self {
            repositories: repositories(events),
            ..Self::default()
        };
        // Events of one repository mostly follow each other and share its name.
        let mut last: Option<(&Repository, u32)> = None;
        let known = std::mem::take(&mut material.repositories);
        let mut number = |repository: &'a Repository| match last {
            Some((same, number)) if same == repository => number,
            _ => {
                // Every name was collected above, so it is always found.
                let at = known.binary_search(repository).unwrap_or_else(|at| at) as u32;
                last = Some((repository, at));
                at
            }
        };
        let mut commits = Vec::new();
        let mut last_source = None;
        for event in events {
            let source = (event.body.kind(), &event.source);
            if last_source != Some(source) {
                material.sources.insert(source);
                last_source = Some(source);
            }
            match &event.body {
                Body::Commit(commit) => {
                    // The hash's key goes along, so that sorting need not look at the events.
                    let number = number(&commit.repository);
                    commits.push((number, commit.hash.key(), event, commit));
                }
                Body::PullRequest(request) => {
                    let number = number(&request.repository);
                    material.pull_requests.push((number, event, request));
                }
                Body::Build(build) => material.builds.push((event, build)),
                Body::Deployment(deployment) => material.deployments.push((event, deployment)),
                Body::Incident(incident) => material.incidents.push((event, incident)),
                Body::Release(release) => material.releases.push((event, release)),
                // Verdicts come by `References`, for they may speak of any application.
                Body::Verdict(_) => {}
            }
        }
        material.repositories = known;
        once(
            &mut commits,
            |one, other| {
                let order = (one.0, one.1).cmp(&(other.0, other.1));
                order.then_with(|| one.3.hash.cmp(&other.3.hash))
            },
            |row| row.2,
        );
        let commits = commits.into_iter();
        material.commits = commits
            .map(|(number, _, event, commit)| (number, event, commit))
            .collect();
        once(
            &mut material.pull_requests,
            |one, other| (one.0, one.2.number).cmp(&(other.0, other.2.number)),
            |row| row.1,
        );
        once_by_id(&mut material.builds);
        once_by_id(&mut material.deployments);
        once_by_id(&mut material.incidents);
        once_by_id(&mut material.releases);
        let finish = |build: &Build| build.finished_at.map_or(i64::MAX, millis);
        material.builds.sort_by_key(|(_, build)| finish(build));
        material
            .incidents
            .sort_by_key(|(_, incident)| incident.opened_at);
        material
    }

    /// The number of a repository.
    pub(super) fn repository(&self, repository: &Repository) -> Option<u32> {
        let at = self.repositories.binary_search(repository);
        at.ok().map(|at| at as u32)
    }
}

fn repositories(events: &[Event]) -> Vec<Repository> {
    let mut found: Vec<&Repository> = Vec::new();
    for event in events {
        let repository = match &event.body {
            Body::Commit(commit) => Some(&commit.repository),
            Body::PullRequest(request) => Some(&request.repository),
            Body::Build(build) => Some(&build.repository),
            Body::Release(release) => Some(&release.repository),
            Body::Deployment(deployment) => deployment.repository.as_ref(),
            Body::Incident(incident) => incident.repository.as_ref(),
            Body::Verdict(_) => None,
        };
        if let Some(repository) = repository
            && found.last() != Some(&repository)
        {
            found.push(repository);
        }
    }
    found.sort_unstable();
    found.dedup();
    found.into_iter().cloned().collect()
}

/// Sorts, and of equal ones keeps the one that is further along.
fn once<'a, T>(
    rows: &mut Vec<T>,
    order: impl Fn(&T, &T) -> Ordering,
    event: impl Fn(&T) -> &'a Event,
) {
    rows.sort_unstable_by(|one, other| {
        order(one, other).then_with(|| further_along(event(other), event(one)))
    });
    rows.dedup_by(|later, kept| order(later, kept) == Ordering::Equal);
}

fn once_by_id<T>(rows: &mut Vec<(&Event, T)>) {
    once(rows, |one, other| one.0.id.cmp(&other.0.id), |row| row.0);
}

/// Orders two versions of one event as the ledger does: settled over running, then the later one, then the greater text.
fn further_along(one: &Event, other: &Event) -> Ordering {
    if one == other {
        return Ordering::Equal;
    }
    let rank = |event: &Event| (event.body.is_settled(), event.body.time());
    rank(one).cmp(&rank(other)).then_with(|| {
        let text = |event: &Event| format!("{} {:?}", event.source, event.body);
        text(one).cmp(&text(other))
    })
}
