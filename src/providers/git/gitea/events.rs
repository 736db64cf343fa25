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

#[cfg(test)]
mod tests {
    use chrono::SecondsFormat;

    use super::*;

    fn repo() -> Repo {
        Repo {
            id: 1,
            name: "Acme/Shop".to_owned(),
            repository: "git.acme.example/acme/shop".into(),
            branch: "main".to_owned(),
        }
    }

    fn told(request: &PullRequest) -> String {
        let at = |at: Option<DateTime<Utc>>| {
            at.map_or("-".to_owned(), |at| {
                at.to_rfc3339_opts(SecondsFormat::Secs, true)
            })
        };
        format!(
            "opened {} review {} approved {} merged {} closed {}",
            at(request.opened_at),
            at(request.first_review_at),
            at(request.approved_at),
            at(request.merged_at),
            at(request.closed_at),
        )
    }

    fn read(reviews: &str, merging: Merging) -> PullRequest {
        let json = include_str!("../../../../tests/fixtures/gitea/pull-request.json");
        let request: json::PullRequest = serde_json::from_str(json).unwrap();
        let reviews: Vec<json::Review> = serde_json::from_str(reviews).unwrap();
        let event =
            pull_request(&"code".into(), &repo(), &request, &reviews, &[], merging).unwrap();
        assert_eq!(
            event.id.as_str(),
            "pull_request:git.acme.example/acme/shop#12"
        );
        match event.body {
            Body::PullRequest(request) => request,
            _ => panic!(),
        }
    }

    #[test]
    fn a_review_is_somebody_elses_and_an_approval_one_that_stands() {
        // The author's remark, a request for review, a team's approval and a dismissed one are none.
        let request = read(
            include_str!("../../../../tests/fixtures/gitea/reviews.json"),
            Merging::Merge,
        );
        assert_eq!(
            told(&request),
            "opened 2026-05-04T08:00:00Z review 2026-05-04T09:00:00Z approved 2026-05-04T11:00:00Z merged 2026-05-04T12:00:00Z closed 2026-05-04T12:00:00Z"
        );
        assert_eq!(request.labels, Labels::from_names(["hotfix"]));
        assert!(!request.bot);
    }

    #[test]
    fn what_brought_a_pull_request_in_is_a_merge_or_a_squash() {
        let merge = "c".repeat(40).parse().ok();
        let merged = read("[]", Merging::Merge);
        assert_eq!((merged.merge_commit, merged.squash_commit), (merge, None));
        let squashed = read("[]", Merging::Squash);
        assert_eq!(
            (squashed.merge_commit, squashed.squash_commit),
            (None, merge)
        );
    }

    #[test]
    fn a_commit_without_committer_has_its_authors_time_and_one_without_any_time_is_none() {
        let commit = |json: &str| {
            let told: json::Commit = serde_json::from_str(json).unwrap();
            commit_time(&told)
        };
        let hash = "a".repeat(40);
        let full = format!(
            r#"{{"sha":"{hash}","html_url":null,"commit":{{"message":"One\n\nThis reverts commit {hash}.","author":{{"name":"Ann","date":"2026-05-04T10:00:00+02:00"}},"committer":null}},"parents":null}}"#
        );
        assert_eq!(commit(&full), Some("2026-05-04T08:00:00Z".parse().unwrap()));
        let none = format!(
            r#"{{"sha":"{hash}","html_url":null,"commit":{{"message":null,"author":{{"name":null,"date":"0001-01-01T00:00:00Z"}},"committer":null}}}}"#
        );
        assert_eq!(commit(&none), None);
    }

    fn commit_time(told: &json::Commit) -> Option<DateTime<Utc>> {
        match commit(&"code".into(), &repo(), told, true)?.body {
            Body::Commit(commit) => Some(commit.committed_at),
            _ => None,
        }
    }
}
