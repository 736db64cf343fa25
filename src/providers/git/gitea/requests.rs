//! Pull requests with their reviews, and with their own commits where merging lost them.

use futures::stream::{self, StreamExt, TryStreamExt};

use super::events::{self, Merging};
use super::json;
use super::lists::{AT_ONCE, Asking};
use super::pieces::{Joins, Piece, Repo};
use crate::model::Event;
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

impl Asking<'_> {
    pub(super) async fn pull_requests(
        &self,
        repo: Repo,
        page: u32,
        joins: Option<Joins>,
    ) -> Result<Turn<Piece>, HttpError> {
        let query = [("state", "all"), ("sort", "recentupdate")];
        let answer = self
            .page(&Self::path(&repo, &["pulls"]), page, &query)
            .await?;
        let told: Vec<json::PullRequest> = answer.json()?;
        let count = told.len();
        let wanted: Vec<_> = told
            .into_iter()
            .filter(|request| request.updated_at.is_none_or(|at| at >= self.range.start))
            .collect();
        let is_last = wanted.len() < count || answer.next().is_none();
        let reviewed: Vec<_> = wanted
            .iter()
            .map(|request| self.reviewed(&repo, request, joins.as_ref()))
            .collect();
        let events: Vec<Vec<Event>> = stream::iter(reviewed)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut turn = Turn {
            events: events.into_iter().flatten().collect(),
            ..Turn::default()
        };
        if !is_last {
            turn.next.push(Piece::PullRequests {
                repo,
                page: page + 1,
                joins,
            });
        }
        Ok(turn)
    }

    pub(super) async fn pull_request(
        &self,
        repo: &Repo,
        number: u64,
    ) -> Result<Turn<Piece>, HttpError> {
        let number = number.to_string();
        let told: json::PullRequest = self
            .api
            .get(&Self::path(repo, &["pulls", &number]))
            .send()
            .await?
            .json()?;
        Ok(Turn {
            events: self.reviewed(repo, &told, None).await?,
            ..Turn::default()
        })
    }

    /// A pull request as events: itself with its reviews, and its own commits where the graph does not have them.
    async fn reviewed(
        &self,
        repo: &Repo,
        told: &json::PullRequest,
        joins: Option<&Joins>,
    ) -> Result<Vec<Event>, HttpError> {
        let number = told.number.to_string();
        let reviews: Vec<json::Review> = self
            .page(&Self::path(repo, &["pulls", &number, "reviews"]), 1, &[])
            .await?
            .json()?;
        let head = told.head.as_ref().and_then(|head| head.sha.as_deref());
        let is_in_graph = told.merged
            && joins.is_some_and(|joins| {
                head.is_some_and(|head| joins.merged.iter().any(|sha| sha == head))
            });
        let own: Vec<json::Commit> = if is_in_graph {
            Vec::new()
        } else {
            self.own_commits(repo, &number).await?
        };
        let merging = match (&told.merge_commit_sha, joins) {
            _ if is_in_graph => Merging::Merge,
            (Some(merge), Some(joins))
                if joins
                    .squashed
                    .iter()
                    .any(|(at, sha)| *at == told.number && sha == merge) =>
            {
                Merging::Squash
            }
            (Some(merge), None) if told.merged => self.merging(repo, merge, head).await?,
            _ => Merging::Merge,
        };
        let mut events = self.commit_events(repo, &own, false);
        events.extend(events::pull_request(
            self.api.source(),
            repo,
            told,
            &reviews,
            &own,
            merging,
        ));
        Ok(events)
    }

    async fn own_commits(&self, repo: &Repo, number: &str) -> Result<Vec<json::Commit>, HttpError> {
        let mut own = Vec::new();
        for page in 1.. {
            let answer = self
                .page(
                    &Self::path(repo, &["pulls", number, "commits"]),
                    page,
                    &[("verification", "false"), ("files", "false")],
                )
                .await?;
            let commits: Vec<json::Commit> = answer.json()?;
            let is_last = commits.is_empty() || answer.next().is_none();
            own.extend(commits);
            if is_last {
                break;
            }
        }
        Ok(own)
    }

    /// How a pull request was brought in, by the commit that did it.
    async fn merging(
        &self,
        repo: &Repo,
        merge: &str,
        head: Option<&str>,
    ) -> Result<Merging, HttpError> {
        let told: json::Commit = self
            .api
            .get(&Self::path(repo, &["git", "commits", merge]))
            .query("stat", "false")
            .query("files", "false")
            .send()
            .await?
            .json()?;
        let mut joins = Joins::default();
        joins.take_in(std::slice::from_ref(&told));
        let is_merge = joins.merged.iter().any(|sha| Some(sha.as_str()) == head);
        Ok(if !is_merge && !joins.squashed.is_empty() {
            Merging::Squash
        } else {
            Merging::Merge
        })
    }
}
