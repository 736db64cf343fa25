//! What a destination was sent, counted since the start.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::ledger::Settled;

/// Counts of one destination.
#[derive(Debug, Default)]
pub struct Tally(Mutex<Counts>);

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events that the destination took.
    pub sent: u64,
    /// Events that it refused for good.
    pub refused: u64,
    /// Events that were too old to be taken live.
    pub too_old: u64,
    /// Deliveries that failed.
    pub failures: u64,
    /// Events that it took and did not show, so that they were sent again.
    pub missing: u64,
    /// Events that it shows and the ledger has not, when last compared.
    pub unknown: u64,
    /// When it last took everything that it was given.
    pub last_success: Option<DateTime<Utc>>,
    /// Why the last delivery failed; `None` once one succeeds.
    pub failure: Option<String>,
}

impl Tally {
    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.locked().clone()
    }

    /// Counts what became of events.
    pub(super) fn settled(
        &self,
        settled: &[(i64, i64, Settled)],
        now: DateTime<Utc>,
        is_stuck: bool,
    ) {
        let mut counts = self.locked();
        for (_, _, settled) in settled {
            match settled {
                Settled::Acknowledged => counts.sent += 1,
                Settled::Quarantined { .. } => counts.refused += 1,
                Settled::Moved(_) => counts.too_old += 1,
            }
        }
        if !is_stuck {
            counts.last_success = Some(now);
            counts.failure = None;
        }
    }

    /// Counts a delivery that failed.
    pub(super) fn failed(&self, reason: &str) {
        let mut counts = self.locked();
        counts.failures += 1;
        counts.failure = Some(reason.to_owned());
    }

    /// Notes how what it shows differs from what it took.
    pub(super) fn compared(&self, missing: u64, unknown: u64) {
        let mut counts = self.locked();
        counts.missing += missing;
        counts.unknown = unknown;
    }

    /// Notes that the destination answered as it should.
    pub(super) fn proved(&self, now: DateTime<Utc>) {
        let mut counts = self.locked();
        counts.last_success = Some(now);
        counts.failure = None;
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Counts> {
        // Every change is one assignment, so that a panic elsewhere leaves them sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
