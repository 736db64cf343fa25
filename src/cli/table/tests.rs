//! Tables as they are drawn.

use chrono::{DateTime, Utc};
use insta::assert_snapshot;

use super::{Looks, draw};
use crate::app::Answered;
use crate::dora::{
    Answer, Column, Measure, NumberColumn, Numbers, Period, Point, Series, Table, Values,
};
use crate::model::{Bucket, GroupKey, Kind, Metric, Question, Statistic, Text, TimeRange, Unit};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn drawn(question: Question, answer: Answer) -> String {
    let explained = crate::config::describe(&question);
    let answered = Answered {
        question,
        range: TimeRange::new(at("2026-01-01T00:00:00Z"), at("2026-04-01T12:30:00Z")),
        answer,
        notices: Vec::new(),
        explained,
    };
    draw(&answered, Looks::default())
}

fn measure(value: Option<f64>, n: u64) -> Measure {
    Measure {
        value,
        n,
        covered_ratio: 1.0,
        linked_ratio: Some(1.0),
    }
}

fn column(name: &str, metric: Metric, values: &[Option<f64>]) -> NumberColumn {
    NumberColumn {
        name: name.to_owned(),
        metric,
        unit: metric.unit(),
        is_band: name.ends_with("_band"),
        values: values.to_vec(),
    }
}

