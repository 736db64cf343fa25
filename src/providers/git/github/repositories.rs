//! The repositories of the scope, and what of each is to be read: only what the probe says has changed.

use super::changed::{changed, head_of};
use super::documents::{self, PROBE};
use super::graphql::{Reply, gone};
use super::json::{OwnerJson, RepositoryJson};
use super::memory::{self, Fact};
use super::pieces::{List, Piece, Place, are_many, pools};
use super::reading::GitHub;
use crate::model::Notice;
use crate::providers::scope::{self, MOST_READ, Standing};
use crate::providers::walk::{Known, Turn};
use crate::providers::{FetchError, PageRequest, repository_name};

/// A question takes so many repositories by name or id.
pub(super) const MOST_NAMED: usize = 100;
/// Looking for so many commits in a hundred repositories is one question.
const MOST_WANTED: usize = 10;

impl GitHub {
    /// A page of an owner's repositories.
    pub(super) async fn owner(
        &self,
        (login, after): (String, Option<String>),
        (mut seen, mut taken, mut lists): (Vec<String>, Vec<String>, Vec<List>),
        request: &PageRequest,
        known: &Known,
    ) -> Result<Turn<Piece>, FetchError> {
        let asked = documents::owner(
            PROBE,
            &login,
            after.as_deref(),
            self.with_archived,
            self.with_forks,
        );
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let mut turn = Turn::default();
        let Some(owner) = reply.take::<OwnerJson<RepositoryJson>>("owner")? else {
            turn.notices.push(match reply.problem("owner") {
                Some(problem) if problem.is_forbidden() => problem.notice(&login),
                _ => Notice::warning(format!(
                    "Cannot list the repositories of {login}: it is not there, or hidden from these credentials. Repositories can be named one by one in `repositories`."
                )),
            });
            return Ok(turn);
        };
        tell_problems(&reply, &login, &mut turn);
        let repositories = owner.repositories;
        let mut found = Vec::new();
        for told in repositories.seen() {
            seen.push(told.id.clone());
            let standing = Standing {
                is_archived: told.is_archived,
                is_fork: told.is_fork,
            };
            if self.scope.reads(&told.name_with_owner, standing) && taken.len() < MOST_READ {
                taken.push(told.name_with_owner.clone());
                found.push(told.clone());
            }
        }
        lists.extend(self.look_at(&found, request, known, &mut turn));
        match repositories.next() {
            Some(after) if taken.len() < MOST_READ => {
                // Lists of several pages fill questions better than those of one.
                let asked = if are_many(&lists) {
                    std::mem::take(&mut lists)
                } else {
                    Vec::new()
                };
                turn.next.push(Piece::Owner {
                    login,
                    after: Some(after.to_owned()),
                    seen,
                    taken,
                    lists,
                });
                turn.next.extend(pools(asked));
                return Ok(turn);
            }
            Some(_) => {
                let count = repositories.total_count.unwrap_or_default() as usize;
                turn.notices.push(scope::too_many(count, &taken));
            }
            None => self.tell_missing(&login, &seen, known, &mut turn),
        }
        turn.next.extend(pools(lists));
        Ok(turn)
    }

    /// Tells of repositories of an owner that an earlier reading saw and this one did not, once.
    fn tell_missing(&self, login: &str, seen: &[String], known: &Known, turn: &mut Turn<Piece>) {
        let login = login.to_lowercase();
        for (key, name) in known.range("name:".to_owned().."name;".to_owned()) {
            let owner = name.rsplit('/').nth(1);
            let id = &key["name:".len()..];
            let is_named = self.named.repositories.iter().any(|(owner, other)| {
                known
                    .get(&memory::named(owner, other))
                    .is_some_and(|named| named == id)
            });
            if owner == Some(&login) && !is_named && !seen.iter().any(|seen| seen == id) {
                turn.notices.push(Notice::warning(format!(
                    "{name} is no longer listed: it is deleted, archived, moved or hidden from these credentials. What was read of it stays."
                )));
                turn.learnt.push((key.clone(), None));
            }
        }
    }

    /// Repositories by name.
    pub(super) async fn named(
        &self,
        names: Vec<(String, String)>,
        request: &PageRequest,
        known: &Known,
    ) -> Result<Turn<Piece>, FetchError> {
        let asked = documents::by_names(PROBE, &names);
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let mut turn = Turn::default();
        let mut found = Vec::new();
        for (at, (owner, name)) in names.iter().enumerate() {
            let alias = format!("named{at}");
            match reply.take::<RepositoryJson>(&alias)? {
                Some(told) => {
                    turn.learnt
                        .push((memory::named(owner, name), Some(told.id.clone())));
                    found.push(told);
                }
                None => {
                    let thing = format!("{owner}/{name}");
                    let problem = reply.problem(&alias);
                    turn.notices.push(
                        problem.map_or_else(|| gone(&thing), |problem| problem.notice(&thing)),
                    );
                }
            }
        }
        let lists = self.look_at(&found, request, known, &mut turn);
        turn.next.extend(pools(lists));
        Ok(turn)
    }

