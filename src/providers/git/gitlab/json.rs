//! What GitLab answers, as far as we look at it: REST in snake_case, GraphQL in camelCase.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::server::Connection;

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) id: u64,
    pub(super) path_with_namespace: String,
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) empty_repo: bool,
    pub(super) forked_from_project: Option<serde::de::IgnoredAny>,
    pub(super) last_activity_at: Option<DateTime<Utc>>,
    pub(super) http_url_to_repo: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Commit {
    pub(super) id: String,
    #[serde(default)]
    pub(super) parent_ids: Option<Vec<String>>,
    pub(super) message: Option<String>,
    pub(super) author_name: Option<String>,
    pub(super) authored_date: Option<DateTime<Utc>>,
    pub(super) committed_date: Option<DateTime<Utc>>,
    pub(super) web_url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Comparison {
    /// The commit that was compared to.
    pub(super) commit: Option<Commit>,
    #[serde(default)]
    pub(super) commits: Option<Vec<Commit>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Tag {
    pub(super) name: String,
    pub(super) commit: Option<Commit>,
    /// Of an annotated tag, from GitLab 16.11 on.
    pub(super) created_at: Option<DateTime<Utc>>,
}

/// A merge request as REST lists it: the one place that tells the commit of a squash.
#[derive(Debug, Deserialize)]
pub(super) struct Landed {
    pub(super) iid: u64,
    pub(super) project_id: u64,
    pub(super) merge_commit_sha: Option<String>,
    pub(super) squash_commit_sha: Option<String>,
}

/// What a GraphQL query for one list answers.
#[derive(Debug, Deserialize)]
pub(super) struct Listed<T> {
    pub(super) list: Option<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MergeRequests {
    pub(super) merge_requests: Option<Connection<MergeRequest>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OneMergeRequest {
    pub(super) merge_request: Option<Rest>,
}

/// More notes or commits of a merge request.
#[derive(Debug, Deserialize)]
pub(super) struct Rest {
    pub(super) notes: Option<Connection<Note>>,
    pub(super) commits: Option<Connection<OwnCommit>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MergeRequest {
    pub(super) iid: String,
    pub(super) project_id: u64,
    pub(super) title: Option<String>,
    pub(super) web_url: Option<String>,
    pub(super) author: Option<User>,
    pub(super) source_branch: Option<String>,
    pub(super) target_branch: Option<String>,
    pub(super) diff_head_sha: Option<String>,
    pub(super) merge_commit_sha: Option<String>,
    #[serde(default)]
    pub(super) squash: bool,
    #[serde(default)]
    pub(super) squash_on_merge: bool,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) merged_at: Option<DateTime<Utc>>,
    pub(super) closed_at: Option<DateTime<Utc>>,
    pub(super) labels: Option<Connection<Label>>,
    pub(super) approved_by: Option<Connection<User>>,
    pub(super) notes: Option<Connection<Note>>,
    pub(super) commits: Option<Connection<OwnCommit>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct User {
    pub(super) username: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub(super) title: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    pub(super) author: Option<User>,
    pub(super) created_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) system: bool,
    pub(super) system_note_metadata: Option<NoteMetadata>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NoteMetadata {
    pub(super) action: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OwnCommit {
    pub(super) sha: Option<String>,
    pub(super) committed_date: Option<DateTime<Utc>>,
    pub(super) authored_date: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Projects {
    pub(super) projects: Option<Connection<ReleasedProject>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReleasedProject {
    /// `gid://gitlab/Project/<number>`
    pub(super) id: String,
    pub(super) releases: Option<Connection<Release>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ProjectReleases {
    pub(super) releases: Option<Connection<Release>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Release {
    pub(super) tag_name: Option<String>,
    pub(super) released_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) upcoming_release: Option<bool>,
}

/// The names of those who approved.
pub(super) fn approvers(approved_by: &Connection<User>) -> impl Iterator<Item = &str> {
    approved_by
        .items()
        .filter_map(|user| user.username.as_deref())
}
