//! Pull requests with what happened to them, how they were merged, and their own commits where merging lost them.

use std::collections::{BTreeMap, BTreeSet};

use super::events::{self, Joined};
use super::json;
use super::lists::{Asking, KnownRepo, known_repo, learnt, newer};
use super::log::{Log, PULL_REQUEST_PAGE};
use super::pieces::{Piece, Visit};
use crate::providers::bitbucket_cloud::{PAGE, all, of_values, page};
use crate::providers::git::joins::Join;
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// How a pull request was joined, by its number.
type Joins = BTreeMap<u64, Joined>;

impl Asking<'_> {
    pub(super) async fn pull_requests(
        &self,
        visit: Visit,
        next: Option<String>,
        mut log: Log,
        is_alone: bool,
    ) -> Result<Turn<Piece>, HttpError> {
        let fields = of_values(json::PULL_REQUEST_FIELDS);
        let updated = newer("updated_on", visit.since);
        let query = [
            ("state", "OPEN"),
            ("state", "MERGED"),
            ("state", "DECLINED"),
            ("state", "SUPERSEDED"),
            ("q", updated.as_str()),
            ("sort", "-updated_on"),
            ("pagelen", PULL_REQUEST_PAGE),
            ("fields", fields.as_str()),
        ];
        let path = Self::path(&visit.repo, &["pullrequests"]);
        let told = page::<json::PullRequest>(&self.api, &path, &query, next.as_deref()).await?;
        let facts = self.happened(&visit.repo, &told.values, &mut log).await?;
        let mut joins = self.joins(&visit, &told.values).await?;
        let mut turn = Turn::default();
        for request in &told.values {
            let joined = joins.remove(&request.id).unwrap_or_default();
            turn.events
                .extend(self.commit_events(&visit.repo, &joined.own, false));
            turn.events.extend(events::pull_request(
                self.api.source(),
                &visit.repo,
                request,
                &facts,
                &joined,
            ));
        }
        match told.next {
            Some(next) => turn.next.push(Piece::PullRequests {
                visit,
                next: Some(next),
                log,
                is_alone,
            }),
            None if is_alone => {
                if let Some(known) = known_repo(&self.known, &visit.repo.uuid) {
                    turn.learnt.push(learnt(&KnownRepo {
                        until: known.until.max(self.range.end),
                        ..known
                    }));
                }
            }
            None => turn.next.push(Piece::Tags { visit, next: None }),
        }
        Ok(turn)
    }

    /// How these were joined, with the own commits of those that are open or that merging rewrote.
    async fn joins(
        &self,
        visit: &Visit,
        requests: &[json::PullRequest],
    ) -> Result<Joins, HttpError> {
        let mut joins = Joins::new();
        let mut lost = Vec::new();
        for request in requests {
            let found = match request.merge().filter(|_| request.is_merged()) {
                Some(digits) => self.found(visit, digits).await?,
                None => None,
            };
            let is_on_main = request.base() == Some(visit.repo.branch.as_str());
            let head = request.head().and_then(|head| visit.graph.find(head));
            // A fast-forward, too: its last commit is one of the default branch.
            let is_in_graph =
                is_on_main && (head.is_some() || matches!(found, Some(Join::Merge { .. })));
            if !is_in_graph && (request.is_open() || request.is_merged()) {
                lost.push(request);
            }
            joins.insert(request.id, Joined::of(request, found, head));
        }
        let mut own = self.own_commits_of(visit, &lost).await?;
        for request in lost {
            if let Some(joined) = joins.get_mut(&request.id) {
                joined.take(request, own.remove(&request.id).unwrap_or_default());
            }
        }
        Ok(joins)
    }

    /// The commit that begins with these digits, asked for where the graph that was read does not hold it.
    async fn found(&self, visit: &Visit, digits: &str) -> Result<Option<Join>, HttpError> {
        if let Some(found) = visit.graph.find(digits) {
            return Ok(Some(found));
        }
        let asked = self
            .api
            .get(&Self::path(&visit.repo, &["commit", digits]))
            .query("fields", json::COMMIT_FIELDS)
            .send()
            .await;
        match asked {
            Ok(answer) => Ok(Some(answer.json::<json::Commit>()?.join())),
            // A branch that was deleted and cleaned up took it along.
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The own commits of pull requests, in one request where the default branch tells them apart.
    async fn own_commits_of(
        &self,
        visit: &Visit,
        lost: &[&json::PullRequest],
    ) -> Result<BTreeMap<u64, Vec<json::Commit>>, HttpError> {
        let main = visit.repo.branch.as_str();
        let (together, mut alone): (Vec<&json::PullRequest>, Vec<_>) = lost
            .iter()
            .partition(|request| request.base() == Some(main) && request.head().is_some());
        let mut own = BTreeMap::new();
        if together.len() > 1 {
            let commits = self.beside_main(visit, &together).await?;
            for request in together {
                let head = request.head().unwrap_or_default();
                let found = reachable(&commits, head);
                // A branch that is gone, or of a fork, is asked for by the pull request's number.
                if found.is_empty() {
                    alone.push(request);
                } else {
                    own.insert(request.id, found);
                }
            }
        } else {
            alone.extend(together);
        }
        for request in alone {
            let fields = of_values(json::COMMIT_FIELDS);
            let number = request.id.to_string();
            let path = Self::path(&visit.repo, &["pullrequests", &number, "commits"]);
            let asked = all(&self.api, &path, &[("pagelen", PAGE), ("fields", &fields)]).await;
            let commits = match asked {
                Ok(commits) => commits,
                Err(error) if error.is_not_found() => Vec::new(),
                Err(error) => return Err(error),
            };
            own.insert(request.id, commits);
        }
        Ok(own)
    }

    /// The commits of these pull requests' branches that the default branch does not hold.
    async fn beside_main(
        &self,
        visit: &Visit,
        requests: &[&json::PullRequest],
    ) -> Result<Vec<json::Commit>, HttpError> {
        let fields = of_values(json::COMMIT_FIELDS);
        let mut query = vec![
            ("exclude", visit.repo.branch.as_str()),
            ("pagelen", PAGE),
            ("fields", fields.as_str()),
        ];
        let heads = requests.iter().filter_map(|request| request.head());
        query.extend(heads.map(|head| ("include", head)));
        let path = Self::path(&visit.repo, &["commits"]);
        match all(&self.api, &path, &query).await {
            Ok(commits) => Ok(commits),
            // One branch that is gone spoils the answer for all.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// Those of the commits that the head, of which the first digits are known, leads to.
fn reachable(commits: &[json::Commit], head: &str) -> Vec<json::Commit> {
    let by_hash: BTreeMap<&str, &json::Commit> = commits
        .iter()
        .map(|commit| (commit.hash.as_str(), commit))
        .collect();
    let mut open: Vec<&str> = by_hash
        .keys()
        .copied()
        .find(|hash| hash.starts_with(head))
        .into_iter()
        .collect();
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    while let Some(hash) = open.pop() {
        let Some(commit) = by_hash.get(hash).filter(|_| seen.insert(hash)) else {
            continue;
        };
        let parents = commit.parents.iter().flatten();
        open.extend(parents.filter_map(|parent| parent.hash.as_deref()));
        found.push((*commit).clone());
    }
    found
}
