//! Commits: pages of a history, and what of a page is new behind a head that is known.

use std::collections::{HashMap, HashSet};

use super::json::{CommitJson, ComparedJson, Connection};
use crate::model::Event;
use crate::providers::git::hosted::{self, HostedCommit, Origin};

/// The event of a commit as GraphQL tells it.
pub(super) fn event(origin: &Origin, told: &CommitJson) -> Option<Event> {
    hosted::commit(
        origin,
        &HostedCommit {
            hash: &told.oid,
            parents: parents(told).collect(),
            authored_at: Some(told.authored_date),
            committed_at: told.committed_date,
            author: told
                .author
                .as_ref()
                .and_then(|author| author.name.as_deref()),
            message: &told.message,
            url: told.url.as_deref(),
        },
    )
}

fn parents(told: &CommitJson) -> impl Iterator<Item = &str> {
    told.parents.seen().map(|parent| parent.oid.as_str())
}

/// The event of a commit as REST's compare tells it; `None` where it has no time.
pub(super) fn compared(origin: &Origin, told: &ComparedJson) -> Option<Event> {
    let author = told.commit.author.as_ref();
    let authored_at = author.and_then(|author| author.date);
    let committer = told.commit.committer.as_ref();
    hosted::commit(
        origin,
        &HostedCommit {
            hash: &told.sha,
            parents: told
                .parents
                .iter()
                .map(|parent| parent.sha.as_str())
                .collect(),
            authored_at,
            committed_at: committer
                .and_then(|committer| committer.date)
                .or(authored_at)?,
            author: author.and_then(|author| author.name.as_deref()),
            message: &told.commit.message,
            url: told.html_url.as_deref(),
        },
    )
}

/// What of a page is not in the history of a known commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    /// These places of the page, and nothing beyond it.
    All(Vec<usize>),
    /// The page alone cannot tell: a branch began before it.
    Unclear,
}

/// Tells what the first page of a history holds that `known` does not hold.
///
/// Commits come newest first by their committers' clocks, so what was merged late stands among what is known: both sides
/// are followed by their parents, as far as the page goes.
pub(super) fn novelty(page: &Connection<CommitJson>, head: &str, known: &str) -> Novelty {
    let commits: Vec<&CommitJson> = page.seen().collect();
    let places: HashMap<&str, usize> = commits
        .iter()
        .enumerate()
        .map(|(at, commit)| (commit.oid.as_str(), at))
        .collect();
    let old = reached(&commits, &places, known, &HashSet::new());
    let new = reached(&commits, &places, head, &old);
    let is_last = page.next().is_none();
    let is_beyond = |hash: &&str| !places.contains_key(hash) && !old.contains(hash);
    // What the known side names as a parent is old too, though it stands beyond the page.
    if !is_last && new.iter().any(is_beyond) {
        return Novelty::Unclear;
    }
    let mut found: Vec<usize> = new
        .iter()
        .filter_map(|hash| places.get(hash).copied())
        .collect();
    found.sort_unstable();
    Novelty::All(found)
}

/// The hashes that a commit leads to by the page, itself and the first beyond the page included, short of `without`.
fn reached<'a>(
    commits: &[&'a CommitJson],
    places: &HashMap<&'a str, usize>,
    from: &'a str,
    without: &HashSet<&'a str>,
) -> HashSet<&'a str> {
    let mut found = HashSet::new();
    let mut open = vec![from];
    while let Some(hash) = open.pop() {
        if without.contains(hash) || !found.insert(hash) {
            continue;
        }
        if let Some(at) = places.get(hash) {
            open.extend(parents(commits[*at]));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A page drawn as `hash<parent<parent`, newest first.
    fn page(drawn: &[&str], has_next: bool) -> Connection<CommitJson> {
        let nodes: Vec<_> = drawn
            .iter()
            .map(|commit| {
                let mut words = commit.split('<');
                let oid = words.next().unwrap();
                let parents: Vec<_> = words.map(|parent| json!({"oid": parent})).collect();
                json!({
                    "oid": oid, "authoredDate": "2026-11-01T10:00:00Z", "committedDate": "2026-11-01T10:00:00Z",
                    "message": "", "url": null, "author": null, "parents": {"nodes": parents},
                })
            })
            .collect();
        serde_json::from_value(
            json!({"nodes": nodes, "pageInfo": {"hasNextPage": has_next, "endCursor": "c"}}),
        )
        .unwrap()
    }

    #[test]
    fn what_stands_above_the_known_head_is_new() {
        let page = page(&["d<c", "c<b", "b<a", "a<z"], true);
        assert_eq!(novelty(&page, "d", "b"), Novelty::All(vec![0, 1]));
        assert_eq!(novelty(&page, "d", "d"), Novelty::All(vec![]));
    }

    #[test]
    fn a_branch_merged_late_is_new_though_its_commits_are_old() {
        // m merges k and f2; f1 and f2 are older than k, and began at b.
        let page = page(&["m<k<f2", "k<b", "f2<f1", "f1<b", "b<a"], true);
        assert_eq!(novelty(&page, "m", "k"), Novelty::All(vec![0, 2, 3]));
    }

    #[test]
    fn a_branch_that_began_before_the_page_is_unclear() {
        let began_before = page(&["m<k<f2", "k<b", "b<a", "f2<f1"], true);
        assert_eq!(novelty(&began_before, "m", "k"), Novelty::Unclear);
        let known_is_beyond = page(&["d<c", "c<b"], true);
        assert_eq!(novelty(&known_is_beyond, "d", "z"), Novelty::Unclear);
    }

    #[test]
    fn the_known_head_may_stand_right_behind_the_page() {
        let page = page(&["d<c", "c<b"], true);
        assert_eq!(novelty(&page, "d", "b"), Novelty::All(vec![0, 1]));
    }

    #[test]
    fn a_history_that_was_rewritten_is_new_to_its_root() {
        let page = page(&["y<x", "x<a", "a"], false);
        assert_eq!(novelty(&page, "y", "gone"), Novelty::All(vec![0, 1, 2]));
    }
}
