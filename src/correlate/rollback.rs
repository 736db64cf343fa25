//! Rollbacks: versions brought back to a target, and the rollouts that they undo (definitions, section 3).

use super::draft::Draft;
use super::graph::Graph;
use super::{Flags, NONE};

/// A rollout that brings an earlier version back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rollback {
    /// Index of the rollout.
    pub rollout: u32,
    /// The rollouts that it undoes, in order of time.
    pub undone: Vec<u32>,
    /// Those of them whose deployments it proves failed.
    pub failed: Vec<u32>,
}

/// Finds all rollbacks of an environment in order of time, and marks their deployments.
pub(super) fn rollbacks(draft: &mut Draft<'_>, graph: &Graph<'_>, age: i64) -> Vec<Rollback> {
    let targets = draft.target_of.iter().max().map_or(0, |last| last + 1);
    let mut lines = vec![Line::default(); targets as usize];
    let mut found = Vec::new();
    for at in 0..draft.rollouts.len() as u32 {
        let line = &mut lines[draft.target_of[at as usize] as usize];
        let undone = line.put(at, draft, graph);
        if undone.is_empty() {
            continue;
        }
        let finished_at = draft.rollouts[at as usize].finished_at;
        let mut failed: Vec<u32> = undone
            .iter()
            .copied()
            .filter(|undone| finished_at - draft.rollouts[*undone as usize].finished_at <= age)
            .collect();
        if failed.is_empty() {
            failed.extend(undone.last());
        }
        let deployment = draft.deployment_of[at as usize];
        let flags = &mut draft.deployments[deployment as usize].flags;
        flags.set(Flags::ROLLBACK);
        flags.set(Flags::REWORK);
        found.push(Rollback {
            rollout: at,
            undone,
            failed,
        });
    }
    found
}

/// What went live on one target.
#[derive(Clone, Default)]
struct Line {
    /// By version when it first went live here: odd numbers, so that there is room before each.
    first_live: std::collections::HashMap<u32, i64>,
    next: i64,
    live: Option<u32>,
    /// Rollouts that nobody rolled back, in order of time.
    standing: Vec<u32>,
}

impl Line {
    /// Puts a rollout live; returns the rollouts that it undoes.
    fn put(&mut self, at: u32, draft: &Draft<'_>, graph: &Graph<'_>) -> Vec<u32> {
        let version = draft.version_of[at as usize];
        let before = self.live.replace(version);
        let first_live = |line: &Self, rollout: u32| {
            let version = draft.version_of[rollout as usize];
            line.first_live.get(&version).copied().unwrap_or(i64::MAX)
        };
        let undone = match (self.first_live.get(&version).copied(), before) {
            (Some(first), Some(live)) if live != version => {
                let is_back = self.first_live.get(&live).is_some_and(|live| first < *live);
                if is_back {
                    self.take(|line, rollout| first_live(line, rollout) > first)
                } else {
                    Vec::new()
                }
            }
            (None, Some(live)) if draft.rollouts[at as usize].is_rollback => {
                let undone = self.undo_by_history(at, live, draft, graph);
                let earliest = undone
                    .iter()
                    .map(|rollout| first_live(self, *rollout))
                    .min();
                if let Some(earliest) = earliest {
                    // Later rollbacks and roll-forwards see it where it belongs: before what it undid.
                    self.first_live.insert(version, earliest - 1);
                }
                undone
            }
            _ => Vec::new(),
        };
        self.next += 2;
        self.first_live.entry(version).or_insert(self.next + 1);
        self.standing.push(at);
        undone
    }

    /// A version that was never live here, of which its source says that it is a rollback, undoes what its history
    /// lacks; where histories are unknown, what was live.
    fn undo_by_history(
        &mut self,
        at: u32,
        live: u32,
        draft: &Draft<'_>,
        graph: &Graph<'_>,
    ) -> Vec<u32> {
        let commit_of = |rollout: u32| {
            let deployment = draft.deployment_of[rollout as usize];
            draft.deployments[deployment as usize].commit
        };
        let history = match commit_of(at) {
            NONE => Vec::new(),
            commit => graph.history(commit),
        };
        self.take(|_, rollout| match commit_of(rollout) {
            commit if commit != NONE && !history.is_empty() => !history[commit as usize],
            _ => draft.version_of[rollout as usize] == live,
        })
    }

    fn take(&mut self, is_undone: impl Fn(&Self, u32) -> bool) -> Vec<u32> {
        let standing = std::mem::take(&mut self.standing);
        let (undone, standing) = standing
            .into_iter()
            .partition(|rollout| is_undone(self, *rollout));
        self.standing = standing;
        undone
    }
}
