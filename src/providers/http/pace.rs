//! A vendor's documented limit that no header tells: at most so many requests within any window of a length.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How soon it is looked again whether a request that is under way is over.
const RECHECK: Duration = Duration::from_millis(10);

/// A sliding window, so that a limit is used whole and never passed.
///
/// A request counts from its beginning until a whole window after its end: when between the two the server counted it
/// is not known.
#[derive(Debug)]
pub(super) struct Pace {
    most: usize,
    window: Duration,
    under_way: usize,
    finished: VecDeque<Instant>,
}

impl Pace {
    /// At most `most` requests within any `window`.
    pub(super) fn new(most: u32, window: Duration) -> Self {
        Self {
            most: most.max(1) as usize,
            window,
            under_way: 0,
            finished: VecDeque::new(),
        }
    }

    /// How long the next request has to wait; zero: it may go.
    pub(super) fn wait(&mut self, now: Instant) -> Duration {
        let is_over = |finished: &Instant| *finished + self.window <= now;
        while self.finished.front().is_some_and(is_over) {
            self.finished.pop_front();
        }
        if self.under_way + self.finished.len() < self.most {
            return Duration::ZERO;
        }
        let oldest = self.finished.front();
        oldest.map_or(RECHECK, |oldest| (*oldest + self.window) - now)
    }

    /// Takes down that a request goes.
    pub(super) fn begin(&mut self) {
        self.under_way += 1;
    }

    /// Takes down that a request is over.
    pub(super) fn finish(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.finished.push_back(now);
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
            pace.begin();
            pace.finish(at(seconds));
        }
        assert_eq!(pace.wait(at(20)), Duration::from_secs(40));
        assert_eq!(pace.wait(at(60)), Duration::ZERO);
        pace.begin();
        assert_eq!(pace.wait(at(61)), Duration::from_secs(9));
        assert_eq!(pace.wait(at(70)), Duration::ZERO);
        pace.begin();
        assert_eq!(pace.wait(at(500)), RECHECK, "two are under way");
        pace.finish(at(500));
        assert_eq!(pace.wait(at(500)), Duration::from_secs(60));
    }
}
