//! CI systems: pipeline runs as builds, and deployments where a system knows them.

mod bitbucket_pipelines;
mod github_actions;
mod gitlab_ci;
mod jenkins;

pub use bitbucket_pipelines::KIND as BITBUCKET_PIPELINES;
pub use github_actions::KIND as GITHUB_ACTIONS;
pub use gitlab_ci::KIND as GITLAB_CI;
pub use jenkins::KIND as JENKINS;
