//! Commits and tags of a repository.

use super::events;
use super::json;
use super::lists::{Asking, KnownRepo, known_repo, learnt};
use super::log::Log;
use super::pieces::{Piece, Repo, Visit};
use crate::model::Event;
use crate::providers::bitbucket_cloud::{PAGE, of_values, page};
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

impl Asking<'_> {
    pub(super) async fn between(
        &self,
        mut visit: Visit,
        known: String,
        next: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let fields = of_values(json::COMMIT_FIELDS);
        let query = [
            ("include", visit.repo.branch.as_str()),
            ("exclude", known.as_str()),
            ("pagelen", PAGE),
            ("fields", fields.as_str()),
        ];
        let path = Self::path(&visit.repo, &["commits"]);
        let told = match page::<json::Commit>(&self.api, &path, &query, next.as_deref()).await {
            Ok(told) => told,
            // The commit is gone with a force-push that was cleaned up.
            Err(error) if error.is_not_found() && next.is_none() => {
                return Ok(Turn {
                    next: vec![Piece::Commits { visit, next: None }],
                    ..Turn::default()
                });
            }
            Err(error) => return Err(error),
        };
        for commit in &told.values {
            visit.graph.take_in(commit.join());
        }
        let newest = told.values.first().map(|commit| commit.hash.clone());
        visit.head = visit.head.or(newest);
        let events = self.commit_events(&visit.repo, &told.values, true);
        let next = match told.next {
            Some(next) => Piece::Between {
                visit,
                known,
                next: Some(next),
            },
            None => {
                visit.head = visit.head.or(Some(known));
                requests_of(visit)
            }
        };
        Ok(Turn {
            events,
            next: vec![next],
            ..Turn::default()
        })
    }

    pub(super) async fn commits(
        &self,
        mut visit: Visit,
        next: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let fields = of_values(json::COMMIT_FIELDS);
        let query = [
            ("include", visit.repo.branch.as_str()),
            ("pagelen", PAGE),
            ("fields", fields.as_str()),
        ];
        let path = Self::path(&visit.repo, &["commits"]);
        let told = page::<json::Commit>(&self.api, &path, &query, next.as_deref()).await?;
        for commit in &told.values {
            visit.graph.take_in(commit.join());
        }
        let newest = told.values.first().map(|commit| commit.hash.clone());
        visit.head = visit.head.or(newest);
        // A page that lies before the range ends the walk.
        let reaches_further = told
            .values
            .iter()
            .filter_map(|commit| commit.date)
            .any(|at| at >= self.range.start);
        let events = self.commit_events(&visit.repo, &told.values, true);
        let next = match told.next.filter(|_| reaches_further) {
            Some(next) => Piece::Commits {
                visit,
                next: Some(next),
            },
            None => requests_of(visit),
        };
        Ok(Turn {
            events,
            next: vec![next],
            ..Turn::default()
        })
    }

    pub(super) fn commit_events(
        &self,
        repo: &Repo,
        commits: &[json::Commit],
        is_default: bool,
    ) -> Vec<Event> {
        commits
            .iter()
            .filter_map(|commit| events::commit(self.api.source(), repo, commit, is_default))
            .collect()
    }

    pub(super) async fn tags(
        &self,
        visit: Visit,
        next: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let fields = of_values(json::TAG_FIELDS);
        let query = [
            ("sort", "-target.date"),
            ("pagelen", PAGE),
            ("fields", fields.as_str()),
        ];
        let path = Self::path(&visit.repo, &["refs", "tags"]);
        let told = page::<json::Tag>(&self.api, &path, &query, next.as_deref()).await?;
        let events = told
            .values
            .iter()
            .filter_map(|tag| events::release(self.api.source(), &visit.repo, tag))
            .collect();
        let reaches_further = told.values.iter().any(|tag| {
            let committed = tag.target.as_ref().and_then(|target| target.date);
            tag.date.max(committed).is_none_or(|at| at >= visit.since)
        });
        let mut turn = Turn {
            events,
            ..Turn::default()
        };
        match told.next.filter(|_| reaches_further) {
            Some(next) => turn.next.push(Piece::Tags {
                visit,
                next: Some(next),
            }),
            None => turn.learnt.push(self.read_whole(visit)),
        }
        Ok(turn)
    }

    /// Everything of a repository is stored.
    fn read_whole(&self, visit: Visit) -> (String, Option<String>) {
        let before = known_repo(&self.known, &visit.repo.uuid);
        let from = before.as_ref().and_then(|before| before.from);
        learnt(&KnownRepo {
            head: visit.head,
            from: Some(from.map_or(self.range.start, |from| from.min(self.range.start))),
            until: before.map_or(self.range.end, |before| before.until.max(self.range.end)),
            repo: visit.repo,
        })
    }
}

/// The pull requests follow the commits, which tell how they were merged.
fn requests_of(visit: Visit) -> Piece {
    Piece::PullRequests {
        visit,
        next: None,
        log: Log::default(),
        is_alone: false,
    }
}
