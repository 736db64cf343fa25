//! The commits of an application as one graph: numbers for hashes, parents in flat arrays.
//!
//! Commits are numbered in order of (repository, key of the hash), so that one is found by binary search over eight
//! bytes each.

use super::NONE;
use super::commits::{Commits, Mark, mark};
use super::history::History;
use super::material::Material;
use crate::model::{CommitHash, EventId, EventKey, SourceName, Text};

/// All known commits of an application.
pub(super) struct Graph<'a> {
    history: &'a History,
    /// Index of each commit into `History::commits`.
    rows: Vec<u32>,
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
            history: material.history,
            rows: Vec::with_capacity(count),
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
        let commits = &material.history.commits;
        // The number of each commit by the order in which they came; of versions left out none.
        let mut numbers = vec![NONE; commits.hash.len()];
        for (repository, row) in &material.commits {
            let at = graph.rows.len() as u32;
            numbers[*row as usize] = at;
            let row_at = *row as usize;
            while graph.first_of_repository.len() <= *repository as usize {
                graph.first_of_repository.push(at);
            }
            graph.rows.push(*row);
            graph.repository.push(*repository);
            graph.committed_at.push(commits.committed_at[row_at]);
            graph.is_merge.push(commits.parents(*row).len() > 1);
            graph.on_default_branch.push(commits.default_branch[row_at]);
            let (key, check) = mark(&commits.hash[row_at]);
            graph.keys.push(key);
            graph.checks.push(check);
        }
        let number = |row: &u32| Some(numbers[*row as usize]).filter(|number| *number != NONE);
        graph.reverting = commits.reverting().filter_map(|row| number(&row)).collect();
        graph.reverting.sort_unstable();
        let naming = commits.naming_requests.iter();
        graph.naming_requests = naming
            .filter_map(|(row, request)| Some((number(row)?, *request)))
            .collect();
        graph.naming_requests.sort_unstable();
        graph
            .first_of_repository
            .resize(material.repositories.len() + 1, count as u32);
        graph.link(commits, &numbers);
        for repository in 0..material.repositories.len() {
            graph.land(repository);
        }
        graph
    }

    /// How many commits there are.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The whole hash of a commit.
    pub(super) fn hash(&self, commit: u32) -> &'a CommitHash {
        &self.history.commits.hash[self.row(commit)]
    }

    /// The key of its event.
    pub(super) fn key(&self, commit: u32) -> EventKey {
        EventKey(self.keys[commit as usize])
    }

    /// The id of its event.
    pub(super) fn id(&self, commit: u32) -> EventId {
        let commits = &self.history.commits;
        let own = commits.own_id(self.rows[commit as usize]);
        own.unwrap_or_else(|| {
            let repository = commits.repository[self.row(commit)] as usize;
            let repository = &self.history.repositories.values()[repository];
            EventId::of_commit(repository, self.hash(commit))
        })
    }

    /// The source of its event.
    pub(super) fn source(&self, commit: u32) -> &'a SourceName {
        let source = self.history.commits.source[self.row(commit)];
        &self.history.sources.values()[source as usize]
    }

    /// When it was written, milliseconds; `None`: when it was committed.
    pub(super) fn authored_at(&self, commit: u32) -> Option<i64> {
        self.history.commits.authored_at[self.row(commit)].known()
    }

    /// Who wrote it.
    pub(super) fn author(&self, commit: u32) -> Option<&'a Text> {
        self.history
            .author(self.history.commits.author[self.row(commit)])
    }

    /// The commits that it says it reverts.
    pub(super) fn reverts(&self, commit: u32) -> &'a [CommitHash] {
        self.history.commits.reverts(self.rows[commit as usize])
    }

    /// The paths that it touches, as far as they are known.
    pub(super) fn paths(&self, commit: u32) -> &'a [Text] {
        self.history.commits.paths(self.rows[commit as usize])
    }

    fn row(&self, commit: u32) -> usize {
        self.rows[commit as usize] as usize
    }

    /// The known parents of a commit.
    pub(super) fn parents(&self, commit: u32) -> &[u32] {
        let at = commit as usize;
        &self.parents[self.parent_offset[at] as usize..self.parent_offset[at + 1] as usize]
    }

    /// The number of a commit in a repository.
    pub(super) fn find(&self, repository: u32, hash: &CommitHash) -> Option<u32> {
        self.find_mark(repository, mark(hash))
    }

    fn find_mark(&self, repository: u32, (key, check): Mark) -> Option<u32> {
        let at = repository as usize;
        let from = *self.first_of_repository.get(at)? as usize;
        let to = *self.first_of_repository.get(at + 1)? as usize;
        let first = from + self.keys[from..to].partition_point(|known| *known < key);
        (first..to)
            .take_while(|at| self.keys[*at] == key)
            .find(|at| self.checks[*at] == check)
            .map(|at| at as u32)
    }

    /// Numbers the parents; all hashes are known by now. `numbers` are those of commits in the order in which they came.
    fn link(&mut self, commits: &Commits, numbers: &[u32]) {
        self.parent_offset.push(0);
        for at in 0..self.rows.len() {
            let (row, repository) = (self.rows[at], self.repository[at]);
            // A parent mostly came just before or just after its child.
            let near = [row.checked_sub(1), row.checked_add(1)];
            let near = near.map(|row| row.and_then(|row| numbers.get(row as usize)).copied());
            let mut first_parent = NONE;
            for (nth, parent) in commits.parents(row).iter().enumerate() {
                let is_it = |near: &u32| {
                    let near = *near as usize;
                    self.keys.get(near) == Some(&parent.0)
                        && self.checks[near] == parent.1
                        && self.repository[near] == repository
                };
                let found = near.into_iter().flatten().find(is_it);
                let found = found.or_else(|| self.find_mark(repository, *parent));
                if let Some(parent) = found
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
