//! The buckets of time that an answer has, and which bucket fits a range.

use std::ops::Range;
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::calendar::{date_of, day_start, days, edges};
use super::quarters::Quarters;
use crate::model::{Bucket, Question, TimeRange, WeekStart};

/// The most points a series has.
pub const LARGEST_POINTS: usize = 11_000;

/// The bucket that a question gets, and how many points that makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedBuckets {
    /// Never `Auto`.
    pub bucket: Bucket,
    /// Points a series.
    pub points: usize,
}

/// A range too long for the bucket that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "buckets of `{}` would make more than {LARGEST_POINTS} points: ask for `{}`",
    bucket_word(*asked),
    bucket_word(*fits)
)]
pub struct TooManyBuckets {
    /// The bucket asked for.
    pub asked: Bucket,
    /// The finest bucket that fits the range.
    pub fits: Bucket,
}

/// How questions spell a bucket.
pub fn bucket_word(bucket: Bucket) -> String {
    match bucket {
        Bucket::Auto => "auto".to_owned(),
        Bucket::Hour => "hour".to_owned(),
        Bucket::Day => "day".to_owned(),
        Bucket::Week => "week".to_owned(),
        Bucket::Month => "month".to_owned(),
        Bucket::Quarter => "quarter".to_owned(),
        Bucket::Rolling { days } => format!("rolling:{days}"),
        Bucket::None => "none".to_owned(),
    }
}

/// The bucket that the question gets over a range: `auto` resolved, the number of points within bounds.
///
/// # Errors
/// More than `LARGEST_POINTS` points a series, with the finest bucket that would fit.
pub fn fitting_bucket(
    question: &Question,
    range: TimeRange,
    timezone: Tz,
) -> Result<ResolvedBuckets, TooManyBuckets> {
    let asked = resolved(question.bucket, range);
    let points_of = |bucket| points(bucket, question.week_start, range, timezone);
    if let Some(points) = points_of(asked) {
        let bucket = asked;
        return Ok(ResolvedBuckets { bucket, points });
    }
    let coarser = [Bucket::Day, Bucket::Week, Bucket::Month, Bucket::Quarter];
    let fits = coarser
        .into_iter()
        .find(|bucket| points_of(*bucket).is_some())
        .unwrap_or(Bucket::None);
    Err(TooManyBuckets { asked, fits })
}

/// `auto` by the length of the range (definitions, section 5).
fn resolved(bucket: Bucket, range: TimeRange) -> Bucket {
    if bucket != Bucket::Auto {
        return bucket;
    }
    let length = range.length();
    // A range of local days is an hour longer where the clock goes back within it.
    let slack = TimeDelta::hours(1);
    if length <= TimeDelta::days(2) + slack {
        Bucket::Hour
    } else if length <= TimeDelta::days(62) + slack {
        Bucket::Day
    } else if length <= TimeDelta::days(400) + slack {
        Bucket::Week
    } else if length <= TimeDelta::days(5 * 366) + slack {
        Bucket::Month
    } else {
        Bucket::Quarter
    }
}

/// How many points a range has; `None` beyond the limit.
fn points(bucket: Bucket, week_start: WeekStart, range: TimeRange, zone: Tz) -> Option<usize> {
    let longest = match bucket {
        Bucket::None => return Some(1),
        Bucket::Hour => TimeDelta::hours(1),
        Bucket::Auto | Bucket::Day | Bucket::Rolling { .. } => TimeDelta::hours(25),
        Bucket::Week => TimeDelta::hours(7 * 24 + 1),
        Bucket::Month => TimeDelta::days(32),
        Bucket::Quarter => TimeDelta::days(93),
    };
    // Only ranges that may fit are walked through.
    let least = range.length().num_seconds() / longest.num_seconds();
    if least > LARGEST_POINTS as i64 {
        return None;
    }
    let (start, end) = (range.start.timestamp_millis(), range.end.timestamp_millis());
    let points = edges(bucket, week_start, start, end, zone).len() - 1;
    (points <= LARGEST_POINTS).then_some(points)
}

