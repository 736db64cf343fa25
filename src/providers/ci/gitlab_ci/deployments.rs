//! Deployments of a project.

use chrono::{DateTime, TimeDelta, Utc};

use super::lists::{Asking, rfc3339};
use super::pieces::{Piece, Repo};
use super::{events, json};
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// The largest page.
const PAGE: usize = 100;
/// Clocks of the server's parts differ.
const OVERLAP: TimeDelta = TimeDelta::minutes(2);

fn running(id: u64) -> String {
    format!("running/{id}")
}

impl Asking<'_> {
    /// Since when the earliest deployment of a project runs that had not ended when it was read.
    pub(super) fn running_since(&self, id: u64) -> Option<DateTime<Utc>> {
        let text = self.known.get(&running(id))?;
        // What another version wrote differently is forgotten: the last deployments are told anyway.
        let at = DateTime::parse_from_rfc3339(text).ok()?;
        Some(at.to_utc())
    }

    pub(super) async fn deployments(
        &self,
        repo: Repo,
        since: DateTime<Utc>,
        page: u32,
        is_whole: bool,
        mut running_since: Option<DateTime<Utc>>,
    ) -> Result<Turn<Piece>, HttpError> {
        let id = repo.id.to_string();
        let answer = self
            .api
            .get(&["v4", "projects", &id, "deployments"])
            .query("updated_after", rfc3339(since - OVERLAP))
            .query("updated_before", rfc3339(self.range.end + OVERLAP))
            .query("order_by", "updated_at")
            .query("sort", "desc")
            .query("per_page", PAGE)
            .query("page", page)
            .send()
            .await?;
        let told: Vec<json::Deployment> = answer.json()?;
        let still_running = told
            .iter()
            .filter(|deployment| deployment.status.as_deref() == Some("running"))
            .filter_map(|deployment| deployment.updated_at);
        running_since = still_running.chain(running_since).min();
        let host = self.api.base().host_str().unwrap_or_default();
        let mut turn = Turn {
            events: told
                .iter()
                .filter_map(|deployment| {
                    events::deployment(self.api.source(), host, &repo, deployment)
                })
                .collect(),
            ..Turn::default()
        };
        if answer.next().is_some() && !told.is_empty() {
            turn.next.push(Piece::Deployments {
                repo,
                since,
                page: page + 1,
                is_whole,
                running_since,
            });
            return Ok(turn);
        }
        let since = running_since.map(|since| since.to_rfc3339());
        if since.is_some() || self.known.contains_key(&running(repo.id)) {
            turn.learnt.push((running(repo.id), since));
        }
        if is_whole {
            turn.learnt.push(Self::learnt(&repo));
        }
        Ok(turn)
    }
}
