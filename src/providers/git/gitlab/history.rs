//! Commits, releases and tags of projects.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures::stream::{self, StreamExt};
use serde_json::json;

use super::known::{KnownRepo, KnownTags, known_repo};
use super::lists::{AT_ONCE, Asking, left_out};
use super::pieces::{Piece, Repo};
use super::server::{Connection, Told, ask};
use super::{events, json, queries};
use crate::model::Event;
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

/// How old the commits may be that a merge within the range brings: a first reading reaches back this much further.
const MERGED_LATE: TimeDelta = TimeDelta::days(30);

impl Asking<'_> {
    pub(super) async fn between(&self, repo: Repo, known: &str) -> Result<Turn<Piece>, HttpError> {
        let id = repo.id.to_string();
        let compared = self
            .api
            .get(&["v4", "projects", &id, "repository", "compare"])
            .query("from", known)
            .query("to", &repo.branch)
            .send()
            .await;
        let comparison: json::Comparison = match compared {
            Ok(answer) => answer.json()?,
            // The commit is gone with a force-push that was cleaned up: the branch is read from its head.
            Err(error) if error.is_not_found() => {
                return Ok(Turn {
                    next: vec![Piece::Commits {
                        repo,
                        page: 1,
                        head: None,
                    }],
                    ..Turn::default()
                });
            }
            Err(error) => return Err(error),
        };
        let commits = comparison.commits.unwrap_or_default();
        let head = match comparison.commit {
            Some(commit) => commit.id,
            // Oldest first.
            None => commits
                .last()
                .map_or_else(|| known.to_owned(), |commit| commit.id.clone()),
        };
        Ok(Turn {
            events: self.commit_events(&repo, &commits),
            learnt: vec![self.read(&repo, Some(head)).learnt()],
            ..Turn::default()
        })
    }

    pub(super) async fn commits(
        &self,
        repo: Repo,
        page: u32,
        head: Option<String>,
    ) -> Result<Turn<Piece>, HttpError> {
        let from = known_repo(&self.known, repo.id)
            .and_then(|known| known.from)
            .map_or(self.earliest(), |from| from.min(self.range.start));
        // A range that reaches back for ever has no earlier instant.
        let since = from.checked_sub_signed(MERGED_LATE).unwrap_or(from);
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        let id = repo.id.to_string();
        let query = [
            ("ref_name", repo.branch.as_str()),
            ("since", since.as_str()),
        ];
        let answer = self
            .page(
                &["v4", "projects", &id, "repository", "commits"],
                page,
                &query,
            )
            .await?;
        let commits: Vec<json::Commit> = answer.json()?;
        let head = head.or_else(|| commits.first().map(|commit| commit.id.clone()));
        let mut turn = Turn {
            events: self.commit_events(&repo, &commits),
            ..Turn::default()
        };
        if answer.next().is_some() && !commits.is_empty() {
            let page = page + 1;
            turn.next.push(Piece::Commits { repo, page, head });
        } else {
            turn.learnt.push(self.read(&repo, head).learnt());
        }
        Ok(turn)
    }

    /// What is known for good of a project once its commits are stored.
    fn read(&self, repo: &Repo, head: Option<String>) -> KnownRepo {
        let before = known_repo(&self.known, repo.id);
        let from = before
            .as_ref()
            .and_then(|before| before.from)
            .map_or(self.earliest(), |from| from.min(self.range.start));
        let read_at = before
            .and_then(|before| before.read_at)
            .map_or(self.range.end, |read_at| read_at.max(self.range.end));
        KnownRepo {
            repo: repo.clone(),
            head,
            from: Some(from),
            read_at: Some(read_at),
            active_at: repo.active_at,
        }
    }

    fn commit_events(&self, repo: &Repo, commits: &[json::Commit]) -> Vec<Event> {
        commits
            .iter()
            .filter_map(|commit| events::commit(self.api.source(), repo, commit))
            .collect()
    }

    /// Releases of some projects, then the tags of each.
    pub(super) async fn releases(&self, mut repos: Vec<Repo>) -> Result<Turn<Piece>, HttpError> {
        let ids: Vec<String> = repos
            .iter()
            .map(|repo| format!("gid://gitlab/Project/{}", repo.id))
            .collect();
        let variables = json!({"ids": ids, "first": repos.len()});
        let told: json::Projects = match ask(&self.api, queries::RELEASES, variables).await? {
            Told::Data(told) => told,
            Told::TooMuch(error) if repos.len() < 2 => return Err(error),
            Told::TooMuch(_) => {
                let rest = repos.split_off(repos.len() / 2);
                return Ok(Turn {
                    next: vec![Piece::Releases { repos }, Piece::Releases { repos: rest }],
                    ..Turn::default()
                });
            }
        };
        let mut published: HashMap<String, Published> = HashMap::new();
        for project in told.projects.into_iter().flat_map(Connection::into_items) {
            let releases = match project.releases {
                Some(first) => {
                    let repo = ids.iter().position(|id| *id == project.id);
                    self.all_releases(repo.map(|at| &repos[at]), first).await?
                }
                None => Published::new(),
            };
            published.insert(project.id, releases);
        }
        let none = Published::new();
        let tagged: Vec<_> = repos
            .iter()
            .zip(&ids)
            .map(|(repo, id)| self.tags(repo, published.get(id).unwrap_or(&none)))
            .collect();
        let tagged: Vec<_> = stream::iter(tagged).buffered(AT_ONCE).collect().await;
        let mut turn = Turn::default();
        for (result, repo) in tagged.into_iter().zip(&repos) {
            match result {
                Ok(events) => {
                    turn.events.extend(events);
                    let known = KnownTags {
                        read_at: self.range.end,
                        active_at: repo.active_at,
                    };
                    turn.learnt.push(known.learnt(repo.id));
                }
                Err(error) if error.concerns_one_thing() => {
                    let name = format!("the tags of {}", repo.path);
                    turn.notices.push(left_out(&name, &error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(turn)
    }

    async fn all_releases(
        &self,
        repo: Option<&Repo>,
        first: Connection<json::Release>,
    ) -> Result<Published, HttpError> {
        let mut after = first.next();
        let mut told = first.into_items();
        while let (Some(cursor), Some(repo)) = (after.take(), repo) {
            let variables = json!({"path": repo.path, "after": cursor});
            let answered: json::Listed<json::ProjectReleases> =
                match ask(&self.api, queries::MORE_RELEASES, variables).await? {
                    Told::Data(answered) => answered,
                    Told::TooMuch(error) => return Err(error),
                };
            let Some(more) = answered.list.and_then(|project| project.releases) else {
                break;
            };
            after = more.next().filter(|next| *next != cursor);
            told.extend(more.into_items());
        }
        let out = told
            .into_iter()
            .filter(|release| release.upcoming_release != Some(true))
            .filter_map(|release| release.tag_name.zip(release.released_at));
        Ok(out.collect())
    }

    async fn tags(&self, repo: &Repo, published: &Published) -> Result<Vec<Event>, HttpError> {
        let id = repo.id.to_string();
        let path = ["v4", "projects", &id, "repository", "tags"];
        let mut events = Vec::new();
        for page in 1.. {
            let query = [("order_by", "updated"), ("sort", "desc")];
            let answer = self.page(&path, page, &query).await?;
            let tags: Vec<json::Tag> = answer.json()?;
            let is_last = tags.is_empty() || answer.next().is_none();
            events.extend(tags.iter().filter_map(|tag| {
                let at = published.get(&tag.name).copied();
                events::release(self.api.source(), repo, tag, at)
            }));
            if is_last {
                break;
            }
        }
        Ok(events)
    }
}

/// When releases came out, by tag.
type Published = HashMap<String, DateTime<Utc>>;
