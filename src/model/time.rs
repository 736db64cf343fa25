//! Spans of time and places in a stream.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A half-open range of time: `start` belongs to it, `end` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    /// First instant inside.
    pub start: DateTime<Utc>,
    /// First instant after it; never before `start`.
    pub end: DateTime<Utc>,
}

impl TimeRange {
    /// The range `[start, end)`; an end before its start gives the empty range at `start`.
    pub fn new(start: DateTime<Utc>, end: DateTime<Utc>) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// All of time that an event can have.
    pub fn always() -> Self {
        Self {
            start: DateTime::<Utc>::MIN_UTC,
            end: DateTime::<Utc>::MAX_UTC,
        }
    }

    /// Whether the instant lies inside.
    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Whether nothing lies inside.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// The length of the range.
    pub fn length(&self) -> TimeDelta {
        self.end - self.start
    }

    /// What both ranges share; empty when they are apart.
    pub fn intersection(&self, other: &Self) -> Self {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }

    /// The equally long range that ends where this one starts.
    pub fn previous(&self) -> Self {
        Self {
            start: self.start - self.length(),
            end: self.start,
        }
    }
}

/// A provider's own mark of how far it has read; only that provider can read it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

impl fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A cursor may hold a page link of a vendor, so its content stays out of logs.
        write!(formatter, "Cursor({} bytes)", self.0.len())
    }
}
