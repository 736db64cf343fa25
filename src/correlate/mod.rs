//! Rows in, columns out: whose an event is, what a deployment delivered, whether it failed and how it recovered.
//!
//! Pure and synchronous. Works on one application at a time, so that one new event rebuilds one `Block`.
//! The rules are `definitions` sections 1 to 3 (`docs/metrics.md` tells users the same).

mod columns;

pub use columns::{
    Block, Changes, Deployments, Durations, FailedRollouts, FailureRule, FailureRules, Flags,
    Incidents, Intervals, Lane, NONE, OpenPullRequests, QualityKind, QualityRow, Reason, Recovery,
    TierBacklog,
};
