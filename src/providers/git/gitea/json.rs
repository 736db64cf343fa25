//! What Gitea answers, as far as we look at it.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// An organisation or user.
#[derive(Debug, Deserialize)]
pub(super) struct Owner {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Found {
    pub(super) data: Vec<Repository>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub(super) id: u64,
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) empty: bool,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) fork: bool,
    pub(super) default_branch: Option<String>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) clone_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Commit {
    pub(super) sha: String,
    pub(super) html_url: Option<String>,
    pub(super) commit: Written,
    #[serde(default)]
    pub(super) parents: Option<Vec<Parent>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Written {
    pub(super) message: Option<String>,
    pub(super) author: Option<Signature>,
    pub(super) committer: Option<Signature>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    pub(super) name: Option<String>,
    pub(super) date: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Parent {
    pub(super) sha: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Comparison {
    #[serde(default)]
    pub(super) commits: Option<Vec<Commit>>,
}

/// What a search for issues tells of a pull request.
#[derive(Debug, Deserialize)]
pub(super) struct Hit {
    pub(super) number: u64,
    pub(super) repository: Option<HitRepository>,
    pub(super) pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HitRepository {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: u64,
    pub(super) title: Option<String>,
    pub(super) html_url: Option<String>,
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) labels: Option<Vec<Label>>,
    pub(super) head: Option<Branch>,
    pub(super) base: Option<Branch>,
    pub(super) merge_commit_sha: Option<String>,
    #[serde(default)]
    pub(super) merged: bool,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) merged_at: Option<DateTime<Utc>>,
    pub(super) closed_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) login: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Branch {
    #[serde(rename = "ref")]
    pub(super) name: Option<String>,
    pub(super) sha: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Review {
    pub(super) state: Option<String>,
    pub(super) user: Option<User>,
    pub(super) submitted_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) dismissed: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Release {
    pub(super) tag_name: String,
    #[serde(default)]
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) prerelease: bool,
    pub(super) published_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) commit: Option<TagCommit>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TagCommit {
    pub(super) sha: String,
    pub(super) created: Option<DateTime<Utc>>,
}
