//! What a question needs of its sources, and in which order it is read. Pure: takes the clock as `now`.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use crate::config::Settings;
use crate::model::{Bucket, Coverage, Kind, Question, TimeRange};
use crate::providers::Reach;

/// APIs list the youngest things a few minutes late; re-reading is free because storing is idempotent.
const INDEXING_DELAY: TimeDelta = TimeDelta::minutes(10);
const FIRST_WINDOW: TimeDelta = TimeDelta::days(30);
/// Longer than anything a question can need.
const ALL_AT_ONCE: TimeDelta = TimeDelta::days(36_500);
const SMALLEST_WINDOW: TimeDelta = TimeDelta::minutes(1);
/// A window of so few pages counts as unfilled: the next one is twice as long.
const FEW_PAGES: u64 = 1;

/// How far and how often sources are read.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// How old data may be before a question asks the source again.
    pub freshness: TimeDelta,
    /// How long syncing goes on after the last question.
    pub keep_syncing: TimeDelta,
    /// How far before a range events are read.
    pub lookback: TimeDelta,
    /// How long events are kept; `None`: for ever.
    pub retention: Option<TimeDelta>,
    /// How long after a range evidence may still change it.
    pub largest_age: TimeDelta,
}

impl Policy {
    /// The policy of these settings.
    pub fn of(settings: &Settings) -> Self {
        Self {
            freshness: settings.freshness,
            keep_syncing: settings.keep_syncing,
            lookback: settings.lookback,
            retention: settings.retention,
            largest_age: settings.rules.evidence.largest_age(),
        }
    }

    /// The range that sources must have answered for (definitions, section 2, baseline), in whole milliseconds.
    ///
    /// Ends at `now` at the latest, and is empty for a range in the future.
    pub fn needed(&self, question: &Question, range: TimeRange, now: DateTime<Utc>) -> TimeRange {
        let mut reach = self.lookback;
        if let Bucket::Rolling { days } = question.bucket {
            reach += TimeDelta::days(i64::from(days));
        }
        if question.compare || question.kind == Kind::Scorecard {
            reach += range.length();
        }
        let end = range
            .end
            .checked_add_signed(self.largest_age)
            .map_or(now, |end| end.min(now));
        let start = self.reaching_back(range.start, reach, now);
        if range.start >= now {
            return TimeRange::new(end, end);
        }
        TimeRange::new(start.trunc_subsecs(3), end.trunc_subsecs(3))
    }

    /// What is read when nobody asks for a range: the lookback before `now`.
    pub fn usual(&self, now: DateTime<Utc>) -> TimeRange {
        TimeRange::new(self.reaching_back(now, self.lookback, now), now)
    }

    fn reaching_back(
        &self,
        instant: DateTime<Utc>,
        reach: TimeDelta,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        // Before 1970 nobody delivered anything that an API would list.
        let start = instant
            .checked_sub_signed(reach)
            .map_or(DateTime::UNIX_EPOCH, |start| {
                start.max(DateTime::UNIX_EPOCH)
            });
        // What retention forgets would be read again with every question.
        let kept = self
            .retention
            .and_then(|retention| now.checked_sub_signed(retention));
        kept.map_or(start, |kept| start.max(kept))
    }
}

/// What is missing of the needed range, oldest first; what is younger than `fresh_from` may be.
///
/// `read_at` is when the last complete reading began: all that tells of a whole source that was empty.
pub fn missing(
    reach: Reach,
    coverage: &Coverage,
    read_at: Option<DateTime<Utc>>,
    need: TimeRange,
    fresh_from: DateTime<Utc>,
) -> Vec<TimeRange> {
    if need.is_empty() {
        return Vec::new();
    }
    let required_until = need.end.min(fresh_from);
    match reach {
        Reach::Whole => {
            let known_until = coverage.ranges().last().map(|range| range.end).max(read_at);
            match known_until {
                Some(until) if until >= required_until => Vec::new(),
                Some(until) => vec![TimeRange::new(until.max(need.start), need.end)],
                None => vec![need],
            }
        }
        Reach::Windows | Reach::Walk if required_until <= need.start => {
            // A need so young that all of it may be missing is still read once.
            let known = coverage.covered(need) > TimeDelta::zero();
            if known { Vec::new() } else { vec![need] }
        }
        Reach::Windows | Reach::Walk => coverage.gaps(TimeRange::new(need.start, required_until)),
    }
}

