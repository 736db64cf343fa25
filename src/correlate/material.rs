//! The events of one application, by kind, each once and in an order that does not depend on their arrival.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::history::History;
use super::input::millis;
use super::pull_requests::Request;
use crate::model::{
    Body, Build, Deployment, Event, EventKind, Incident, Release, Repository, SourceName,
};

/// Events by kind.
pub(super) struct Material<'a> {
    /// The events as they came.
    pub history: &'a History,
    /// Every repository that an event names, sorted.
    pub repositories: Vec<Repository>,
    /// Indices of commits into `History::commits`, by (repository, hash), with the number of their repository.
    pub commits: Vec<(u32, u32)>,
    /// The sources of the events, each once a kind.
    pub sources: BTreeSet<(EventKind, &'a SourceName)>,
    /// Indices of pull requests by (repository, number), with the number of their repository.
    pub pull_requests: Vec<(u32, u32)>,
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
    pub(super) fn sort(history: &'a History) -> Self {
        let mut repositories = history.repositories.values().to_vec();
        repositories.sort_unstable();
        let place = |name| repositories.binary_search(name).unwrap_or_else(|at| at) as u32;
        let numbers: Vec<u32> = history.repositories.values().iter().map(place).collect();
        let mut material = Self {
            history,
            commits: commits(history, &numbers),
            pull_requests: pull_requests(history, &numbers),
            sources: BTreeSet::new(),
            repositories,
            builds: Vec::new(),
            deployments: Vec::new(),
            incidents: Vec::new(),
            releases: Vec::new(),
        };
        for (kind, source) in &history.reported {
            let source = history.sources.value(*source);
            material
                .sources
                .extend(source.map(|source| (*kind, source)));
        }
        for event in &history.others {
            match &event.body {
                Body::Build(build) => material.builds.push((event, build)),
                Body::Deployment(deployment) => material.deployments.push((event, deployment)),
                Body::Incident(incident) => material.incidents.push((event, incident)),
                Body::Release(release) => material.releases.push((event, release)),
                // The history has these as columns, and leaves verdicts out.
                Body::Commit(_) | Body::PullRequest(_) | Body::Verdict(_) => {}
            }
        }
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

    /// The pull request of an index into `History::pull_requests`.
    pub(super) fn request(&self, at: u32) -> Request<'a> {
        self.history.pull_requests.at(at)
    }
}

/// Sorted commits; `numbers` are those of the repositories in `History::repositories`.
fn commits(history: &History, numbers: &[u32]) -> Vec<(u32, u32)> {
    let commits = &history.commits;
    // The hash's key goes along, so that sorting need not look at the hashes.
    let mut rows: Vec<(u32, u32, u64)> = commits
        .repository
        .iter()
        .zip(&commits.hash)
        .enumerate()
        .map(|(at, (repository, hash))| (numbers[*repository as usize], at as u32, hash.key()))
        .collect();
    let hash = |at: u32| &commits.hash[at as usize];
    let same = |one: &(u32, u32, u64), other: &(u32, u32, u64)| {
        let order = (one.0, one.2).cmp(&(other.0, other.2));
        order.then_with(|| hash(one.1).cmp(hash(other.1)))
    };
    let progress = |at: u32| {
        let source = history.sources.value(commits.source[at as usize]);
        (commits.committed_at[at as usize], source)
    };
    let author = |at: u32| history.author(commits.author[at as usize]);
    let further_along = |one: u32, other: u32| {
        let order = progress(one).cmp(&progress(other));
        order
            .then_with(|| commits.compare(one, other))
            .then_with(|| author(one).cmp(&author(other)))
    };
    rows.sort_unstable_by(|one, other| {
        same(one, other).then_with(|| further_along(other.1, one.1))
    });
    rows.dedup_by(|later, kept| same(later, kept) == Ordering::Equal);
    rows.into_iter()
        .map(|(number, at, _)| (number, at))
        .collect()
}

/// Sorted pull requests; `numbers` as of `commits`.
fn pull_requests(history: &History, numbers: &[u32]) -> Vec<(u32, u32)> {
    let all = &history.pull_requests;
    let mut rows: Vec<(u32, u32, u64)> = all
        .rows()
        .iter()
        .enumerate()
        .map(|(at, row)| (numbers[row.repository as usize], at as u32, row.number))
        .collect();
    let same =
        |one: &(u32, u32, u64), other: &(u32, u32, u64)| (one.0, one.2).cmp(&(other.0, other.2));
    let progress =
        |request: &Request<'_>| (request.progress(), history.sources.value(request.source));
    let author = |request: &Request<'_>| history.author(request.author);
    let further_along = |one: u32, other: u32| {
        let (one, other) = (all.at(one), all.at(other));
        let order = progress(&one).cmp(&progress(&other));
        order
            .then_with(|| one.compare(&other))
            .then_with(|| author(&one).cmp(&author(&other)))
    };
    rows.sort_unstable_by(|one, other| {
        same(one, other).then_with(|| further_along(other.1, one.1))
    });
    rows.dedup_by(|later, kept| same(later, kept) == Ordering::Equal);
    rows.into_iter()
        .map(|(number, at, _)| (number, at))
        .collect()
}

/// Sorts by id, and of equal ones keeps the one that is further along.
fn once_by_id<T>(rows: &mut Vec<(&Event, T)>) {
    rows.sort_unstable_by(|(one, _), (other, _)| {
        one.id
            .cmp(&other.id)
            .then_with(|| further_along(other, one))
    });
    rows.dedup_by(|(later, _), (kept, _)| later.id == kept.id);
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
