//! The changes of each deployment with their lead times and parts (definitions, section 2).

use super::builds::Builds;
use super::change_rows::{Change, Rows};
use super::columns::Changes;
use super::delivery::Delivery;
use super::dictionary::Dictionary;
use super::draft::Draft;
use super::findings::{Findings, Oddity};
use super::graph::Graph;
use super::input::Moment;
use super::paths::Touch;
use super::pull_requests::Request;
use super::requests::Requests;
use super::{Flags, NONE, QualityKind};
use crate::model::{EventKind, Text};

/// What the changes of all environments are made of.
pub(super) struct Facts<'d, 'a> {
    pub drafts: &'d [Draft<'a>],
    pub deliveries: &'d [Delivery],
    pub graph: &'d Graph<'a>,
    pub requests: &'d Requests<'a>,
    pub builds: &'d Builds<'a>,
    /// Whether each pull request changes the application.
    pub concerns: &'d [bool],
    pub touches: &'d [Touch],
    /// Whether each commit takes another one back; empty where none does.
    pub reverting: &'d [bool],
}

/// The changes of one environment: commits, merges, pull requests.
pub(super) fn changes<'a>(
    lane: usize,
    facts: &Facts<'_, 'a>,
    authors: &mut Dictionary<'a, Text>,
    findings: &mut Findings,
) -> [Changes; 3] {
    let draft = &facts.drafts[lane];
    let total = facts.deliveries[lane].total();
    let mut commits = Rows::with_capacity(draft.deployments.len(), total);
    let mut merges = Rows::with_capacity(draft.deployments.len(), 0);
    let mut pull_requests = Rows::with_capacity(draft.deployments.len(), 0);
    let mut set = Vec::new();
    let mut landings = facts.landings();
    for at in 0..draft.deployments.len() as u32 {
        let deployment = &draft.deployments[at as usize];
        set.clear();
        if !deployment.flags.has(Flags::BASELINE) {
            set.extend_from_slice(facts.deliveries[lane].set(at));
        }
        set.sort_unstable_by_key(|commit| (facts.graph.committed_at[*commit as usize], *commit));
        let delivered = Delivered {
            facts,
            lane,
            deployment: at,
            finished_at: deployment.finished_at,
            built_at: match deployment.commit {
                NONE => None,
                commit => facts.builds.first_finish(commit),
            },
            is_undated: deployment.flags.has(Flags::UNDATED),
        };
        for commit in set.iter().copied() {
            for request in landings.of(commit) {
                if facts.concerns[*request as usize] {
                    pull_requests.push(delivered.pull_request(*request, commit, authors));
                }
            }
            let is_merge = facts.graph.is_merge[commit as usize];
            match facts.touches[commit as usize] {
                Touch::Change if is_merge => merges.push(delivered.commit(commit, authors)),
                Touch::Change => {
                    let change = delivered.commit(commit, authors);
                    delivered.note_negative(commit, &change, findings);
                    commits.push(change);
                }
                Touch::Unknown if !is_merge => findings.count(Oddity::NoPaths),
                Touch::Elsewhere | Touch::Unknown => {}
            }
        }
        for rows in [&mut commits, &mut merges, &mut pull_requests] {
            rows.end_deployment();
        }
    }
    [commits.finish(), merges.finish(), pull_requests.finish()]
}

impl Facts<'_, '_> {
    /// The pull requests that each commit brings in.
    fn landings(&self) -> Landings {
        let mut by_commit: Vec<(u32, u32)> = self
            .requests
            .landing
            .iter()
            .enumerate()
            .filter(|(_, landing)| **landing != NONE)
            .map(|(request, landing)| (*landing, request as u32))
            .collect();
        by_commit.sort_unstable();
        Landings {
            commits: by_commit.iter().map(|(commit, _)| *commit).collect(),
            requests: by_commit.iter().map(|(_, request)| *request).collect(),
        }
    }

    fn is_revert(&self, commit: u32) -> bool {
        self.reverting
            .get(commit as usize)
            .copied()
            .unwrap_or(false)
    }

    /// Whether another environment of the same tier had a commit before.
    fn had_before(&self, commit: u32, lane: usize, deployment: u32) -> bool {
        let here = &self.drafts[lane];
        let order = here.first_rollout(deployment).order();
        self.drafts.iter().enumerate().any(|(other, there)| {
            if other == lane || there.tier != here.tier {
                return false;
            }
            let by = self.deliveries[other].delivered_by[commit as usize];
            by != NONE && there.first_rollout(by).order() < order
        })
    }
}

/// Pull requests by the commit that brings them in.
struct Landings {
    commits: Vec<u32>,
    requests: Vec<u32>,
}

impl Landings {
    fn of(&mut self, commit: u32) -> &[u32] {
        let from = self.commits.partition_point(|other| *other < commit);
        let to = from + self.commits[from..].partition_point(|other| *other == commit);
        &self.requests[from..to]
    }
}

/// The deployment that delivers.
struct Delivered<'f, 'd, 'a> {
    facts: &'f Facts<'d, 'a>,
    lane: usize,
    deployment: u32,
    finished_at: i64,
    built_at: Option<i64>,
    is_undated: bool,
}

