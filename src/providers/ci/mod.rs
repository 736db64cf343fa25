//! CI systems: pipeline runs as builds, and deployments where a system knows them.

mod github_actions;
mod jenkins;

pub use github_actions::KIND as GITHUB_ACTIONS;
pub use jenkins::KIND as JENKINS;
