//! `git`: a repository on a disk, read without a `git` program.

mod azure_repos;
mod bitbucket;
mod bitbucket_server;
mod commits;
mod gitea;
pub(crate) mod github;
pub(super) mod gitlab;
mod graph;
mod heads;
pub mod hosted;
mod joins;
mod local;
mod message;
mod pull_requests;
mod reading;
mod releases;
mod repository;
mod touched;
mod walk;

#[cfg(test)]
mod tests;

pub use azure_repos::KIND as AZURE_REPOS;
pub use bitbucket::KIND as BITBUCKET;
pub use bitbucket_server::KIND as BITBUCKET_SERVER;
pub use gitea::KIND as GITEA;
pub use github::KIND as GITHUB;
pub use gitlab::KIND as GITLAB;
pub use local::KIND;
