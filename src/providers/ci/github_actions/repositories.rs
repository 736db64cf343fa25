//! The repositories of the scope, and which of them ran or deployed anything.

use chrono::{DateTime, Utc};

use super::json::RepositoryJson;
use super::pieces::{Deployments, LISTS_AT_ONCE, Piece, Place, Runs};
use super::reading::Actions;
use crate::model::Notice;
use crate::providers::git::github::documents::{self, ACTIVITY};
use crate::providers::git::github::graphql::gone;
use crate::providers::git::github::json::{Newest, OwnerJson};
use crate::providers::git::github::memory;
use crate::providers::scope::{self, MOST_READ, Standing};
use crate::providers::walk::{Known, Turn};
use crate::providers::{FetchError, PageRequest, repository_name};

impl Actions {
    /// A page of an owner's repositories.
    pub(super) async fn owner(
        &self,
        (login, after): (String, Option<String>),
        (mut taken, mut lists): (Vec<String>, Vec<Deployments>),
        request: &PageRequest,
        known: &Known,
    ) -> Result<Turn<Piece>, FetchError> {
        let asked = documents::owner(
            ACTIVITY,
            &login,
            after.as_deref(),
            self.with_archived,
            self.with_forks,
        );
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let mut turn = Turn::default();
        let Some(owner) = reply.take::<OwnerJson<RepositoryJson>>("owner")? else {
            turn.notices.push(Notice::warning(format!(
                "Cannot list the repositories of {login}: it is not there, or hidden from these credentials. Repositories can be named one by one in `repositories`."
            )));
            return Ok(turn);
        };
        // A right that is missing is missing for every repository: once is enough.
        if let Some(problem) = reply.problems.first() {
            turn.notices
                .push(problem.notice(&format!("repositories of {login}")));
        }
        let repositories = owner.repositories;
        let mut found = Vec::new();
        for told in repositories.seen() {
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
                let full = lists.len() - lists.len() % LISTS_AT_ONCE;
                let rest = lists.split_off(full);
                turn.next.push(Piece::Owner {
                    login,
                    after: Some(after.to_owned()),
                    taken,
                    lists: rest,
                });
            }
            Some(_) => {
                let count = repositories.total_count.unwrap_or_default() as usize;
                turn.notices.push(scope::too_many(count, &taken));
            }
            None => {}
        }
        turn.next.extend(batches(&lists));
        Ok(turn)
    }

    /// Repositories by name.
    pub(super) async fn named(
        &self,
        names: Vec<(String, String)>,
        request: &PageRequest,
        known: &Known,
    ) -> Result<Turn<Piece>, FetchError> {
        let asked = documents::by_names(ACTIVITY, &names);
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let mut turn = Turn::default();
        let mut found = Vec::new();
        for (at, (owner, name)) in names.iter().enumerate() {
            let alias = format!("named{at}");
            if let Some(told) = reply.take::<RepositoryJson>(&alias)? {
                turn.learnt
                    .push((memory::named(owner, name), Some(told.id.clone())));
                found.push(told);
                continue;
            }
            let thing = format!("{owner}/{name}");
            let problem = reply.problem(&alias);
            turn.notices
                .push(problem.map_or_else(|| gone(&thing), |problem| problem.notice(&thing)));
        }
        let lists = self.look_at(&found, request, known, &mut turn);
        turn.next.extend(batches(&lists));
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
        let asked = documents::by_ids(ACTIVITY, &ids);
        let mut reply = self.github.ask(request.priority, &asked, false).await?;
        let told: Vec<Option<RepositoryJson>> = reply.take("nodes")?.unwrap_or_default();
        let mut turn = Turn::default();
        let missing = repositories
            .iter()
            .zip(&told)
            .filter(|(_, told)| told.is_none());
        turn.notices
            .extend(missing.map(|((_, name), _)| gone(name)));
        let found: Vec<RepositoryJson> = told.into_iter().flatten().collect();
        let lists = self.look_at(&found, request, known, &mut turn);
        turn.next.extend(batches(&lists));
        Ok(turn)
    }

    /// What is to be read of these repositories: runs in `turn`, lists of deployments to be asked for together.
    fn look_at(
        &self,
        found: &[RepositoryJson],
        request: &PageRequest,
        known: &Known,
        turn: &mut Turn<Piece>,
    ) -> Vec<Deployments> {
        let mut lists = Vec::new();
        for told in found.iter().filter(|told| !told.is_disabled) {
            let Some(today) = repository_name::of_url(&told.url) else {
                continue;
            };
            let key = format!("name:{}", told.id);
            let first = known.get(&key).cloned();
            if first.is_none() {
                turn.learnt.push((key, Some(today.to_string())));
            }
            let place = Place {
                id: told.id.clone(),
                name: first.unwrap_or_else(|| today.to_string()),
                path: told.name_with_owner.clone(),
            };
            lists.extend(deployments(told, &place, request, known));
            turn.next.extend(
                runs(told, &place, request, known)
                    .into_iter()
                    .map(Piece::Runs),
            );
        }
        lists
    }
}