/// Walks gaps newest first, by windows that grow while they yield little and shrink where they are refused.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    length: TimeDelta,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            length: FIRST_WINDOW,
        }
    }
}

impl Windows {
    /// The windows with which a source is read that reaches so far.
    pub fn of(reach: Reach) -> Self {
        match reach {
            Reach::Walk => Self {
                length: ALL_AT_ONCE,
            },
            Reach::Windows | Reach::Whole => Self::default(),
        }
    }

    /// The next window to read of what is wanted and not covered; `None` when nothing is left.
    ///
    /// A window that continues what is known begins a little earlier, for things listed late.
    pub fn next(
        &self,
        wanted: &Coverage,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Option<TimeRange> {
        let gap = wanted
            .ranges()
            .iter()
            .rev()
            .filter_map(|range| {
                let range = TimeRange::new(range.start.min(now), range.end.min(now));
                coverage.gaps(range).pop()
            })
            .max_by_key(|gap| gap.end)?;
        let start = gap.start.max(gap.end - self.length);
        let continues = coverage.ranges().iter().any(|range| range.end == start);
        let start = if continues {
            start - INDEXING_DELAY
        } else {
            start
        };
        Some(TimeRange::new(start, gap.end))
    }

    /// The window that somebody who asks again, though all is read, gets.
    pub fn latest(now: DateTime<Utc>) -> TimeRange {
        TimeRange::new(now - INDEXING_DELAY, now)
    }

    /// Learns from a window that was read to its end.
    pub fn read(&mut self, pages: u64) {
        if pages <= FEW_PAGES && self.length < ALL_AT_ONCE {
            self.length = self.length * 2;
        }
    }

    /// Halves the window that was refused; `false` when it cannot be any smaller.
    pub fn halve(&mut self, refused: TimeRange) -> bool {
        let half = refused.length() / 2;
        if half < SMALLEST_WINDOW {
            return false;
        }
        self.length = half;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::fakes::{at, range};

    const POLICY: Policy = Policy {
        freshness: TimeDelta::minutes(15),
        keep_syncing: TimeDelta::hours(24),
        lookback: TimeDelta::days(400),
        retention: None,
        largest_age: TimeDelta::days(7),
    };

    fn needed(question: &Question, range: TimeRange, now: &str) -> TimeRange {
        POLICY.needed(question, range, at(now))
    }

    #[test]
    fn a_question_needs_the_lookback_before_and_the_evidence_after_its_range() {
        let asked = range("2026-02-05", "2026-03-01");
        assert_eq!(
            needed(&Question::of(Kind::Metric), asked, "2026-06-01"),
            range("2025-01-01", "2026-03-08")
        );
        assert_eq!(
            needed(&Question::of(Kind::Metric), asked, "2026-03-02").end,
            at("2026-03-02")
        );
    }

    #[test]
    fn rolling_windows_and_comparisons_reach_further_back() {
        let asked = range("2026-02-05", "2026-02-15");
        let mut question = Question::of(Kind::Metric);
        question.bucket = Bucket::Rolling { days: 30 };
        assert_eq!(
            needed(&question, asked, "2026-06-01").start,
            at("2024-12-02")
        );
        question.compare = true;
        assert_eq!(
            needed(&question, asked, "2026-06-01").start,
            at("2024-11-22")
        );
    }

    #[test]
    fn a_range_in_the_future_or_of_all_time_needs_nothing_impossible() {
        let question = Question::of(Kind::Metric);
        let future = range("2027-01-01", "2027-02-01");
        assert!(needed(&question, future, "2026-06-01").is_empty());
        let all = needed(&question, TimeRange::always(), "2026-06-01");
        assert_eq!(all, range("1970-01-01", "2026-06-01"));
    }

    #[test]
    fn what_retention_forgets_is_not_read_again() {
        let policy = Policy {
            retention: Some(TimeDelta::days(10)),
            ..POLICY
        };
        let need = policy.needed(
            &Question::of(Kind::Metric),
            range("2026-05-01", "2026-06-01"),
            at("2026-06-01"),
        );
        assert_eq!(need, range("2026-05-22", "2026-06-01"));
    }

    #[test]
    fn the_youngest_minutes_may_be_missing() {
        let coverage = Coverage::of(range("2026-01-01", "2026-02-01T11:50:00Z"));
        let need = range("2026-01-01", "2026-02-01T12:00:00Z");
        let fresh = at("2026-02-01T11:45:00Z");
        assert_eq!(missing(Reach::Windows, &coverage, None, need, fresh), []);
        assert_eq!(missing(Reach::Whole, &coverage, None, need, fresh), []);
        let later = at("2026-02-01T11:55:00Z");
        assert_eq!(
            missing(Reach::Windows, &coverage, None, need, later),
            [range("2026-02-01T11:50:00Z", "2026-02-01T11:55:00Z")]
        );
    }

    #[test]
    fn a_whole_source_misses_nothing_before_its_start() {
        let coverage = Coverage::of(range("2026-01-15", "2026-02-01"));
        let need = range("2025-01-01", "2026-02-01");
        let fresh = at("2026-02-01");
        assert_eq!(missing(Reach::Whole, &coverage, None, need, fresh), []);
        assert_eq!(
            missing(Reach::Windows, &coverage, None, need, fresh),
            [range("2025-01-01", "2026-01-15")]
        );
        let never = Coverage::default();
        assert_eq!(missing(Reach::Whole, &never, None, need, fresh), [need]);
        assert_eq!(
            missing(Reach::Whole, &never, Some(fresh), need, fresh),
            [],
            "an empty file was read too"
        );
    }

    #[test]
    fn windows_go_newest_first_and_double_while_they_yield_little() {
        let wanted = Coverage::of(range("2026-01-01", "2026-06-01"));
        let mut coverage = Coverage::default();
        let mut windows = Windows::default();
        let mut seen = Vec::new();
        while let Some(window) = windows.next(&wanted, &coverage, at("2026-06-01")) {
            seen.push(window);
            coverage.insert(window);
            windows.read(1);
        }
        assert_eq!(
            seen,
            [
                range("2026-05-02", "2026-06-01"),
                range("2026-03-03", "2026-05-02"),
                range("2026-01-01", "2026-03-03"),
            ]
        );
    }

    #[test]
    fn a_window_that_continues_what_is_known_begins_a_little_earlier() {
        let wanted = Coverage::of(range("2026-01-01", "2026-01-10"));
        let coverage = Coverage::of(range("2026-01-01", "2026-01-09"));
        assert_eq!(
            Windows::default().next(&wanted, &coverage, at("2026-01-10")),
            Some(range("2026-01-08T23:50:00Z", "2026-01-10"))
        );
    }

    #[test]
    fn a_refused_window_is_halved_down_to_a_minute() {
        let mut windows = Windows::default();
        assert!(windows.halve(range("2026-01-01", "2026-01-03")));
        let wanted = Coverage::of(range("2026-01-01", "2026-01-03"));
        assert_eq!(
            windows.next(&wanted, &Coverage::default(), at("2026-02-01")),
            Some(range("2026-01-02", "2026-01-03"))
        );
        assert!(!windows.halve(range("2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z")));
    }
}
