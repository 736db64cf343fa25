use super::estate::*;
use crate::dora::{LARGEST_POINTS, fitting_bucket};
use crate::model::{Bucket, Metric, Question, WeekStart};
use chrono_tz::Tz;
use proptest::prelude::*;

const BERLIN: Tz = chrono_tz::Europe::Berlin;

fn by(metric: Metric, bucket: Bucket) -> Question {
    Question {
        bucket,
        ..of(metric)
    }
}

fn starts(estate: &Estate, question: &Question) -> Vec<String> {
    let series = estate.series(question);
    series[0]
        .points
        .iter()
        .map(|point| point.start.format("%m-%dT%H:%M").to_string())
        .collect()
}

#[test]
fn auto_follows_the_length_of_the_range() {
    let question = by(Metric::Deployments, Bucket::Auto);
    let of_days = |days| {
        let range = crate::model::TimeRange::new(
            at("2024-01-01"),
            at("2024-01-01") + chrono::TimeDelta::days(days),
        );
        fitting_bucket(&question, range, chrono_tz::UTC)
            .unwrap()
            .bucket
    };
    assert_eq!(of_days(2), Bucket::Hour);
    assert_eq!(of_days(3), Bucket::Day);
    assert_eq!(of_days(62), Bucket::Day);
    assert_eq!(of_days(63), Bucket::Week);
    assert_eq!(of_days(400), Bucket::Week);
    assert_eq!(of_days(401), Bucket::Month);
    assert_eq!(of_days(5 * 366), Bucket::Month);
    assert_eq!(of_days(5 * 366 + 1), Bucket::Quarter);
}

#[test]
fn fifty_years_by_hour_are_refused_with_the_bucket_that_fits() {
    let question = by(Metric::Deployments, Bucket::Hour);
    let refused = fitting_bucket(&question, range("1976-01-01", "2026-01-01"), BERLIN).unwrap_err();
    // 18,263 days are still too many; 2,609 weeks fit.
    assert_eq!(refused.fits, Bucket::Week);
    assert_eq!(
        refused.to_string(),
        format!("buckets of `hour` would make more than {LARGEST_POINTS} points: ask for `week`")
    );
    assert!(fitting_bucket(&question, crate::model::TimeRange::always(), BERLIN).is_err());
}

#[test]
fn a_day_is_23_or_25_hours_long_where_the_clock_changes() {
    // Berlin: 2026-03-29 has 23 hours and begins at 23:00 UTC the day before.
    let spring = Estate::new(
        range("2026-03-27T23:00", "2026-03-30T22:00"),
        vec![application("shop", vec![])],
    )
    .zone(BERLIN);
    let question = by(Metric::Deployments, Bucket::Day);
    assert_eq!(
        starts(&spring, &question),
        ["03-27T23:00", "03-28T23:00", "03-29T22:00"]
    );
    let autumn = Estate::new(
        range("2026-10-24T22:00", "2026-10-26T23:00"),
        vec![application("shop", vec![])],
    )
    .zone(BERLIN);
    assert_eq!(starts(&autumn, &question), ["10-24T22:00", "10-25T23:00"]);
    assert!(
        autumn.series(&question)[0]
            .points
            .iter()
            .all(|point| !point.partial)
    );
}

#[test]
fn a_short_day_is_a_whole_day_to_the_frequency() {
    let day = range("2026-03-28T23:00", "2026-03-29T22:00");
    let made = vec![
        deployed("2026-03-29T08:00", &[]),
        deployed("2026-03-29T09:00", &[]),
    ];
    let estate = Estate::new(day, vec![application("shop", made)]).zone(BERLIN);
    assert_eq!(estate.number(&of(Metric::DeploymentFrequency)), Some(2.0));
    // Covered for 11.5 of its 23 hours: half a day.
    let half = range("2026-03-29T10:30", "2026-03-29T22:00");
    let estate = estate.covering(half);
    assert_eq!(estate.number(&of(Metric::DeploymentFrequency)), Some(4.0));
}

#[test]
fn hours_follow_the_clock_of_a_half_hour_zone() {
    let estate = Estate::new(
        range("2026-03-01T00:30", "2026-03-01T02:30"),
        vec![application("shop", vec![])],
    )
    .zone(chrono_tz::Asia::Kolkata);
    let question = by(Metric::Deployments, Bucket::Hour);
    // 06:00 and 07:00 in Kolkata.
    assert_eq!(starts(&estate, &question), ["03-01T00:30", "03-01T01:30"]);
}

#[test]
fn hours_are_3600_seconds_through_a_change_of_the_clock() {
    let estate = Estate::new(
        range("2026-10-24T23:00", "2026-10-25T03:00"),
        vec![application("shop", vec![])],
    )
    .zone(BERLIN);
    assert_eq!(
        starts(&estate, &by(Metric::Deployments, Bucket::Hour)),
        ["10-24T23:00", "10-25T00:00", "10-25T01:00", "10-25T02:00"]
    );
}

#[test]
fn weeks_start_on_the_day_that_is_asked_for() {
    // 2026-03-04 is a Wednesday.
    let estate = Estate::new(
        range("2026-03-04", "2026-03-05"),
        vec![application("shop", vec![])],
    );
    let week = |week_start| {
        starts(
            &estate,
            &Question {
                week_start,
                ..by(Metric::Deployments, Bucket::Week)
            },
        )
    };
    assert_eq!(week(WeekStart::Monday), ["03-02T00:00"]);
    assert_eq!(week(WeekStart::Sunday), ["03-01T00:00"]);
    assert_eq!(week(WeekStart::Saturday), ["02-28T00:00"]);
}

