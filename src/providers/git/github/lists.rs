//! A question for pages of several lists, and what each page brings.

use chrono::{DateTime, Utc};

use super::commits::{self, Novelty};
use super::documents::{self, Part};
use super::graphql::{Unasked, gone};
use super::json::{CommitJson, Connection, ListsJson, PullRequestJson, RefJson, ReleaseJson};
use super::memory::{Fact, written};
use super::pieces::{List, Marks, Piece, Place, What, take};
use super::reading::GitHub;
use super::{pull_requests, releases};
use crate::model::{Repository, Text};
use crate::providers::git::hosted::Origin;
use crate::providers::walk::Turn;
use crate::providers::{FetchError, PageRequest};

impl GitHub {
    /// Reads as many of the lists as weigh `most` together, a page of each.
    pub(super) async fn lists(
        &self,
        lists: Vec<List>,
        most: u32,
        request: &PageRequest,
    ) -> Result<Turn<Piece>, FetchError> {
        let (batch, mut rest) = take(lists, most);
        let parts: Vec<Part<'_>> = batch.iter().map(part).collect();
        let asked = documents::batch(&parts);
        let can_be_split = batch.len() > 1;
        let mut reply = match self
            .github
            .ask(request.priority, &asked, can_be_split)
            .await
        {
            Ok(reply) => reply,
            Err(Unasked::TooHeavy(_)) if can_be_split => {
                // What is left of the pool is asked for in halves from now on.
                let most = batch.iter().map(List::weight).sum::<u32>() / 2;
                let lists = batch.into_iter().chain(rest).collect();
                return Ok(Turn {
                    next: vec![Piece::Lists { lists, most }],
                    ..Turn::default()
                });
            }
            Err(unasked) => return Err(unasked.into()),
        };
        let mut turn = Turn::default();
        for (at, list) in batch.into_iter().enumerate() {
            let alias = format!("list{at}");
            let told: Option<ListsJson> = reply.take(&alias)?;
            let is_told = told.as_ref().is_some_and(|told| holds(told, &list.what));
            let (Some(told), true) = (told, is_told) else {
                let problem = reply.problem(&alias);
                let name = &list.place.path;
                turn.notices
                    .push(problem.map_or_else(|| gone(name), |problem| problem.notice(name)));
                // A head that is gone is looked for anew from the branch's head of the next reading.
                continue;
            };
            rest.extend(self.page(list, told, request, &mut turn));
        }
        if !rest.is_empty() {
            turn.next.push(Piece::Lists { lists: rest, most });
        }
        Ok(turn)
    }

    /// What a page brings; the list again where it has a next page.
    fn page(
        &self,
        list: List,
        told: ListsJson,
        request: &PageRequest,
        turn: &mut Turn<Piece>,
    ) -> Option<List> {
        let start = request.range.start;
        match list.what.clone() {
            What::History {
                known: Some(known), ..
            } if list.after.is_none() => {
                self.newer(&list, &known, &told.object?.history?, turn);
                None
            }
            What::History { .. } => self.history(list, &told.object?.history?, start, turn),
            What::PullRequests { until, is_warm, .. } => {
                self.pull_requests(list, &told.pull_requests?, (until, is_warm), turn)
            }
            What::Releases(marks) => {
                let page = told.releases?;
                let repository = repository(&list.place);
                let told = page
                    .seen()
                    .filter_map(|told| releases::of_release(&self.source, &repository, told));
                turn.events.extend(told);
                let oldest = page.seen().map(|told: &ReleaseJson| told.created_at).min();
                go_on(
                    list,
                    (Fact::Releases, marks),
                    oldest,
                    page.next(),
                    start,
                    turn,
                )
            }
            What::Tags(marks) => {
                let page = told.refs?;
                let repository = repository(&list.place);
                let told = page
                    .seen()
                    .filter_map(|told| releases::of_tag(&self.source, &repository, told));
                turn.events.extend(told);
                let oldest = page
                    .seen()
                    .filter_map(|told: &RefJson| releases::listed_at(told))
                    .min();
                go_on(list, (Fact::Tags, marks), oldest, page.next(), start, turn)
            }
        }
    }

    /// The origin of a list's commits.
    pub(super) fn origin(&self, place: &Place, branch: Option<&str>) -> Origin {
        Origin {
            source: self.source.clone(),
            repository: repository(place),
            branch: branch.map(Text::from),
            is_default_branch: branch.is_some(),
        }
    }

