//! What GitHub answers, as far as it is read. Shapes follow the published schema; what it allows to be null is an `Option`.

use chrono::{DateTime, Utc};
use serde::Deserialize;

/// A page of a connection; GitHub puts null where a thing may not be seen.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection<T> {
    pub(crate) page_info: Option<PageInfo>,
    pub(crate) total_count: Option<u64>,
    pub(crate) nodes: Option<Vec<Option<T>>>,
}

impl<T> Connection<T> {
    /// What may be seen.
    pub(crate) fn seen(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.nodes.iter().flatten().flatten()
    }

    /// Where the next page begins; `None` on the last one.
    pub(crate) fn next(&self) -> Option<&str> {
        let info = self.page_info.as_ref()?;
        info.end_cursor.as_deref().filter(|_| info.has_next_page)
    }
}

/// The things of a connection that may itself be null.
pub(crate) fn seen<T>(connection: &Option<Connection<T>>) -> impl DoubleEndedIterator<Item = &T> {
    connection.iter().flat_map(Connection::seen)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    pub(crate) has_next_page: bool,
    pub(crate) end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OwnerJson<R> {
    pub(crate) repositories: Connection<R>,
}

/// The fragment `Repository` of the probe.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RepositoryJson {
    pub(crate) id: String,
    pub(crate) name_with_owner: String,
    pub(crate) url: String,
    #[serde(default)]
    pub(crate) is_archived: bool,
    #[serde(default)]
    pub(crate) is_fork: bool,
    #[serde(default)]
    pub(crate) is_empty: bool,
    #[serde(default)]
    pub(crate) is_disabled: bool,
    pub(crate) default_branch_ref: Option<RefJson>,
    pub(crate) pull_requests: Option<Newest<UpdatedJson>>,
    pub(crate) releases: Option<Newest<UpdatedJson>>,
    pub(crate) refs: Option<Newest<RefJson>>,
}

/// The newest thing of a list, and how many there are.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Newest<T> {
    pub(crate) total_count: Option<u64>,
    pub(crate) nodes: Option<Vec<Option<T>>>,
}

impl<T> Newest<T> {
    pub(crate) fn first(&self) -> Option<&T> {
        self.nodes.as_ref()?.first()?.as_ref()
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UpdatedJson {
    pub(crate) id: Option<String>,
    pub(crate) updated_at: DateTime<Utc>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RefJson {
    pub(crate) name: String,
    pub(crate) target: Option<TargetJson>,
}

/// A Git object: a commit, or a tag that leads to one.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TargetJson {
    pub(crate) oid: String,
    pub(crate) committed_date: Option<DateTime<Utc>>,
    pub(crate) tagger: Option<TaggerJson>,
    pub(crate) target: Option<Box<TargetJson>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TaggerJson {
    pub(crate) date: Option<DateTime<Utc>>,
}

/// A list of a batch: whichever of these was asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListsJson {
    pub(super) object: Option<ObjectJson>,
    pub(super) pull_requests: Option<Connection<PullRequestJson>>,
    pub(super) releases: Option<Connection<ReleaseJson>>,
    pub(super) refs: Option<Connection<RefJson>>,
}

/// A commit with its history; empty where the object is no commit.
#[derive(Debug, Deserialize)]
pub(super) struct ObjectJson {
    pub(super) history: Option<Connection<CommitJson>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CommitJson {
    pub(super) oid: String,
    pub(super) authored_date: DateTime<Utc>,
    pub(super) committed_date: DateTime<Utc>,
    pub(super) message: String,
    pub(super) url: Option<String>,
    pub(super) author: Option<PersonJson>,
    pub(super) parents: Connection<OidJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PersonJson {
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct OidJson {
    pub(crate) oid: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PullRequestJson {
    pub(super) number: u64,
    pub(super) title: String,
    pub(super) url: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) merged_at: Option<DateTime<Utc>>,
    pub(super) closed_at: Option<DateTime<Utc>>,
    pub(super) head_ref_name: String,
    pub(super) head_ref_oid: String,
    pub(super) base_ref_name: String,
    /// Null once the account is deleted.
    pub(super) author: Option<ActorJson>,
    pub(super) merge_commit: Option<MergeCommitJson>,
    pub(super) labels: Option<Connection<NameJson>>,
    pub(super) reviews: Option<Connection<ReviewJson>>,
    pub(super) commits: Connection<OwnCommitJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ActorJson {
    #[serde(rename = "__typename")]
    pub(super) kind: String,
    pub(super) login: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MergeCommitJson {
    pub(super) oid: String,
    pub(super) authored_date: DateTime<Utc>,
    pub(super) parents: Connection<OidJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NameJson {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReviewJson {
    pub(super) author: Option<ActorJson>,
    /// Null while it is written.
    pub(super) submitted_at: Option<DateTime<Utc>>,
    pub(super) state: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct OwnCommitJson {
    pub(super) commit: MergedCommitJson,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MergedCommitJson {
    pub(super) oid: String,
    pub(super) authored_date: DateTime<Utc>,
    pub(super) committed_date: DateTime<Utc>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReleaseJson {
    pub(super) tag_name: String,
    pub(super) is_draft: bool,
    pub(super) is_prerelease: bool,
    pub(super) created_at: DateTime<Utc>,
    pub(super) published_at: Option<DateTime<Utc>>,
    pub(super) url: Option<String>,
    /// Null where the tag does not exist.
    pub(super) tag_commit: Option<TargetJson>,
}

/// REST's compare, as far as it is read.
#[derive(Debug, Deserialize)]
pub(super) struct CompareJson {
    pub(super) commits: Vec<ComparedJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ComparedJson {
    pub(super) sha: String,
    pub(super) html_url: Option<String>,
    pub(super) commit: ComparedCommitJson,
    pub(super) parents: Vec<ShaJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ComparedCommitJson {
    /// Null where Git's header is broken.
    pub(super) author: Option<SignedJson>,
    pub(super) committer: Option<SignedJson>,
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SignedJson {
    pub(super) name: Option<String>,
    pub(super) date: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ShaJson {
    pub(super) sha: String,
}
