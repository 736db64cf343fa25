//! What GitHub answers of runs and deployments, as far as it is read.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::providers::git::github::json::{Connection, Newest, OidJson};

/// The fragment `Repository` of the activity.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RepositoryJson {
    pub(super) id: String,
    pub(super) name_with_owner: String,
    pub(super) url: String,
    #[serde(default)]
    pub(super) is_archived: bool,
    #[serde(default)]
    pub(super) is_fork: bool,
    #[serde(default)]
    pub(super) is_disabled: bool,
    /// Null for a repository that nobody ever pushed to.
    pub(super) pushed_at: Option<DateTime<Utc>>,
    pub(super) default_branch_ref: Option<BranchJson>,
    pub(super) deployments: Option<Newest<CreatedJson>>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct BranchJson {
    pub(super) target: Option<HeadJson>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct HeadJson {
    pub(super) oid: String,
    pub(super) check_suites: Option<CountJson>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CountJson {
    pub(super) total_count: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreatedJson {
    pub(super) created_at: DateTime<Utc>,
}

/// A page of deployments in a batch.
#[derive(Debug, Deserialize)]
pub(super) struct ListJson {
    pub(super) deployments: Option<Connection<DeploymentJson>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeploymentJson {
    pub(super) id: String,
    pub(super) commit_oid: String,
    /// What it is called today; the name it was made with is the other.
    pub(super) environment: Option<String>,
    pub(super) original_environment: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) state: Option<String>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<ReferenceJson>,
    pub(super) statuses: Option<Connection<StatusJson>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReferenceJson {
    pub(super) name: String,
    pub(super) prefix: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusJson {
    pub(super) state: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) log_url: Option<String>,
}

/// Something unfinished, read again by its id.
#[derive(Debug, Deserialize)]
#[serde(tag = "__typename")]
pub(super) enum UnfinishedJson {
    Deployment {
        repository: PlaceJson,
        #[serde(flatten)]
        deployment: DeploymentJson,
    },
    WorkflowRun(WorkflowRunJson),
}

#[derive(Debug, Deserialize)]
pub(super) struct PlaceJson {
    pub(super) id: String,
    pub(super) url: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WorkflowRunJson {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) workflow: WorkflowJson,
    pub(super) check_suite: CheckSuiteJson,
}

#[derive(Debug, Deserialize)]
pub(super) struct WorkflowJson {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CheckSuiteJson {
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) commit: OidJson,
    pub(super) repository: PlaceJson,
}

/// REST's page of runs.
#[derive(Debug, Deserialize)]
pub(super) struct RunsJson {
    pub(super) workflow_runs: Vec<RunJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunJson {
    pub(super) id: u64,
    pub(super) node_id: String,
    /// The workflow's name; null where its file is gone.
    pub(super) name: Option<String>,
    pub(super) head_branch: Option<String>,
    pub(super) head_sha: String,
    pub(super) event: String,
    pub(super) status: Option<String>,
    pub(super) conclusion: Option<String>,
    pub(super) html_url: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    /// When its latest attempt began.
    pub(super) run_started_at: Option<DateTime<Utc>>,
}

/// REST's page of a run's jobs.
#[derive(Debug, Deserialize)]
pub(super) struct JobsJson {
    pub(super) jobs: Vec<JobJson>,
}

#[derive(Debug, Deserialize)]
pub(super) struct JobJson {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) head_sha: String,
    pub(super) workflow_name: Option<String>,
    pub(super) status: String,
    pub(super) conclusion: Option<String>,
    pub(super) html_url: Option<String>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) completed_at: Option<DateTime<Utc>>,
}
