//! What of a repository is to be read: only what the probe says is new, or older than what was ever asked for.

use chrono::{DateTime, Utc};

use super::json::{Newest, RefJson, RepositoryJson, UpdatedJson};
use super::memory::{self, Fact};
use super::pieces::{List, Marks, PAGES_OF_CHANGED, Place, What};
use crate::providers::PageRequest;
use crate::providers::walk::Known;

/// The default branch and its head.
pub(super) fn head_of(told: &RepositoryJson) -> Option<(&str, &str)> {
    let branch = told.default_branch_ref.as_ref()?;
    Some((&branch.name, &branch.target.as_ref()?.oid))
}

/// The lists of a repository that hold something new, or something older that is asked for now.
pub(super) fn changed(
    told: &RepositoryJson,
    place: &Place,
    request: &PageRequest,
    known: &Known,
) -> Vec<List> {
    let start = request.range.start;
    let mut lists = histories(told, place, start, known);
    lists.extend(pull_requests(told, place, start, known));
    let releases = told.releases.as_ref().and_then(fingerprint_of_releases);
    let marks = marks(Fact::Releases, releases, &place.id, start, known);
    lists.extend(
        marks
            .map(What::Releases)
            .map(|what| list(place, None, what)),
    );
    let tags = told.refs.as_ref().and_then(fingerprint_of_tags);
    let marks = self::marks(Fact::Tags, tags, &place.id, start, known);
    lists.extend(marks.map(What::Tags).map(|what| list(place, None, what)));
    lists
}

fn list(place: &Place, after: Option<String>, what: What) -> List {
    List {
        place: place.clone(),
        after,
        what,
    }
}

fn histories(
    told: &RepositoryJson,
    place: &Place,
    start: DateTime<Utc>,
    known: &Known,
) -> Vec<List> {
    let mut lists = Vec::new();
    let Some((branch, head)) = head_of(told) else {
        return lists;
    };
    let known_head = Fact::Head.recall(known, &place.id);
    if known_head.as_deref() != Some(head) {
        let what = What::History {
            head: head.to_owned(),
            branch: Some(branch.to_owned()),
            known: known_head,
            is_deeper: false,
        };
        lists.push(list(place, None, what));
    }
    let depth = Fact::Depth.recall(known, &place.id);
    if let Some((floor, rest)) = depth.as_deref().and_then(memory::dated)
        && start < floor
        && let Some((head, cursor)) = rest.split_once(' ')
    {
        let what = What::History {
            head: head.to_owned(),
            branch: Some(branch.to_owned()),
            known: None,
            is_deeper: true,
        };
        lists.push(list(place, Some(cursor.to_owned()), what));
    }
    lists
}

fn pull_requests(
    told: &RepositoryJson,
    place: &Place,
    start: DateTime<Utc>,
    known: &Known,
) -> Vec<List> {
    let mut lists = Vec::new();
    let Some(newest) = told
        .pull_requests
        .as_ref()
        .and_then(Newest::first)
        .map(|newest| newest.updated_at)
    else {
        return lists;
    };
    let read = Fact::PullRequests.recall(known, &place.id);
    let read_until = read.as_deref().and_then(memory::dated).map(|(at, _)| at);
    let is_asked_for = newest >= start || read_until.is_some();
    if read_until.is_none_or(|until| newest > until) && is_asked_for {
        let what = What::PullRequests {
            until: read_until.unwrap_or(start),
            newest: Some(newest),
            is_warm: read_until.is_some(),
        };
        lists.push(list(place, None, what));
    }
    let depth = Fact::PullRequestsDepth.recall(known, &place.id);
    if let Some((floor, cursor)) = depth.as_deref().and_then(memory::dated)
        && start < floor
        && !cursor.is_empty()
    {
        let what = What::PullRequests {
            until: start,
            newest: None,
            is_warm: false,
        };
        lists.push(list(place, Some(cursor.to_owned()), what));
    }
    lists
}

fn marks(
    fact: Fact,
    fingerprint: Option<String>,
    id: &str,
    start: DateTime<Utc>,
    known: &Known,
) -> Option<Marks> {
    let fingerprint = fingerprint?;
    let read = fact.recall(known, id);
    let read = read.as_deref().and_then(memory::dated);
    match read {
        Some((floor, last)) if floor <= start => (last != fingerprint).then_some(Marks {
            fingerprint,
            pages: Some(PAGES_OF_CHANGED),
            floor,
        }),
        Some(_) | None => Some(Marks {
            fingerprint,
            pages: None,
            floor: start,
        }),
    }
}

fn fingerprint_of_releases(releases: &Newest<UpdatedJson>) -> Option<String> {
    let newest = releases.first()?;
    let id = newest.id.as_deref().unwrap_or_default();
    let count = releases.total_count.unwrap_or_default();
    Some(format!(
        "{count} {id} {}",
        memory::written(newest.updated_at)
    ))
}

fn fingerprint_of_tags(tags: &Newest<RefJson>) -> Option<String> {
    let newest = tags.first()?;
    let target = newest
        .target
        .as_ref()
        .map(|target| target.oid.as_str())
        .unwrap_or_default();
    Some(format!(
        "{} {} {target}",
        tags.total_count.unwrap_or_default(),
        newest.name
    ))
}
