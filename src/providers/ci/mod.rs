//! CI systems: pipeline runs as builds, and deployments where a system knows them.

pub mod github_actions;
mod jenkins;

pub use jenkins::KIND as JENKINS;
