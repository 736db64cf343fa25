//! Azure Repos' answers → events.

use std::collections::HashMap;

use chrono::{DateTime, SubsecRound, Utc};

use super::graph::Strategy;
use super::json;
use super::pieces::Repo;
use super::reviews::Reviews;
use crate::model::{Body, CommitHash, Event, Labels, PullRequest, Release, SourceName, Text};
use crate::providers::azure_devops::short_name;
use crate::providers::git::hosted::{self, HostedCommit, Origin};

/// An instant as events hold it; one of year 1 is .NET's way to say none.
pub(super) fn cut(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.filter(|at| at.timestamp() > 0)
        .map(|at| at.trunc_subsecs(3))
}

fn hash(of: Option<&json::CommitId>) -> Option<CommitHash> {
    // An empty or odd hash is none.
    of?.commit_id.as_deref()?.parse().ok()
}

/// When it was put into the repository.
pub(super) fn committed_at(told: &json::Commit) -> Option<DateTime<Utc>> {
    let date = |signature: &Option<json::Signature>| cut(signature.as_ref()?.date);
    date(&told.committer).or_else(|| date(&told.author))
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
        branch: is_default_branch.then(|| Text::from(short_name(&repo.branch))),
        is_default_branch,
    };
    let author = told.author.as_ref();
    hosted::commit(
        &origin,
        &HostedCommit {
            hash: &told.commit_id,
            parents: told.parents.iter().flatten().map(String::as_str).collect(),
            authored_at: cut(author.and_then(|author| author.date)),
            committed_at: committed_at(told)?,
            author: author.and_then(|author| author.name.as_deref()),
            message: told.comment.as_deref().unwrap_or_default(),
            url: told.remote_url.as_deref(),
        },
    )
}

/// A pull request with its reviews, and with its own commits where they were asked for.
pub(super) fn pull_request(
    source: &SourceName,
    repo: &Repo,
    told: &json::PullRequest,
    reviews: &Reviews,
    own: &[json::Commit],
    url: Option<&str>,
) -> Option<Event> {
    let author = told.created_by.as_ref();
    let author = author.and_then(|author| author.display_name.as_deref());
    let is_merged = told.status.as_deref() == Some("completed");
    let closed_at = cut(told.closed_date);
    let brought_in = hash(told.last_merge_commit.as_ref()).filter(|_| is_merged);
    let is_squashed = Strategy::of(told) == Strategy::Squash;
    let branch = |name: &Option<String>| name.as_deref().map(short_name).map(Text::from);
    let names = told.labels.iter().flatten();
    let body = Body::PullRequest(PullRequest {
        repository: repo.repository.clone(),
        number: told.pull_request_id,
        head: hash(told.last_merge_source_commit.as_ref()),
        head_branch: branch(&told.source_ref_name),
        base: branch(&told.target_ref_name),
        merge_commit: brought_in.filter(|_| !is_squashed),
        squash_commit: brought_in.filter(|_| is_squashed),
        commits: own
            .iter()
            .filter_map(|commit| commit.commit_id.parse().ok())
            .collect(),
        opened_at: cut(told.creation_date),
        first_commit_at: own.iter().filter_map(committed_at).min(),
        first_review_at: reviews.first_at,
        approved_at: reviews.approved_at,
        merged_at: closed_at.filter(|_| is_merged),
        closed_at,
        author: author.map(Text::from),
        labels: Labels::from_names(names.filter_map(|label| label.name.as_deref())),
        title: told.title.as_deref().map(Text::from),
        bot: author.is_some_and(|name| {
            name.contains("Build Service (") || name.ends_with("[bot]") || name.ends_with("-bot")
        }),
        reverts: None,
    });
    hosted::event(source, url, body)
}

/// A tag; `dates` are those of commits, `tagged_at` the tagger's.
pub(super) fn release(
    source: &SourceName,
    repo: &Repo,
    tag: &json::Reference,
    dates: &HashMap<String, DateTime<Utc>>,
    tagged_at: Option<DateTime<Utc>>,
) -> Option<Event> {
    let commit = tag.peeled_object_id.as_deref().unwrap_or(&tag.object_id);
    let body = Body::Release(Release {
        repository: repo.repository.clone(),
        tag: short_name(&tag.name).into(),
        commit: commit.parse().ok()?, // A hash that is none marks no version.
        tagged_at: cut(tagged_at).or_else(|| dates.get(commit).copied()),
        published_at: None,
        prerelease: false,
    });
    hosted::event(source, None, body)
}