#[test]
fn months_and_quarters_are_calendar_ones_and_cut_edges_are_partial() {
    let estate = Estate::new(
        range("2026-01-15", "2026-04-01"),
        vec![application("shop", vec![])],
    );
    let months = by(Metric::Deployments, Bucket::Month);
    assert_eq!(
        starts(&estate, &months),
        ["01-01T00:00", "02-01T00:00", "03-01T00:00"]
    );
    let partial: Vec<bool> = estate.series(&months)[0]
        .points
        .iter()
        .map(|point| point.partial)
        .collect();
    assert_eq!(partial, [true, false, false]);
    assert_eq!(
        starts(&estate, &by(Metric::Deployments, Bucket::Quarter)),
        ["01-01T00:00"]
    );
}

#[test]
fn the_bucket_of_now_is_partial_and_the_future_is_null() {
    let made = vec![deployed("2026-03-01T08:00", &[60])];
    let estate = Estate::new(
        range("2026-03-01", "2026-03-04"),
        vec![application("shop", made)],
    )
    .at("2026-03-02T12:00");
    let question = by(Metric::Deployments, Bucket::Day);
    assert_eq!(estate.values(&question), [Some(1.0), Some(0.0), None]);
    let points = &estate.series(&question)[0].points;
    assert_eq!(
        [points[0].partial, points[1].partial, points[2].partial],
        [false, true, true]
    );
    // A day and a half have elapsed.
    assert_eq!(
        estate.number(&of(Metric::DeploymentFrequency)),
        Some(1.0 / 1.5)
    );
}

#[test]
fn young_buckets_are_provisional_only_where_evidence_matters() {
    let made = vec![deployed("2026-03-01T08:00", &[60])];
    let estate = Estate::new(
        range("2026-03-01", "2026-03-11"),
        vec![application("shop", made)],
    )
    .at("2026-03-11");
    let provisional = |metric| -> Vec<bool> {
        estate.series(&by(metric, Bucket::Day))[0]
            .points
            .iter()
            .map(|point| point.provisional)
            .collect()
    };
    // The largest age is 7 days: buckets that end after 2026-03-04.
    let expected = [
        false, false, false, true, true, true, true, true, true, true,
    ];
    assert_eq!(provisional(Metric::ChangeFailRate), expected);
    assert_eq!(provisional(Metric::DeploymentReworkRate), expected);
    assert_eq!(provisional(Metric::Deployments), [false; 10]);
}

#[test]
fn a_rolling_point_covers_the_days_that_end_with_it() {
    let made = vec![
        deployed("2026-02-27T08:00", &[10]),
        deployed("2026-03-01T08:00", &[20, 40]),
        deployed("2026-03-03T08:00", &[100]),
    ];
    let estate = Estate::new(
        range("2026-03-01", "2026-03-04"),
        vec![application("shop", made)],
    );
    let bucket = Bucket::Rolling { days: 3 };
    assert_eq!(
        starts(&estate, &by(Metric::Deployments, bucket)),
        ["03-01T00:00", "03-02T00:00", "03-03T00:00"]
    );
    // 27 Feb–1 Mar, 28 Feb–2 Mar, 1–3 Mar.
    assert_eq!(
        estate.values(&by(Metric::Deployments, bucket)),
        [Some(2.0), Some(1.0), Some(2.0)]
    );
    assert_eq!(
        estate.values(&by(Metric::ChangeLeadTime, bucket)),
        [Some(20.0), Some(30.0), Some(40.0)]
    );
    assert_eq!(
        estate.values(&by(Metric::DeploymentFrequency, bucket)),
        [Some(2.0 / 3.0), Some(1.0 / 3.0), Some(2.0 / 3.0)]
    );
}

#[test]
fn a_day_that_a_zone_skipped_is_no_bucket() {
    // Samoa went from 2011-12-29 straight to 2011-12-31.
    let estate = Estate::new(
        range("2011-12-29T10:00", "2012-01-01T10:00"),
        vec![application("shop", vec![])],
    )
    .zone(chrono_tz::Pacific::Apia);
    assert_eq!(
        starts(&estate, &by(Metric::Deployments, Bucket::Day)),
        ["12-29T10:00", "12-30T10:00", "12-31T10:00"]
    );
}

proptest! {
    #[test]
    fn splitting_a_range_into_buckets_preserves_counts(
        offsets in proptest::collection::vec((0..90 * 86_400_i64, proptest::collection::vec(0..1_000_000_i64, 0..4)), 0..60),
        bucket in prop_oneof![Just(Bucket::Hour), Just(Bucket::Day), Just(Bucket::Week), Just(Bucket::Month), Just(Bucket::Quarter)],
        start in 0..400_i64,
    ) {
        let from = at("2025-10-01") + chrono::TimeDelta::hours(start);
        let whole = crate::model::TimeRange::new(from, from + chrono::TimeDelta::days(80));
        let made = offsets.iter().map(|(offset, leads)| deployed_at(from.timestamp_millis() + offset * 1000, leads)).collect();
        let estate = Estate::new(whole, vec![application("shop", made)]).zone(BERLIN);
        for metric in [Metric::Deployments, Metric::Commits, Metric::ChangeLeadTime] {
            let statistic = crate::model::Statistic::Count;
            let split: f64 = estate.values(&Question { bucket, ..with(metric, statistic) }).into_iter().flatten().sum();
            prop_assert_eq!(Some(split), estate.number(&with(metric, statistic)));
        }
    }
}
