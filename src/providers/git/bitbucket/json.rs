//! What Bitbucket Cloud answers, as far as we look at it.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::providers::bitbucket_cloud::{Links, Named};
use crate::providers::git::joins::{self, Join};

/// What is asked of commits. `date` is the committer's.
pub(super) const COMMIT_FIELDS: &str = "hash,date,message,author.raw,parents.hash,links.html.href";
/// What is asked of pull requests.
pub(super) const PULL_REQUEST_FIELDS: &str = "id,title,state,created_on,updated_on,closed_on,author.uuid,author.nickname,author.display_name,author.type,source.branch.name,source.commit.hash,destination.branch.name,merge_commit.hash,links.html.href";
/// What is asked of what happened to pull requests.
pub(super) const ACTIVITY_FIELDS: &str = "pull_request.id,approval.date,approval.user.uuid,changes_requested.date,changes_requested.user.uuid,comment.created_on,comment.user.uuid,update.date,update.state";
/// What is asked of tags.
pub(super) const TAG_FIELDS: &str = "name,date,target.hash,target.date";

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Commit {
    pub(super) hash: String,
    pub(super) date: Option<DateTime<Utc>>,
    pub(super) message: Option<String>,
    pub(super) author: Option<Author>,
    #[serde(default)]
    pub(super) parents: Option<Vec<Hash>>,
    pub(super) links: Option<PageLinks>,
}

/// The page of a commit; kept apart, for commits are copied.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PageLinks {
    pub(super) html: Option<PageLink>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct PageLink {
    pub(super) href: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Author {
    /// `Name <address>`, as Git has it.
    pub(super) raw: Option<String>,
}

/// A commit that is named; in pull requests by its first twelve digits.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Hash {
    pub(super) hash: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullRequest {
    pub(super) id: u64,
    pub(super) title: Option<String>,
    /// `OPEN`, `MERGED`, `DECLINED`, `SUPERSEDED`.
    pub(super) state: Option<String>,
    pub(super) created_on: Option<DateTime<Utc>>,
    pub(super) updated_on: Option<DateTime<Utc>>,
    /// Told, but not in the reference.
    pub(super) closed_on: Option<DateTime<Utc>>,
    pub(super) author: Option<User>,
    pub(super) source: Option<End>,
    pub(super) destination: Option<End>,
    pub(super) merge_commit: Option<Hash>,
    pub(super) links: Option<Links>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) uuid: Option<String>,
    pub(super) nickname: Option<String>,
    pub(super) display_name: Option<String>,
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct End {
    pub(super) branch: Option<Named>,
    pub(super) commit: Option<Hash>,
}

/// Something that happened to a pull request: one of the four is there.
#[derive(Debug, Deserialize)]
pub(super) struct Activity {
    pub(super) pull_request: Option<Numbered>,
    pub(super) approval: Option<Opinion>,
    pub(super) changes_requested: Option<Opinion>,
    pub(super) comment: Option<Comment>,
    pub(super) update: Option<Update>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Numbered {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Opinion {
    pub(super) date: Option<DateTime<Utc>>,
    pub(super) user: Option<User>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Comment {
    pub(super) created_on: Option<DateTime<Utc>>,
    pub(super) user: Option<User>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Update {
    pub(super) date: Option<DateTime<Utc>>,
    pub(super) state: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    pub(super) name: String,
    /// When it was tagged; absent for a light tag.
    pub(super) date: Option<DateTime<Utc>>,
    pub(super) target: Option<Target>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) hash: Option<String>,
    pub(super) date: Option<DateTime<Utc>>,
}

impl Commit {
    /// Where it stands in the graph.
    pub(super) fn join(&self) -> Join {
        let parents: Vec<&str> = self
            .parents
            .iter()
            .flatten()
            .filter_map(|parent| parent.hash.as_deref())
            .collect();
        joins::join(
            &self.hash,
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

    /// The first digits of the last commit of its branch.
    pub(super) fn head(&self) -> Option<&str> {
        short(self.source.as_ref()?.commit.as_ref())
    }

    /// The first digits of the commit that merged it.
    pub(super) fn merge(&self) -> Option<&str> {
        short(self.merge_commit.as_ref())
    }

    /// The branch it goes to.
    pub(super) fn base(&self) -> Option<&str> {
        self.destination.as_ref()?.branch.as_ref()?.name.as_deref()
    }
}

/// Fewer digits than Git's shortest abbreviation name nothing.
fn short(hash: Option<&Hash>) -> Option<&str> {
    hash?.hash.as_deref().filter(|digits| digits.len() >= 7)
}
