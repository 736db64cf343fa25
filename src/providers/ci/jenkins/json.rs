//! What Jenkins answers, as far as we ask for it by `tree`.

use serde::Deserialize;

/// What is asked of a build.
pub(super) const BUILD: &str =
    "number,result,building,timestamp,duration,url,actions[lastBuiltRevision[SHA1],remoteUrls]";

/// A job or a folder of jobs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Job {
    pub(super) full_name: Option<String>,
    /// A folder's.
    pub(super) jobs: Option<Vec<Job>>,
    /// The newest builds, newest first.
    pub(super) builds: Option<Vec<Build>>,
    /// All of them, by range.
    pub(super) all_builds: Option<Vec<Build>>,
    /// The oldest build that is kept.
    pub(super) first_build: Option<FirstBuild>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FirstBuild {
    pub(super) number: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Build {
    pub(super) number: u64,
    /// `SUCCESS`, `UNSTABLE`, `FAILURE`, `NOT_BUILT`, `ABORTED`; null while it runs.
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) building: bool,
    /// Start, milliseconds since 1970.
    pub(super) timestamp: i64,
    /// Milliseconds; 0 while it runs.
    #[serde(default)]
    pub(super) duration: i64,
    pub(super) url: Option<String>,
    /// Of many kinds; those of other plugins have none of our keys, and may be null.
    #[serde(default)]
    pub(super) actions: Vec<Option<Action>>,
}

/// The Git plugin's `BuildData`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Action {
    pub(super) last_built_revision: Option<Revision>,
    #[serde(default)]
    pub(super) remote_urls: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Revision {
    #[serde(rename = "SHA1")]
    pub(super) hash: Option<String>,
}
