//! Pull requests with their reviews, and with their own commits where merging lost them.

use futures::stream::{self, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use super::graph::Strategy;
use super::lists::{Asking, OVERLAP};
use super::pieces::{Of, Piece, Repo, Which, known_repo};
use super::{events, json, reviews};
use crate::model::Event;
use crate::providers::azure_devops::{self, AT_ONCE};
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// Pull requests of a page. The host gives a thousand, but each asks for its threads: what was under way when a reading is
/// cut off is read again.
const PAGE: usize = 100;
/// Commits of a pull request that are asked for at once.
const OWN_PAGE: usize = 1_000;

impl Asking<'_> {
    pub(super) async fn pull_requests(
        &self,
        of: Of,
        which: Which,
        skip: usize,
    ) -> Result<Turn<Piece>, HttpError> {
        let path = match &of {
            Of::Project(project) => vec![project.as_str(), "_apis", "git", "pullrequests"],
            Of::Repository(repo) => Self::path(repo, &["pullrequests"]),
        };
        let mut call = self.api.get(&path);
        call = match which {
            Which::Open => call.query("searchCriteria.status", "active"),
            Which::Closed => call
                .query("searchCriteria.status", "all")
                .query("searchCriteria.queryTimeRangeType", "closed")
                .query("searchCriteria.minTime", self.since(OVERLAP)),
        };
        let call = call.query("$top", PAGE).query("$skip", skip);
        let told: json::List<json::PullRequest> = self.send(call).await?.json()?;
        let mut turn = Turn::default();
        let mut reviewed = Vec::new();
        for request in &told.value {
            let Some(repo) = self.repo_of(request) else {
                continue;
            };
            let name = format!("request/{}", request.pull_request_id);
            // An open one is looked at when it is met, and when its votes or its branch change.
            let state = (which == Which::Open).then(|| state_of(request));
            if state.is_some() && self.known.get(&name) == state.as_ref() {
                continue;
            }
            if state.is_some() || self.known.contains_key(&name) {
                turn.learnt.push((name, state));
            }
            reviewed.push(self.reviewed(repo, request));
        }
        let events: Vec<Vec<Event>> = stream::iter(reviewed)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        turn.events = events.into_iter().flatten().collect();
        if told.value.len() == PAGE {
            let skip = skip + PAGE;
            turn.next.push(Piece::PullRequests { of, which, skip });
        }
        Ok(turn)
    }

    /// The repository of a pull request, where it is one that is read.
    fn repo_of(&self, told: &json::PullRequest) -> Option<Repo> {
        let id = &told.repository.as_ref()?.id;
        let known = known_repo(&self.known, id)?;
        self.lists.reads(&known.repo.name).then_some(known.repo)
    }

    /// A pull request as events: itself with its reviews, and its own commits where the branch does not have them.
    async fn reviewed(
        &self,
        repo: Repo,
        told: &json::PullRequest,
    ) -> Result<Vec<Event>, HttpError> {
        let number = told.pull_request_id.to_string();
        let threads = self
            .api
            .get(&Self::path(&repo, &["pullRequests", &number, "threads"]));
        let threads: json::List<json::Thread> = match self.send(threads).await {
            Ok(answer) => answer.json()?,
            // It went away between the list and this.
            Err(error) if error.is_not_found() => json::List { value: Vec::new() },
            Err(error) => return Err(error),
        };
        let reviews = reviews::read(told, &threads.value);
        let is_on_branch = Strategy::of(told) == Strategy::Merge
            && told.target_ref_name.as_deref() == Some(repo.branch.as_str());
        let own = match told.status.as_deref() {
            // Nothing comes of it.
            Some("abandoned") => Vec::new(),
            Some("completed") if is_on_branch => Vec::new(),
            Some(_) | None => self.own_commits(&repo, &number).await?,
        };
        let mut events: Vec<Event> = own
            .iter()
            .filter_map(|commit| events::commit(self.api.source(), &repo, commit, false))
            .collect();
        let url = self.page_of(&repo, &["pullrequest", &number]);
        events.extend(events::pull_request(
            self.api.source(),
            &repo,
            told,
            &reviews,
            &own,
            Some(&url),
        ));
        Ok(events)
    }

    /// The commits of a pull request, newest first, each standing on the next.
    async fn own_commits(&self, repo: &Repo, number: &str) -> Result<Vec<json::Commit>, HttpError> {
        let mut own: Vec<json::Commit> = Vec::new();
        let mut continuation: Option<String> = None;
        loop {
            let path = Self::path(repo, &["pullRequests", number, "commits"]);
            let mut call = self.api.get(&path).query("$top", OWN_PAGE);
            if let Some(token) = &continuation {
                call = call.query("continuationToken", token);
            }
            let answer = match self.send(call).await {
                Ok(answer) => answer,
                Err(error) if error.is_not_found() => break,
                Err(error) => return Err(error),
            };
            let page: json::List<json::Commit> = answer.json()?;
            let next = azure_devops::continuation(&answer);
            let is_stuck = page.value.is_empty() || next == continuation;
            own.extend(page.value);
            if next.is_none() || is_stuck {
                break;
            }
            continuation = next;
        }
        let hashes: Vec<String> = own.iter().map(|commit| commit.commit_id.clone()).collect();
        for (commit, parent) in own.iter_mut().zip(hashes.into_iter().skip(1)) {
            commit.parents.get_or_insert_with(|| vec![parent]);
        }
        Ok(own)
    }
}

/// What changes of an open pull request when somebody votes or pushes.
fn state_of(told: &json::PullRequest) -> String {
    let head = told.last_merge_source_commit.as_ref();
    let head = head.and_then(|head| head.commit_id.as_deref());
    let mut votes: Vec<String> = told
        .reviewers
        .iter()
        .flatten()
        .map(|reviewer| {
            let who = reviewer.id.as_deref().unwrap_or_default();
            format!("{who}={}", reviewer.vote.unwrap_or_default())
        })
        .collect();
    votes.sort();
    let text = format!("{} {}", head.unwrap_or_default(), votes.join(","));
    // Only that it changed matters, and the cursor is written with every page.
    let digest = Sha256::digest(text);
    hex::encode(&digest[..8])
}