    /// Repositories that were named once, by id, so that renames are followed.
    pub(super) async fn seen(
        &self,
        repositories: Vec<(String, String)>,
        request: &PageRequest,
        known: &Known,
    ) -> Result<Turn<Piece>, FetchError> {
        let ids: Vec<String> = repositories.iter().map(|(id, _)| id.clone()).collect();
        let asked = documents::by_ids(PROBE, &ids);
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let told: Vec<Option<RepositoryJson>> = reply.take("nodes")?.unwrap_or_default();
        let mut turn = Turn::default();
        for ((_, name), _) in repositories
            .iter()
            .zip(&told)
            .filter(|(_, told)| told.is_none())
        {
            turn.notices.push(gone(name));
        }
        let found: Vec<RepositoryJson> = told.into_iter().flatten().collect();
        let lists = self.look_at(&found, request, known, &mut turn);
        turn.next.extend(pools(lists));
        Ok(turn)
    }

    /// What is to be read of these repositories.
    fn look_at(
        &self,
        found: &[RepositoryJson],
        request: &PageRequest,
        known: &Known,
        turn: &mut Turn<Piece>,
    ) -> Vec<List> {
        let mut lists = Vec::new();
        let mut places = Vec::new();
        for told in found {
            let Some(place) = self.place(told, known, turn) else {
                continue;
            };
            if told.is_disabled {
                turn.notices.push(Notice::warning(format!(
                    "{} is disabled by GitHub and not read.",
                    place.name
                )));
                continue;
            }
            let head = head_of(told);
            if head.is_none() && !told.is_empty {
                turn.notices.push(Notice::warning(format!(
                    "{} has no default branch: its commits are not read until it has one.",
                    place.name
                )));
            }
            places.push((place.clone(), head.map(|(_, head)| head.to_owned())));
            lists.extend(changed(told, &place, request, known));
        }
        let wanted: Vec<String> = request.wanted.iter().map(ToString::to_string).collect();
        if !places.is_empty() {
            turn.next
                .extend(wanted.chunks(MOST_WANTED).map(|hashes| Piece::Holders {
                    hashes: hashes.to_vec(),
                    repositories: places.clone(),
                }));
        }
        lists
    }

    /// Where a repository's events belong; `None` where GitHub's URL of it names no host.
    fn place(&self, told: &RepositoryJson, known: &Known, turn: &mut Turn<Piece>) -> Option<Place> {
        let today = repository_name::of_url(&told.url)?;
        let first = Fact::Name.recall(known, &told.id);
        if first.is_none() {
            turn.learnt.push(Fact::Name.learn(&told.id, today.as_str()));
        }
        if let Some(first) = first.as_ref().filter(|first| *first != today.as_str()) {
            turn.notices.push(Notice::info(format!(
                "{first} is called {today} now; its events keep the name they began with."
            )));
        }
        Some(Place {
            id: told.id.clone(),
            name: first.unwrap_or_else(|| today.to_string()),
            path: told.name_with_owner.clone(),
        })
    }
}

fn tell_problems(reply: &Reply, thing: &str, turn: &mut Turn<Piece>) {
    // A right that is missing is missing for every repository: once is enough.
    let mut told: Vec<String> = Vec::new();
    for problem in &reply.problems {
        let notice = problem.notice(&format!("repositories of {thing}"));
        if !told.contains(&notice.text) {
            told.push(notice.text.clone());
            turn.notices.push(notice);
        }
    }
}

/// The pieces that a reading begins with.
pub(super) fn begin(github: &GitHub, known: &Known) -> Vec<Piece> {
    let owners = github.named.owners.iter().map(|login| Piece::Owner {
        login: login.clone(),
        after: None,
        seen: Vec::new(),
        taken: Vec::new(),
        lists: Vec::new(),
    });
    let mut pieces: Vec<Piece> = owners.collect();
    let (mut seen, mut new) = (Vec::new(), Vec::new());
    for (owner, name) in &github.named.repositories {
        match known.get(&memory::named(owner, name)) {
            Some(id) => seen.push((id.clone(), format!("{owner}/{name}"))),
            None => new.push((owner.clone(), name.clone())),
        }
    }
    pieces.extend(seen.chunks(MOST_NAMED).map(|part| Piece::Seen {
        repositories: part.to_vec(),
    }));
    pieces.extend(new.chunks(MOST_NAMED).map(|part| Piece::Named {
        names: part.to_vec(),
    }));
    pieces
}