/// The cells that rows are counted in, and the points that are made of them.
///
/// Shape: cells follow each other; a calendar bucket is one cell, a rolling window the cells of its days.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    /// First instant of each cell and one past the last, milliseconds: cut by the range and by now.
    pub bounds: Vec<i64>,
    /// In order of time.
    pub points: Vec<Span>,
    /// The zone of the calendar.
    pub zone: Tz,
    /// The same as the bounds of several cells, for looking up; `None` where they have to be searched.
    quarters: Option<Arc<Quarters>>,
}

/// One point's span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// The bucket's start as the calendar has it (rolling: the start of the last day), milliseconds.
    pub start: i64,
    /// The cells it is made of.
    pub cells: Range<usize>,
    /// What of it lies in the range and has elapsed, milliseconds; empty in the future.
    pub asked: Range<i64>,
    /// Cut by the range or by now.
    pub partial: bool,
}

impl Span {
    /// Whether any of it has come to pass.
    pub fn has_begun(&self) -> bool {
        self.asked.start < self.asked.end
    }
}

impl Buckets {
    /// Lays out the buckets of a range; `bucket` is resolved and fits.
    pub fn new(
        bucket: Bucket,
        week_start: WeekStart,
        range: TimeRange,
        now: i64,
        zone: Tz,
    ) -> Self {
        let (start, end) = (range.start.timestamp_millis(), range.end.timestamp_millis());
        // What happened in this very millisecond has happened.
        let last = end.min(now.saturating_add(1)).max(start);
        match bucket {
            Bucket::None => {
                let whole = Span {
                    start,
                    cells: 0..1,
                    asked: start..end.min(now).max(start),
                    partial: end > now,
                };
                Self::of(vec![start, last], vec![whole], zone)
            }
            Bucket::Rolling { days } => {
                Self::rolling(days.clamp(1, LARGEST_POINTS as u32), start, end, now, zone)
            }
            Bucket::Auto
            | Bucket::Hour
            | Bucket::Day
            | Bucket::Week
            | Bucket::Month
            | Bucket::Quarter => {
                let edges = edges(bucket, week_start, start, end, zone);
                let points = edges
                    .windows(2)
                    .enumerate()
                    .map(|(cell, edge)| {
                        let from = edge[0].max(start);
                        Span {
                            start: edge[0],
                            cells: cell..cell + 1,
                            asked: from..edge[1].min(end).min(now).max(from),
                            partial: edge[0] < start || edge[1] > end || edge[1] > now,
                        }
                    })
                    .collect();
                let bounds = edges
                    .iter()
                    .map(|edge| (*edge).clamp(start, last))
                    .collect();
                Self::of(bounds, points, zone)
            }
        }
    }

    fn of(bounds: Vec<i64>, points: Vec<Span>, zone: Tz) -> Self {
        let quarters = (bounds.len() > 2).then(|| Quarters::new(&bounds)).flatten();
        Self {
            bounds,
            points,
            zone,
            quarters: quarters.map(Arc::new),
        }
    }

    fn rolling(length: u32, start: i64, end: i64, now: i64, zone: Tz) -> Self {
        let first = date_of(start, zone)
            .checked_sub_days(chrono::Days::new(u64::from(length) - 1))
            .unwrap_or_default();
        let edges = days(day_start(first, zone), end, zone);
        let length = length as usize;
        let last = end.min(now.saturating_add(1)).max(edges[0]);
        let points = (length..edges.len())
            .map(|past| {
                let from = edges[past - length];
                Span {
                    start: edges[past - 1],
                    cells: past - length..past,
                    asked: from..edges[past].min(end).min(now).max(from),
                    partial: edges[past] > end || edges[past] > now,
                }
            })
            // A window whose last day is still to come has nothing of its own to say.
            .map(|span| {
                if span.start >= now {
                    Span {
                        asked: now..now,
                        ..span
                    }
                } else {
                    span
                }
            })
            .collect();
        let bounds = edges.iter().map(|edge| (*edge).min(last)).collect();
        Self::of(bounds, points, zone)
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.bounds.len() - 1
    }