    /// A page of a history that is read down to the asked range.
    fn history(
        &self,
        list: List,
        page: &Connection<CommitJson>,
        start: DateTime<Utc>,
        turn: &mut Turn<Piece>,
    ) -> Option<List> {
        let What::History {
            head,
            branch,
            is_deeper,
            ..
        } = &list.what
        else {
            return None;
        };
        let origin = self.origin(&list.place, branch.as_deref());
        turn.events
            .extend(page.seen().filter_map(|told| commits::event(&origin, told)));
        let oldest = page.seen().next_back().map(|told| told.committed_date);
        let is_deep_enough = oldest.is_none_or(|oldest| oldest < start);
        if let Some(after) = page.next().filter(|_| !is_deep_enough) {
            let after = Some(after.to_owned());
            return Some(List { after, ..list });
        }
        let id = &list.place.id;
        if branch.is_some() {
            turn.learnt
                .extend((!is_deeper).then(|| Fact::Head.learn(id, head.as_str())));
            let depth = page
                .next()
                .map(|cursor| format!("{} {head} {cursor}", written(start)));
            turn.learnt.push((Fact::Depth.key(id), depth));
        }
        None
    }

    /// The first page of a history of which a part is known.
    fn newer(
        &self,
        list: &List,
        known: &str,
        page: &Connection<CommitJson>,
        turn: &mut Turn<Piece>,
    ) {
        let What::History { head, branch, .. } = &list.what else {
            return;
        };
        match commits::novelty(page, head, known) {
            Novelty::All(places) => {
                let origin = self.origin(&list.place, branch.as_deref());
                let told: Vec<&CommitJson> = page.seen().collect();
                turn.events.extend(
                    places
                        .into_iter()
                        .filter_map(|at| commits::event(&origin, told[at])),
                );
                let is_default = branch.is_some();
                turn.learnt
                    .extend(is_default.then(|| Fact::Head.learn(&list.place.id, head.as_str())));
            }
            Novelty::Unclear => turn.next.push(Piece::Compare {
                place: list.place.clone(),
                known: known.to_owned(),
                head: head.clone(),
                branch: branch.clone(),
                page: 1,
            }),
        }
    }

    fn pull_requests(
        &self,
        list: List,
        page: &Connection<PullRequestJson>,
        (until, is_warm): (DateTime<Utc>, bool),
        turn: &mut Turn<Piece>,
    ) -> Option<List> {
        let repository = repository(&list.place);
        let told = page
            .seen()
            .filter_map(|told| pull_requests::event(&self.source, &repository, told));
        turn.events.extend(told);
        let oldest = page.seen().next_back().map(|told| told.updated_at);
        let is_deep_enough = oldest.is_none_or(|oldest| oldest < until);
        if let Some(after) = page.next().filter(|_| !is_deep_enough) {
            let after = Some(after.to_owned());
            return Some(List { after, ..list });
        }
        let id = &list.place.id;
        if let What::PullRequests {
            newest: Some(newest),
            ..
        } = &list.what
        {
            turn.learnt
                .push(Fact::PullRequests.learn(id, written(*newest)));
        }
        // One that ended at what an earlier reading had read leaves that one's depth.
        if !is_warm {
            let cursor = page.next().unwrap_or_default();
            turn.learnt
                .push(Fact::PullRequestsDepth.learn(id, format!("{} {cursor}", written(until))));
        }
        None
    }
}

/// Goes on with a list of marks, or takes down what was read.
fn go_on(
    list: List,
    (fact, marks): (Fact, Marks),
    oldest: Option<DateTime<Utc>>,
    next: Option<&str>,
    start: DateTime<Utc>,
    turn: &mut Turn<Piece>,
) -> Option<List> {
    let goes_on = match marks.pages {
        Some(pages) => pages > 1,
        None => oldest.is_some_and(|oldest| oldest >= start),
    };
    if let Some(after) = next.filter(|_| goes_on) {
        let marks = Marks {
            pages: marks.pages.map(|pages| pages - 1),
            ..marks
        };
        let what = match fact {
            Fact::Tags => What::Tags(marks),
            _ => What::Releases(marks),
        };
        return Some(List {
            after: Some(after.to_owned()),
            what,
            ..list
        });
    }
    let floor = if next.is_none() {
        DateTime::UNIX_EPOCH
    } else {
        marks.floor
    };
    turn.learnt.push(fact.learn(
        &list.place.id,
        format!("{} {}", written(floor), marks.fingerprint),
    ));
    None
}

/// The part of a question that asks for a list's page.
fn part(list: &List) -> Part<'_> {
    Part {
        kind: list.kind(),
        repository: &list.place.id,
        oid: list.head(),
        after: list.after.as_deref(),
    }
}

/// Whether the answer has the list that was asked for.
fn holds(told: &ListsJson, what: &What) -> bool {
    match what {
        What::History { .. } => told
            .object
            .as_ref()
            .is_some_and(|object| object.history.is_some()),
        What::PullRequests { .. } => told.pull_requests.is_some(),
        What::Releases(_) => told.releases.is_some(),
        What::Tags(_) => told.refs.is_some(),
    }
}

fn repository(place: &Place) -> Repository {
    Repository::from(place.name.as_str())
}
