//! Pull requests as far as a repository knows them: what merge and squash commits say.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::commits::{Commits, SaidRequest, instant};
use super::graph::{Graph, Place};
use crate::model::{Commit, CommitHash, PullRequest};

/// More own commits than this are not listed.
const MOST_OWN_COMMITS: usize = 250;

/// Telling a branch from its trunk may pass so many commits; beyond, its commits stay unknown.
const MOST_STEPS: usize = 20_000;

/// The pull requests of the default branch that were met so far.
#[derive(Default)]
pub(super) struct Found(BTreeMap<u64, Merged>);

/// A commit that brought in a pull request.
struct Merged {
    place: Place,
    hash: CommitHash,
    at: DateTime<Utc>,
    is_merge: bool,
    said: SaidRequest,
}

impl Found {
    /// Takes note of a commit that names a pull request.
    pub(super) fn meet(&mut self, place: Place, commit: &Commit, said: SaidRequest) {
        let Some(number) = commit.pull_request else {
            return;
        };
        let is_merge = commit.is_merge();
        // A pick keeps the number of the commit it was picked from; that one brought the request in.
        if commit.picked_from.is_some() && !is_merge {
            return;
        }
        let merged = Merged {
            place,
            hash: commit.hash,
            at: commit.committed_at,
            is_merge,
            said,
        };
        match self.0.entry(number) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(merged);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                // Of several commits with one number a merge knows best, then the earliest.
                let known = entry.get();
                if (!merged.is_merge, merged.at, merged.hash)
                    < (!known.is_merge, known.at, known.hash)
                {
                    entry.insert(merged);
                }
            }
        }
    }

    /// The next pull request, the highest number first.
    pub(super) fn next(&mut self, graph: &mut Graph, commits: &mut Commits) -> Option<PullRequest> {
        let (number, merged) = self.0.pop_last()?;
        let mut request = PullRequest {
            repository: commits.name.clone(),
            number,
            head: None,
            head_branch: merged.said.head_branch,
            base: merged.said.base,
            merge_commit: None,
            squash_commit: None,
            commits: Vec::new(),
            opened_at: None,
            first_commit_at: None,
            first_review_at: None,
            approved_at: None,
            merged_at: Some(merged.at),
            closed_at: None,
            author: None,
            labels: crate::model::Labels::default(),
            title: merged.said.title,
            bot: false,
            reverts: None,
        };
        if !merged.is_merge {
            request.squash_commit = Some(merged.hash);
            return Some(request);
        }
        request.merge_commit = Some(merged.hash);
        if let [trunk, branch, ..] = graph.parents(merged.place)[..] {
            // A name of another length than SHA-1's or SHA-256's is none of ours; the rest of the request stands.
            request.head = CommitHash::from_bytes(graph.id(branch).as_slice()).ok();
            if let Some(own) = graph.own_commits(branch, trunk, MOST_STEPS, commits) {
                let earliest = own.iter().map(|place| graph.seconds(*place)).min();
                request.first_commit_at = earliest.and_then(instant);
                request.commits = own
                    .iter()
                    .take(MOST_OWN_COMMITS)
                    .filter_map(|place| CommitHash::from_bytes(graph.id(*place).as_slice()).ok())
                    .collect();
            }
        }
        Some(request)
    }
}
