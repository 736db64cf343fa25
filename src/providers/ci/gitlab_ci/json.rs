//! What GitLab answers, as far as we look at it: GraphQL in camelCase, REST in snake_case.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::providers::git::gitlab::server::Connection;

/// What a GraphQL query for one thing answers.
#[derive(Debug, Deserialize)]
pub(super) struct Listed<T> {
    pub(super) list: Option<T>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Projects {
    pub(super) projects: Option<Connection<Project>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Project {
    /// `gid://gitlab/Project/<number>`
    pub(super) id: String,
    pub(super) full_path: String,
    #[serde(default)]
    pub(super) archived: Option<bool>,
    #[serde(default)]
    pub(super) is_forked: Option<bool>,
    pub(super) http_url_to_repo: Option<String>,
    pub(super) web_url: Option<String>,
    pub(super) any: Option<Connection<serde::de::IgnoredAny>>,
    pub(super) environments: Option<Connection<Environment>>,
    pub(super) pipelines: Option<Connection<Pipeline>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pipelines {
    pub(super) pipelines: Option<Connection<Pipeline>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Environments {
    pub(super) environments: Option<Connection<Environment>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Environment {
    pub(super) name: String,
    /// `PRODUCTION`, `STAGING`, `TESTING`, `DEVELOPMENT`, `OTHER`
    pub(super) tier: Option<String>,
    pub(super) succeeded: Option<LastDeployment>,
    pub(super) failed: Option<LastDeployment>,
    pub(super) cancelled: Option<LastDeployment>,
    pub(super) running: Option<LastDeployment>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LastDeployment {
    pub(super) updated_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pipeline {
    /// `gid://gitlab/Ci::Pipeline/<number>`
    pub(super) id: String,
    pub(super) sha: Option<String>,
    #[serde(rename = "ref")]
    pub(super) git_ref: Option<String>,
    pub(super) name: Option<String>,
    pub(super) source: Option<String>,
    pub(super) status: Option<String>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
}

/// A deployment, as REST lists it.
#[derive(Debug, Deserialize)]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) iid: Option<u64>,
    #[serde(rename = "ref")]
    pub(super) git_ref: Option<String>,
    pub(super) sha: Option<String>,
    pub(super) status: Option<String>,
    pub(super) created_at: Option<DateTime<Utc>>,
    pub(super) updated_at: Option<DateTime<Utc>>,
    pub(super) environment: Option<DeployedTo>,
    pub(super) deployable: Option<Job>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeployedTo {
    pub(super) name: String,
}

/// The job that deployed; there is none where an outside system reported the deployment.
#[derive(Debug, Deserialize)]
pub(super) struct Job {
    #[serde(default)]
    pub(super) tag: Option<bool>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) finished_at: Option<DateTime<Utc>>,
    pub(super) web_url: Option<String>,
}