#[test]
fn a_scorecard_shows_value_band_trend_and_n_of_each_key() {
    let mut columns = Vec::new();
    type Row = (Metric, [Option<f64>; 4], [Option<f64>; 4]);
    let rows: [Row; 5] = [
        (
            Metric::ChangeLeadTime,
            [Some(97_200.0), Some(129_600.0), Some(214.0), Some(4.0)],
            [None; 4],
        ),
        (
            Metric::DeploymentFrequency,
            [Some(1.5), Some(1.0), Some(135.0), Some(6.0)],
            [Some(0.0), Some(0.0), Some(0.0), Some(0.0)],
        ),
        (
            Metric::ChangeFailRate,
            [Some(0.25), Some(0.125), Some(135.0), Some(1.0)],
            [None; 4],
        ),
        (
            Metric::FailedDeploymentRecoveryTime,
            [Some(3_600.0), Some(3_500.0), Some(12.0), None],
            [None; 4],
        ),
        (
            Metric::DeploymentReworkRate,
            [Some(0.0), None, Some(135.0), None],
            [None; 4],
        ),
    ];
    for (metric, shop, library) in rows {
        for (at, suffix) in ["", "_previous", "_n", "_band"].into_iter().enumerate() {
            let name = format!("{}{suffix}", metric.as_str());
            columns.push(column(&name, metric, &[shop[at], library[at]]));
        }
    }
    let numbers = Numbers {
        keys: vec![GroupKey::Application],
        groups: vec![vec![Some("payments/shop".into())], vec![None]],
        columns,
        measures: vec![
            measure(Some(97_200.0), 214),
            Measure {
                covered_ratio: 0.5,
                linked_ratio: Some(0.07),
                ..Measure::default()
            },
        ],
        notices: Vec::new(),
    };
    let question = Question {
        group_by: vec![GroupKey::Application],
        compare: true,
        ..Question::of(Kind::Scorecard)
    };
    assert_snapshot!(drawn(question, Answer::Numbers(numbers)), @"
scorecard of the DORA keys by application, bands of 2024, compared with the previous period
2026-01-01 to 2026-04-01 12:30, UTC

 Application    Key                              Value    Band                 Trend      n
 payments/shop  Change lead time                   1d 3h  high        █████    ↓ 25 %     214
                Deployment frequency             1.5/day  elite       ███████  ↑ 50 %     135
                Change fail rate                    25 %  low–medium  ██       ↑ 12.5 pt  135
                Failed deployment recovery time       1h                       →           12
                Deployment rework rate               0 %                                  135

 (none)         Change lead time                       –                                       50 % covered, 7 % linked
                Deployment frequency               0/day  low         █        →            0
                Change fail rate                       –
                Failed deployment recovery time        –
                Deployment rework rate                 –
");
}

fn series(group: Option<&str>, period: Period, values: &[Option<f64>]) -> Series {
    let points = values.iter().enumerate().map(|(month, value)| Point {
        start: at(&format!("2026-{:02}-01T00:00:00Z", month + 1)),
        measure: measure(*value, value.map_or(0, |_| 7)),
        partial: month == 2,
        provisional: month == 2,
    });
    Series {
        group: group
            .map(|name| (GroupKey::Team, Some(Text::from(name))))
            .into_iter()
            .collect(),
        period,
        points: points.collect(),
    }
}

#[test]
fn a_series_is_a_row_a_bucket_with_a_bar() {
    let question = Question {
        bucket: Bucket::Month,
        timezone: Some(chrono_tz::UTC),
        ..Question::of(Kind::Metric)
    };
    let answer = Answer::Series {
        metric: Metric::ChangeLeadTime,
        statistic: Statistic::P50,
        series: vec![series(
            None,
            Period::Current,
            &[Some(86_400.0), None, Some(21_600.0)],
        )],
        notices: Vec::new(),
    };
    assert_snapshot!(drawn(question, answer), @"
p50 of change lead time per month, in UTC
2026-01-01 to 2026-04-01 12:30, UTC

 Start    Value                            n
 2026-01     1d  ████████████████████████  7
 2026-02      –                            0
 2026-03     6h  ██████                    7  partial, provisional
");
}

#[test]
fn groups_and_periods_are_named_once() {
    let question = Question {
        metric: Metric::ChangeFailRate,
        statistic: Statistic::Value,
        bucket: Bucket::Quarter,
        group_by: vec![GroupKey::Team],
        compare: true,
        ..Question::of(Kind::Metric)
    };
    let answer = Answer::Series {
        metric: Metric::ChangeFailRate,
        statistic: Statistic::Value,
        series: vec![
            series(Some("payments"), Period::Current, &[Some(0.5), Some(0.25)]),
            series(Some("payments"), Period::Previous, &[Some(1.0), None]),
        ],
        notices: Vec::new(),
    };
    assert_snapshot!(drawn(question, answer), @"
change fail rate per quarter by team, compared with the previous period
2026-01-01 to 2026-04-01 12:30, UTC

 Team      Period    Start    Value                            n
 payments  this      2026-Q1   50 %  ████████████              7
                     2026-Q1   25 %  ██████                    7

 payments  previous  2026-Q1  100 %  ████████████████████████  7
                     2026-Q1      –                            0
");
}

#[test]
fn rows_show_the_columns_that_hold_anything() {
    let hash = "7a7d7658ad4439d66e4093321f2633f022e808f6";
    let table = Table {
        columns: vec![
            Column {
                name: "finished_at".to_owned(),
                unit: None,
                values: Values::Time(vec![Some(at("2026-01-05T23:30:00Z")), None]),
            },
            Column {
                name: "commit".to_owned(),
                unit: None,
                values: Values::Text(vec![Some(hash.into()), Some("v1.2".into())]),
            },
            Column {
                name: "lead_time".to_owned(),
                unit: Some(Unit::Seconds),
                values: Values::Number(vec![Some(5_400.0), None]),
            },
            Column {
                name: "failed".to_owned(),
                unit: None,
                values: Values::Flag(vec![Some(false), Some(true)]),
            },
            Column {
                name: "cluster".to_owned(),
                unit: None,
                values: Values::Text(vec![None, Some("".into())]),
            },
        ],
        notices: Vec::new(),
    };
    let question = Question {
        timezone: Some(chrono_tz::Europe::Berlin),
        ..Question::of(Kind::Events)
    };
    assert_snapshot!(drawn(question, Answer::Table(table)), @"
changes, in Europe/Berlin
2026-01-01 01:00 to 2026-04-01 14:30, Europe/Berlin

 Finished at       Commit      Lead time  Failed
 2026-01-06 00:30  7a7d7658ad     1h 30m
                   v1.2                   yes
");
}

#[test]
fn an_empty_answer_says_so() {
    let answer = Answer::Table(Table::default());
    assert_snapshot!(drawn(Question::of(Kind::Quality), answer), @"
quality of the data
2026-01-01 to 2026-04-01 12:30, UTC

Nothing to show.
");
}

#[test]
fn a_breakdown_has_a_column_a_part() {
    let numbers = Numbers {
        keys: Vec::new(),
        groups: vec![Vec::new()],
        columns: vec![
            column(
                "lead_time_coding_mean",
                Metric::LeadTimeCoding,
                &[Some(7_200.0)],
            ),
            column("lead_time_review_mean", Metric::LeadTimeReview, &[None]),
        ],
        measures: vec![measure(Some(7_200.0), 41)],
        notices: Vec::new(),
    };
    assert_snapshot!(drawn(Question::of(Kind::Breakdown), Answer::Numbers(numbers)), @"
mean of the parts of the lead time
2026-01-01 to 2026-04-01 12:30, UTC

 Lead time coding mean  Lead time review mean  n
                    2h                      –  41
");
}

#[test]
fn colours_are_only_drawn_where_they_are_wanted() {
    let looks = Looks {
        has_colour: true,
        width: Some(80),
    };
    let mut table = looks.table(["A"]);
    table.add_row(vec![
        looks.coloured(comfy_table::Cell::new("x"), comfy_table::Color::Red),
    ]);
    assert!(table.to_string().contains("\u{1b}["));
    let mut table = Looks::default().table(["A"]);
    table.add_row(vec![
        Looks::default().coloured(comfy_table::Cell::new("x"), comfy_table::Color::Red),
    ]);
    assert!(!table.to_string().contains('\u{1b}'));
}
