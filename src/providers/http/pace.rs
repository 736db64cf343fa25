//! A vendor's documented limit that no header tells: at most so many requests within any window of a length.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// A sliding window: exact, so that a limit is used whole and never passed.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    window: Duration,
    sent: VecDeque<Instant>,
}

impl Pace {
    /// At most `most` requests within any `window`.
    pub(super) fn new(most: u32, window: Duration) -> Self {
        Self {
            most: most.max(1) as usize,
            window,
            sent: VecDeque::new(),
        }
    }

    /// How long the next request has to wait; zero: it may go.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        while self
            .sent
            .front()
            .is_some_and(|sent| *sent + self.window <= now)
        {
            self.sent.pop_front();
        }
        match self.sent.front() {
            Some(oldest) if self.sent.len() >= self.most => (*oldest + self.window) - now,
            _ => Duration::ZERO,
        }
    }

    /// Takes down that a request goes now.
    pub(super) fn take(&mut self, now: Instant) {
        self.sent.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_holds_more_than_the_limit() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(2, Duration::from_secs(60));
        for seconds in [0, 10] {
            assert_eq!(pace.wait(at(seconds)), Duration::ZERO);
            pace.take(at(seconds));
        }
        assert_eq!(pace.wait(at(20)), Duration::from_secs(40));
        assert_eq!(pace.wait(at(60)), Duration::ZERO);
        pace.take(at(60));
        assert_eq!(pace.wait(at(61)), Duration::from_secs(9));
    }
}
