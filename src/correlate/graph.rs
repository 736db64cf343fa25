//! The commits of an application as one graph: numbers for hashes, parents in flat arrays.
//!
//! Commits are numbered in order of (repository, key of the hash), so that one is found by binary search over eight
//! bytes each.

use super::NONE;
use super::input::millis;
use super::material::Material;
use crate::model::{Commit, CommitHash, Event};

/// All known commits of an application.
pub(super) struct Graph<'a> {
    /// The commits.
    pub commits: Vec<&'a Commit>,
    /// Their events.
    pub events: Vec<&'a Event>,
    /// The number of each one's repository.
    pub repository: Vec<u32>,
    /// Committer's times, milliseconds.
    pub committed_at: Vec<i64>,
    /// Whether it joins histories.
    pub is_merge: Vec<bool>,
    /// Commits that say which ones they revert.
    pub reverting: Vec<u32>,
    /// Commits whose message names a pull request, with its number.
    pub naming_requests: Vec<(u32, u64)>,
    /// Whether the default branch holds it.
    pub on_default_branch: Vec<bool>,
    /// The commit of the default branch's first-parent line that brought it there; `NONE` where none did.
    pub landed_with: Vec<u32>,
    /// The key and the second eight bytes of each hash: enough to tell commits apart without looking at them.
    keys: Vec<u64>,
    checks: Vec<u64>,
    first_of_repository: Vec<u32>,
    parent_offset: Vec<u32>,
    parents: Vec<u32>,
    /// `NONE` for roots, and where nobody knows it.
    first_parent: Vec<u32>,
}

impl<'a> Graph<'a> {
    /// Builds the graph; a parent that nobody knows just ends the way there.
    pub(super) fn build(material: &Material<'a>) -> Self {
        let count = material.commits.len();
        let mut graph = Self {
            commits: Vec::with_capacity(count),
            events: Vec::with_capacity(count),
            repository: Vec::with_capacity(count),
            committed_at: Vec::with_capacity(count),
            on_default_branch: Vec::with_capacity(count),
            landed_with: vec![NONE; count],
            is_merge: Vec::with_capacity(count),
            reverting: Vec::new(),
            naming_requests: Vec::new(),
            keys: Vec::with_capacity(count),
            checks: Vec::with_capacity(count),
            first_of_repository: Vec::with_capacity(material.repositories.len() + 1),
            parent_offset: Vec::with_capacity(count + 1),
            parents: Vec::with_capacity(count),
            first_parent: Vec::with_capacity(count),
        };
        let mut parents: Vec<(u64, u64)> = Vec::with_capacity(count);
        let mut parent_counts: Vec<u32> = Vec::with_capacity(count);
        // Everything is taken along in one pass, for events lie far apart in memory.
        for (repository, event, commit) in &material.commits {
            let at = graph.commits.len() as u32;
            while graph.first_of_repository.len() <= *repository as usize {
                graph.first_of_repository.push(at);
            }
            if !commit.reverts.is_empty() {
                graph.reverting.push(at);
            }
            if let Some(number) = commit.pull_request {
                graph.naming_requests.push((at, number));
            }
            graph.commits.push(commit);
            graph.events.push(event);
            graph.repository.push(*repository);
            graph.committed_at.push(millis(commit.committed_at));
            graph.is_merge.push(commit.is_merge());
            graph.on_default_branch.push(commit.default_branch);
            graph.keys.push(commit.hash.key());
            graph.checks.push(check(&commit.hash));
            parents.extend(commit.parents.iter().map(|hash| (hash.key(), check(hash))));
            parent_counts.push(commit.parents.len() as u32);
        }
        graph
            .first_of_repository
            .resize(material.repositories.len() + 1, count as u32);
        graph.link(&parents, &parent_counts);
        for repository in 0..material.repositories.len() {
            graph.land(repository);
        }
        graph
    }

    /// How many commits there are.
    pub(super) fn len(&self) -> usize {
        self.commits.len()
    }

    /// The known parents of a commit.
    pub(super) fn parents(&self, commit: u32) -> &[u32] {
        let at = commit as usize;
        &self.parents[self.parent_offset[at] as usize..self.parent_offset[at + 1] as usize]
    }

    /// The number of a commit in a repository.
    pub(super) fn find(&self, repository: u32, hash: &CommitHash) -> Option<u32> {
        self.find_key(repository, hash.key(), check(hash))
    }