impl<'a> Delivered<'_, '_, 'a> {
    fn commit(&self, at: u32, authors: &mut Dictionary<'a, Text>) -> Change {
        let facts = self.facts;
        let graph = facts.graph;
        let landed = graph.committed_at[at as usize];
        let committed = facts.requests.committed_at(at, graph);
        let request = facts.requests.of(at);
        let request = request.map(|request| facts.requests.at(request).1);
        let authored = graph.authored_at(at).unwrap_or(landed);
        Change {
            key: graph.key(at),
            landed: self.since(Some(landed)),
            committed: self.since(Some(committed)),
            authored: self.since(Some(authored)),
            opened: self.since(request.and_then(|request| request.opened_at.known())),
            merged: self.since(request.and_then(|request| request.merged_at.known())),
            parts: self.parts(committed, request.as_ref()),
            early_parts: self.early_parts(committed, authored, request.as_ref()),
            author: authors.number(graph.author(at)),
            is_repeated_in_tier: facts.had_before(at, self.lane, self.deployment),
            is_revert: facts.is_revert(at),
            is_in_pull_request: request.is_some(),
        }
    }

    fn pull_request(&self, at: u32, landing: u32, authors: &mut Dictionary<'a, Text>) -> Change {
        let facts = self.facts;
        let graph = facts.graph;
        let (repository, request) = facts.requests.at(at);
        let own: Vec<u32> = request
            .commits()
            .iter()
            .filter_map(|hash| graph.find(repository, hash))
            .collect();
        let landing_time = graph.committed_at[landing as usize];
        // After a squash or rebase the result stands on the branch, after a merge the commits themselves do.
        let is_rewritten = facts.requests.is_rewritten[landing as usize];
        let first_own = facts.requests.first_commit_at[at as usize];
        let landed = match is_rewritten {
            true => landing_time,
            false => first_own.unwrap_or(landing_time),
        };
        let committed = first_own.unwrap_or(landing_time);
        let authored = own
            .iter()
            .map(|commit| {
                let committed_at = graph.committed_at[*commit as usize];
                graph.authored_at(*commit).unwrap_or(committed_at)
            })
            .min()
            .or_else(|| graph.authored_at(landing))
            .unwrap_or(committed);
        Change {
            key: request.key,
            landed: self.since(Some(landed)),
            committed: self.since(Some(committed)),
            authored: self.since(Some(authored)),
            opened: self.since(request.opened_at.known()),
            merged: self.since(request.merged_at.known()),
            parts: self.parts(committed, Some(&request)),
            early_parts: self.early_parts(committed, authored, Some(&request)),
            author: authors.number(facts.requests.author(&request)),
            is_repeated_in_tier: facts.had_before(landing, self.lane, self.deployment),
            is_revert: request.reverts.is_some() || facts.is_revert(landing),
            is_in_pull_request: true,
        }
    }

    /// The span from a start to the finish; `None` where it is negative or the time of delivery is unknown.
    fn since(&self, start: Option<i64>) -> Option<i64> {
        let span = self.finished_at.checked_sub(start?)?;
        (span >= 0 && !self.is_undated).then_some(span)
    }

    /// Parts the span from the commit on at the boundaries that lie inside it and in order.
    fn parts(&self, start: i64, request: Option<&Request<'_>>) -> [Option<i64>; 6] {
        let mut parts = [None; 6];
        if self.since(Some(start)).is_none() {
            return parts;
        }
        let of_request =
            |time: fn(&Request<'_>) -> Moment| request.and_then(|one| time(one).known());
        let boundaries = [
            of_request(|request| request.opened_at),
            of_request(|request| request.first_review_at),
            of_request(|request| request.approved_at),
            of_request(|request| request.merged_at),
            self.built_at,
            Some(self.finished_at),
        ];
        let mut last = start;
        for (part, boundary) in parts.iter_mut().zip(boundaries) {
            let inside = boundary.filter(|at| last <= *at && *at <= self.finished_at);
            if let Some(at) = inside {
                *part = Some(at - last);
                last = at;
            }
        }
        parts
    }

    /// The parts from the earliest start; `None` where no boundary lies before `committed`.
    fn early_parts(
        &self,
        committed: i64,
        authored: i64,
        request: Option<&Request<'_>>,
    ) -> Option<[Option<i64>; 6]> {
        let request = request?;
        let starts = [request.opened_at, request.merged_at].map(Moment::known);
        let others = [request.first_review_at, request.approved_at].map(Moment::known);
        let earliest = starts.iter().chain(&others).flatten().min()?;
        if *earliest >= committed {
            return None;
        }
        let start = starts.into_iter().flatten().chain([authored]).min()?;
        let parts = self.parts(start, Some(request));
        let (first, span) = parts
            .iter()
            .enumerate()
            .find_map(|(part, span)| Some((part, (*span)?)))?;
        (first + 1 < parts.len() && start + span < committed).then_some(parts)
    }

    fn note_negative(&self, commit: u32, change: &Change, findings: &mut Findings) {
        let is_odd = change.committed.is_none() || change.landed.is_none();
        if !is_odd || self.is_undated {
            return;
        }
        let graph = self.facts.graph;
        let draft = &self.facts.drafts[self.lane];
        let text = format!(
            "{} would have been deployed to {} before it was committed",
            graph.id(commit),
            draft.environment
        );
        let event = (EventKind::Commit, graph.key(commit));
        let source = graph.source(commit);
        findings.row_about(
            QualityKind::NegativeLeadTime,
            event,
            source,
            self.finished_at,
            text,
        );
    }
}
