//! Pull requests as they come, without what only people read.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Deref;

use super::NONE;
use super::dictionary::Register;
use super::input::Moment;
use crate::model::{CommitHash, EventId, EventKey, Labels, PullRequest, Text};

/// Pull requests in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct PullRequests {
    rows: Vec<Row>,
    /// The hashes of all rows.
    hashes: Vec<CommitHash>,
    branches: Register<Text>,
    labels: Register<Labels>,
    /// Ids of events, where they are not the natural ones, by index of the row.
    own_ids: BTreeMap<u32, EventId>,
}

/// What a pull request says that is a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Key of its event.
    pub key: EventKey,
    /// Its number in its repository.
    pub number: u64,
    /// Into `History::repositories`.
    pub repository: u32,
    /// Into `History::sources`.
    pub source: u32,
    /// A number of `History::author`.
    pub author: u32,
    pub opened_at: Moment,
    /// Earliest committer time of its own commits, as its source says it.
    pub first_commit_at: Moment,
    pub first_review_at: Moment,
    pub approved_at: Moment,
    pub merged_at: Moment,
    pub closed_at: Moment,
    /// Number of the pull request that it reverts.
    pub reverts: Option<u64>,
    // Indices into the columns of `PullRequests`, `NONE` without.
    head: u32,
    merge_commit: u32,
    squash_commit: u32,
    head_branch: u32,
    base: u32,
    labels: u32,
    /// The range of its own commits' hashes.
    commits: (u32, u32),
}

/// A pull request.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    all: &'a PullRequests,
    at: u32,
}

impl PullRequests {
    pub(super) fn push(
        &mut self,
        request: &PullRequest,
        id: &EventId,
        source: u32,
        repository: u32,
        author: u32,
    ) {
        let from = self.hashes.len() as u32;
        self.hashes.extend_from_slice(&request.commits);
        let labels = Some(&request.labels).filter(|labels| !labels.is_empty());
        let row = Row {
            key: EventKey::of_id(id),
            number: request.number,
            repository,
            source,
            author,
            opened_at: Moment::of(request.opened_at),
            first_commit_at: Moment::of(request.first_commit_at),
            first_review_at: Moment::of(request.first_review_at),
            approved_at: Moment::of(request.approved_at),
            merged_at: Moment::of(request.merged_at),
            closed_at: Moment::of(request.closed_at),
            reverts: request.reverts,
            commits: (from, self.hashes.len() as u32),
            head: self.hash(request.head),
            merge_commit: self.hash(request.merge_commit),
            squash_commit: self.hash(request.squash_commit),
            head_branch: self.branches.number_if_any(request.head_branch.as_ref()),
            base: self.branches.number_if_any(request.base.as_ref()),
            labels: self.labels.number_if_any(labels),
        };
        if *id != EventId::of_pull_request(&request.repository, request.number) {
            self.own_ids.insert(self.rows.len() as u32, id.clone());
        }
        self.rows.push(row);
    }

    fn hash(&mut self, hash: Option<CommitHash>) -> u32 {
        let Some(hash) = hash else { return NONE };
        self.hashes.push(hash);
        self.hashes.len() as u32 - 1
    }

    /// All of them.
    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The pull request of an index.
    pub(super) fn at(&self, at: u32) -> Request<'_> {
        Request { all: self, at }
    }
}

impl Deref for Request<'_> {
    type Target = Row;

    fn deref(&self) -> &Row {
        &self.all.rows[self.at as usize]
    }
}

impl<'a> Request<'a> {
    /// Last commit of its branch.
    pub(super) fn head(&self) -> Option<&'a CommitHash> {
        self.all.hashes.get(self.head as usize)
    }

    /// The commit that brought it in, or the last one of a rebase.
    pub(super) fn merge_commit(&self) -> Option<&'a CommitHash> {
        self.all.hashes.get(self.merge_commit as usize)
    }

    /// The squash commit that brought it in.
    pub(super) fn squash_commit(&self) -> Option<&'a CommitHash> {
        self.all.hashes.get(self.squash_commit as usize)
    }

    /// Its own commits, before any squash or rebase.
    pub(super) fn commits(&self) -> &'a [CommitHash] {
        let (from, to) = self.commits;
        &self.all.hashes[from as usize..to as usize]
    }

    /// Name of its branch.
    pub(super) fn head_branch(&self) -> Option<&'a Text> {
        self.all.branches.value(self.head_branch)
    }

    /// Name of the branch it goes to.
    pub(super) fn base(&self) -> Option<&'a Text> {
        self.all.branches.value(self.base)
    }

    /// Its labels; `None` without any.
    pub(super) fn labels(&self) -> Option<&'a Labels> {
        self.all.labels.value(self.labels)
    }

    /// The id of its event, where that is not the natural one.
    pub(super) fn own_id(&self) -> Option<&'a EventId> {
        self.all.own_ids.get(&self.at)
    }

    /// How far it has come: of two versions the settled one, then the later one is further along.
    pub(super) fn progress(&self) -> (bool, i64) {
        let ends = [self.merged_at, self.closed_at];
        let times = ends
            .into_iter()
            .chain([self.opened_at, self.first_commit_at]);
        let is_settled = ends.iter().any(|end| end.known().is_some());
        (
            is_settled,
            times.filter_map(Moment::known).next().unwrap_or(0),
        )
    }

    /// Orders two versions of one, come equally far and of one source, by what tells them apart.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        let times = |one: &Self| {
            let reviewed = (one.first_review_at, one.approved_at);
            (
                one.merged_at,
                one.closed_at,
                one.opened_at,
                one.first_commit_at,
                reviewed,
            )
        };
        let commits = |one: &Self| {
            (
                one.squash_commit(),
                one.merge_commit(),
                one.head(),
                one.commits(),
            )
        };
        let words = |one: &Self| (one.head_branch(), one.base(), one.labels(), one.reverts);
        times(self)
            .cmp(&times(other))
            .then_with(|| commits(self).cmp(&commits(other)))
            .then_with(|| words(self).cmp(&words(other)))
            .then_with(|| self.own_id().cmp(&other.own_id()))
    }
}
