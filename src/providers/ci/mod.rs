//! Systems that build and deploy.

mod gitlab_ci;

pub use gitlab_ci::KIND as GITLAB_CI;
