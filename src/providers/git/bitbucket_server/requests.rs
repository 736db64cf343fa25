//! Pull requests with their activities, and with their own commits where merging lost them.

use futures::stream::{self, StreamExt, TryStreamExt};

use super::events::{self, Joined};
use super::json::{self, Values};
use super::lists::{AT_ONCE, Asking, HUNDRED};
use super::pieces::{Piece, Visit};
use crate::model::Event;
use crate::providers::git::joins::Join;
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// The most activities of a page (`page.max.pullrequest.activities`).
const ACTIVITIES: &str = "500";

impl Asking<'_> {
    pub(super) async fn pull_requests(
        &self,
        mut visit: Visit,
        start: u64,
    ) -> Result<Turn<Piece>, HttpError> {
        let path = Self::path(&visit.repo, &["pull-requests"]);
        let query = [("state", "ALL"), ("order", "NEWEST")];
        let told: Values<json::PullRequest> = self.page(&path, start, HUNDRED, &query).await?;
        let is_new = |request: &&json::PullRequest| {
            json::at(request.updated_date).is_none_or(|at| at >= visit.since)
        };
        let wanted: Vec<&json::PullRequest> = told.values.iter().filter(is_new).collect();
        let read: Vec<_> = wanted
            .iter()
            .map(|request| self.reviewed(&visit, request))
            .collect();
        let events: Vec<Vec<Event>> = stream::iter(read).buffered(AT_ONCE).try_collect().await?;
        let mut turn = Turn {
            events: events.into_iter().flatten().collect(),
            ..Turn::default()
        };
        // Whether the newest are those that were opened or changed last: a page without a new one ends the list.
        let is_last = wanted.is_empty();
        let is_met = |number: &u64| told.values.iter().any(|request| request.id == *number);
        visit.open.retain(|number| !is_met(number));
        match told.next().filter(|_| !is_last) {
            Some(start) => turn.next.push(Piece::PullRequests { visit, start }),
            None => {
                turn.learnt.push(self.read_whole(&visit));
                let open = std::mem::take(&mut visit.open);
                turn.next
                    .extend(open.into_iter().map(|number| Piece::PullRequest {
                        visit: visit.clone(),
                        number,
                    }));
            }
        }
        Ok(turn)
    }

    pub(super) async fn pull_request(
        &self,
        visit: &Visit,
        number: u64,
    ) -> Result<Turn<Piece>, HttpError> {
        let words = number.to_string();
        let path = Self::path(&visit.repo, &["pull-requests", &words]);
        let told: json::PullRequest = self.api.get(&path).send().await?.json()?;
        let has_changed = json::at(told.updated_date).is_none_or(|at| at >= visit.since);
        Ok(Turn {
            events: if has_changed {
                self.reviewed(visit, &told).await?
            } else {
                Vec::new()
            },
            ..Turn::default()
        })
    }

    /// A pull request as events: itself with its activities, and its own commits where the graph does not have them.
    async fn reviewed(
        &self,
        visit: &Visit,
        told: &json::PullRequest,
    ) -> Result<Vec<Event>, HttpError> {
        let activities = if told.is_unreviewed() {
            Vec::new()
        } else {
            self.all::<json::Activity>(visit, told.id, "activities", ACTIVITIES)
                .await?
        };
        let merged_by = activities.iter().find_map(|activity| {
            let commit = activity.commit.as_ref()?.id.as_deref();
            commit.filter(|_| activity.action.as_deref() == Some("MERGED"))
        });
        let found = match told.merge().or(merged_by).filter(|_| told.is_merged()) {
            Some(hash) => self.found(visit, hash).await?,
            None => None,
        };
        let is_head_on_main = told
            .head()
            .is_some_and(|head| visit.graph.find(head).is_some());
        let is_merge_on_main =
            matches!(&found, Some(Join::Merge { merge, .. }) if visit.graph.find(merge).is_some());
        let is_in_graph = told.is_merged() && (is_head_on_main || is_merge_on_main);
        let mut joined = Joined::of(told, found);
        if !is_in_graph && (told.is_open() || told.is_merged()) {
            let own = self.all(visit, told.id, "commits", HUNDRED).await?;
            joined.take(own);
        }
        let mut events = self.commit_events(&visit.repo, &joined.own, false);
        events.extend(events::pull_request(
            self.api.source(),
            &visit.repo,
            told,
            &activities,
            &joined,
        ));
        Ok(events)
    }

    /// Every page of a list of a pull request's.
    async fn all<T: serde::de::DeserializeOwned>(
        &self,
        visit: &Visit,
        number: u64,
        list: &str,
        limit: &str,
    ) -> Result<Vec<T>, HttpError> {
        let words = number.to_string();
        let path = Self::path(&visit.repo, &["pull-requests", &words, list]);
        let mut all = Vec::new();
        let mut start = 0;
        loop {
            let told: Values<T> = self.page(&path, start, limit, &[]).await?;
            let next = told.next();
            all.extend(told.values);
            match next {
                Some(next) => start = next,
                None => return Ok(all),
            }
        }
    }

    /// Where a commit stands, asked for where the graph that was read does not hold it.
    async fn found(&self, visit: &Visit, hash: &str) -> Result<Option<Join>, HttpError> {
        if let Some(found) = visit.graph.find(hash) {
            return Ok(Some(found));
        }
        let path = Self::path(&visit.repo, &["commits", hash]);
        match self.api.get(&path).send().await {
            Ok(answer) => Ok(Some(answer.json::<json::Commit>()?.join())),
            // A branch that was deleted and cleaned up took it along.
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}
