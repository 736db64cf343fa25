//! Rows in, columns out: whose an event is, what a deployment delivered, whether it failed and how it recovered.
//!
//! Pure and synchronous. Works on one application at a time, so that one new event rebuilds one `Block`.
//! The rules are `definitions` sections 1 to 3 (`docs/metrics.md` tells users the same).

mod assign;
mod change_rows;
mod columns;
mod history;
mod input;
mod quality;
mod references;

mod block;

mod commits;
mod environment;
mod pull_requests;

mod findings;
mod material;

mod builds;
mod graph;
mod paths;
mod requests;
mod reverts;

mod draft;
mod made;
mod rollouts;
mod truth;

mod delivery;
mod lead_time;
mod rollback;

mod failure;
mod hotfix;
mod incidents;
mod names;
mod recovery;

mod backlog;
mod incident_columns;

mod dictionary;
mod keys;

#[cfg(test)]
mod tests;

pub use assign::{Assignment, SubjectKey, assign};
pub use block::correlate;
pub use columns::{
    Block, Changes, Deployments, Durations, EarlyParts, FailedRollouts, FailureRule, FailureRules,
    Flags, Incidents, Intervals, Lane, NONE, OpenPullRequests, Reason, Recovery, TierBacklog,
};
pub use history::History;
pub use input::{Input, SourceFacts, Sources};
pub use quality::{QualityKind, QualityRow};
pub use references::{Hearing, References, elsewhere};
