//! What the threads of a pull request tell of its reviews: comments, and votes in the host's own threads.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::events::cut;
use super::json;

/// Votes from here on approve: 10, or 5 with suggestions.
const APPROVES: i32 = 5;

/// When a pull request was reviewed by somebody else than its author.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reviews {
    /// The first comment or vote.
    pub(super) first_at: Option<DateTime<Utc>>,
    /// The first approval that still stands.
    pub(super) approved_at: Option<DateTime<Utc>>,
}

/// Reads the threads of a pull request.
pub(super) fn read(told: &json::PullRequest, threads: &[json::Thread]) -> Reviews {
    let author = told
        .created_by
        .as_ref()
        .and_then(|author| author.id.as_deref());
    let is_other = |who: &str| Some(who) != author;
    let comments = threads
        .iter()
        .filter(|thread| thread.is_deleted != Some(true))
        .flat_map(|thread| thread.comments.iter().flatten())
        .filter(|comment| {
            // A comment that was taken back was a review all the same, but nobody can tell what of.
            comment.is_deleted != Some(true)
                && matches!(comment.comment_type.as_deref(), Some("text" | "codeChange"))
        });
    let commented = comments.filter_map(|comment| {
        let who = comment.author.as_ref()?.id.as_deref()?;
        cut(comment.published_date).filter(|_| is_other(who))
    });
    let votes: Vec<Vote> = threads
        .iter()
        .filter_map(Vote::of)
        .filter(|vote| is_other(vote.by))
        .collect();
    let voted = votes
        .iter()
        .filter(|vote| vote.value != 0)
        .map(|vote| vote.at);
    Reviews {
        first_at: commented.chain(voted).min(),
        approved_at: approved_at(told, &votes),
    }
}

/// A vote as the host's thread tells it.
#[derive(Clone, Copy, Debug)]
struct Vote<'a> {
    by: &'a str,
    value: i32,
    at: DateTime<Utc>,
}

impl<'a> Vote<'a> {
    fn of(thread: &'a json::Thread) -> Option<Self> {
        let property = |name: &str| {
            let properties = thread.properties.as_ref()?;
            properties.get(name)?.value.as_ref()?.as_str()
        };
        if property("CodeReviewThreadType") != Some("VoteUpdate") {
            return None;
        }
        // The voter is named by number, by id in older versions, or wrote the thread.
        let by_number = || {
            let identities = thread.identities.as_ref()?;
            let identity = identities.get(property("CodeReviewVotedByIdentity")?)?;
            identity.id.as_deref()
        };
        let by_writing = || {
            let comment = thread.comments.as_ref()?.first()?;
            comment.author.as_ref()?.id.as_deref()
        };
        Some(Self {
            by: by_number()
                .or_else(|| property("CodeReviewVotedByTfId"))
                .or_else(by_writing)?,
            value: property("CodeReviewVoteResult")?.parse().ok()?, // A vote of another form tells nothing.
            at: cut(thread.published_date)?,
        })
    }
}

/// The earliest approval among those who still approve: for each the first since they last did not.
fn approved_at(told: &json::PullRequest, votes: &[Vote<'_>]) -> Option<DateTime<Utc>> {
    // New pushes may reset votes without a thread for each: the reviewers tell what stands.
    let standing: HashSet<&str> = told
        .reviewers
        .iter()
        .flatten()
        .filter(|reviewer| reviewer.vote.is_some_and(|vote| vote >= APPROVES))
        .filter_map(|reviewer| reviewer.id.as_deref())
        .collect();
    let mut in_order = votes.to_vec();
    in_order.sort_by_key(|vote| vote.at);
    let mut since: HashMap<&str, DateTime<Utc>> = HashMap::new();
    for vote in in_order {
        if vote.value >= APPROVES {
            since.entry(vote.by).or_insert(vote.at);
        } else {
            since.remove(vote.by);
        }
    }
    since
        .into_iter()
        .filter(|(by, _)| standing.contains(by))
        .map(|(_, at)| at)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::git::azure_repos::{events, graph, pieces};

    fn fixture() -> (json::PullRequest, Vec<json::Thread>) {
        let request = include_str!("../../../../tests/fixtures/azure_repos/pull-request.json");
        let threads = include_str!("../../../../tests/fixtures/azure_repos/threads.json");
        let threads: json::List<json::Thread> = serde_json::from_str(threads).unwrap();
        (serde_json::from_str(request).unwrap(), threads.value)
    }

    fn at(text: &str) -> Option<DateTime<Utc>> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_review_is_somebody_elses_comment_or_vote_and_an_approval_must_stand() {
        let (told, threads) = fixture();
        // Cleo approved at 10:30 and took it back, Ben waited at 10:20, approved at 11:00 by number and again at 11:30; the
        // author's remark, the policy's thread and the deleted comment do not count.
        assert_eq!(
            read(&told, &threads),
            Reviews {
                first_at: at("2026-05-04T10:15:00.120Z"),
                approved_at: at("2026-05-04T11:00:00Z"),
            }
        );
    }

    #[test]
    fn an_approval_that_a_push_reset_does_not_stand() {
        let (mut told, threads) = fixture();
        for reviewer in told.reviewers.iter_mut().flatten() {
            reviewer.vote = Some(0);
        }
        assert_eq!(read(&told, &threads).approved_at, None);
    }

    #[test]
    fn a_pull_request_says_all_that_its_answer_says() {
        let (told, threads) = fixture();
        assert_eq!(graph::Strategy::of(&told), graph::Strategy::Squash);
        let repo = pieces::Repo {
            id: "5febef5a".to_owned(),
            name: "Shop/api".to_owned(),
            repository: "dev.azure.com/acme/shop/api".into(),
            branch: "refs/heads/main".to_owned(),
        };
        let event = events::pull_request(
            &"code".into(),
            &repo,
            &told,
            &read(&told, &threads),
            &[],
            Some("https://dev.azure.com/acme/Shop/_git/api/pullrequest/22"),
        );
        let json = serde_json::to_value(event.unwrap().body).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "pull_request", "repository": "dev.azure.com/acme/shop/api", "number": 22,
                "head": "b60280bc6e62e2f880f1b63c1e24987664d3bda3", "head_branch": "hotfix/cart", "base": "main",
                "squash_commit": "39f52d24533cc712fc845ed9fd1b6c06b3942588",
                "opened_at": "2026-05-04T10:00:00.165Z", "first_review_at": "2026-05-04T10:15:00.120Z",
                "approved_at": "2026-05-04T11:00:00Z", "merged_at": "2026-05-04T12:00:00Z", "closed_at": "2026-05-04T12:00:00Z",
                "author": "Ann", "labels": {"hotfix": "true"}, "title": "Keep the cart",
            })
        );
    }
}
