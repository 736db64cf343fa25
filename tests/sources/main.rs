//! Sources that are reached by HTTP, each against a server that speaks its vendor's API over real sockets.
//!
//! `estate` is what an organisation holds, `server` counts requests and enforces limits, `reading` runs Pelorus over
//! it; a file a kind translates the estate into the vendor's answers and asks.

mod bitbucket;
mod bitbucket_cloud;
mod bitbucket_pipelines;
mod bitbucket_server;
mod estate;
mod gitea;
mod reading;
mod resuming;
mod server;