fn batches(lists: &[Deployments]) -> impl Iterator<Item = Piece> + '_ {
    lists.chunks(LISTS_AT_ONCE).map(|lists| Piece::Deployments {
        lists: lists.to_vec(),
    })
}

/// What is kept of a list: until when, down to when, and what told of it.
fn kept(known: &Known, key: &str) -> Option<(DateTime<Utc>, DateTime<Utc>, String)> {
    let (until, rest) = memory::dated(known.get(key)?)?;
    let (floor, fingerprint) = memory::dated(rest)?;
    Some((until, floor, fingerprint.to_owned()))
}

/// As `kept` reads it.
pub(super) fn keep(until: DateTime<Utc>, floor: DateTime<Utc>, fingerprint: &str) -> String {
    format!(
        "{} {} {fingerprint}",
        memory::written(until),
        memory::written(floor)
    )
}

fn deployments(
    told: &RepositoryJson,
    place: &Place,
    request: &PageRequest,
    known: &Known,
) -> Option<Deployments> {
    let newest = told.deployments.as_ref().and_then(Newest::first)?;
    let start = request.range.start;
    let list = |until, floor| Deployments {
        place: place.clone(),
        after: None,
        until,
        newest: newest.created_at,
        floor,
    };
    match kept(known, &format!("deployments:{}", place.id)) {
        Some((until, floor, _)) if floor <= start => {
            (newest.created_at > until).then(|| list(until, floor))
        }
        // An older range is asked for: all of it is read again.
        Some(_) => Some(list(start, start)),
        None => (newest.created_at >= start).then(|| list(start, start)),
    }
}

fn runs(told: &RepositoryJson, place: &Place, request: &PageRequest, known: &Known) -> Vec<Runs> {
    // A repository that nobody ever pushed to ran nothing.
    let Some(pushed_at) = told.pushed_at else {
        return Vec::new();
    };
    let head = told
        .default_branch_ref
        .as_ref()
        .and_then(|branch| branch.target.as_ref());
    let suites = head.and_then(|head| head.check_suites.as_ref());
    let count = suites.map_or(0, |suites| suites.total_count);
    let oid = head.map(|head| head.oid.as_str()).unwrap_or_default();
    let fingerprint = format!("{} {oid} {count}", memory::written(pushed_at));
    let range = request.range;
    let window = |start, end, until, floor| Runs {
        place: place.clone(),
        start,
        end,
        page: 1,
        until,
        fingerprint: fingerprint.clone(),
        floor,
    };
    match kept(known, &format!("runs:{}", place.id)) {
        None => vec![window(range.start, range.end, range.end, range.start)],
        Some((until, floor, last)) => {
            let mut windows = Vec::new();
            let floor_then = floor.min(range.start);
            if last != fingerprint && range.end > until {
                windows.push(window(
                    until - super::reading::OVERLAP,
                    range.end,
                    range.end,
                    floor_then,
                ));
            }
            if range.start < floor {
                windows.push(window(range.start, floor, until, range.start));
            }
            windows
        }
    }
}

/// The pieces that a reading begins with.
pub(super) fn begin(actions: &Actions, request: &PageRequest, known: &Known) -> Vec<Piece> {
    let owners = actions.named.owners.iter().map(|login| Piece::Owner {
        login: login.clone(),
        after: None,
        taken: Vec::new(),
        lists: Vec::new(),
    });
    let mut pieces: Vec<Piece> = owners.collect();
    let (mut seen, mut new) = (Vec::new(), Vec::new());
    for (owner, name) in &actions.named.repositories {
        match known.get(&memory::named(owner, name)) {
            Some(id) => seen.push((id.clone(), format!("{owner}/{name}"))),
            None => new.push((owner.clone(), name.clone())),
        }
    }
    pieces.extend(seen.chunks(100).map(|part| Piece::Seen {
        repositories: part.to_vec(),
    }));
    pieces.extend(new.chunks(100).map(|part| Piece::Named {
        names: part.to_vec(),
    }));
    let unfinished: Vec<String> = request
        .unfinished
        .iter()
        .filter_map(super::events::node)
        .map(str::to_owned)
        .collect();
    pieces.extend(
        unfinished
            .chunks(100)
            .map(|ids| Piece::Unfinished { ids: ids.to_vec() }),
    );
    pieces
}
