//! Pipelines and environments of a project.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::lists::Asking;
use super::pieces::{Piece, Repo};
use super::{events, json, queries};
use crate::model::Event;
use crate::providers::git::gitlab::server::{Connection, Told, ask};
use crate::providers::http::HttpError;
use crate::providers::scope::MOST_READ;
use crate::providers::walk::Turn;

impl Asking<'_> {
    pub(super) async fn environments(
        &self,
        repo: &Repo,
        first: Option<Connection<json::Environment>>,
    ) -> Result<Vec<json::Environment>, HttpError> {
        let mut after = first.as_ref().and_then(Connection::next);
        let mut environments = first.map(Connection::into_items).unwrap_or_default();
        while let Some(cursor) = after.take() {
            let variables = json!({"path": repo.path, "after": cursor});
            let told: json::Listed<json::Environments> =
                match ask(&self.api, &queries::environments(), variables).await? {
                    Told::Data(told) => told,
                    Told::TooMuch(error) => return Err(error),
                };
            let Some(more) = told.list.and_then(|project| project.environments) else {
                break;
            };
            after = more.next().filter(|next| *next != cursor);
            environments.extend(more.into_items());
            if environments.len() >= MOST_READ {
                break;
            }
        }
        Ok(environments)
    }

    pub(super) async fn pipelines(
        &self,
        repo: Repo,
        since: DateTime<Utc>,
        after: Option<String>,
        is_whole: bool,
    ) -> Result<Turn<Piece>, HttpError> {
        let query = queries::pipelines(self.lists.only_ref.as_deref());
        let mut variables = self.variables(&repo.path, since);
        variables["after"] = json!(after);
        let told: json::Listed<json::Pipelines> = match ask(&self.api, &query, variables).await? {
            Told::Data(told) => told,
            Told::TooMuch(error) => return Err(error),
        };
        let page = told
            .list
            .and_then(|project| project.pipelines)
            .ok_or_else(|| HttpError::NotFound {
                what: repo.path.clone(),
            })?;
        let next = page.next().filter(|next| Some(next) != after.as_ref());
        let mut turn = Turn {
            events: self.builds(&repo, &page.into_items()),
            ..Turn::default()
        };
        match next {
            Some(next) => turn.next.push(Piece::Pipelines {
                repo,
                since,
                after: Some(next),
                is_whole,
            }),
            None if is_whole => turn.next.push(Piece::Deployments {
                repo,
                since,
                page: 1,
                is_whole,
                running_since: None,
            }),
            None => {}
        }
        Ok(turn)
    }

    pub(super) fn builds(&self, repo: &Repo, pipelines: &[json::Pipeline]) -> Vec<Event> {
        let host = self.api.base().host_str().unwrap_or_default();
        let lists = self.lists;
        let counts = |pipeline: &&json::Pipeline| {
            let git_ref = pipeline.git_ref.as_deref().unwrap_or_default();
            let source = pipeline
                .source
                .as_deref()
                .unwrap_or_default()
                .to_lowercase();
            (lists.refs.is_empty() || lists.refs.iter().any(|glob| glob.matches(git_ref)))
                && (lists.started_by.is_empty() || lists.started_by.contains(&source))
        };
        pipelines
            .iter()
            .filter(counts)
            .filter_map(|pipeline| events::build(self.api.source(), host, repo, pipeline))
            .collect()
    }
}

/// When something was last deployed to it, or tried.
pub(super) fn deployed_at(environment: &json::Environment) -> Option<DateTime<Utc>> {
    let last = [
        &environment.succeeded,
        &environment.failed,
        &environment.cancelled,
        &environment.running,
    ];
    last.into_iter()
        .flatten()
        .filter_map(|deployment| deployment.updated_at)
        .max()
}
