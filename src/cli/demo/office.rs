//! When people work.

use chrono::{
    DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc, Weekday,
};
use chrono_tz::Tz;

use super::random::Random;

const OPENS: u32 = 8;
const CLOSES: u32 = 18;

/// How often somebody goes on although the day is over.
const OVERTIME: f64 = 0.04;

/// The instant itself in working hours, else one on the next working morning; sometimes people work late.
pub(super) fn working(instant: DateTime<Utc>, zone: Tz, random: &mut Random) -> DateTime<Utc> {
    let local = instant.with_timezone(&zone);
    let is_open = (OPENS..CLOSES).contains(&local.hour());
    if (is_open && is_workday(local.date_naive())) || random.chance(OVERTIME) {
        return instant;
    }
    let mut date = local.date_naive();
    if local.hour() >= CLOSES {
        date += TimeDelta::days(1);
    }
    while !is_workday(date) {
        date += TimeDelta::days(1);
    }
    at(date, f64::from(OPENS) + random.between(0.2, 2.5), zone)
}

/// That hour of the day.
pub(super) fn at(date: NaiveDate, hour: f64, zone: Tz) -> DateTime<Utc> {
    let local = date.and_time(NaiveTime::MIN) + TimeDelta::seconds((hour * 3_600.0) as i64);
    // No zone of the demo changes its clocks by day, so the fallback only serves completeness.
    zone.from_local_datetime(&local)
        .earliest()
        .map_or_else(|| local.and_utc(), |instant| instant.to_utc())
}

pub(super) fn is_workday(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !is_holiday(date)
}

/// Nobody ships between the years.
fn is_holiday(date: NaiveDate) -> bool {
    (date.month() == 12 && date.day() >= 23) || (date.month() == 1 && date.day() <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenings_and_weekends_wait_for_the_next_working_morning() {
        let read = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let zone = chrono_tz::Europe::Berlin;
        let mut random = Random::new(7);
        // A Wednesday noon stays; a Friday night becomes Monday morning.
        let noon = read("2026-06-10T10:00:00Z");
        assert_eq!(working(noon, zone, &mut random), noon);
        let monday = working(read("2026-06-12T20:00:00Z"), zone, &mut random);
        assert_eq!(monday.date_naive().to_string(), "2026-06-15");
        assert!((6..9).contains(&monday.hour()), "{monday}");
        let after = working(read("2026-12-24T10:00:00Z"), zone, &mut random);
        assert_eq!(after.date_naive().to_string(), "2027-01-04");
    }
}
