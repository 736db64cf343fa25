//! Instants as people write them.

use anyhow::{Result, anyhow};
use chrono::{DateTime, Months, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The instant that is written: RFC 3339, a date (its start in the zone), `now` or `now-90d`.
///
/// Units of `now-…` are `s`, `m`, `h`, `d`, `w`, `M` (months) and `y`.
///
/// # Errors
/// Anything else, with what would be right.
pub(super) fn read(written: &str, now: DateTime<Utc>, zone: Tz) -> Result<DateTime<Utc>> {
    let written = written.trim();
    let instant = if let Some(offset) = written.strip_prefix("now") {
        relative(offset, now, zone)
    } else if let Ok(date) = NaiveDate::parse_from_str(written, "%Y-%m-%d") {
        midnight(date, zone)
    } else {
        DateTime::parse_from_rfc3339(written)
            .ok()
            .map(|instant| instant.to_utc())
    };
    instant.ok_or_else(|| {
        anyhow!(
            "`{written}` is no time: write 2026-01-31T12:00:00Z, 2026-01-31, now or now-90d (s, m, h, d, w, M, y)"
        )
    })
}

/// The first instant of a day; where clocks skip midnight, the first one after it.
fn midnight(date: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
    let midnight = date.and_time(NaiveTime::MIN);
    let starts = (0..4).filter_map(|quarter| {
        zone.from_local_datetime(&(midnight + TimeDelta::minutes(30 * quarter)))
            .earliest()
    });
    starts.map(|start| start.to_utc()).next()
}

fn relative(offset: &str, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    let offset = offset.trim();
    if offset.is_empty() {
        return Some(now);
    }
    let (is_back, offset) = match offset.strip_prefix('-') {
        Some(offset) => (true, offset),
        None => (false, offset.strip_prefix('+')?),
    };
    let unit = offset.chars().next_back()?;
    let count: u32 = offset[..offset.len() - unit.len_utf8()].parse().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'M' | 'y' => {
            let months = Months::new(count.checked_mul(if unit == 'y' { 12 } else { 1 })?);
            let local = now.with_timezone(&zone);
            let moved = if is_back {
                local.checked_sub_months(months)
            } else {
                local.checked_add_months(months)
            };
            return moved.map(|moved| moved.to_utc());
        }
        _ => return None,
    };
    let span = TimeDelta::try_seconds(i64::from(count) * seconds)?;
    if is_back {
        now.checked_sub_signed(span)
    } else {
        now.checked_add_signed(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(written: &str, zone: Tz) -> Option<String> {
        let now = DateTime::parse_from_rfc3339("2026-03-31T12:00:00Z")
            .unwrap()
            .to_utc();
        let instant = read(written, now, zone).ok()?;
        Some(instant.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }

    #[test]
    fn instants_are_written_in_four_ways() {
        let cases = [
            ("2026-01-31T12:00:00+01:00", Some("2026-01-31T11:00:00Z")),
            ("2026-01-31", Some("2026-01-30T23:00:00Z")),
            ("now", Some("2026-03-31T12:00:00Z")),
            ("now-90d", Some("2025-12-31T12:00:00Z")),
            ("now-2w", Some("2026-03-17T12:00:00Z")),
            ("now+1h", Some("2026-03-31T13:00:00Z")),
            ("now-1M", Some("2026-02-28T13:00:00Z")),
            ("now-1y", Some("2025-03-31T12:00:00Z")),
            ("now-99999999999999w", None),
            ("now90d", None),
            ("yesterday", None),
            ("", None),
        ];
        for (written, expected) in cases {
            let read = read_in(written, chrono_tz::Europe::Berlin);
            assert_eq!(read.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn a_day_without_midnight_starts_when_its_clocks_do() {
        // In Beirut clocks went from 00:00 to 01:00 on 26 March 2026's eve of summer time.
        assert_eq!(
            read_in("2026-03-29", chrono_tz::Asia::Beirut).as_deref(),
            Some("2026-03-28T22:00:00Z")
        );
    }
}
