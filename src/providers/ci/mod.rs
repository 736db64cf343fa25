//! CI systems: pipeline runs and deployments.

mod bitbucket_pipelines;

pub use bitbucket_pipelines::KIND as BITBUCKET_PIPELINES;
