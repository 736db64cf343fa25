//! Parents of commits: Azure's lists leave them out, and one request a commit is out of the question.
//!
//! What pull requests say of themselves puts them back. A pull request that was completed by a merge names both parents of
//! its merge commit, and the host tells for a whole list of commits which pull request brought each of them in, so that
//! the histories of branches and the branch they went to come apart. Within each the host's order is history's. What
//! is delivered by a commit of the default branch is exact by this: a branch's commits come in with its merge, never by date.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::json;

/// The default branch among the lines of history; others have the number of their pull request.
const TRUNK: u64 = 0;

/// How a pull request was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Strategy {
    Merge,
    Squash,
    /// Its commits were written anew onto the branch.
    Rebase,
    /// The same, with a merge commit on top.
    RebaseMerge,
}

impl Strategy {
    pub(super) fn of(told: &json::PullRequest) -> Self {
        let options = told.completion_options.as_ref();
        match options.and_then(|options| options.merge_strategy.as_deref()) {
            Some("squash") => Self::Squash,
            Some("rebase") => Self::Rebase,
            Some("rebaseMerge") => Self::RebaseMerge,
            Some(_) => Self::Merge,
            None if options.and_then(|options| options.squash_merge) == Some(true) => Self::Squash,
            None => Self::Merge,
        }
    }
}

/// What commits have to do with the pull requests that were completed into the branch.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// What completed a pull request, by hash: how, onto what, and what of.
    completions: HashMap<String, Completion>,
    /// Commits of branches that were merged, by hash: the first pull request that brought them in.
    own: HashMap<String, u64>,
}

#[derive(Debug)]
struct Completion {
    strategy: Strategy,
    target: Option<String>,
    source: Option<String>,
}

impl Joined {
    /// Takes in what the host says of the pull requests of commits.
    pub(super) fn take_in(&mut self, queried: json::Queried, branch: &str) {
        let mut first: HashMap<String, (chrono::DateTime<chrono::Utc>, u64)> = HashMap::new();
        for (commit, requests) in queried.results.into_iter().flatten() {
            for told in requests {
                let is_into_branch = told.status.as_deref() == Some("completed")
                    && told.target_ref_name.as_deref() == Some(branch);
                let Some(closed_at) = told.closed_date.filter(|_| is_into_branch) else {
                    continue;
                };
                let strategy = Strategy::of(&told);
                let id = |of: Option<json::CommitId>| of.and_then(|of| of.commit_id);
                let merge = id(told.last_merge_commit);
                if merge.as_deref() == Some(commit.as_str()) {
                    let completion = Completion {
                        strategy,
                        target: id(told.last_merge_target_commit),
                        source: id(told.last_merge_source_commit),
                    };
                    self.completions.insert(commit.clone(), completion);
                } else if strategy == Strategy::Merge {
                    let of = (closed_at, told.pull_request_id);
                    let kept = first.entry(commit.clone()).or_insert(of);
                    *kept = of.min(*kept);
                }
            }
        }
        self.own.extend(
            first
                .into_iter()
                .map(|(commit, (_, number))| (commit, number)),
        );
    }

    /// Whether a commit completed a pull request.
    pub(super) fn completes(&self, hash: &str) -> bool {
        self.completions.contains_key(hash)
    }

    fn line_of(&self, hash: &str) -> u64 {
        match self.own.get(hash) {
            Some(number) if !self.completes(hash) => *number,
            Some(_) | None => TRUNK,
        }
    }
}

/// A commit whose parents the next page tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Held {
    line: u64,
    commit: json::Commit,
    parents: Vec<String>,
}

/// A commit on its line, with what is known of its parents.
struct Placed {
    line: u64,
    commit: json::Commit,
    parents: Vec<String>,
    /// Whether the next commit of its line may be a parent.
    is_open: bool,
}

