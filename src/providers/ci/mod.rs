//! CI systems: what they build and deploy.

pub mod github_actions;
