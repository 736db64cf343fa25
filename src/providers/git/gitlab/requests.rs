//! Merge requests with their notes, approvals and commits.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::json;

use super::known::known_repo;
use super::lists::{AT_ONCE, Asking, OVERLAP};
use super::pieces::{Owner, Piece, Repo};
use super::server::{Connection, Told, ask};
use super::{events, json, queries};
use crate::model::Event;
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl Asking<'_> {
    pub(super) async fn merge_requests(
        &self,
        of: Owner,
        since: DateTime<Utc>,
        after: Option<String>,
        size: u32,
    ) -> Result<Turn<Piece>, HttpError> {
        let (is_group, path) = match &of {
            Owner::Group(path) => (true, path),
            Owner::Project(repo) => (false, &repo.path),
        };
        let query = queries::merge_requests(is_group, self.lists.with_archived);
        let variables = json!({
            "path": path, "first": size, "after": after,
            "since": rfc3339(since - OVERLAP), "until": rfc3339(self.range.end + OVERLAP),
        });
        let told: json::Listed<json::MergeRequests> =
            match ask(&self.api, &query, variables).await? {
                Told::Data(told) => told,
                Told::TooMuch(error) if size <= queries::SMALLEST_PAGE => return Err(error),
                Told::TooMuch(_) => {
                    let size = (size / 2).max(queries::SMALLEST_PAGE);
                    return Ok(Turn {
                        next: vec![Piece::MergeRequests {
                            of,
                            since,
                            after,
                            size,
                        }],
                        ..Turn::default()
                    });
                }
            };
        let listed = told.list.and_then(|list| list.merge_requests);
        let page = listed.ok_or_else(|| HttpError::NotFound { what: path.clone() })?;
        let next = page.next().filter(|next| Some(next) != after.as_ref());
        let requests: Vec<(Repo, json::MergeRequest)> = page
            .into_items()
            .into_iter()
            .filter_map(|request| Some((self.repo_of(&of, request.project_id)?, request)))
            .collect();
        let landed = self.landed(&of, &requests).await?;
        let completed: Vec<_> = requests
            .into_iter()
            .map(|(repo, request)| {
                let landed = number(&request).and_then(|iid| landed.get(&(repo.id, iid)));
                self.completed(repo, request, landed)
            })
            .collect();
        let events: Vec<Option<Event>> = stream::iter(completed)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Turn {
            events: events.into_iter().flatten().collect(),
            next: next
                .map(|next| Piece::MergeRequests {
                    of,
                    since,
                    after: Some(next),
                    size,
                })
                .into_iter()
                .collect(),
            ..Turn::default()
        })
    }

    /// The project of a merge request, where it is one that is read.
    fn repo_of(&self, of: &Owner, id: u64) -> Option<Repo> {
        match of {
            Owner::Project(repo) if repo.id == id => Some(repo.clone()),
            Owner::Project(_) | Owner::Group(_) => {
                known_repo(&self.known, id).map(|known| known.repo)
            }
        }
    }

    /// How those that were squashed came to the branch: asked for only where there are any.
    async fn landed(
        &self,
        of: &Owner,
        requests: &[(Repo, json::MergeRequest)],
    ) -> Result<HashMap<(u64, u64), json::Landed>, HttpError> {
        let squashed: Vec<_> = requests
            .iter()
            .map(|(_, request)| request)
            .filter(|request| request.merged_at.is_some())
            .filter(|request| request.squash || request.squash_on_merge)
            .collect();
        let updated = || squashed.iter().filter_map(|request| request.updated_at);
        let mut landed = HashMap::new();
        let (Some(first), Some(last)) = (updated().min(), updated().max()) else {
            return Ok(landed);
        };
        // GraphQL tells whole seconds, REST compares parts of them.
        let (since, until) = (rfc3339(first), rfc3339(last + TimeDelta::seconds(1)));
        let mut query = vec![
            ("state", "merged"),
            ("scope", "all"),
            ("updated_after", since.as_str()),
            ("updated_before", until.as_str()),
            ("order_by", "updated_at"),
            ("sort", "desc"),
        ];
        let id = match of {
            Owner::Group(path) => path.clone(),
            Owner::Project(repo) => repo.id.to_string(),
        };
        let whose = match of {
            Owner::Group(_) => "groups",
            Owner::Project(_) => "projects",
        };
        if whose == "groups" && self.lists.with_archived {
            query.push(("non_archived", "false"));
        }
        for page in 1.. {
            let answer = self
                .page(&["v4", whose, &id, "merge_requests"], page, &query)
                .await?;
            let told: Vec<json::Landed> = answer.json()?;
            let is_last = told.is_empty() || answer.next().is_none();
            landed.extend(
                told.into_iter()
                    .map(|landed| ((landed.project_id, landed.iid), landed)),
            );
            let is_found = |request: &&json::MergeRequest| {
                number(request).is_none_or(|iid| landed.contains_key(&(request.project_id, iid)))
            };
            if is_last || squashed.iter().all(is_found) {
                break;
            }
        }
        Ok(landed)
    }

    /// The event of a merge request; what its page cut off is asked for where it matters.
    async fn completed(
        &self,
        repo: Repo,
        mut request: json::MergeRequest,
        landed: Option<&json::Landed>,
    ) -> Result<Option<Event>, HttpError> {
        let author = request
            .author
            .as_ref()
            .and_then(|user| user.username.clone());
        let standing: Vec<String> = request
            .approved_by
            .iter()
            .flat_map(json::approvers)
            .map(str::to_owned)
            .collect();
        let standing: Vec<&str> = standing.iter().map(String::as_str).collect();
        let mut more_notes = request.notes.as_ref().and_then(Connection::next);
        let mut notes = request
            .notes
            .take()
            .map(Connection::into_items)
            .unwrap_or_default();
        while let Some(after) = more_notes.take() {
            // Notes are told oldest first: once both times are known the rest changes nothing.
            let review = events::review(author.as_deref(), &notes, &standing);
            if review.first_at.is_some() && !review.lacks_approval {
                break;
            }
            let Some(more) = self
                .rest(&queries::notes(), &repo, &request.iid, &after)
                .await?
                .notes
            else {
                break;
            };
            more_notes = more.next().filter(|next| *next != after);
            notes.extend(more.into_items());
        }
        let mut more_commits = request.commits.as_ref().and_then(Connection::next);
        let mut own = request
            .commits
            .take()
            .map(Connection::into_items)
            .unwrap_or_default();
        while let Some(after) = more_commits.take() {
            let Some(more) = self
                .rest(&queries::commits(), &repo, &request.iid, &after)
                .await?
                .commits
            else {
                break;
            };
            more_commits = more.next().filter(|next| *next != after);
            own.extend(more.into_items());
        }
        Ok(events::merge_request(
            self.api.source(),
            &repo,
            &request,
            &notes,
            &own,
            landed,
        ))
    }

    async fn rest(
        &self,
        query: &str,
        repo: &Repo,
        iid: &str,
        after: &str,
    ) -> Result<json::Rest, HttpError> {
        let variables = json!({"path": repo.path, "iid": iid, "after": after});
        let told: json::Listed<json::OneMergeRequest> =
            match ask(&self.api, query, variables).await? {
                Told::Data(told) => told,
                Told::TooMuch(error) => return Err(error),
            };
        let request = told.list.and_then(|project| project.merge_request);
        Ok(request.unwrap_or(json::Rest {
            notes: None,
            commits: None,
        }))
    }
}

fn number(request: &json::MergeRequest) -> Option<u64> {
    // A number that is none names nothing.
    request.iid.parse().ok()
}