/// What a page of commits, newest first, makes with what was held back of the page before it: commits with their parents,
/// and those that are held back. `end` is what the trunk's last commit stands on, where that is known; `is_last`: no page
/// follows.
pub(super) fn weave(
    held: Vec<Held>,
    commits: Vec<json::Commit>,
    joined: &Joined,
    end: Option<&str>,
    is_last: bool,
) -> (Vec<json::Commit>, Vec<Held>) {
    let held_back = held.len();
    let mut placed: Vec<Placed> = held
        .into_iter()
        .map(|held| Placed {
            line: held.line,
            commit: held.commit,
            parents: held.parents,
            is_open: true,
        })
        .chain(commits.into_iter().map(|commit| place(commit, joined)))
        .collect();
    let mut last_of: HashMap<u64, usize> = HashMap::new();
    for at in 0..placed.len() {
        let (line, hash) = (placed[at].line, placed[at].commit.commit_id.clone());
        if let Some(before) = last_of.insert(line, at) {
            stand_on(&mut placed[before], hash);
        }
    }
    if is_last
        && let Some(end) = end
        && let Some(at) = last_of.get(&TRUNK)
    {
        stand_on(&mut placed[*at], end.to_owned());
    }
    let mut woven = Vec::with_capacity(placed.len());
    let mut kept = Vec::new();
    for (at, mut one) in placed.into_iter().enumerate() {
        let is_end = last_of.get(&one.line) == Some(&at);
        // A branch that a whole page did not go on with has ended.
        let goes_on = one.line == TRUNK || at >= held_back;
        if !is_last && is_end && one.is_open && goes_on {
            kept.push(Held {
                line: one.line,
                commit: one.commit,
                parents: one.parents,
            });
        } else {
            one.commit.parents = Some(one.parents);
            woven.push(one.commit);
        }
    }
    (woven, kept)
}

/// A commit with what it and its pull request say of its parents.
fn place(mut commit: json::Commit, joined: &Joined) -> Placed {
    let line = joined.line_of(&commit.commit_id);
    let told = commit.parents.take().filter(|parents| !parents.is_empty());
    let (parents, is_open) = match (told, joined.completions.get(&commit.commit_id)) {
        // It was looked at by itself.
        (Some(parents), _) => (parents, false),
        (None, Some(completion)) => {
            let known = |hash: &Option<String>| hash.iter().cloned().collect::<Vec<_>>();
            match completion.strategy {
                Strategy::Merge => {
                    let parents = [known(&completion.target), known(&completion.source)].concat();
                    (parents, completion.target.is_none())
                }
                Strategy::Squash if completion.target.is_some() => {
                    (known(&completion.target), false)
                }
                Strategy::RebaseMerge => (known(&completion.target), true),
                Strategy::Squash | Strategy::Rebase => (Vec::new(), true),
            }
        }
        (None, None) => (Vec::new(), true),
    };
    Placed {
        line,
        commit,
        parents,
        is_open,
    }
}

