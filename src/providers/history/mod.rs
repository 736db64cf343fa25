//! History: events that an export loop wrote to Prometheus or Thanos, read back.
//!
//! Source: Prometheus' HTTP API (`/api/v1/query`), stable since 2.0; Thanos Query's additions to it. Read by instant queries
//! with range selectors alone: `query_range` looks every step five minutes back and sees one event in twelve.

mod answer;
mod check;
mod cursor;
mod prometheus;
mod revisions;
mod selector;
mod upstream;
mod windows;

pub use prometheus::KIND;

/// The group of kinds that read back what an export loop sent.
pub(super) const GROUP: &str = "history";
