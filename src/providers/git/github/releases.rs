//! Releases and tags.

use chrono::{DateTime, SubsecRound, Utc};

use super::json::{RefJson, ReleaseJson, TargetJson};
use crate::model::{Body, Event, Release, Repository, SourceName, Text};
use crate::providers::git::hosted;

/// The event of a release; `None` for a draft, and where its tag does not exist.
///
/// The tag's own time comes with the tag.
pub(super) fn of_release(
    source: &SourceName,
    repository: &Repository,
    told: &ReleaseJson,
) -> Option<Event> {
    let release = Release {
        repository: repository.clone(),
        tag: Text::from(told.tag_name.as_str()),
        commit: told.tag_commit.as_ref()?.oid.parse().ok()?, // A hash that is none marks nothing.
        tagged_at: None,
        published_at: Some(told.published_at?.trunc_subsecs(3)),
        prerelease: told.is_prerelease,
    };
    (!told.is_draft)
        .then(|| hosted::event(source, told.url.as_deref(), Body::Release(release)))
        .flatten()
}

/// The event of a tag; `None` where it marks no commit.
pub(super) fn of_tag(
    source: &SourceName,
    repository: &Repository,
    told: &RefJson,
) -> Option<Event> {
    let target = told.target.as_ref()?;
    let commit = commit_of(target)?;
    let tagged_at = time_of(target)?;
    let release = Release {
        repository: repository.clone(),
        tag: Text::from(told.name.as_str()),
        commit: commit.oid.parse().ok()?, // A hash that is none marks nothing.
        tagged_at: Some(tagged_at.trunc_subsecs(3)),
        published_at: None,
        prerelease: false,
    };
    hosted::event(source, None, Body::Release(release))
}

/// The commit behind a tag's target; only commits have a committer's time.
fn commit_of(target: &TargetJson) -> Option<&TargetJson> {
    if target.committed_date.is_some() {
        return Some(target);
    }
    commit_of(target.target.as_deref()?)
}

/// When it was tagged: the tagger's time, or for a light tag its commit's.
fn time_of(target: &TargetJson) -> Option<DateTime<Utc>> {
    let tagged_at = target.tagger.as_ref().and_then(|tagger| tagger.date);
    tagged_at.or_else(|| commit_of(target)?.committed_date)
}

/// The committer's time of what a tag marks: the order of the list.
pub(super) fn listed_at(told: &RefJson) -> Option<DateTime<Utc>> {
    commit_of(told.target.as_ref()?)?.committed_date
}