    /// First instant of the cells, and one past the last.
    pub fn extent(&self) -> Range<i64> {
        self.bounds[0]..self.bounds[self.bounds.len() - 1]
    }

    /// The instants, in order, whose state each point shows: a thing belongs to it that began before, and ended not before.
    pub fn ends(&self) -> Vec<i64> {
        self.points
            .iter()
            .map(|span| self.bounds[span.cells.end])
            .collect()
    }

    /// The sorted times that lie in the cells, as a range of indices.
    pub fn window(&self, times: &[i64]) -> Range<usize> {
        let extent = self.extent();
        let first = first_not_before(times, extent.start);
        first..first_not_before(times, extent.end).max(first)
    }

    /// Splits the sorted times of a window among the cells: calls `each` with every cell that has some, and their indices.
    pub fn march(
        &self,
        times: &[i64],
        window: Range<usize>,
        mut each: impl FnMut(usize, Range<usize>),
    ) {
        let (mut at, last) = (window.start, window.end);
        if self.cells() == 1 {
            if at < last {
                each(0, at..last);
            }
            return;
        }
        let mut cell = 0;
        while at < last {
            let time = times[at];
            if time >= self.bounds[cell + 1] {
                cell += 1;
                if time >= self.bounds[cell + 1] {
                    cell = self.cell_within(time);
                }
            }
            let (first, bound) = (at, self.bounds[cell + 1]);
            while at < last && times[at] < bound {
                at += 1;
            }
            each(cell, first..at);
        }
    }

    /// Calls `each` with the cell and the index of every time of a window.
    #[inline]
    pub fn each(&self, times: &[i64], window: Range<usize>, mut each: impl FnMut(usize, usize)) {
        match &self.quarters {
            // Few times follow each other in a cell: asking whether they do costs more than looking up every one.
            Some(quarters) => {
                for (time, at) in times[window.clone()].iter().zip(window) {
                    each(quarters.cell_of(*time), at);
                }
            }
            None => self.march(times, window, |cell, indices| {
                indices.for_each(|at| each(cell, at));
            }),
        }
    }

    /// The cell of an instant.
    pub fn cell_of(&self, time: i64) -> Option<usize> {
        let extent = self.extent();
        extent.contains(&time).then(|| self.cell_within(time))
    }

    /// The cell of an instant that lies in one.
    fn cell_within(&self, time: i64) -> usize {
        match &self.quarters {
            Some(quarters) => quarters.cell_of(time),
            None => self.bounds.partition_point(|bound| *bound <= time) - 1,
        }
    }
}

/// The index of the first time at or after `bound` in sorted times.
///
/// Guesses by proportion and gallops from there: deployments come about evenly, and each probe of a plain binary
/// search in thousands of lanes is a wait for memory.
pub(super) fn first_not_before(times: &[i64], bound: i64) -> usize {
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        return 0;
    };
    if *first >= bound {
        return 0;
    }
    if *last < bound {
        return times.len();
    }
    // From here on `times[low] < bound <= times[high]`.
    let (mut low, mut high) = (0, times.len() - 1);
    let share = (bound - first) as f64 / (last - first) as f64;
    let guess = ((share * high as f64) as usize).clamp(low, high);
    let mut step = 8;
    if times[guess] < bound {
        low = guess;
        while low + step < high {
            if times[low + step] >= bound {
                high = low + step;
                break;
            }
            low += step;
            step *= 4;
        }
    } else {
        high = guess;
        while low + step < high {
            if times[high - step] < bound {
                low = high - step;
                break;
            }
            high -= step;
            step *= 4;
        }
    }
    low + 1 + times[low + 1..high].partition_point(|time| *time < bound)
}
