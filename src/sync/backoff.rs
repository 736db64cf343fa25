//! How long a source is left alone after it failed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::providers::FetchError;
use crate::providers::http::random;

const SHORTEST_SECONDS: i64 = 1;
const LONGEST_SECONDS: i64 = 600;

/// When a source may be asked again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// At once.
    #[default]
    Free,
    /// From this instant on.
    After(DateTime<Utc>),
    /// When a person says so: the settings must change.
    WhenTold,
}

impl Retry {
    /// When to try again after this failure, the `failures`th in a row (1 is the first).
    pub fn after(error: Option<&FetchError>, failures: u32, now: DateTime<Utc>) -> Self {
        match error {
            Some(FetchError::Unauthorized { .. }) => Self::WhenTold,
            Some(FetchError::RateLimited { until, .. }) => {
                Self::After((*until).max(now + TimeDelta::seconds(SHORTEST_SECONDS)))
            }
            Some(
                FetchError::Unavailable { .. }
                | FetchError::CursorExpired { .. }
                | FetchError::RangeTooLarge { .. }
                | FetchError::Malformed { .. },
            )
            | None => Self::After(now + jittered(failures, random())),
        }
    }

    /// Whether the source may be asked now.
    pub fn allows(self, now: DateTime<Utc>) -> bool {
        match self {
            Self::Free => true,
            Self::After(instant) => instant <= now,
            Self::WhenTold => false,
        }
    }
}

/// Full jitter: anything between 1 s and a bound that doubles from 2 s up to 10 min.
fn jittered(failures: u32, random: u64) -> TimeDelta {
    let bound = (1_i64 << failures.clamp(1, 10)).min(LONGEST_SECONDS);
    let span_milliseconds = (bound - SHORTEST_SECONDS) as u64 * 1000;
    let extra = random % (span_milliseconds + 1);
    TimeDelta::seconds(SHORTEST_SECONDS) + TimeDelta::milliseconds(extra as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_between_a_second_and_ten_minutes() {
        assert_eq!(jittered(1, 0), TimeDelta::seconds(1));
        assert_eq!(jittered(1, 1000), TimeDelta::seconds(2));
        assert_eq!(jittered(3, 7000), TimeDelta::seconds(8));
        assert_eq!(jittered(30, 599_000), TimeDelta::seconds(600));
        assert!(jittered(30, u64::MAX) <= TimeDelta::seconds(600));
    }

    #[test]
    fn refused_credentials_wait_for_a_person() {
        let error = FetchError::Unauthorized {
            what: "acme".to_owned(),
            needs: None,
        };
        let retry = Retry::after(Some(&error), 1, DateTime::UNIX_EPOCH);
        assert_eq!(retry, Retry::WhenTold);
        assert!(!retry.allows(DateTime::<Utc>::MAX_UTC));
    }

    #[test]
    fn a_rate_limit_is_waited_out() {
        let until = DateTime::UNIX_EPOCH + TimeDelta::hours(1);
        let error = FetchError::RateLimited {
            what: "acme".to_owned(),
            until,
        };
        let retry = Retry::after(Some(&error), 1, DateTime::UNIX_EPOCH);
        assert!(!retry.allows(until - TimeDelta::milliseconds(1)));
        assert!(retry.allows(until));
    }
}
