//! Counts requests by source and outcome.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

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

#[derive(Debug, Default)]
pub(super) struct Counters(Mutex<BTreeMap<(SourceName, Outcome), u64>>);

impl Counters {
    pub(super) fn count(&self, source: &SourceName, outcome: Outcome) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((source.clone(), outcome)).or_default() += 1;
    }

    pub(super) fn all(&self) -> Vec<RequestCount> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = counts
            .iter()
            .map(|((source, outcome), requests)| RequestCount {
                source: source.clone(),
                outcome: *outcome,
                requests: *requests,
            });
        rows.collect()
    }
}
