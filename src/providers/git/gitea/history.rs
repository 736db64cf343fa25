//! Commits, releases and tags of a repository.

use super::events;
use super::json;
use super::lists::{Asking, KnownRepo, key, known_repo};
use super::pieces::{Joins, Piece, Published, Repo};
use crate::model::Event;
use crate::providers::git::message;
use crate::providers::http::HttpError;
use crate::providers::walk::Turn;

impl Joins {
    /// Takes down what these commits joined.
    pub(super) fn take_in(&mut self, commits: &[json::Commit]) {
        for commit in commits {
            let parents: Vec<&json::Parent> = commit.parents.iter().flatten().collect();
            if let [_, others @ ..] = parents.as_slice()
                && !others.is_empty()
            {
                self.merged
                    .extend(others.iter().map(|parent| parent.sha.clone()));
                continue;
            }
            let text = commit.commit.message.as_deref().unwrap_or_default();
            if let Some(named) = message::read(text).pull_request {
                self.squashed.push((named.number, commit.sha.clone()));
            }
        }
    }
}

impl Asking<'_> {
    pub(super) async fn between(&self, repo: Repo, known: &str) -> Result<Turn<Piece>, HttpError> {
        let range = format!("{known}...{}", repo.branch);
        let compared = self
            .api
            .get(&Self::path(&repo, &["compare", &range]))
            .send()
            .await;
        let comparison: json::Comparison = match compared {
            Ok(answer) => answer.json()?,
            // The commit is gone with a force-push that was cleaned up, or the server is older than comparisons (1.22).
            Err(error) if error.is_not_found() => {
                return Ok(Turn {
                    next: vec![Piece::Commits {
                        repo,
                        page: 1,
                        head: None,
                        joins: Joins::default(),
                    }],
                    ..Turn::default()
                });
            }
            Err(error) => return Err(error),
        };
        let commits = comparison.commits.unwrap_or_default();
        let parents: Vec<&str> = commits
            .iter()
            .flat_map(|commit| commit.parents.iter().flatten())
            .map(|parent| parent.sha.as_str())
            .collect();
        // The head is nobody's parent.
        let head = commits
            .iter()
            .map(|commit| commit.sha.as_str())
            .find(|sha| !parents.contains(sha))
            .unwrap_or(known);
        let learnt = self.learn(&repo, Some(head.to_owned()), false);
        Ok(Turn {
            events: self.commit_events(&repo, &commits, true),
            learnt,
            ..Turn::default()
        })
    }

    pub(super) async fn commits(
        &self,
        repo: Repo,
        page: u32,
        head: Option<String>,
        mut joins: Joins,
    ) -> Result<Turn<Piece>, HttpError> {
        let query = [
            ("sha", repo.branch.as_str()),
            ("stat", "false"),
            ("verification", "false"),
            ("files", "false"),
        ];
        let answer = self
            .page(&Self::path(&repo, &["commits"]), page, &query)
            .await?;
        let commits: Vec<json::Commit> = answer.json()?;
        joins.take_in(&commits);
        let head = head.or_else(|| commits.first().map(|commit| commit.sha.clone()));
        let date = |commit: &json::Commit| {
            commit
                .commit
                .committer
                .as_ref()
                .and_then(|committer| committer.date)
        };
        // Newest first by date: a page that lies before the range ends the walk.
        let reaches_further = commits
            .iter()
            .filter_map(date)
            .any(|at| at >= self.range.start);
        let events = self.commit_events(&repo, &commits, true);
        let mut turn = Turn {
            events,
            ..Turn::default()
        };
        if reaches_further && answer.next().is_some() {
            turn.next.push(Piece::Commits {
                repo,
                page: page + 1,
                head,
                joins,
            });
        } else {
            turn.learnt = self.learn(&repo, head, true);
            turn.next.push(Piece::PullRequests {
                repo,
                page: 1,
                joins: Some(joins),
            });
        }
        Ok(turn)
    }

    /// What is known for good of a repository once its commits are stored; `lists_whole`: in this reading all of them.
    fn learn(
        &self,
        repo: &Repo,
        head: Option<String>,
        lists_whole: bool,
    ) -> Vec<(String, Option<String>)> {
        let before = known_repo(&self.known, repo.id);
        let range = self.range;
        let known = KnownRepo {
            head,
            from: before
                .as_ref()
                .map_or(range.start, |before| before.from.min(range.start)),
            listed_for: match before {
                Some(before) if !lists_whole => before.listed_for,
                Some(_) | None => range.end,
            },
            repo: repo.clone(),
        };
        let text = serde_json::to_string(&known).expect("plain data with text keys");
        vec![(key(repo.id), Some(text))]
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

    pub(super) async fn releases(
        &self,
        repo: Repo,
        page: u32,
        mut published: Vec<Published>,
    ) -> Result<Turn<Piece>, HttpError> {
        let answer = self
            .page(
                &Self::path(&repo, &["releases"]),
                page,
                &[("draft", "false")],
            )
            .await?;
        let told: Vec<json::Release> = answer.json()?;
        published.extend(
            told.into_iter()
                .filter(|release| !release.draft)
                .map(|release| Published {
                    tag: release.tag_name,
                    at: release.published_at,
                    is_prerelease: release.prerelease,
                }),
        );
        let next = match answer.next() {
            Some(_) => Piece::Releases {
                repo,
                page: page + 1,
                published,
            },
            None => Piece::Tags {
                repo,
                page: 1,
                published,
            },
        };
        Ok(Turn {
            next: vec![next],
            ..Turn::default()
        })
    }

    pub(super) async fn tags(
        &self,
        repo: Repo,
        page: u32,
        published: Vec<Published>,
    ) -> Result<Turn<Piece>, HttpError> {
        let answer = self.page(&Self::path(&repo, &["tags"]), page, &[]).await?;
        let tags: Vec<json::Tag> = answer.json()?;
        let release = |tag: &json::Tag| {
            let published = published.iter().find(|published| published.tag == tag.name);
            events::release(self.api.source(), &repo, tag, published)
        };
        let mut turn = Turn {
            events: tags.iter().filter_map(release).collect(),
            ..Turn::default()
        };
        if answer.next().is_some() {
            turn.next.push(Piece::Tags {
                repo,
                page: page + 1,
                published,
            });
        }
        Ok(turn)
    }
}
