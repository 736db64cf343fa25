//! Pull requests and the commits they brought.

use smallvec::SmallVec;

use super::NONE;
use super::graph::Graph;
use super::material::Material;
use super::paths::Touch;
use super::pull_requests::Request;
use crate::model::Text;

/// A host stamps all results of one rebase at its merge; what lies further apart came with something else.
const REBASE_SPREAD_MILLISECONDS: i64 = 60_000;

/// The pull requests of an application.
pub(super) struct Requests<'a> {
    material: &'a Material<'a>,
    /// The commit that brought each one in; `NONE` for what is not merged, or whose commit nobody knows.
    pub landing: Vec<u32>,
    /// The pull request of each commit; `NONE` without.
    pub of_commit: Vec<u32>,
    /// Whether a commit is the result of a squash or rebase.
    pub is_rewritten: Vec<bool>,
    /// Earliest committer's time of each one's own commits, milliseconds.
    pub first_commit_at: Vec<Option<i64>>,
}

/// How sure a commit belongs to a pull request, the surest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    Landing,
    Own,
    Rebased,
    Named,
    Merged,
}

impl<'a> Requests<'a> {
    /// Finds the commits of all pull requests.
    pub(super) fn find(material: &'a Material<'a>, graph: &Graph<'_>) -> Self {
        let count = material.pull_requests.len();
        let mut requests = Self {
            material,
            landing: vec![NONE; count],
            of_commit: vec![NONE; graph.len()],
            is_rewritten: vec![false; graph.len()],
            first_commit_at: vec![None; count],
        };
        let mut claims = Claims::new(graph.len());
        let mut landed_by = vec![NONE; if count == 0 { 0 } else { graph.len() }];
        for at in 0..count {
            let (repository, request) = requests.at(at as u32);
            let own: SmallVec<[u32; 8]> = request
                .commits()
                .iter()
                .filter_map(|hash| graph.find(repository, hash))
                .collect();
            requests.first_commit_at[at] = request.first_commit_at.known().or_else(|| {
                own.iter()
                    .map(|commit| graph.committed_at[*commit as usize])
                    .min()
            });
            let order = (request.merged_at.known().unwrap_or(i64::MAX), at as u32);
            for commit in &own {
                claims.add(*commit, Claim::Own, order);
            }
            let Some(landing) = landing(&request, repository, graph) else {
                continue;
            };
            requests.landing[at] = landing;
            claims.add(landing, Claim::Landing, order);
            landed_by[landing as usize] = at as u32;
            if own.contains(&landing) || graph.is_merge[landing as usize] {
                continue;
            }
            requests.is_rewritten[landing as usize] = true;
            if request.squash_commit().is_none() {
                for commit in rebased(&request, landing, graph) {
                    claims.add(commit, Claim::Rebased, order);
                }
            }
        }
        for (commit, number) in &graph.naming_requests {
            let repository = graph.repository[*commit as usize];
            if let Some(named) = requests.numbered(repository, *number) {
                claims.add(*commit, Claim::Named, (i64::MAX, named));
            }
        }
        for (commit, with) in graph.landed_with.iter().enumerate() {
            // Empty without pull requests.
            if let Some(request) = landed_by.get(*with as usize).copied()
                && request != NONE
                && graph.is_merge[*with as usize]
            {
                claims.add(commit as u32, Claim::Merged, (i64::MAX, request));
            }
        }
        for (commit, claim) in claims.0.iter().enumerate() {
            let Some((claim, (_, request))) = claim else {
                continue;
            };
            requests.of_commit[commit] = *request;
            let is_own = *claim == Claim::Own || *claim == Claim::Merged;
            let is_named_result = *claim == Claim::Named
                && requests.landing[*request as usize] == NONE
                && !graph.is_merge[commit];
            if !is_own && (*claim == Claim::Rebased || is_named_result) {
                requests.is_rewritten[commit] = true;
            }
        }
        requests
    }

    /// The pull requests by (repository, number), with the number of their repository.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, Request<'a>)> {
        (0..self.landing.len() as u32).map(|at| self.at(at))
    }

    /// A pull request, with the number of its repository.
    pub(super) fn at(&self, at: u32) -> (u32, Request<'a>) {
        let (repository, row) = self.material.pull_requests[at as usize];
        (repository, self.material.request(row))
    }

    /// Who opened it.
    pub(super) fn author(&self, request: &Request<'_>) -> Option<&'a Text> {
        self.material.history.author(request.author)
    }

    /// The pull request of a number in a repository.
    pub(super) fn numbered(&self, repository: u32, number: u64) -> Option<u32> {
        let order = |row: &(u32, u32)| (row.0, self.material.request(row.1).number);
        let all = &self.material.pull_requests;
        let found = all.binary_search_by_key(&(repository, number), order);
        found.ok().map(|at| at as u32)
    }

    /// The pull request of a commit.
    pub(super) fn of(&self, commit: u32) -> Option<u32> {
        Some(self.of_commit[commit as usize]).filter(|request| *request != NONE)
    }

    /// Whether each pull request changes the application: in a monorepo one of its commits must touch its paths.
    pub(super) fn concerns(&self, touches: &[Touch]) -> Vec<bool> {
        let mut concerns = vec![false; self.landing.len()];
        for (request, touch) in self.of_commit.iter().zip(touches) {
            if *request != NONE && *touch == Touch::Change {
                concerns[*request as usize] = true;
            }
        }
        concerns
    }

    /// When a commit was written down before a squash or rebase, milliseconds; else its own committer's time.
    pub(super) fn committed_at(&self, commit: u32, graph: &Graph<'_>) -> i64 {
        let own = graph.committed_at[commit as usize];
        if !self.is_rewritten[commit as usize] {
            return own;
        }
        self.of(commit)
            .and_then(|request| self.first_commit_at[request as usize])
            .unwrap_or(own)
    }
}

/// The commit that brought a merged pull request to its base.
fn landing(request: &Request<'_>, repository: u32, graph: &Graph<'_>) -> Option<u32> {
    request.merged_at.known()?;
    let candidates = [
        request.squash_commit(),
        request.merge_commit(),
        request.head(),
        request.commits().last(),
    ];
    candidates
        .into_iter()
        .flatten()
        .find_map(|hash| graph.find(repository, hash))
}

/// The other results of the rebase that ends with this commit: as many as the pull request has commits.
fn rebased(request: &Request<'_>, last: u32, graph: &Graph<'_>) -> Vec<u32> {
    let mut results = Vec::new();
    let mut at = last;
    for _ in 1..request.commits().len() {
        let &[parent] = graph.parents(at) else { break };
        let apart = graph.committed_at[last as usize] - graph.committed_at[parent as usize];
        if apart.abs() > REBASE_SPREAD_MILLISECONDS || graph.is_merge[parent as usize] {
            break;
        }
        results.push(parent);
        at = parent;
    }
    results
}

/// The best claim on each commit: the surest, then the pull request merged first.
struct Claims(Vec<Option<(Claim, (i64, u32))>>);

impl Claims {
    fn new(commits: usize) -> Self {
        Self(vec![None; commits])
    }

    fn add(&mut self, commit: u32, claim: Claim, order: (i64, u32)) {
        let held = &mut self.0[commit as usize];
        let claim = (claim, order);
        if held.is_none_or(|held| claim < held) {
            *held = Some(claim);
        }
    }
}
