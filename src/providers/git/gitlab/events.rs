//! GitLab's answers → events.

use std::collections::BTreeMap;

use chrono::{DateTime, SubsecRound, Utc};

use super::json;
use super::pieces::Repo;
use crate::model::{Body, CommitHash, Event, Labels, PullRequest, Release, SourceName, Text};
use crate::providers::git::hosted::{self, HostedCommit, Origin};

fn cut(at: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    at.map(|at| at.trunc_subsecs(3))
}

fn hash(text: Option<&str>) -> Option<CommitHash> {
    // An empty or odd hash is none.
    text?.parse().ok()
}

/// A commit of the default branch.
pub(super) fn commit(source: &SourceName, repo: &Repo, told: &json::Commit) -> Option<Event> {
    let committed_at = cut(told.committed_date).or_else(|| cut(told.authored_date))?;
    let origin = Origin {
        source: source.clone(),
        repository: repo.repository.clone(),
        branch: Some(Text::from(repo.branch.as_str())),
        is_default_branch: true,
    };
    hosted::commit(
        &origin,
        &HostedCommit {
            hash: &told.id,
            parents: told
                .parent_ids
                .iter()
                .flatten()
                .map(String::as_str)
                .collect(),
            authored_at: cut(told.authored_date),
            committed_at,
            author: told.author_name.as_deref(),
            message: told.message.as_deref().unwrap_or_default(),
            url: told.web_url.as_deref(),
        },
    )
}

/// What the notes of a merge request say of its review.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Review {
    /// The first word of somebody else than the author.
    pub(super) first_at: Option<DateTime<Utc>>,
    /// The first approval of somebody else that stands.
    pub(super) approved_at: Option<DateTime<Utc>>,
    /// Whether somebody approved of whom the notes seen so far do not say when.
    pub(super) lacks_approval: bool,
}

/// Reads the notes, oldest first; `standing` are those whose approval stands.
pub(super) fn review(author: Option<&str>, notes: &[json::Note], standing: &[&str]) -> Review {
    let mut review = Review::default();
    let mut approvals: BTreeMap<&str, DateTime<Utc>> = BTreeMap::new();
    for note in notes {
        let who = note
            .author
            .as_ref()
            .and_then(|user| user.username.as_deref());
        let (Some(who), Some(at)) = (who, cut(note.created_at)) else {
            continue;
        };
        if Some(who) == author {
            continue;
        }
        let action = note
            .system_note_metadata
            .as_ref()
            .and_then(|metadata| metadata.action.as_deref());
        let is_word = match (note.system, action) {
            (false, _) => true,
            (true, Some("approved")) => {
                approvals.entry(who).or_insert(at);
                true
            }
            (true, Some("unapproved")) => {
                approvals.remove(who);
                false
            }
            (true, Some("reviewed" | "requested_changes")) => true,
            // GitLab's own remarks (labels, pushes, assignments) are nobody's review.
            (true, _) => false,
        };
        if is_word {
            review.first_at = Some(review.first_at.map_or(at, |first| first.min(at)));
        }
    }
    let others = || standing.iter().filter(|name| Some(**name) != author);
    review.approved_at = others()
        .filter_map(|name| approvals.get(name))
        .min()
        .copied();
    review.lacks_approval = others().any(|name| !approvals.contains_key(name));
    review
}

/// A merge request with everything that was told of it; `landed` where a squash was looked up.
pub(super) fn merge_request(
    source: &SourceName,
    repo: &Repo,
    told: &json::MergeRequest,
    notes: &[json::Note],
    own: &[json::OwnCommit],
    landed: Option<&json::Landed>,
) -> Option<Event> {
    let author = told
        .author
        .as_ref()
        .and_then(|user| user.username.as_deref());
    let standing: Vec<&str> = told.approved_by.iter().flat_map(json::approvers).collect();
    let review = review(author, notes, &standing);
    let merged_at = cut(told.merged_at);
    // An unmerged one may name the commit of a trial merge.
    let when_merged = |sha: Option<&str>| hash(sha).filter(|_| merged_at.is_some());
    let merge = landed
        .and_then(|landed| landed.merge_commit_sha.as_deref())
        .or(told.merge_commit_sha.as_deref());
    let committed = own
        .iter()
        .filter_map(|commit| cut(commit.committed_date).or_else(|| cut(commit.authored_date)));
    let body = Body::PullRequest(PullRequest {
        repository: repo.repository.clone(),
        number: told.iid.parse().ok()?, // A merge request without number cannot be named.
        head: hash(told.diff_head_sha.as_deref()),
        head_branch: told.source_branch.as_deref().map(Text::from),
        base: told.target_branch.as_deref().map(Text::from),
        merge_commit: when_merged(merge),
        squash_commit: when_merged(landed.and_then(|landed| landed.squash_commit_sha.as_deref())),
        // GitLab tells them newest first.
        commits: own
            .iter()
            .rev()
            .filter_map(|commit| hash(commit.sha.as_deref()))
            .collect(),
        opened_at: cut(told.created_at),
        first_commit_at: committed.min(),
        first_review_at: review.first_at,
        approved_at: review.approved_at,
        merged_at,
        closed_at: cut(told.closed_at).or(merged_at),
        author: author.map(Text::from),
        labels: Labels::from_names(
            told.labels
                .iter()
                .flat_map(|labels| labels.items())
                .map(|label| label.title.as_str()),
        ),
        title: told.title.as_deref().map(Text::from),
        bot: author.is_some_and(is_bot),
        reverts: None,
    });
    hosted::event(source, told.web_url.as_deref(), body)
}

/// GitLab names the users of access tokens `project_<number>_bot…` and `group_<number>_bot…`.
fn is_bot(username: &str) -> bool {
    let of_token = ["project_", "group_"].iter().any(|start| {
        username
            .strip_prefix(start)
            .is_some_and(|rest| rest.contains("_bot"))
    });
    of_token || username.ends_with("-bot") || username.ends_with("[bot]")
}

/// A tag, with when its release came out where it has one.
pub(super) fn release(
    source: &SourceName,
    repo: &Repo,
    tag: &json::Tag,
    published_at: Option<DateTime<Utc>>,
) -> Option<Event> {
    let commit = tag.commit.as_ref()?;
    let body = Body::Release(Release {
        repository: repo.repository.clone(),
        tag: tag.name.as_str().into(),
        commit: commit.id.parse().ok()?, // A tag of something else than a commit marks no version.
        tagged_at: cut(tag.created_at).or_else(|| cut(commit.committed_date)),
        published_at: cut(published_at),
        prerelease: false,
    });
    hosted::event(source, None, body)
}
