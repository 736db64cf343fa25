//! What is known of a history, and what of a reading is still to be read.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Cursor, TimeRange};

/// Events have times a little ahead of the clock that reads them.
const AHEAD: TimeDelta = TimeDelta::minutes(15);
/// How often a refresh goes back further, for loops whose destination was away for long.
const DEEP_EVERY: TimeDelta = TimeDelta::hours(24);
/// How far it then goes back.
const DEEP: TimeDelta = TimeDelta::days(30);

/// A range that is still to be read, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    /// Main times of the events.
    pub(super) range: TimeRange,
    /// Only versions that were stored from then on, in milliseconds.
    pub(super) since: Option<i64>,
}

/// The cursor of a history source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The main times of which every version is known that was stored before the end.
    known: Option<TimeRange>,
    /// When a refresh last went back further.
    deep_at: Option<DateTime<Utc>>,
    /// The reading that is under way.
    reading: Option<TimeRange>,
    /// What is left of it.
    pub(super) left: Vec<Piece>,
}

impl Progress {
    /// Goes on where a reading of that range was cut off, or begins one.
    pub(super) fn of(cursor: Option<&Cursor>, range: TimeRange, late: TimeDelta) -> Self {
        // A cursor of another version is none.
        let known: Self = cursor
            .and_then(|cursor| serde_json::from_str(&cursor.0).ok())
            .unwrap_or_default();
        if known.reading == Some(range) && !known.left.is_empty() {
            return known;
        }
        known.begin(range, late)
    }

    fn begin(mut self, range: TimeRange, late: TimeDelta) -> Self {
        let ahead = |at: DateTime<Utc>| at.checked_add_signed(AHEAD).unwrap_or(at);
        self.reading = Some(range);
        self.left.clear();
        let Some(known) = self.known else {
            self.deep_at = Some(range.end);
            self.left.push(Piece {
                range: TimeRange::new(range.start, ahead(range.end)),
                since: None,
            });
            return self;
        };
        let is_deep = self.deep_at.is_none_or(|at| at + DEEP_EVERY <= range.end);
        if is_deep {
            self.deep_at = Some(range.end);
        }
        let back = if is_deep { late.max(DEEP) } else { late };
        let since = known.end.checked_sub_signed(back).unwrap_or(known.start);
        self.left.push(Piece {
            range: TimeRange::new(known.start, ahead(range.end.max(known.end))),
            since: Some(since.timestamp_millis()),
        });
        if range.start < known.start {
            self.left.push(Piece {
                range: TimeRange::new(range.start, known.start),
                since: None,
            });
        }
        self
    }

    /// Takes down that the end of the first piece was read, from `start` on; what is then left.
    pub(super) fn read(&mut self, start: DateTime<Utc>) {
        let Some(piece) = self.left.first_mut() else {
            return;
        };
        piece.range.end = start;
        if piece.range.is_empty() {
            self.left.remove(0);
        }
        if !self.left.is_empty() {
            return;
        }
        if let Some(range) = self.reading.take() {
            self.known = Some(self.known.map_or(range, |known| {
                TimeRange::new(known.start.min(range.start), known.end.max(range.end))
            }));
        }
    }

    /// As it is stored.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).expect("ranges have no keys but text"))
    }
}
