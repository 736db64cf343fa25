//! Which ranges of time a source answered for.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{EventKinds, SourceName, TimeRange};

/// Ranges of time that are known, sorted, apart from each other and not empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage(Vec<TimeRange>);

impl Coverage {
    /// Coverage of one range.
    pub fn of(range: TimeRange) -> Self {
        let mut coverage = Self::default();
        coverage.insert(range);
        coverage
    }

    /// The ranges, sorted and apart.
    pub fn ranges(&self) -> &[TimeRange] {
        &self.0
    }

    /// Adds a range, joining what it touches.
    pub fn insert(&mut self, range: TimeRange) {
        if range.is_empty() {
            return;
        }
        let from = self.0.partition_point(|known| known.end < range.start);
        let to = self.0.partition_point(|known| known.start <= range.end);
        let mut joined = range;
        if from < to {
            joined.start = joined.start.min(self.0[from].start);
            joined.end = joined.end.max(self.0[to - 1].end);
        }
        self.0.splice(from..to, [joined]);
    }

    /// What of the range is not covered, oldest first.
    pub fn gaps(&self, range: TimeRange) -> Vec<TimeRange> {
        let mut gaps = Vec::new();
        let mut at = range.start;
        for known in &self.0 {
            if known.end <= at {
                continue;
            }
            if known.start >= range.end {
                break;
            }
            if known.start > at {
                gaps.push(TimeRange::new(at, known.start));
            }
            at = known.end;
        }
        if at < range.end {
            gaps.push(TimeRange::new(at, range.end));
        }
        gaps
    }

    /// Whether the whole range is covered.
    pub fn covers(&self, range: TimeRange) -> bool {
        self.gaps(range).is_empty()
    }

    /// How much of the range is covered.
    pub fn covered(&self, range: TimeRange) -> TimeDelta {
        self.0
            .iter()
            .map(|known| known.intersection(&range).length())
            .sum()
    }

    /// What both cover.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut shared = Self::default();
        for range in &self.0 {
            for theirs in &other.0 {
                shared.insert(range.intersection(theirs));
            }
        }
        shared
    }

    /// The first covered instant.
    pub fn start(&self) -> Option<DateTime<Utc>> {
        self.0.first().map(|range| range.start)
    }
}

/// What one source is known to have answered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCoverage {
    /// The source.
    pub source: SourceName,
    /// Its kind (`git`, `events`).
    pub kind: &'static str,
    /// The kinds of events it can yield.
    pub yields: EventKinds,
    /// The ranges it answered for.
    pub coverage: Coverage,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: i64, end: i64) -> TimeRange {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        TimeRange::new(at(start), at(end))
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let mut coverage = Coverage::of(range(10, 20));
        coverage.insert(range(30, 40));
        coverage.insert(range(20, 30));
        assert_eq!(coverage.ranges(), [range(10, 40)]);
    }

    #[test]
    fn gaps_are_what_nobody_answered_for() {
        let mut coverage = Coverage::of(range(10, 20));
        coverage.insert(range(30, 40));
        assert_eq!(
            coverage.gaps(range(0, 50)),
            [range(0, 10), range(20, 30), range(40, 50)]
        );
        assert_eq!(coverage.gaps(range(12, 18)), []);
        assert_eq!(coverage.covered(range(15, 35)), TimeDelta::seconds(10));
    }

    #[test]
    fn a_range_inside_another_changes_nothing() {
        let mut coverage = Coverage::of(range(10, 40));
        coverage.insert(range(15, 20));
        assert_eq!(coverage.ranges(), [range(10, 40)]);
    }
}
