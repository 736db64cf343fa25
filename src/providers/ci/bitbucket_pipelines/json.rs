//! What Bitbucket Pipelines answers, as far as we look at it.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::providers::bitbucket_cloud::Named;

/// What is asked of runs.
pub(super) const RUN_FIELDS: &str = "values.uuid,values.build_number,values.created_on,values.completed_on,values.state.name,values.state.result.name,values.target.commit.hash,values.target.selector.type,values.target.selector.pattern,next";
/// What is asked of deployments; an environment comes by its uuid alone unless more of it is named.
pub(super) const DEPLOYMENT_FIELDS: &str = "values.uuid,values.environment.name,values.environment.environment_type.name,values.release.name,values.release.created_on,values.release.commit.hash,values.state.name,values.state.url,values.state.status.name,values.state.start_date,values.state.completion_date,next";

#[derive(Debug, Deserialize)]
pub(super) struct Run {
    pub(super) uuid: String,
    pub(super) build_number: Option<u64>,
    pub(super) created_on: Option<DateTime<Utc>>,
    pub(super) completed_on: Option<DateTime<Utc>>,
    pub(super) state: Option<RunState>,
    pub(super) target: Option<Target>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunState {
    /// `PENDING`, `IN_PROGRESS`, `COMPLETED`.
    pub(super) name: Option<String>,
    /// `SUCCESSFUL`, `FAILED`, `ERROR`, `STOPPED`, `EXPIRED`.
    pub(super) result: Option<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) commit: Option<Hash>,
    pub(super) selector: Option<Selector>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Hash {
    pub(super) hash: Option<String>,
}

/// The part of `bitbucket-pipelines.yml` that ran.
#[derive(Debug, Deserialize)]
pub(super) struct Selector {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) pattern: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Deployment {
    pub(super) uuid: String,
    pub(super) environment: Option<Environment>,
    pub(super) release: Option<Release>,
    pub(super) state: Option<DeploymentState>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Environment {
    pub(super) name: Option<String>,
    /// `Test`, `Staging`, `Production`.
    pub(super) environment_type: Option<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Release {
    /// `#12`, the number of the run.
    pub(super) name: Option<String>,
    pub(super) created_on: Option<DateTime<Utc>>,
    pub(super) commit: Option<Hash>,
}

#[derive(Debug, Deserialize)]
pub(super) struct DeploymentState {
    /// `UNDEPLOYED`, `IN_PROGRESS`, `COMPLETED`.
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    /// `SUCCESSFUL`, `FAILED`, `STOPPED`.
    pub(super) status: Option<Named>,
    pub(super) start_date: Option<DateTime<Utc>>,
    pub(super) completion_date: Option<DateTime<Utc>>,
}

impl Deployment {
    /// The last that is known to have happened to it.
    pub(super) fn changed_at(&self) -> Option<DateTime<Utc>> {
        let state = self.state.as_ref();
        let release = self.release.as_ref().and_then(|release| release.created_on);
        let started = state.and_then(|state| state.start_date);
        let ended = state.and_then(|state| state.completion_date);
        ended.or(started).or(release)
    }
}
