//! Pelorus measures software delivery: it reads events from Git hosts, CI systems, clusters and trackers,
//! and answers questions about them. `ARCHITECTURE.md` shows the rooms of the house.

pub mod app;
#[allow(
    clippy::disallowed_methods,
    reason = "the clock is read at the ends, here"
)]
pub mod cli;
pub mod config;
pub mod correlate;
pub mod dora;
pub mod error;
pub mod export;
pub mod frames;
pub mod ledger;
pub mod model;
#[allow(
    clippy::disallowed_methods,
    reason = "the clock is read at the ends, here"
)]
pub mod plugin;
pub mod providers;
pub mod series;
pub mod sync;