    fn find_key(&self, repository: u32, key: u64, check: u64) -> Option<u32> {
        let at = repository as usize;
        let from = *self.first_of_repository.get(at)? as usize;
        let to = *self.first_of_repository.get(at + 1)? as usize;
        let first = from + self.keys[from..to].partition_point(|known| *known < key);
        (first..to)
            .take_while(|at| self.keys[*at] == key)
            .find(|at| self.checks[*at] == check)
            .map(|at| at as u32)
    }

    /// Numbers the parents; all hashes are known by now.
    fn link(&mut self, parents: &[(u64, u64)], counts: &[u32]) {
        let mut next = 0;
        self.parent_offset.push(0);
        for (at, count) in counts.iter().enumerate() {
            let own = &parents[next..next + *count as usize];
            next += own.len();
            let mut first_parent = NONE;
            for (nth, (key, check)) in own.iter().enumerate() {
                if let Some(parent) = self.find_key(self.repository[at], *key, *check)
                    && parent as usize != at
                {
                    self.parents.push(parent);
                    if nth == 0 {
                        first_parent = parent;
                    }
                }
            }
            self.first_parent.push(first_parent);
            self.parent_offset.push(self.parents.len() as u32);
        }
    }

    /// The number of a commit, in this repository where it has it, else in the first that does.
    pub(super) fn find_anywhere(&self, near: Option<u32>, hash: &CommitHash) -> Option<u32> {
        let near = near.and_then(|repository| self.find(repository, hash));
        near.or_else(|| {
            let repositories = self.first_of_repository.len().saturating_sub(1) as u32;
            (0..repositories).find_map(|repository| self.find(repository, hash))
        })
    }

    /// For each commit whether it is in the history of this one (which is in its own).
    pub(super) fn history(&self, of: u32) -> Vec<bool> {
        let mut seen = vec![false; self.len()];
        let mut stack = vec![of];
        while let Some(at) = stack.pop() {
            if !std::mem::replace(&mut seen[at as usize], true) {
                stack.extend_from_slice(self.parents(at));
            }
        }
        seen
    }

    /// When a commit came to the default branch, milliseconds; its own time where that is unknown.
    pub(super) fn landed_at(&self, commit: u32) -> i64 {
        let own = self.committed_at[commit as usize];
        match self.landed_with[commit as usize] {
            NONE => own,
            with => own.max(self.committed_at[with as usize]),
        }
    }

    /// Walks the default branch from its oldest commit on; each commit of its first-parent line brings what is new.
    fn land(&mut self, repository: usize) {
        let range = self.first_of_repository[repository]..self.first_of_repository[repository + 1];
        let numbers = range.start as usize..range.end as usize;
        // A repository of which no commit says so has its default branch everywhere.
        if !self.on_default_branch[numbers.clone()].contains(&true) {
            self.on_default_branch[numbers.clone()].fill(true);
        }
        let mut is_tip = self.on_default_branch[numbers].to_vec();
        for commit in range.clone() {
            if self.on_default_branch[commit as usize] {
                for parent in self.parents(commit) {
                    is_tip[(*parent - range.start) as usize] = false;
                }
            }
        }
        let tip = range
            .clone()
            .filter(|commit| is_tip[(*commit - range.start) as usize])
            .max_by_key(|commit| (self.committed_at[*commit as usize], *commit));
        let mut line = Vec::new();
        let mut on_line = vec![false; range.len()];
        let mut next = tip;
        while let Some(commit) = next {
            if std::mem::replace(&mut on_line[(commit - range.start) as usize], true) {
                break;
            }
            line.push(commit);
            let first_parent = self.first_parent[commit as usize];
            next = Some(first_parent).filter(|parent| *parent != NONE);
        }
        let mut stack = Vec::new();
        for with in line.into_iter().rev() {
            stack.push(with);
            while let Some(commit) = stack.pop() {
                if self.landed_with[commit as usize] == NONE {
                    self.landed_with[commit as usize] = with;
                    let at = commit as usize;
                    let parents =
                        self.parent_offset[at] as usize..self.parent_offset[at + 1] as usize;
                    stack.extend_from_slice(&self.parents[parents]);
                }
            }
        }
    }
}

/// The second eight bytes of a hash.
fn check(hash: &CommitHash) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[8..16]);
    u64::from_be_bytes(bytes)
}
