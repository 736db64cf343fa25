//! What Azure DevOps answers, as far as we look at it.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
pub(super) struct List<T> {
    #[serde(default = "Vec::new")]
    pub(super) value: Vec<T>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Project {
    /// It stays when the project is renamed.
    pub(super) id: String,
    pub(super) name: String,
}

/// `Build` of `build` 7.1.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Build {
    pub(super) id: u64,
    /// `none`, `inProgress`, `completed`, `cancelling`, `postponed`, `notStarted`.
    pub(super) status: Option<String>,
    /// `none`, `succeeded`, `partiallySucceeded`, `failed`, `canceled`.
    pub(super) result: Option<String>,
    pub(super) queue_time: Option<DateTime<Utc>>,
    pub(super) start_time: Option<DateTime<Utc>>,
    pub(super) finish_time: Option<DateTime<Utc>>,
    pub(super) definition: Option<Named>,
    pub(super) repository: Option<Repository>,
    /// `refs/heads/main`, `refs/tags/v1`, `refs/pull/5/merge`.
    pub(super) source_branch: Option<String>,
    /// The commit; for a pull request the one that only the host made.
    pub(super) source_version: Option<String>,
    #[serde(default)]
    pub(super) trigger_info: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "_links")]
    pub(super) links: Option<Links>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Repository {
    pub(super) id: Option<String>,
    /// `TfsGit`, `GitHub`, `GitHubEnterprise`, `Bitbucket`, `Git`, `TfsVersionControl`.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Links {
    pub(super) web: Option<Link>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Link {
    pub(super) href: Option<String>,
}

impl Links {
    /// The page that shows the thing.
    pub(super) fn page(links: Option<&Self>) -> Option<&str> {
        links?.web.as_ref()?.href.as_deref()
    }
}

/// `EnvironmentInstance` of `environments` 7.1.
#[derive(Debug, Deserialize)]
pub(super) struct Environment {
    pub(super) id: u64,
    pub(super) name: String,
}

/// `EnvironmentDeploymentExecutionRecord` of `environments` 7.1.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) id: u64,
    /// `succeeded`, `succeededWithIssues`, `failed`, `canceled`, `skipped`, `abandoned`; absent while it runs.
    pub(super) result: Option<String>,
    pub(super) queue_time: Option<DateTime<Utc>>,
    pub(super) start_time: Option<DateTime<Utc>>,
    pub(super) finish_time: Option<DateTime<Utc>>,
    /// The run.
    pub(super) owner: Option<Owner>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Owner {
    pub(super) id: Option<u64>,
    pub(super) name: Option<String>,
    #[serde(rename = "_links")]
    pub(super) links: Option<Links>,
}

/// `Deployment` of `release` 7.1.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Deployment {
    pub(super) id: u64,
    pub(super) release: Option<Release>,
    pub(super) release_environment: Option<Named>,
    /// `undefined`, `notDeployed`, `inProgress`, `succeeded`, `partiallySucceeded`, `failed`.
    pub(super) deployment_status: Option<String>,
    /// `Canceled` and `Rejected` among others.
    pub(super) operation_status: Option<String>,
    pub(super) queued_on: Option<DateTime<Utc>>,
    pub(super) started_on: Option<DateTime<Utc>>,
    pub(super) completed_on: Option<DateTime<Utc>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Release {
    pub(super) name: Option<String>,
    #[serde(default = "Vec::new")]
    pub(super) artifacts: Vec<Artifact>,
    #[serde(rename = "_links")]
    pub(super) links: Option<Links>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Artifact {
    /// `Build`, `Git`, `GitHub`, `Jenkins` …
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) is_primary: Option<bool>,
    #[serde(default)]
    pub(super) definition_reference: BTreeMap<String, Reference>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

impl Artifact {
    pub(super) fn reference(&self, key: &str) -> Option<&Reference> {
        self.definition_reference.get(key)
    }

    /// The id behind a key, where it says anything.
    pub(super) fn id_of(&self, key: &str) -> Option<&str> {
        self.reference(key)?
            .id
            .as_deref()
            .filter(|id| !id.is_empty())
    }
}
