//! Sources that are reached by HTTP, each against a server that speaks its vendor's API over real sockets.
//!
//! `estate` is what an organisation holds, `server` counts requests and enforces limits, `reading` runs Pelorus over
//! it; a file a kind translates the estate into the vendor's answers and asks.

#![allow(
    clippy::unwrap_used,
    reason = "a server of a test that cannot go on fails its test"
)]

mod efficiency;
mod estate;
mod gitea;
mod github;
mod graphql;
mod jenkins;
mod reading;
mod server;
