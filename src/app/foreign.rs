//! A ledger that another process owns: looked at now and then, because nobody tells us what it stores.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

/// How often the ledger is looked at, at most: a change means building all columns again.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What was last seen of the ledger.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    looked_at: Option<Instant>,
    /// When each source last stored anything.
    read_at: Vec<Option<DateTime<Utc>>>,
}

impl Foreign {
    /// Whether it is time to look; then takes down that somebody does.
    pub(super) fn is_due(&self) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let is_due = seen
            .looked_at
            .is_none_or(|looked_at| now - looked_at >= LOOK_EVERY);
        if is_due {
            seen.looked_at = Some(now);
        }
        is_due
    }

    /// Whether any source stored something since the last look.
    pub(super) fn has_changed(&self, read_at: Vec<Option<DateTime<Utc>>>) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let has_changed = seen.read_at != read_at;
        seen.read_at = read_at;
        has_changed
    }
}
