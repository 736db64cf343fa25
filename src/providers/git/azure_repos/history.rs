//! Commits and tags of a repository.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

use super::graph::{Joined, weave};
use super::lists::Asking;
use super::pieces::{History, Piece, Repo};
use super::{events, json};
use crate::model::Event;
use crate::providers::azure_devops::{self, AT_ONCE, short_name};
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// Commits of a page. The host gives 50,000, which is more than one answer may weigh.
const PAGE: usize = 10_000;
/// Commits whose pull requests, or dates, are asked for at once: the vendor names no number.
const BATCH: usize = 500;
/// Tags of a page, the host's most.
const TAGS: usize = 1_000;

impl Asking<'_> {
    pub(super) async fn commits(&self, history: History) -> Result<Turn<Piece>, HttpError> {
        let branch = json!({"version": short_name(&history.repo.branch), "versionType": "branch"});
        // What the host compares is what it walks from; what it calls the item's version is where it stops.
        let criteria = match &history.known {
            Some(known) => json!({
                "itemVersion": {"version": known, "versionType": "commit"}, "compareVersion": branch,
            }),
            None => json!({"itemVersion": branch}),
        };
        let page = match self.batch(&history.repo, &criteria, history.skip).await {
            Ok(page) => page,
            // The commit went with a history that was rewritten: all of the branch is read again.
            Err(error) if error.is_not_found() && history.known.is_some() => {
                return Ok(Turn {
                    next: vec![Piece::Commits(History {
                        known: None,
                        skip: 0,
                        head: None,
                        held: Vec::new(),
                        ..history
                    })],
                    ..Turn::default()
                });
            }
            Err(error) => return Err(error),
        };
        let count = page.len();
        let head = history
            .head
            .clone()
            .or_else(|| page.first().map(|commit| commit.commit_id.clone()))
            .or_else(|| history.known.clone());
        // Newest first: a page that lies before the range ends the walk, unless it leads to a commit that is known.
        let reaches_further = history.known.is_some()
            || page
                .iter()
                .filter_map(events::committed_at)
                .any(|at| at >= self.range.start);
        let is_last = count < PAGE || !reaches_further;
        let joined = self.joined(&history.repo, &page).await?;
        let page = self.looked_at(&history.repo, page, &joined).await?;
        let dates: HashMap<String, DateTime<Utc>> = page
            .iter()
            .filter_map(|commit| Some((commit.commit_id.clone(), events::committed_at(commit)?)))
            .collect();
        let repo = history.repo.clone();
        let known = history.known.as_deref();
        let (commits, held) = weave(history.held, page, &joined, known, is_last);
        let mut turn = Turn {
            events: commits
                .iter()
                .filter_map(|commit| events::commit(self.api.source(), &repo, commit, true))
                .collect(),
            ..Turn::default()
        };
        if history.known.is_none() && history.skip == 0 {
            turn.events.extend(self.tagged(&repo, &[], dates).await?);
        }
        if is_last {
            turn.learnt.push(self.learn(&repo, head));
        } else {
            turn.next.push(Piece::Commits(History {
                repo,
                known: history.known,
                skip: history.skip + count,
                head,
                held,
            }));
        }
        Ok(turn)
    }

    async fn batch(
        &self,
        repo: &Repo,
        criteria: &serde_json::Value,
        skip: usize,
    ) -> Result<Vec<json::Commit>, HttpError> {
        let call = self
            .api
            .post(&Self::path(repo, &["commitsbatch"]))
            .query("$top", PAGE)
            .query("$skip", skip)
            .json(criteria);
        let told: json::List<json::Commit> = self.send(call).await?.json()?;
        Ok(told.value)
    }

    /// Which pull requests brought these commits in.
    async fn joined(&self, repo: &Repo, page: &[json::Commit]) -> Result<Joined, HttpError> {
        let asked: Vec<_> = page
            .chunks(BATCH)
            .map(|commits| {
                let items: Vec<&str> = commits
                    .iter()
                    .map(|commit| commit.commit_id.as_str())
                    .collect();
                self.queried(repo, items)
            })
            .collect();
        let told: Vec<json::Queried> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
        let mut joined = Joined::default();
        for queried in told {
            joined.take_in(queried, &repo.branch);
        }
        Ok(joined)
    }

    async fn queried(&self, repo: &Repo, items: Vec<&str>) -> Result<json::Queried, HttpError> {
        let query = json!({"queries": [
            {"type": "lastMergeCommit", "items": items}, {"type": "commit", "items": items},
        ]});
        let call = self
            .api
            .post(&Self::path(repo, &["pullrequestquery"]))
            .json(&query);
        self.send(call).await?.json()
    }

    /// The page, with those commits looked at by themselves of which the list leaves out what counts.
    async fn looked_at(
        &self,
        repo: &Repo,
        page: Vec<json::Commit>,
        joined: &Joined,
    ) -> Result<Vec<json::Commit>, HttpError> {
        let looked: Vec<_> = page
            .into_iter()
            .map(|commit| async move {
                if !leaves_out(&commit, joined) {
                    return Ok(commit);
                }
                let path = Self::path(repo, &["commits", &commit.commit_id]);
                self.send(self.api.get(&path)).await?.json()
            })
            .collect();
        stream::iter(looked).buffered(AT_ONCE).try_collect().await
    }

    pub(super) async fn tags(
        &self,
        repo: Repo,
        names: &[String],
    ) -> Result<Turn<Piece>, HttpError> {
        Ok(Turn {
            events: self.tagged(&repo, names, HashMap::new()).await?,
            ..Turn::default()
        })
    }

    /// Tags as events, those of these names or all; `dates` are those of commits that were read anyway.
    async fn tagged(
        &self,
        repo: &Repo,
        names: &[String],
        mut dates: HashMap<String, DateTime<Utc>>,
    ) -> Result<Vec<Event>, HttpError> {
        let mut tags = self.references(repo).await?;
        tags.retain(|tag| {
            names.is_empty() || names.iter().any(|name| name == short_name(&tag.name))
        });
        let commit_of = |tag: &json::Reference| {
            let commit = tag.peeled_object_id.as_ref().unwrap_or(&tag.object_id);
            commit.clone()
        };
        let mut unknown: Vec<String> = tags.iter().map(commit_of).collect();
        unknown.retain(|commit| !dates.contains_key(commit));
        unknown.sort();
        unknown.dedup();
        for ids in unknown.chunks(BATCH) {
            match self.batch(repo, &json!({ "ids": ids }), 0).await {
                Ok(commits) => dates.extend(commits.iter().filter_map(|commit| {
                    Some((commit.commit_id.clone(), events::committed_at(commit)?))
                })),
                // A tag of something else than a commit marks no version.
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
        let dated: Vec<_> = tags
            .iter()
            .map(|tag| {
                let at = dates.get(&commit_of(tag)).copied();
                self.tagged_at(repo, tag, at)
            })
            .collect();
        let dated: Vec<Option<DateTime<Utc>>> =
            stream::iter(dated).buffered(AT_ONCE).try_collect().await?;
        let pairs = tags.iter().zip(dated);
        Ok(pairs
            .filter_map(|(tag, at)| events::release(self.api.source(), repo, tag, &dates, at))
            .collect())
    }

    async fn references(&self, repo: &Repo) -> Result<Vec<json::Reference>, HttpError> {
        let mut found = Vec::new();
        let mut continuation: Option<String> = None;
        loop {
            let mut call = self
                .api
                .get(&Self::path(repo, &["refs"]))
                .query("filter", "tags/")
                .query("peelTags", "true")
                .query("$top", TAGS);
            if let Some(token) = &continuation {
                call = call.query("continuationToken", token);
            }
            let answer = self.send(call).await?;
            let page: json::List<json::Reference> = answer.json()?;
            let next = azure_devops::continuation(&answer);
            let is_stuck = page.value.is_empty() || next == continuation;
            found.extend(page.value);
            if next.is_none() || is_stuck {
                return Ok(found);
            }
            continuation = next;
        }
    }

    /// The tagger's time of an annotated tag; one whose commit is older than the range is not worth a request.
    async fn tagged_at(
        &self,
        repo: &Repo,
        tag: &json::Reference,
        committed_at: Option<DateTime<Utc>>,
    ) -> Result<Option<DateTime<Utc>>, HttpError> {
        let is_annotated = tag
            .peeled_object_id
            .as_ref()
            .is_some_and(|peeled| *peeled != tag.object_id);
        if !is_annotated || committed_at.is_some_and(|at| at < self.range.start) {
            return Ok(None);
        }
        let path = Self::path(repo, &["annotatedtags", &tag.object_id]);
        let told: json::AnnotatedTag = self.send(self.api.get(&path)).await?.json()?;
        Ok(told.tagged_by.and_then(|tagger| tagger.date))
    }
}

/// Whether the list leaves out what counts of a commit: both parents of a merge that no pull request made, the commit
/// that a revert or a pick names below its first line.
fn leaves_out(commit: &json::Commit, joined: &Joined) -> bool {
    let said = commit.comment.as_deref().unwrap_or_default();
    let is_merge = said.starts_with("Merge ") && !joined.completes(&commit.commit_id);
    let said = said.to_lowercase();
    let names_another = said.contains("revert") || said.contains("cherry");
    (is_merge && commit.parents.is_none())
        || (commit.comment_truncated == Some(true) && names_another)
}
