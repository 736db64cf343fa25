//! Which deployment delivers which commit, and when each commit is live: one pass over the graph an environment.
//!
//! Deployments are taken in order of time; each walks its history and stops at what is live already. So parallel lines,
//! rollbacks and roll-forwards deliver no commit twice, and all change sets together cost one pass.

use std::collections::BTreeMap;

use super::draft::Draft;
use super::graph::Graph;
use super::rollback::Rollback;
use super::{Flags, NONE};

/// What the deployments of one environment delivered.
pub(super) struct Delivery {
    /// The deployment that first delivered each commit; `NONE` for none.
    pub delivered_by: Vec<u32>,
    /// First index into `commits` of each deployment, and one past the last.
    offset: Vec<u32>,
    commits: Vec<u32>,
    /// When commits were live, by commit and time; empty for those that were live from delivery on.
    interruptions: BTreeMap<u32, Vec<Interruption>>,
    /// Whether a repository has a baseline here.
    pub has_baseline: Vec<bool>,
}

/// A time in which a commit was live no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interruption {
    /// The finish of the rollback, milliseconds.
    pub from: i64,
    /// When it was live again; `i64::MAX`: not yet.
    pub to: i64,
}

impl Delivery {
    /// Walks all deployments of an environment; marks the baselines and those whose changes have no known time.
    pub(super) fn walk(
        draft: &mut Draft<'_>,
        graph: &Graph<'_>,
        repositories: usize,
        rollbacks: &[Rollback],
    ) -> Self {
        let mut walk = Walk {
            graph,
            delivery: Self {
                delivered_by: vec![NONE; graph.len()],
                offset: vec![0],
                commits: Vec::new(),
                interruptions: BTreeMap::new(),
                has_baseline: vec![false; repositories],
            },
            live_by: Vec::new(),
            revived: BTreeMap::new(),
            is_gone: vec![false; draft.deployments.len()],
            stack: Vec::new(),
        };
        let mut losses = losses(draft, rollbacks).into_iter().peekable();
        if losses.peek().is_some() {
            walk.live_by = vec![NONE; graph.len()];
        }
        let mut is_unsure = vec![false; repositories];
        let mut seen_versions = vec![false; draft.rollouts.len()];
        for at in 0..draft.deployments.len() as u32 {
            let here = (draft.deployments[at as usize].finished_at, at);
            while let Some(loss) = losses.next_if(|loss| (loss.at, loss.by) <= here) {
                walk.lose(&loss, draft);
            }
            let first = draft.deployments[at as usize].rollouts[0];
            let version = draft.version_of[first as usize] as usize;
            let is_new = !std::mem::replace(&mut seen_versions[version], true);
            let deployment = &mut draft.deployments[at as usize];
            let repository = deployment.repository as usize;
            if deployment.commit == NONE {
                // A version that comes again brings nothing that its first deployment did not bring.
                if is_new {
                    match is_unsure.get_mut(repository) {
                        Some(is_unsure) => *is_unsure = true,
                        None => is_unsure.fill(true),
                    }
                }
            } else {
                let delivered = walk.deliver(at, deployment.commit, deployment.finished_at);
                if !std::mem::replace(&mut walk.delivery.has_baseline[repository], true) {
                    deployment.flags.set(Flags::BASELINE);
                    is_unsure[repository] = false;
                } else if delivered > 0 && std::mem::take(&mut is_unsure[repository]) {
                    deployment.flags.set(Flags::UNDATED);
                }
            }
            let end = walk.delivery.commits.len() as u32;
            walk.delivery.offset.push(end);
        }
        for loss in losses {
            walk.lose(&loss, draft);
        }
        walk.delivery
    }

    /// The commits first delivered by a deployment, merges and other applications' included.
    pub(super) fn set(&self, deployment: u32) -> &[u32] {
        let at = deployment as usize;
        &self.commits[self.offset[at] as usize..self.offset[at + 1] as usize]
    }

    /// How many commits were delivered.
    pub(super) fn total(&self) -> usize {
        self.commits.len()
    }

    /// The times in which a delivered commit was live no longer, in order.
    pub(super) fn interruptions(&self, commit: u32) -> &[Interruption] {
        self.interruptions.get(&commit).map_or(&[], Vec::as_slice)
    }

    /// The deployment that delivered a commit so that it counts: a baseline's commits count in nothing.
    pub(super) fn counted(&self, commit: u32, draft: &Draft<'_>) -> Option<u32> {
        let deployment = self.delivered_by[commit as usize];
        let is_baseline = |flags: Flags| flags.has(Flags::BASELINE);
        (deployment != NONE && !is_baseline(draft.deployments[deployment as usize].flags))
            .then_some(deployment)
    }
}

/// Deployments of which nothing is live any more from some moment on.
struct Loss {
    at: i64,
    /// The deployment that rolled them back.
    by: u32,
    gone: Vec<u32>,
}

