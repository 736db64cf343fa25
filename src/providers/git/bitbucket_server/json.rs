//! What Bitbucket Data Center answers, as far as we look at it. Times are milliseconds since 1970.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::providers::git::joins::{self, Join};

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned", rename_all = "camelCase")]
pub(super) struct Values<T> {
    #[serde(default = "Vec::new")]
    pub(super) values: Vec<T>,
    #[serde(default)]
    pub(super) is_last_page: bool,
    pub(super) next_page_start: Option<u64>,
}

impl<T> Values<T> {
    /// Where the next page starts.
    pub(super) fn next(&self) -> Option<u64> {
        self.next_page_start.filter(|_| !self.is_last_page)
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    /// It stays when the repository is renamed or moved.
    pub(super) id: u64,
    pub(super) slug: String,
    pub(super) project: Project,
    #[serde(default)]
    pub(super) archived: bool,
    pub(super) origin: Option<IgnoredAny>,
    pub(super) links: Option<Links>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Links {
    #[serde(rename = "clone", default)]
    pub(super) clones: Vec<Link>,
    #[serde(rename = "self", default)]
    pub(super) pages: Vec<Link>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) href: Option<String>,
    pub(super) name: Option<String>,
}

/// The page that shows something.
pub(super) fn shown_at(links: Option<&Links>) -> Option<&str> {
    links?.pages.first()?.href.as_deref()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commit {
    pub(super) id: String,
    pub(super) message: Option<String>,
    pub(super) author: Option<Person>,
    pub(super) author_timestamp: Option<i64>,
    pub(super) committer_timestamp: Option<i64>,
    #[serde(default)]
    pub(super) parents: Option<Vec<CommitId>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CommitId {
    pub(super) id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Person {
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullRequest {
    pub(super) id: u64,
    pub(super) title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED`.
    pub(super) state: Option<String>,
    pub(super) created_date: Option<i64>,
    pub(super) updated_date: Option<i64>,
    pub(super) closed_date: Option<i64>,
    pub(super) from_ref: Option<Ref>,
    pub(super) to_ref: Option<Ref>,
    pub(super) author: Option<Participant>,
    #[serde(default)]
    pub(super) reviewers: Option<Vec<Participant>>,
    #[serde(default)]
    pub(super) participants: Option<Vec<Participant>>,
    pub(super) properties: Option<Properties>,
    pub(super) links: Option<Links>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ref {
    pub(super) display_id: Option<String>,
    pub(super) latest_commit: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Participant {
    pub(super) user: Option<User>,
    /// `UNAPPROVED`, `NEEDS_WORK`, `APPROVED`.
    pub(super) status: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    pub(super) name: Option<String>,
    /// `NORMAL` or `SERVICE`.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

/// Told beside the reference's fields unless `withProperties=false`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Properties {
    pub(super) merge_commit: Option<CommitId>,
    pub(super) comment_count: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Activity {
    /// `APPROVED`, `UNAPPROVED`, `REVIEWED`, `COMMENTED`, `MERGED`, `DECLINED`, `RESCOPED` … and what plugins add.
    pub(super) action: Option<String>,
    pub(super) created_date: Option<i64>,
    pub(super) user: Option<User>,
    /// What a merge made.
    pub(super) commit: Option<CommitId>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tag {
    pub(super) display_id: String,
    /// The commit, also of a tag that is an object of its own.
    pub(super) latest_commit: Option<String>,
}

/// A moment in milliseconds since 1970.
pub(super) fn at(milliseconds: Option<i64>) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_millis(milliseconds?)
}

impl Commit {
    /// When it was put into the repository.
    pub(super) fn committed_at(&self) -> Option<DateTime<Utc>> {
        at(self.committer_timestamp.or(self.author_timestamp))
    }

    /// Where it stands in the graph.
    pub(super) fn join(&self) -> Join {
        let parents: Vec<&str> = self
            .parents
            .iter()
            .flatten()
            .filter_map(|parent| parent.id.as_deref())
            .collect();
        joins::join(
            &self.id,
            &parents,
            self.message.as_deref().unwrap_or_default(),
        )
    }
}

impl PullRequest {
    pub(super) fn is_open(&self) -> bool {
        self.state.as_deref() == Some("OPEN")
    }

    pub(super) fn is_merged(&self) -> bool {
        self.state.as_deref() == Some("MERGED")
    }

    pub(super) fn head(&self) -> Option<&str> {
        self.from_ref.as_ref()?.latest_commit.as_deref()
    }

    pub(super) fn merge(&self) -> Option<&str> {
        let commit = self.properties.as_ref()?.merge_commit.as_ref()?;
        commit.id.as_deref()
    }

    /// Whether nobody said anything on it that its list tells of, so that its activities hold no review.
    pub(super) fn is_unreviewed(&self) -> bool {
        let Some(properties) = &self.properties else {
            return false;
        };
        let people = self.reviewers.iter().chain(&self.participants).flatten();
        properties.comment_count.unwrap_or_default() == 0
            && people
                .map(|person| person.status.as_deref())
                .all(|status| status == Some("UNAPPROVED"))
    }
}
