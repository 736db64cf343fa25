//! `git`: a repository on a disk, read without a `git` program.

mod commits;
mod gitea;
pub(crate) mod github;
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

pub use gitea::KIND as GITEA;
pub use github::KIND as GITHUB;
pub use local::KIND;
