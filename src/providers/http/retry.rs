//! When and how often a request is sent again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Attempts of one request, the first included.
pub(super) const MOST_ATTEMPTS: u32 = 5;
const LONGEST: Duration = Duration::from_secs(60);
/// Retries that may come at once, before requests that went well have earned more.
const FULL_BUDGET: f64 = 10.0;
/// What one request earns: retries stay under a tenth of all requests, so that a host that fails is not stormed.
const EARNED: f64 = 0.1;

/// A random number: the standard library seeds every `RandomState` anew.
pub fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Full jitter: anything up to a bound that doubles from the first to a minute.
pub fn jittered(first: Duration, attempt: u32, random: u64) -> Duration {
    let bound = first
        .saturating_mul(1 << attempt.clamp(1, 10) >> 1)
        .min(LONGEST);
    let milliseconds = bound.as_millis() as u64;
    Duration::from_millis(random % (milliseconds + 1))
}

/// How many retries a host and credential have left.
#[derive(Debug)]
pub(super) struct RetryBudget(Mutex<f64>);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(Mutex::new(FULL_BUDGET))
    }
}

impl RetryBudget {
    /// Takes down that a request was sent for the first time.
    pub(super) fn earn(&self) {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *left = (*left + EARNED).min(FULL_BUDGET);
    }

    /// Takes one retry, if there is one.
    pub(super) fn spend(&self) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_left = *left >= 1.0;
        if is_left {
            *left -= 1.0;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(500);

    #[test]
    fn waits_double_up_to_a_minute_and_are_jittered_in_full() {
        assert_eq!(jittered(FIRST, 1, 500), Duration::from_millis(500));
        assert_eq!(jittered(FIRST, 1, 501), Duration::ZERO);
        assert_eq!(jittered(FIRST, 2, 1_000), Duration::from_secs(1));
        assert_eq!(jittered(FIRST, 4, 4_000), Duration::from_secs(4));
        assert_eq!(jittered(FIRST, 30, 60_000), Duration::from_secs(60));
        assert!((0..100).all(|seed| jittered(FIRST, 10, seed * 997_331) <= LONGEST));
    }

    #[test]
    fn retries_are_a_tenth_of_the_requests() {
        let budget = RetryBudget::default();
        assert_eq!((0..20).filter(|_| budget.spend()).count(), 10);
        (0..25).for_each(|_| budget.earn());
        assert_eq!((0..20).filter(|_| budget.spend()).count(), 2);
    }
}
