//! CI systems: pipeline runs as builds, and deployments where a system knows them.

mod azure_pipelines;
mod bitbucket_pipelines;
mod circleci;
mod github_actions;
mod gitlab_ci;
mod jenkins;

use crate::config::{Fault, SettingsError, SourceSettings};
use crate::model::Glob;
use crate::providers::http::text_list;

pub use azure_pipelines::KIND as AZURE_PIPELINES;
pub use bitbucket_pipelines::KIND as BITBUCKET_PIPELINES;
pub use circleci::KIND as CIRCLECI;
pub use github_actions::KIND as GITHUB_ACTIONS;
pub use gitlab_ci::KIND as GITLAB_CI;
pub use jenkins::KIND as JENKINS;

/// The globs of a setting.
fn globs(source: &SourceSettings, key: &str) -> Result<Vec<Glob>, SettingsError> {
    let globs = text_list(source, key).into_iter().map(|text| {
        Glob::new(&text).map_err(|error| SettingsError {
            faults: vec![Fault {
                key: key.to_owned(),
                message: format!("has no usable glob: {error}"),
            }],
        })
    });
    globs.collect()
}
