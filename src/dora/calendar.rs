//! Days, weeks, months and quarters in a time zone, as instants in milliseconds.

use chrono::{
    DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc,
};
use chrono_tz::Tz;

use crate::model::{Bucket, WeekStart};

/// Milliseconds of the first and last instants that calendars are asked about (years 1 and 9999): chrono's own
/// limits would overflow as soon as a zone's offset is added.
const CALENDAR: (i64, i64) = (-62_135_596_800_000, 253_402_214_400_000);
const HOUR: i64 = 3_600_000;

/// The instant of a column's milliseconds; times that no calendar holds become the nearest one.
pub(super) fn instant(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds.clamp(CALENDAR.0, CALENDAR.1))
        .unwrap_or(DateTime::UNIX_EPOCH)
}

/// The calendar day of an instant in the zone.
pub(super) fn date_of(milliseconds: i64, zone: Tz) -> NaiveDate {
    instant(milliseconds).with_timezone(&zone).date_naive()
}

/// The first instant of a day in the zone: midnight, or the end of the gap that swallows midnight.
pub(super) fn day_start(date: NaiveDate, zone: Tz) -> i64 {
    let midnight = date.and_time(NaiveTime::MIN);
    // Zones skip at most a whole day (Samoa, 2011), and by quarters of an hour.
    (0..=100)
        .find_map(|quarter| {
            let local = midnight.checked_add_signed(TimeDelta::minutes(15 * quarter))?;
            zone.from_local_datetime(&local).earliest()
        })
        .map_or_else(
            || midnight.and_utc().timestamp_millis(),
            |start| start.timestamp_millis(),
        )
}

/// Starts of all days that touch `[start, end)`, and the end of the last one.
pub(super) fn days(start: i64, end: i64, zone: Tz) -> Vec<i64> {
    edges(Bucket::Day, WeekStart::Monday, start, end, zone)
}

/// Boundaries of the calendar buckets that touch `[start, end)`: the first at or before `start`, the last at or after `end`.
///
/// `Auto`, `Rolling` and `None` have no boundaries of their own and give those of days.
pub(super) fn edges(
    bucket: Bucket,
    week_start: WeekStart,
    start: i64,
    end: i64,
    zone: Tz,
) -> Vec<i64> {
    let start = start.clamp(CALENDAR.0, CALENDAR.1);
    let end = end.clamp(start + 1, CALENDAR.1.max(start + 1));
    if bucket == Bucket::Hour {
        return hours(start, end, zone);
    }
    let mut date = first_date(bucket, week_start, date_of(start, zone));
    let mut edges = vec![day_start(date, zone)];
    while edges.last().is_some_and(|edge| *edge < end) {
        let Some(next) = next_date(bucket, date) else {
            break;
        };
        date = next;
        let edge = day_start(date, zone);
        // A day that a zone skipped has no length and is no bucket.
        if edges.last().is_some_and(|last| *last < edge) {
            edges.push(edge);
        }
    }
    edges
}

/// The first day of the bucket that holds the date.
fn first_date(bucket: Bucket, week_start: WeekStart, date: NaiveDate) -> NaiveDate {
    let first_of = |month: u32| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date);
    match bucket {
        Bucket::Week => {
            let since_monday = date.weekday().num_days_from_monday();
            let back = match week_start {
                WeekStart::Monday => since_monday,
                WeekStart::Sunday => (since_monday + 1) % 7,
                WeekStart::Saturday => (since_monday + 2) % 7,
            };
            date.checked_sub_days(Days::new(back.into()))
                .unwrap_or(date)
        }
        Bucket::Month => first_of(date.month()),
        Bucket::Quarter => first_of(date.month0() / 3 * 3 + 1),
        Bucket::Auto | Bucket::Hour | Bucket::Day | Bucket::Rolling { .. } | Bucket::None => date,
    }
}

fn next_date(bucket: Bucket, date: NaiveDate) -> Option<NaiveDate> {
    match bucket {
        Bucket::Week => date.checked_add_days(Days::new(7)),
        Bucket::Month => date.checked_add_months(Months::new(1)),
        Bucket::Quarter => date.checked_add_months(Months::new(3)),
        Bucket::Auto | Bucket::Hour | Bucket::Day | Bucket::Rolling { .. } | Bucket::None => {
            date.succ_opt()
        }
    }
}

/// Hours as the zone's clock shows them, each 3600 s long, also where the zone's offset is no whole hour.
fn hours(start: i64, end: i64, zone: Tz) -> Vec<i64> {
    let full_hour = |at: i64| {
        let offset = zone
            .offset_from_utc_datetime(&instant(at).naive_utc())
            .fix();
        let local = at + i64::from(offset.local_minus_utc()) * 1000;
        at - local.rem_euclid(HOUR)
    };
    let mut edges = vec![full_hour(start)];
    let mut last = edges[0];
    while last < end {
        // Where an offset changes by half an hour the clock's full hours move with it.
        let next = full_hour(last + HOUR);
        last = if next > last { next } else { last + HOUR };
        edges.push(last);
    }
    edges
}
