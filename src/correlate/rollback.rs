//! Rollbacks: versions brought back to a target, and the rollouts that they undo (definitions, section 3).

use super::draft::Draft;
use super::graph::Graph;
use super::keys::KeyMap;
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
    first_live: KeyMap<i64>,
    next: i64,
    live: Option<u32>,
    /// Rollouts that nobody rolled back, in order of time.
    standing: Vec<Standing>,
}

/// A rollout that nobody rolled back.
#[derive(Clone, Copy)]
struct Standing {
    rollout: u32,
    /// When it went live, in the numbers of `first_live`.
    live: i64,
    /// When its version first did.
    first_live: i64,
}

impl Line {
    /// Puts a rollout live; returns the rollouts that it undoes.
    fn put(&mut self, at: u32, draft: &Draft<'_>, graph: &Graph<'_>) -> Vec<u32> {
        let version = draft.version_of[at as usize];
        let key = hash_of(version);
        let before = self.live.replace(version);
        let undone = match (self.first_live.get(&key).copied(), before) {
            (Some(first), Some(live)) if live != version => {
                let live = self.first_live.get(&hash_of(live)).copied();
                if live.is_some_and(|live| first < live) {
                    // What went live before cannot be of a later version, so that only the end is searched.
                    let from = self.standing.partition_point(|one| one.live <= first);
                    self.take(from, |one| one.first_live > first)
                } else {
                    Vec::new()
                }
            }
            (None, Some(live)) if draft.rollouts[at as usize].is_rollback => {
                let undone = self.undo_by_history(at, live, draft, graph);
                if let Some(earliest) = undone.iter().map(|one| one.first_live).min() {
                    // Later rollbacks and roll-forwards see it where it belongs: before what it undid.
                    self.first_live.insert(key, earliest - 1);
                }
                undone
            }
            _ => Vec::new(),
        };
        self.next += 2;
        let live = self.next + 1;
        let first_live = *self.first_live.entry(key).or_insert(live);
        self.standing.push(Standing {
            rollout: at,
            live,
            first_live,
        });
        undone.into_iter().map(|one| one.rollout).collect()
    }

    /// A version that was never live here, of which its source says that it is a rollback, undoes what its history
    /// lacks; where histories are unknown, what was live.
    fn undo_by_history(
        &mut self,
        at: u32,
        live: u32,
        draft: &Draft<'_>,
        graph: &Graph<'_>,
    ) -> Vec<Standing> {
        let commit_of = |rollout: u32| {
            let deployment = draft.deployment_of[rollout as usize];
            draft.deployments[deployment as usize].commit
        };
        let history = match commit_of(at) {
            NONE => Vec::new(),
            commit => graph.history(commit),
        };
        self.take(0, |one| match commit_of(one.rollout) {
            commit if commit != NONE && !history.is_empty() => !history[commit as usize],
            _ => draft.version_of[one.rollout as usize] == live,
        })
    }

    fn take(&mut self, from: usize, is_undone: impl Fn(&Standing) -> bool) -> Vec<Standing> {
        let (undone, standing): (Vec<_>, Vec<_>) =
            self.standing.drain(from..).partition(|one| is_undone(one));
        self.standing.extend(standing);
        undone
    }
}

/// Spreads a small number, as a map that does not hash needs it.
fn hash_of(version: u32) -> u64 {
    u64::from(version).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
