//! Counts requests by source and outcome.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::budget::Left;
use crate::model::SourceName;

/// How a request ended. Every request that left counts once, redirects and retries each on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Outcome {
    Ok,
    /// 304: nothing new.
    Unchanged,
    Redirected,
    /// Refused for what it is: 4xx.
    Refused,
    /// 429, and 403 that mean the same.
    RateLimited,
    /// 5xx.
    ServerFailed,
    /// No answer, or not all of it.
    Unanswered,
}

impl Outcome {
    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unchanged => "unchanged",
            Self::Redirected => "redirected",
            Self::Refused => "refused",
            Self::RateLimited => "rate_limited",
            Self::ServerFailed => "server_failed",
            Self::Unanswered => "unanswered",
        }
    }
}

/// How many requests of a source ended in one way since the process started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RequestCount {
    pub source: SourceName,
    pub outcome: Outcome,
    pub requests: u64,
}

/// What is left of a rate limit, as the last answer to a source told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct LimitLeft {
    pub source: SourceName,
    /// The vendor's name of the limit (`core`).
    pub resource: String,
    pub requests: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(SourceName, Outcome), u64>,
    limits: BTreeMap<(SourceName, String), Left>,
}

impl Counters {
    pub(super) fn count(&self, source: &SourceName, outcome: Outcome) {
        let key = (source.clone(), outcome);
        *self.counts().requests.entry(key).or_default() += 1;
    }

    pub(super) fn note_limit(&self, source: &SourceName, resource: String, left: Left) {
        let key = (source.clone(), resource);
        self.counts().limits.insert(key, left);
    }

    pub(super) fn limits_left(&self, now: DateTime<Utc>) -> Vec<LimitLeft> {
        let counts = self.counts();
        // What is left of the next window is not known.
        let current = counts
            .limits
            .iter()
            .filter(|(_, left)| left.reset_at.is_none_or(|reset_at| reset_at > now));
        current
            .map(|((source, resource), left)| LimitLeft {
                source: source.clone(),
                resource: resource.clone(),
                requests: left.remaining,
            })
            .collect()
    }

    pub(super) fn all(&self) -> Vec<RequestCount> {
        let counts = self.counts();
        let rows = counts
            .requests
            .iter()
            .map(|((source, outcome), requests)| RequestCount {
                source: source.clone(),
                outcome: *outcome,
                requests: *requests,
            });
        rows.collect()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
