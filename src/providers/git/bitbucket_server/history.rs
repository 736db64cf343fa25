//! Tags and commits of a repository.

use super::events;
use super::json::{self, Values};
use super::lists::{Asking, HUNDRED};
use super::pieces::{Piece, Repo, Visit};
use crate::model::{Event, Notice};
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// The most tags of a page (`page.max.tags`).
const THOUSAND: &str = "1000";

impl Asking<'_> {
    pub(super) async fn tags(
        &self,
        mut visit: Visit,
        start: u64,
    ) -> Result<Turn<Piece>, HttpError> {
        let path = Self::path(&visit.repo, &["tags"]);
        let told: Values<json::Tag> = self
            .page(&path, start, THOUSAND, &[("orderBy", "MODIFICATION")])
            .await?;
        let mut met_known = false;
        for tag in &told.values {
            let Some(commit) = &tag.latest_commit else {
                continue;
            };
            let named = format!("{}@{commit}", tag.display_id);
            met_known |= visit.known_tag.as_ref() == Some(&named);
            if !met_known {
                visit.tags.push((tag.display_id.clone(), commit.clone()));
            }
            visit.tag.get_or_insert(named);
        }
        let next = match told.next().filter(|_| !met_known) {
            Some(start) => Piece::Tags { visit, start },
            None => Piece::Commits { visit, start: 0 },
        };
        Ok(Turn {
            next: vec![next],
            ..Turn::default()
        })
    }

    pub(super) async fn commits(
        &self,
        mut visit: Visit,
        start: u64,
    ) -> Result<Turn<Piece>, HttpError> {
        let path = Self::path(&visit.repo, &["commits"]);
        // Without `until` the default branch is meant, whatever it is called.
        let since: Vec<(&str, &str)> = visit
            .known
            .iter()
            .map(|known| ("since", known.as_str()))
            .collect();
        let asked = self
            .page::<json::Commit>(&path, start, HUNDRED, &since)
            .await;
        let told = match asked {
            Ok(told) => told,
            // The commit is gone with a force-push that was cleaned up: everything is read again.
            Err(error) if error.is_not_found() && visit.known.is_some() => {
                visit.known = None;
                return Ok(Turn {
                    next: vec![Piece::Commits { visit, start: 0 }],
                    ..Turn::default()
                });
            }
            Err(error) if error.is_not_found() && start == 0 => {
                let name = visit.repo.name();
                return Ok(Turn {
                    notices: vec![Notice::info(format!(
                        "Leaves out {name}: it is empty, its default branch does not exist, or it is gone."
                    ))],
                    ..Turn::default()
                });
            }
            Err(error) => return Err(error),
        };
        for commit in &told.values {
            visit.graph.take_in(commit.join());
        }
        visit.head = visit
            .head
            .or_else(|| told.values.first().map(|commit| commit.id.clone()));
        let mut events = self.commit_events(&visit.repo, &told.values, true);
        self.release_tags(&mut visit, &told.values, &mut events);
        // A page that lies before the range ends the walk; what came since a known commit is read whole, however old.
        let reaches_further = visit.known.is_some()
            || told
                .values
                .iter()
                .filter_map(json::Commit::committed_at)
                .any(|at| at >= self.range.start);
        let next = match told.next().filter(|_| reaches_further) {
            Some(start) => Piece::Commits { visit, start },
            None => after_commits(visit),
        };
        Ok(Turn {
            events,
            next: vec![next],
            ..Turn::default()
        })
    }

    /// Tags whose commits came by are releases.
    fn release_tags(&self, visit: &mut Visit, commits: &[json::Commit], events: &mut Vec<Event>) {
        let repo = visit.repo.clone();
        visit.tags.retain(|(name, hash)| {
            let found = commits.iter().find(|commit| commit.id == *hash);
            if let Some(commit) = found {
                events.extend(events::release(self.api.source(), &repo, name, commit));
            }
            found.is_none()
        });
    }

    /// Tags of other branches, newest first, until they lie before the range.
    pub(super) async fn tagged(&self, mut visit: Visit) -> Result<Turn<Piece>, HttpError> {
        let (name, hash) = visit.tags.remove(0);
        let path = Self::path(&visit.repo, &["commits", &hash]);
        let mut turn = Turn::default();
        match self.api.get(&path).send().await {
            Ok(answer) => {
                let commit: json::Commit = answer.json()?;
                let is_old = commit
                    .committed_at()
                    .is_some_and(|at| at < self.range.start.min(visit.since));
                let release = events::release(self.api.source(), &visit.repo, &name, &commit);
                turn.events.extend(release);
                if is_old {
                    visit.tags.clear();
                }
            }
            // A tag of something else than a commit marks no version.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
        turn.next.push(after_commits(visit));
        Ok(turn)
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
}

fn after_commits(visit: Visit) -> Piece {
    if visit.tags.is_empty() {
        Piece::PullRequests { visit, start: 0 }
    } else {
        Piece::Tagged { visit }
    }
}
