//! The clock of readings: the system's, or one that tests wind up.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::time::Instant;

/// Tells the time in whole milliseconds, as the ledger keeps it.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The system's clock.
    System,
    /// Starts at an instant and goes with tokio's clock, which tests can stop and advance.
    Simulated {
        /// What it showed at the start.
        origin: DateTime<Utc>,
        /// When it started.
        started: Instant,
    },
}

impl Clock {
    /// A clock that shows `origin` now and goes with tokio's.
    pub fn starting_at(origin: DateTime<Utc>) -> Self {
        Self::Simulated {
            origin,
            started: Instant::now(),
        }
    }

    /// The time, cut to whole milliseconds.
    #[allow(
        clippy::disallowed_methods,
        reason = "readings happen in real time; all else is told the time"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            Self::System => Utc::now(),
            Self::Simulated { origin, started } => {
                // A test that runs longer than chrono can count stays where it began.
                *origin + TimeDelta::from_std(started.elapsed()).unwrap_or_default()
            }
        }
        .trunc_subsecs(3)
    }
}
