//! Reverts: commits and pull requests that say which earlier change they take back.

use super::NONE;
use super::graph::Graph;
use super::keys::KeyMap;
use super::paths::Touch;
use super::requests::Requests;
use crate::model::{EventKey, EventKind};

/// A commit that takes another one back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Revert {
    /// The commit that is taken back.
    pub reverted: u32,
    /// The commit that does so.
    pub by: u32,
    /// Kind and key of the event that says so.
    pub evidence: (EventKind, EventKey),
    /// Whether what is taken back is a revert itself: that is no evidence of failure.
    pub is_of_revert: bool,
}

/// Whether each commit takes another one back; empty where none does.
pub(super) fn reverting(graph: &Graph<'_>, requests: &Requests<'_>) -> Vec<bool> {
    let by_request = requests
        .all()
        .zip(&requests.landing)
        .filter(|((_, request), landing)| request.reverts.is_some() && **landing != NONE)
        .map(|(_, landing)| *landing);
    let by_message = graph.reverting.iter().copied();
    let mut reverting = Vec::new();
    for commit in by_request.chain(by_message) {
        if reverting.is_empty() {
            reverting.resize(graph.len(), false);
        }
        reverting[commit as usize] = true;
    }
    reverting
}

/// All reverts of known commits, in order, each pair once: where commit and pull request say the same, the commit.
pub(super) fn reverts(
    graph: &Graph<'_>,
    requests: &Requests<'_>,
    reverting: &[bool],
    touches: &[Touch],
) -> Vec<Revert> {
    if reverting.is_empty() {
        return Vec::new();
    }
    let is_ours = |commit: u32| touches[commit as usize] != Touch::Elsewhere;
    let squashed = squashed(requests);
    let mut found = Vec::new();
    for by in graph.reverting.iter().copied().filter(|by| is_ours(*by)) {
        for hash in graph.reverts(by) {
            let known = graph.find(graph.repository[by as usize], hash);
            // A message may name a commit as it stood before its pull request was squashed.
            let result = squashed
                .get(&hash.key())
                .map(|request| requests.landing[*request as usize])
                .filter(|landing| requests.is_rewritten[*landing as usize]);
            for reverted in [known, result].into_iter().flatten() {
                found.push(Revert {
                    reverted,
                    by,
                    evidence: (EventKind::Commit, graph.key(by)),
                    is_of_revert: reverting[reverted as usize],
                });
            }
        }
    }
    for (at, (repository, request)) in requests.all().enumerate() {
        let reverted = request
            .reverts
            .and_then(|number| requests.numbered(repository, number))
            .map(|reverted| requests.landing[reverted as usize]);
        let by = requests.landing[at];
        if let Some(reverted) = reverted
            && reverted != NONE
            && by != NONE
            && is_ours(by)
        {
            found.push(Revert {
                reverted,
                by,
                evidence: (EventKind::PullRequest, request.key),
                is_of_revert: reverting[reverted as usize],
            });
        }
    }
    found.retain(|revert| revert.reverted != revert.by);
    found.sort_unstable();
    found.dedup_by_key(|revert| (revert.reverted, revert.by));
    found
}

/// The merged pull request of each commit that is one of its own.
fn squashed(requests: &Requests<'_>) -> KeyMap<u32> {
    let mut squashed = KeyMap::default();
    for (at, (_, request)) in requests.all().enumerate() {
        if requests.landing[at] != NONE {
            for hash in request.commits() {
                squashed.entry(hash.key()).or_insert(at as u32);
            }
        }
    }
    squashed
}