/// A deployment is gone when all of its rollouts are rolled back.
fn losses(draft: &Draft<'_>, rollbacks: &[Rollback]) -> Vec<Loss> {
    let mut standing: Vec<usize> = draft
        .deployments
        .iter()
        .map(|deployment| deployment.rollouts.len())
        .collect();
    let mut losses = Vec::new();
    for rollback in rollbacks {
        let mut gone = Vec::new();
        for rollout in &rollback.undone {
            let deployment = draft.deployment_of[*rollout as usize];
            standing[deployment as usize] -= 1;
            if standing[deployment as usize] == 0 {
                gone.push(deployment);
            }
        }
        if !gone.is_empty() {
            losses.push(Loss {
                at: draft.rollouts[rollback.rollout as usize].finished_at,
                by: draft.deployment_of[rollback.rollout as usize],
                gone,
            });
        }
    }
    losses.sort_by_key(|loss| (loss.at, loss.by));
    losses
}

struct Walk<'g, 'a> {
    graph: &'g Graph<'a>,
    delivery: Delivery,
    /// The standing deployment by which each commit is live; empty where nothing is ever rolled back.
    live_by: Vec<u32>,
    /// Commits that became live again, or stayed live, by a deployment other than their first.
    revived: BTreeMap<u32, Vec<u32>>,
    is_gone: Vec<bool>,
    stack: Vec<u32>,
}

impl Walk<'_, '_> {
    /// Delivers the history of a commit; returns how many commits are new here.
    fn deliver(&mut self, deployment: u32, commit: u32, at: i64) -> usize {
        let before = self.delivery.commits.len();
        let tracks_life = !self.live_by.is_empty();
        self.stack.push(commit);
        while let Some(commit) = self.stack.pop() {
            let index = commit as usize;
            let is_new = self.delivery.delivered_by[index] == NONE;
            if tracks_life {
                if self.live_by[index] != NONE {
                    continue;
                }
                self.live_by[index] = deployment;
                if !is_new {
                    self.revive(commit, deployment);
                    let times = self.delivery.interruptions.get_mut(&commit);
                    if let Some(last) = times.and_then(|times| times.last_mut()) {
                        last.to = at;
                    }
                }
            } else if !is_new {
                continue;
            }
            if is_new {
                self.delivery.delivered_by[index] = deployment;
                self.delivery.commits.push(commit);
            }
            self.stack.extend_from_slice(self.graph.parents(commit));
        }
        self.delivery.commits.len() - before
    }

    fn revive(&mut self, commit: u32, deployment: u32) {
        self.revived.entry(deployment).or_default().push(commit);
    }

    /// Takes deployments away: what no standing one holds is live no longer.
    fn lose(&mut self, loss: &Loss, draft: &Draft<'_>) {
        for deployment in &loss.gone {
            self.is_gone[*deployment as usize] = true;
        }
        let mut candidates = Vec::new();
        for deployment in &loss.gone {
            candidates.extend(self.held_by(*deployment));
        }
        let is_gone = |walk: &Self, commit: u32| {
            let by = walk.live_by[commit as usize];
            by != NONE && walk.is_gone[by as usize]
        };
        // Only a later deployment can hold what an earlier one made live.
        let first = loss.gone.iter().copied().min().unwrap_or(NONE);
        let walked = self.delivery.offset.len() as u32 - 1;
        for standing in first..walked {
            let head = draft.deployments[standing as usize].commit;
            if self.is_gone[standing as usize] || head == NONE {
                continue;
            }
            self.stack.push(head);
            for commit in self.held_by(standing) {
                self.stack.extend_from_slice(self.graph.parents(commit));
            }
            while let Some(commit) = self.stack.pop() {
                if is_gone(self, commit) {
                    self.live_by[commit as usize] = standing;
                    self.revive(commit, standing);
                    self.stack.extend_from_slice(self.graph.parents(commit));
                }
            }
        }
        for commit in candidates {
            if is_gone(self, commit) {
                self.live_by[commit as usize] = NONE;
                let times = self.delivery.interruptions.entry(commit).or_default();
                times.push(Interruption {
                    from: loss.at,
                    to: i64::MAX,
                });
            }
        }
    }

    /// The commits that are live by a deployment.
    fn held_by(&self, deployment: u32) -> Vec<u32> {
        let revived = self.revived.get(&deployment);
        let walked = self.delivery.offset.len() as u32 - 1;
        // One that rolled itself back within its own instant has no set yet.
        let first = if deployment < walked {
            self.delivery.set(deployment)
        } else {
            &[]
        };
        let mut held: Vec<u32> = first
            .iter()
            .chain(revived.into_iter().flatten())
            .copied()
            .filter(|commit| self.live_by[*commit as usize] == deployment)
            .collect();
        held.sort_unstable();
        held.dedup();
        held
    }
}
