//! Bitbucket Data Center's answers → events.

use chrono::{DateTime, Utc};

use super::json::{self, at, shown_at};
use super::pieces::Repo;
use crate::model::{Body, CommitHash, Event, Labels, PullRequest, Release, SourceName, Text};
use crate::providers::git::hosted::{self, HostedCommit, Origin};
use crate::providers::git::joins::Join;

fn hash(text: Option<&str>) -> Option<CommitHash> {
    // An abbreviated or odd hash is none.
    text?.parse().ok()
}

/// A commit, on the default branch or only in a pull request.
pub(super) fn commit(
    source: &SourceName,
    repo: &Repo,
    told: &json::Commit,
    is_default_branch: bool,
) -> Option<Event> {
    let origin = Origin {
        source: source.clone(),
        repository: repo.repository.clone(),
        branch: None,
        is_default_branch,
    };
    let parents = told.parents.iter().flatten();
    hosted::commit(
        &origin,
        &HostedCommit {
            hash: &told.id,
            parents: parents.filter_map(|parent| parent.id.as_deref()).collect(),
            authored_at: at(told.author_timestamp),
            committed_at: told.committed_at()?,
            author: told
                .author
                .as_ref()
                .and_then(|author| author.name.as_deref()),
            message: told.message.as_deref().unwrap_or_default(),
            url: None,
        },
    )
}

/// How a pull request was joined, and its own commits where they were asked for.
#[derive(Debug, Default)]
pub(super) struct Joined {
    merge_commit: Option<CommitHash>,
    squash_commit: Option<CommitHash>,
    /// Whether it was a commit of one parent that is not its own last one, and its message names a pull request.
    is_rewritten: bool,
    names_it: bool,
    pub(super) own: Vec<json::Commit>,
}

impl Joined {
    pub(super) fn of(request: &json::PullRequest, found: Option<Join>) -> Self {
        match found {
            None => Self::default(),
            Some(Join::Merge { merge, .. }) => Self {
                merge_commit: hash(Some(&merge)),
                ..Self::default()
            },
            Some(Join::Other { commit, names_it }) => Self {
                merge_commit: hash(Some(&commit)),
                is_rewritten: request.head() != Some(commit.as_str()),
                names_it,
                ..Self::default()
            },
        }
    }

    /// Takes in its own commits, which tell a squash from a rebase.
    pub(super) fn take(&mut self, own: Vec<json::Commit>) {
        if self.is_rewritten && (self.names_it || own.len() == 1) {
            self.squash_commit = self.merge_commit.take();
        }
        self.own = own;
    }
}

/// A pull request with its activities and how it was joined.
pub(super) fn pull_request(
    source: &SourceName,
    repo: &Repo,
    told: &json::PullRequest,
    activities: &[json::Activity],
    joined: &Joined,
) -> Option<Event> {
    let user = told.author.as_ref().and_then(|author| author.user.as_ref());
    let author = user.and_then(|user| user.name.as_deref());
    let who = |activity: &json::Activity| activity.user.as_ref().and_then(|user| user.name.clone());
    let is_others = |activity: &&json::Activity| {
        let by = who(activity);
        by.is_some() && by.as_deref() != author
    };
    let of = |actions: &'static [&'static str]| {
        activities.iter().filter(move |activity| {
            let action = activity.action.as_deref().unwrap_or_default();
            actions.contains(&action)
        })
    };
    let earliest = |actions| {
        of(actions)
            .filter(is_others)
            .filter_map(|activity| at(activity.created_date))
            .min()
    };
    // Taking an approval back, or asking for work, undoes what the same person approved before.
    let is_standing = |approval: &&json::Activity| {
        !of(&["UNAPPROVED", "REVIEWED"])
            .any(|later| who(later) == who(approval) && later.created_date > approval.created_date)
    };
    let approved_at = of(&["APPROVED"])
        .filter(is_others)
        .filter(is_standing)
        .filter_map(|approval| at(approval.created_date))
        .min();
    let ended = |actions| -> Option<DateTime<Utc>> {
        of(actions)
            .filter_map(|activity| at(activity.created_date))
            .max()
    };
    let fallback = || at(told.closed_date.or(told.updated_date));
    let merged_at = told
        .is_merged()
        .then(|| ended(&["MERGED"]).or_else(fallback))
        .flatten();
    let closed_at = match (told.is_open(), merged_at) {
        (true, _) => None,
        (false, Some(merged_at)) => Some(merged_at),
        (false, None) => ended(&["DECLINED"]).or_else(fallback),
    };
    let name = |end: &Option<json::Ref>| end.as_ref()?.display_id.as_deref().map(Text::from);
    let body = Body::PullRequest(PullRequest {
        repository: repo.repository.clone(),
        number: told.id,
        head: hash(told.head()),
        head_branch: name(&told.from_ref),
        base: name(&told.to_ref),
        merge_commit: joined.merge_commit,
        squash_commit: joined.squash_commit,
        commits: joined
            .own
            .iter()
            .filter_map(|commit| hash(Some(&commit.id)))
            .collect(),
        opened_at: at(told.created_date),
        first_commit_at: joined
            .own
            .iter()
            .filter_map(json::Commit::committed_at)
            .min(),
        first_review_at: earliest(&["APPROVED", "REVIEWED", "COMMENTED"]),
        approved_at,
        merged_at,
        closed_at,
        author: author.map(Text::from),
        labels: Labels::default(),
        title: told.title.as_deref().map(Text::from),
        bot: user.is_some_and(|user| user.kind.as_deref() == Some("SERVICE")),
        reverts: None,
    });
    hosted::event(source, shown_at(told.links.as_ref()), body)
}

/// A tag of a commit; the server tells no time of tags, so the commit's stands for it.
pub(super) fn release(
    source: &SourceName,
    repo: &Repo,
    name: &str,
    commit: &json::Commit,
) -> Option<Event> {
    let body = Body::Release(Release {
        repository: repo.repository.clone(),
        tag: name.into(),
        commit: hash(Some(&commit.id))?,
        tagged_at: commit.committed_at(),
        published_at: None,
        prerelease: false,
    });
    hosted::event(source, None, body)
}