/// The next commit of the line is its parent, unless its parents are known already.
fn stand_on(placed: &mut Placed, hash: String) {
    if placed.is_open && !placed.parents.contains(&hash) {
        placed.parents.push(hash);
    }
    placed.is_open = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(hash: &str) -> json::Commit {
        serde_json::from_value(serde_json::json!({"commitId": hash})).unwrap()
    }

    /// Commits by words: `hash` or, for what a pull request says of it, `hash=strategy:number:target:source`.
    fn joined(completions: &[(&str, &str, u64, &str, &str)], own: &[(&str, u64)]) -> Joined {
        let request = |number: u64, strategy: &str, merge: &str, target: &str, source: &str| {
            serde_json::json!({
                "pullRequestId": number, "status": "completed", "closedDate": "2026-01-01T00:00:00Z", "targetRefName": "refs/heads/main",
                "completionOptions": {"mergeStrategy": strategy}, "lastMergeCommit": {"commitId": merge},
                "lastMergeTargetCommit": {"commitId": target}, "lastMergeSourceCommit": {"commitId": source},
            })
        };
        let mut results = serde_json::Map::new();
        for (merge, strategy, number, target, source) in completions {
            let told = request(*number, strategy, merge, target, source);
            results.insert((*merge).to_owned(), serde_json::json!([told]));
        }
        for (hash, number) in own {
            let told = request(*number, "noFastForward", "other", "other", "other");
            results.insert((*hash).to_owned(), serde_json::json!([told]));
        }
        let queried = serde_json::from_value(serde_json::json!({"results": [results]})).unwrap();
        let mut joined = Joined::default();
        joined.take_in(queried, "refs/heads/main");
        joined
    }

    fn drawn(commits: &[json::Commit]) -> String {
        let drawn = commits.iter().map(|commit| {
            let parents = commit.parents.clone().unwrap_or_default();
            format!("{}<{}", commit.commit_id, parents.join("+"))
        });
        drawn.collect::<Vec<_>>().join(" ")
    }

    fn woven(hashes: &[&str], joined: &Joined, end: Option<&str>) -> String {
        let commits = hashes.iter().map(|hash| commit(hash)).collect();
        let (commits, held) = weave(Vec::new(), commits, joined, end, true);
        assert!(held.is_empty());
        drawn(&commits)
    }

    #[test]
    fn commits_of_a_merged_branch_come_in_with_their_merge_however_old_they_are() {
        // The branch's w1 is older than the pushed d1, and so listed after it.
        let joined = joined(
            &[("m", "noFastForward", 7, "d2", "w2")],
            &[("w2", 7), ("w1", 7)],
        );
        assert_eq!(
            woven(&["m", "w2", "d2", "d1", "w1", "d0"], &joined, Some("k")),
            "m<d2+w2 w2<w1 d2<d1 d1<d0 w1< d0<k"
        );
    }

    #[test]
    fn every_strategy_has_the_parents_it_makes() {
        let joined = joined(
            &[
                ("s", "squash", 1, "b", "x"),
                ("b", "rebaseMerge", 2, "r", "y"),
                ("r", "rebase", 3, "a", "z"),
            ],
            &[],
        );
        // `c` is the rebased commit that `b` joins; `q` comes before `r` in its rebased line.
        assert_eq!(
            woven(&["s", "b", "c", "r", "q", "a"], &joined, None),
            "s<b b<r+c c<r r<q q<a a<"
        );
    }

    #[test]
    fn pages_are_joined_where_they_were_cut() {
        let joined = joined(
            &[("m", "noFastForward", 7, "d2", "w3")],
            &[("w3", 7), ("w2", 7), ("w1", 7)],
        );
        let hashes = ["m", "w3", "d2", "w2", "d1", "w1"];
        let whole = woven(&hashes, &joined, Some("k"));
        for cut in 1..hashes.len() {
            let page = |part: &[&str]| -> Vec<json::Commit> {
                part.iter().map(|hash| commit(hash)).collect()
            };
            let (mut first, held) =
                weave(Vec::new(), page(&hashes[..cut]), &joined, Some("k"), false);
            let (second, none) = weave(held, page(&hashes[cut..]), &joined, Some("k"), true);
            assert!(none.is_empty());
            first.extend(second);
            let sorted = |text: &str| {
                let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
                words.sort();
                words
            };
            assert_eq!(sorted(&drawn(&first)), sorted(&whole), "cut at {cut}");
        }
    }

    #[test]
    fn a_commit_that_was_looked_at_keeps_its_parents() {
        let mut merge = commit("l");
        merge.parents = Some(vec!["p".to_owned(), "q".to_owned()]);
        let (commits, _) = weave(
            Vec::new(),
            vec![merge, commit("p")],
            &Joined::default(),
            None,
            true,
        );
        assert_eq!(drawn(&commits), "l<p+q p<");
    }

    #[test]
    fn a_pull_request_into_another_branch_or_abandoned_joins_nothing() {
        let told = serde_json::json!({"results": [{"a": [
            {"pullRequestId": 1, "status": "abandoned", "closedDate": "2026-01-01T00:00:00Z", "targetRefName": "refs/heads/main"},
            {"pullRequestId": 2, "status": "completed", "closedDate": "2026-01-01T00:00:00Z", "targetRefName": "refs/heads/release"},
            {"pullRequestId": 3, "status": "active", "targetRefName": "refs/heads/main", "closedDate": null},
        ]}]});
        let mut joined = Joined::default();
        joined.take_in(serde_json::from_value(told).unwrap(), "refs/heads/main");
        assert_eq!(joined.line_of("a"), TRUNK);
    }
}
