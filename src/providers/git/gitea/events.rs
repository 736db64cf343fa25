//! Gitea's answers → events.

use chrono::{DateTime, SubsecRound, Utc};

use super::json;
use super::pieces::{Published, Repo};
use crate::model::{Body, CommitHash, Event, Labels, PullRequest, Release, SourceName, Text};
use crate::providers::git::hosted::{self, HostedCommit, Origin};

fn cut(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    // A time of year 1 is Go's way to say none.
    at.filter(|at| at.timestamp() > 0)
        .map(|at| at.trunc_subsecs(3))
}

fn hash(text: Option<&str>) -> Option<CommitHash> {
    // An empty or odd hash is none.
    text?.parse().ok()
}

/// A commit, on the default branch or only in a pull request.
pub(super) fn commit(
    source: &SourceName,
    repo: &Repo,
    told: &json::Commit,
    is_default_branch: bool,
) -> Option<Event> {
    let written = &told.commit;
    let date = |signature: &Option<json::Signature>| cut(signature.as_ref()?.date);
    let committed_at = date(&written.committer).or_else(|| date(&written.author))?;
    let origin = Origin {
        source: source.clone(),
        repository: repo.repository.clone(),
        branch: is_default_branch.then(|| Text::from(repo.branch.as_str())),
        is_default_branch,
    };
    let parents = told
        .parents
        .iter()
        .flatten()
        .map(|parent| parent.sha.as_str())
        .collect();
    hosted::commit(
        &origin,
        &HostedCommit {
            hash: &told.sha,
            parents,
            authored_at: date(&written.author),
            committed_at,
            author: written
                .author
                .as_ref()
                .and_then(|author| author.name.as_deref()),
            message: written.message.as_deref().unwrap_or_default(),
            url: told.html_url.as_deref(),
        },
    )
}

/// How a merged pull request was brought in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Merging {
    /// By a merge commit, or the last commit of a rebase.
    Merge,
    Squash,
}

/// A pull request with its reviews, and with its own commits where they were asked for.
pub(super) fn pull_request(
    source: &SourceName,
    repo: &Repo,
    told: &json::PullRequest,
    reviews: &[json::Review],
    own: &[json::Commit],
    merging: Merging,
) -> Option<Event> {
    let author = told.user.as_ref().and_then(|user| user.login.as_deref());
    let is_others = |review: &&json::Review| {
        let reviewer = review.user.as_ref().and_then(|user| user.login.as_deref());
        reviewer.is_some() && reviewer != author
    };
    let earliest = |states: &[&str]| {
        let said = reviews.iter().filter(is_others).filter(|review| {
            let state = review.state.as_deref().unwrap_or_default();
            states.contains(&state)
        });
        said.filter_map(|review| cut(review.submitted_at)).min()
    };
    let standing: Vec<_> = reviews
        .iter()
        .filter(|review| !review.dismissed && review.state.as_deref() == Some("APPROVED"))
        .collect();
    let merge_commit = hash(told.merge_commit_sha.as_deref()).filter(|_| told.merged);
    let branch = |branch: &Option<json::Branch>| {
        branch
            .as_ref()
            .and_then(|branch| branch.name.as_deref())
            .map(Text::from)
    };
    let committed = own
        .iter()
        .filter_map(|commit| cut(commit.commit.committer.as_ref()?.date));
    let body = Body::PullRequest(PullRequest {
        repository: repo.repository.clone(),
        number: told.number,
        head: hash(told.head.as_ref().and_then(|head| head.sha.as_deref())),
        head_branch: branch(&told.head),
        base: branch(&told.base),
        merge_commit: merge_commit.filter(|_| merging == Merging::Merge),
        squash_commit: merge_commit.filter(|_| merging == Merging::Squash),
        commits: own
            .iter()
            .filter_map(|commit| hash(Some(&commit.sha)))
            .collect(),
        opened_at: cut(told.created_at),
        first_commit_at: committed.min(),
        first_review_at: earliest(&["APPROVED", "COMMENT", "REQUEST_CHANGES"]),
        approved_at: standing
            .iter()
            .copied()
            .filter(is_others)
            .filter_map(|review| cut(review.submitted_at))
            .min(),
        merged_at: cut(told.merged_at),
        closed_at: cut(told.closed_at).or_else(|| cut(told.merged_at)),
        author: author.map(Text::from),
        labels: Labels::from_names(
            told.labels
                .iter()
                .flatten()
                .map(|label| label.name.as_str()),
        ),
        title: told.title.as_deref().map(Text::from),
        bot: author.is_some_and(|login| login.ends_with("[bot]") || login.ends_with("-bot")),
        reverts: None,
    });
    hosted::event(source, told.html_url.as_deref(), body)
}

/// A tag, with what its release says where it has one.
pub(super) fn release(
    source: &SourceName,
    repo: &Repo,
    tag: &json::Tag,
    published: Option<&Published>,
) -> Option<Event> {
    let commit = tag.commit.as_ref()?;
    let body = Body::Release(Release {
        repository: repo.repository.clone(),
        tag: tag.name.as_str().into(),
        commit: commit.sha.parse().ok()?, // A tag of something else than a commit marks no version.
        tagged_at: cut(commit.created),
        published_at: published.and_then(|published| cut(published.at)),
        prerelease: published.is_some_and(|published| published.is_prerelease),
    });
    hosted::event(source, None, body)
}
