//! Bitbucket Cloud's answers → events.

use chrono::{DateTime, SubsecRound, Utc};

use super::json;
use super::log::{Fact, What};
use super::pieces::Repo;
use crate::model::{Body, CommitHash, Event, Labels, PullRequest, Release, SourceName, Text};
use crate::providers::bitbucket_cloud::shown_at;
use crate::providers::git::hosted::{self, HostedCommit, Origin};
use crate::providers::git::joins::Join;

fn cut(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.map(|at| at.trunc_subsecs(3))
}

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
        branch: is_default_branch.then(|| Text::from(repo.branch.as_str())),
        is_default_branch,
    };
    let parents = told.parents.iter().flatten();
    let raw = told
        .author
        .as_ref()
        .and_then(|author| author.raw.as_deref());
    let url = told.links.as_ref().and_then(|links| links.html.as_ref());
    hosted::commit(
        &origin,
        &HostedCommit {
            hash: &told.hash,
            parents: parents
                .filter_map(|parent| parent.hash.as_deref())
                .collect(),
            // Bitbucket tells one time, the committer's.
            authored_at: None,
            committed_at: cut(told.date)?,
            author: raw.map(|raw| raw.split(" <").next().unwrap_or(raw)),
            message: told.message.as_deref().unwrap_or_default(),
            url: url.and_then(|link| link.href.as_deref()),
        },
    )
}

/// How a pull request was joined, and its own commits where they were asked for.
#[derive(Debug, Default)]
pub(super) struct Joined {
    head: Option<CommitHash>,
    merge_commit: Option<CommitHash>,
    squash_commit: Option<CommitHash>,
    /// Whether the message of what joined it names a pull request: a rebase keeps the messages that were.
    names_it: bool,
    pub(super) own: Vec<json::Commit>,
}

impl Joined {
    /// `found` is what joined it, `head` its last commit where the default branch holds that.
    pub(super) fn of(request: &json::PullRequest, found: Option<Join>, head: Option<Join>) -> Self {
        let known_head = head.as_ref().and_then(|head| hash(Some(head.commit())));
        match found {
            None => Self {
                head: known_head,
                ..Self::default()
            },
            Some(Join::Merge { merge, head }) => Self {
                merge_commit: hash(Some(&merge)),
                head: known_head.or_else(|| {
                    hash(Some(&head))
                        .filter(|_| request.head().is_none_or(|digits| head.starts_with(digits)))
                }),
                ..Self::default()
            },
            Some(Join::Other { commit, names_it }) => Self {
                merge_commit: hash(Some(&commit)),
                head: known_head,
                names_it,
                ..Self::default()
            },
        }
    }

    /// Takes in its own commits, which tell a squash from a rebase.
    pub(super) fn take(&mut self, request: &json::PullRequest, own: Vec<json::Commit>) {
        let head = own.iter().find(|commit| {
            request
                .head()
                .is_some_and(|digits| commit.hash.starts_with(digits))
        });
        let is_merge = self.head.is_some();
        self.head = self
            .head
            .or_else(|| head.and_then(|commit| hash(Some(&commit.hash))));
        if !is_merge && (self.names_it || own.len() == 1) {
            self.squash_commit = self.merge_commit.take();
        }
        self.own = own;
    }
}

/// A pull request with what happened to it and how it was joined.
pub(super) fn pull_request(
    source: &SourceName,
    repo: &Repo,
    told: &json::PullRequest,
    facts: &[Fact],
    joined: &Joined,
) -> Option<Event> {
    let author = told.author.as_ref().and_then(|user| user.uuid.as_deref());
    let of_it = || facts.iter().filter(|fact| fact.number == told.id);
    let is_others = |fact: &&Fact| fact.by.is_some() && fact.by.as_deref() != author;
    let earliest = |what: &[What]| {
        of_it()
            .filter(is_others)
            .filter(|fact| what.contains(&fact.what))
            .map(|fact| fact.at)
            .min()
    };
    let ended = |what| {
        of_it()
            .filter(|fact| fact.what == what)
            .map(|fact| fact.at)
            .max()
    };
    // What a log has lost is told by the last update, the latest it can have been.
    let fallback = || told.closed_on.or(told.updated_on);
    let merged_at = told
        .is_merged()
        .then(|| ended(What::Merged).or_else(fallback))
        .flatten();
    let closed_at = match (told.is_open(), merged_at) {
        (true, _) => None,
        (false, Some(merged_at)) => Some(merged_at),
        (false, None) => ended(What::Closed).or_else(fallback),
    };
    let name = |end: &Option<json::End>| {
        let branch = end.as_ref()?.branch.as_ref()?;
        branch.name.as_deref().map(Text::from)
    };
    let written_by = told
        .author
        .as_ref()
        .and_then(|user| user.nickname.as_deref().or(user.display_name.as_deref()));
    let body = Body::PullRequest(PullRequest {
        repository: repo.repository.clone(),
        number: told.id,
        head: joined.head,
        head_branch: name(&told.source),
        base: name(&told.destination),
        merge_commit: joined.merge_commit,
        squash_commit: joined.squash_commit,
        commits: joined
            .own
            .iter()
            .filter_map(|commit| hash(Some(&commit.hash)))
            .collect(),
        opened_at: cut(told.created_on),
        first_commit_at: joined
            .own
            .iter()
            .filter_map(|commit| cut(commit.date))
            .min(),
        first_review_at: cut(earliest(&[What::Reviewed, What::Approved])),
        approved_at: cut(earliest(&[What::Approved])),
        merged_at: cut(merged_at),
        closed_at: cut(closed_at),
        author: written_by.map(Text::from),
        labels: Labels::default(),
        title: told.title.as_deref().map(Text::from),
        bot: told
            .author
            .as_ref()
            .is_some_and(|user| user.kind.as_deref() == Some("app_user")),
        reverts: None,
    });
    hosted::event(source, shown_at(told.links.as_ref()), body)
}

/// A tag; Bitbucket Cloud has no releases beside them.
pub(super) fn release(source: &SourceName, repo: &Repo, tag: &json::Tag) -> Option<Event> {
    let target = tag.target.as_ref()?;
    let body = Body::Release(Release {
        repository: repo.repository.clone(),
        tag: tag.name.as_str().into(),
        // A tag of something else than a commit marks no version.
        commit: hash(target.hash.as_deref())?,
        tagged_at: cut(tag.date.or(target.date)),
        published_at: None,
        prerelease: false,
    });
    hosted::event(source, None, body)
}
