//! What Azure Repos answers, as far as we look at it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Every list comes in an envelope.
#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    #[serde(default = "Vec::new")]
    pub(super) value: Vec<T>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Repository {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) project: Project,
    /// Absent while the repository is empty.
    pub(super) default_branch: Option<String>,
    pub(super) remote_url: Option<String>,
    #[serde(default)]
    pub(super) is_disabled: Option<bool>,
    #[serde(default)]
    pub(super) is_fork: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) name: String,
}

/// A commit; lists leave out its parents and all of its message but the first line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Commit {
    pub(super) commit_id: String,
    pub(super) author: Option<Signature>,
    pub(super) committer: Option<Signature>,
    pub(super) comment: Option<String>,
    #[serde(default)]
    pub(super) comment_truncated: Option<bool>,
    pub(super) remote_url: Option<String>,
    #[serde(default)]
    pub(super) parents: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Signature {
    pub(super) name: Option<String>,
    pub(super) date: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullRequest {
    pub(super) pull_request_id: u64,
    pub(super) repository: Option<RepositoryId>,
    /// `active`, `abandoned`, `completed`.
    pub(super) status: Option<String>,
    pub(super) title: Option<String>,
    pub(super) created_by: Option<Identity>,
    pub(super) creation_date: Option<DateTime<Utc>>,
    pub(super) closed_date: Option<DateTime<Utc>>,
    pub(super) source_ref_name: Option<String>,
    pub(super) target_ref_name: Option<String>,
    pub(super) last_merge_commit: Option<CommitId>,
    pub(super) last_merge_source_commit: Option<CommitId>,
    pub(super) last_merge_target_commit: Option<CommitId>,
    pub(super) completion_options: Option<CompletionOptions>,
    #[serde(default)]
    pub(super) reviewers: Option<Vec<Reviewer>>,
    #[serde(default)]
    pub(super) labels: Option<Vec<Label>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RepositoryId {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Identity {
    pub(super) id: Option<String>,
    pub(super) display_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommitId {
    pub(super) commit_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CompletionOptions {
    /// `noFastForward`, `squash`, `rebase`, `rebaseMerge`.
    pub(super) merge_strategy: Option<String>,
    /// What said so before there were strategies.
    pub(super) squash_merge: Option<bool>,
}

/// A reviewer's vote as it stands: 10 and 5 approve, -5 waits, -10 rejects.
#[derive(Debug, Deserialize)]
pub(super) struct Reviewer {
    pub(super) id: Option<String>,
    pub(super) vote: Option<i32>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Label {
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Thread {
    pub(super) published_date: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) comments: Option<Vec<Comment>>,
    /// Of several types; those that we read are texts.
    #[serde(default)]
    pub(super) properties: Option<HashMap<String, Property>>,
    /// Those that properties name by number.
    #[serde(default)]
    pub(super) identities: Option<HashMap<String, Identity>>,
    #[serde(default)]
    pub(super) is_deleted: Option<bool>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Property {
    #[serde(rename = "$value")]
    pub(super) value: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Comment {
    pub(super) author: Option<Identity>,
    /// `text`, `codeChange`, `system`.
    pub(super) comment_type: Option<String>,
    pub(super) published_date: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(super) is_deleted: Option<bool>,
}

/// What became of a question which pull requests brought commits in: for each query the requests by commit.
#[derive(Debug, Deserialize)]
pub(super) struct Queried {
    #[serde(default)]
    pub(super) results: Vec<HashMap<String, Vec<PullRequest>>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Push {
    #[serde(default)]
    pub(super) ref_updates: Option<Vec<RefUpdate>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RefUpdate {
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) object_id: String,
    /// The commit of an annotated tag.
    pub(super) peeled_object_id: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnnotatedTag {
    pub(super) tagged_by: Option<Signature>,
}
