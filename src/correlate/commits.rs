//! Commits as they come, column by column.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::input::{Moment, millis};
use crate::model::{CommitHash, CommitView, EventId, Text};

/// Two numbers that stand for a hash: its key, and its second eight bytes.
pub(super) type Mark = (u64, u64);

/// The mark of a hash.
pub(super) fn mark(hash: &CommitHash) -> Mark {
    let mut check = [0; 8];
    check.copy_from_slice(&hash.as_bytes()[8..16]);
    (hash.key(), u64::from_be_bytes(check))
}

/// Commits in the order in which they came; all columns but the parents have one value a commit.
#[derive(Debug, Default)]
pub(super) struct Commits {
    pub hash: Vec<CommitHash>,
    /// Into `History::repositories`.
    pub repository: Vec<u32>,
    /// Into `History::sources`.
    pub source: Vec<u32>,
    /// Milliseconds.
    pub committed_at: Vec<i64>,
    /// Absent where it equals `committed_at`.
    pub authored_at: Vec<Moment>,
    /// A number of `History::author`.
    pub author: Vec<u32>,
    pub default_branch: Vec<bool>,
    parent_end: Vec<u32>,
    parents: Vec<Mark>,
    /// Numbers of pull requests that messages name, in order of the commits.
    pub naming_requests: Vec<(u32, u64)>,
    rare: BTreeMap<u32, Rare>,
}

/// What few commits say.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Rare {
    reverts: Vec<CommitHash>,
    paths: Vec<Text>,
    own_id: Option<Text>,
}

impl Commits {
    pub(super) fn push(
        &mut self,
        commit: &CommitView<'_>,
        source: u32,
        repository: u32,
        author: u32,
    ) {
        let at = self.hash.len() as u32;
        self.hash.push(commit.hash);
        self.repository.push(repository);
        self.source.push(source);
        self.committed_at.push(millis(commit.committed_at));
        self.authored_at.push(Moment::of(commit.authored_at));
        self.author.push(author);
        self.default_branch.push(commit.default_branch);
        self.parents.extend(commit.parents.iter().map(mark));
        self.parent_end.push(self.parents.len() as u32);
        if let Some(number) = commit.pull_request {
            self.naming_requests.push((at, number));
        }
        if !commit.reverts.is_empty() || !commit.paths.is_empty() || commit.own_id.is_some() {
            let rare = Rare {
                reverts: commit.reverts.to_vec(),
                paths: commit.paths.to_vec(),
                own_id: commit.own_id.map(Text::from),
            };
            self.rare.insert(at, rare);
        }
    }

    /// The parents that a commit names.
    pub(super) fn parents(&self, at: u32) -> &[Mark] {
        let at = at as usize;
        let from = match at {
            0 => 0,
            _ => self.parent_end[at - 1],
        };
        &self.parents[from as usize..self.parent_end[at] as usize]
    }

    /// Number of the pull request that its message names.
    fn pull_request(&self, at: u32) -> Option<u64> {
        let found = self.naming_requests.binary_search_by_key(&at, |row| row.0);
        found.ok().map(|found| self.naming_requests[found].1)
    }

    /// Commits that say they revert others.
    pub(super) fn reverting(&self) -> impl Iterator<Item = u32> {
        let reverting = self
            .rare
            .iter()
            .filter(|(_, rare)| !rare.reverts.is_empty());
        reverting.map(|(at, _)| *at)
    }

    /// The commits that it says it reverts.
    pub(super) fn reverts(&self, at: u32) -> &[CommitHash] {
        self.rare.get(&at).map_or(&[], |rare| &rare.reverts)
    }

    /// The paths that it touches, as far as they are known.
    pub(super) fn paths(&self, at: u32) -> &[Text] {
        self.rare.get(&at).map_or(&[], |rare| &rare.paths)
    }

    /// The id of its event, where that is not the natural one.
    pub(super) fn own_id(&self, at: u32) -> Option<EventId> {
        let own = self.rare.get(&at)?.own_id.as_ref()?;
        Some(own.clone().into())
    }

    /// Orders two versions of one commit, of one time and source, by what tells them apart.
    pub(super) fn compare(&self, one: u32, other: u32) -> Ordering {
        let times = |at: u32| self.authored_at[at as usize];
        let words = |at: u32| (self.default_branch[at as usize], self.pull_request(at));
        let order = times(one).cmp(&times(other));
        order
            .then_with(|| words(one).cmp(&words(other)))
            .then_with(|| self.parents(one).cmp(self.parents(other)))
            .then_with(|| self.rare.get(&one).cmp(&self.rare.get(&other)))
    }
}
