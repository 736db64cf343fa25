//! `git`: a repository on a disk, read without a `git` program.

mod azure_repos;
mod commits;
mod gitea;
mod graph;
mod heads;
pub mod hosted;
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
pub use gitea::KIND as GITEA;
pub use local::KIND;
