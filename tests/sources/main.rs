//! Sources that are reached by HTTP, each against a server that speaks its vendor's API over real sockets.
//!
//! `estate` is what an organisation holds, `server` counts requests and enforces limits, `reading` runs Pelorus over
//! it; a file a kind translates the estate into the vendor's answers and asks.

#![allow(
    clippy::unwrap_used,
    reason = "a server of a test that cannot go on fails its test"
)]

mod azure_pipelines;
mod azure_repos;
mod bitbucket;
mod bitbucket_cloud;
mod bitbucket_pipelines;
mod bitbucket_server;
mod circleci;
mod efficiency;
mod estate;
mod gitea;
mod github;
mod gitlab;
mod gitlab_ci;
mod gitlab_graph;
mod gitlab_server;
mod graphql;
mod jenkins;
mod memory;
mod program;
mod prometheus;
mod reading;
mod resuming;
mod server;
