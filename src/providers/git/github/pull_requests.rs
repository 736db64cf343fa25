//! Pull requests with every time that GitHub knows of them.

use chrono::SubsecRound;

use super::json::{ActorJson, PullRequestJson, seen};
use crate::model::{Body, CommitHash, Event, Labels, PullRequest, Repository, SourceName, Text};
use crate::providers::git::hosted;

/// How a pull request came to its base.
enum Landed {
    /// By a merge commit, by a rebase, or as it was.
    AsMerge,
    AsSquash,
}

/// The event of a pull request.
pub(super) fn event(
    source: &SourceName,
    repository: &Repository,
    told: &PullRequestJson,
) -> Option<Event> {
    let own: Vec<_> = told.commits.seen().map(|own| &own.commit).collect();
    let hash = |text: &str| text.parse::<CommitHash>().ok(); // A hash that is none is left out.
    let result = told
        .merge_commit
        .as_ref()
        // GitHub shows a test merge here while the request is open.
        .filter(|_| told.merged_at.is_some())
        .and_then(|commit| hash(&commit.oid));
    let (merge_commit, squash_commit) = match landed(told) {
        Landed::AsMerge => (result, None),
        Landed::AsSquash => (None, result),
    };
    let reviews = || {
        seen(&told.reviews)
            .filter(|review| is_somebody_else(review.author.as_ref(), told.author.as_ref()))
    };
    let request = PullRequest {
        repository: repository.clone(),
        number: told.number,
        head: hash(&told.head_ref_oid),
        head_branch: Some(Text::from(told.head_ref_name.as_str())),
        base: Some(Text::from(told.base_ref_name.as_str())),
        merge_commit,
        squash_commit,
        commits: own.iter().filter_map(|commit| hash(&commit.oid)).collect(),
        opened_at: Some(told.created_at.trunc_subsecs(3)),
        first_commit_at: own
            .iter()
            .map(|commit| commit.committed_date.trunc_subsecs(3))
            .min(),
        first_review_at: reviews()
            .filter_map(|review| review.submitted_at)
            .min()
            .map(|at| at.trunc_subsecs(3)),
        approved_at: reviews()
            .filter(|review| review.state == "APPROVED")
            .filter_map(|review| review.submitted_at)
            .min()
            .map(|at| at.trunc_subsecs(3)),
        merged_at: told.merged_at.map(|at| at.trunc_subsecs(3)),
        closed_at: told.closed_at.map(|at| at.trunc_subsecs(3)),
        author: told
            .author
            .as_ref()
            .map(|author| Text::from(author.login.as_str())),
        labels: Labels::from_names(seen(&told.labels).map(|label| label.name.as_str())),
        title: (!told.title.is_empty()).then(|| Text::from(told.title.as_str())),
        bot: told.author.as_ref().is_some_and(is_bot),
        reverts: reverted(&told.head_ref_name),
    };
    hosted::event(source, Some(&told.url), Body::PullRequest(request))
}

fn is_bot(actor: &ActorJson) -> bool {
    actor.kind == "Bot"
}

/// Whether a review is a person's who did not write the request; an account that was deleted counts as one.
fn is_somebody_else(reviewer: Option<&ActorJson>, author: Option<&ActorJson>) -> bool {
    match (reviewer, author) {
        (Some(reviewer), Some(author)) => !is_bot(reviewer) && reviewer.login != author.login,
        (Some(reviewer), None) => !is_bot(reviewer),
        (None, _) => true,
    }
}

/// A rebase keeps the author's time of its commits, a squash is written anew.
fn landed(told: &PullRequestJson) -> Landed {
    let Some(result) = &told.merge_commit else {
        return Landed::AsMerge;
    };
    let is_merge = result.parents.total_count.unwrap_or_default() > 1;
    let own = || told.commits.seen().map(|own| &own.commit);
    let is_kept = own()
        .any(|commit| commit.oid == result.oid || commit.authored_date == result.authored_date);
    if is_merge || is_kept {
        Landed::AsMerge
    } else {
        Landed::AsSquash
    }
}

/// The number in the branch that GitHub's *Revert* button makes: `revert-12-feature`.
fn reverted(head_branch: &str) -> Option<u64> {
    let (number, _) = head_branch.strip_prefix("revert-")?.split_once('-')?;
    number.parse().ok() // Words that only look like it are no number.
}
