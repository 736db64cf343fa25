//! How much is asked for at once: as much as an answer of a few megabytes holds.

use chrono::{DateTime, TimeDelta, Utc};

use super::cursor::Piece;
use crate::model::TimeRange;

/// Series in an answer that fit well: a dozen megabytes.
const WELL: usize = 15_000;
const FIRST: TimeDelta = TimeDelta::days(1);
const SHORTEST: TimeDelta = TimeDelta::milliseconds(1);
const LONGEST: TimeDelta = TimeDelta::days(3_650);

/// The length of the windows that are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    length: TimeDelta,
}

impl Windows {
    /// For the first window of a piece: of versions that were stored lately there are few.
    pub(super) fn of(piece: Option<&Piece>) -> Self {
        let is_refresh = piece.is_some_and(|piece| piece.since.is_some());
        Self {
            length: if is_refresh { LONGEST } else { FIRST },
        }
    }

    /// The end of the piece that is asked for next.
    pub(super) fn next(&self, piece: &Piece) -> TimeRange {
        let end = piece.range.end;
        let start: DateTime<Utc> = end
            .checked_sub_signed(self.length)
            .map_or(piece.range.start, |start| start.max(piece.range.start));
        TimeRange::new(start, end)
    }

    /// Takes down how many series a window had.
    pub(super) fn read(&mut self, series: usize) {
        if series < WELL / 2 {
            self.length = (self.length * 2).min(LONGEST);
        } else if series > WELL {
            self.length = (self.length / 2).max(SHORTEST);
        }
    }

    /// Asks for half of a window that was too large; `false` where it cannot be less.
    pub(super) fn halve(&mut self, refused: TimeRange) -> bool {
        self.length = refused.length() / 2;
        self.length >= SHORTEST
    }
}
