//! The five keys of every application and environment, over windows that end now.

use chrono::{DateTime, TimeDelta, Utc};

use super::answer;
use crate::app::{App, QueryError};
use crate::dora::{Answer, Numbers};
use crate::model::{Bucket, GroupKey, Kind, Metric, Question, Unit};
use crate::series::Families;

/// The windows, with the label that names them.
const WINDOWS: [(&str, i64); 3] = [("7d", 7), ("30d", 30), ("90d", 90)];

/// Groups in an answer, at most.
const MOST: usize = 10_000;

const KEYS: [Metric; 5] = [
    Metric::ChangeLeadTime,
    Metric::DeploymentFrequency,
    Metric::ChangeFailRate,
    Metric::FailedDeploymentRecoveryTime,
    Metric::DeploymentReworkRate,
];

/// Writes a family for each key, one for each n, and one of coverage. What is not known has no sample.
pub(super) async fn write(
    app: &App,
    now: DateTime<Utc>,
    families: &mut Families,
) -> Result<(), QueryError> {
    let mut answers = Vec::with_capacity(WINDOWS.len());
    for (window, days) in WINDOWS {
        let question = Question {
            group_by: vec![GroupKey::Application, GroupKey::Environment],
            bucket: Bucket::None,
            limit: MOST,
            ..Question::of(Kind::Scorecard)
        };
        if let Answer::Numbers(numbers) = answer(app, question, TimeDelta::days(days), now).await? {
            answers.push((window, numbers));
        }
    }
    for key in KEYS {
        let name = key.as_str();
        let (unit, of) = match key.unit() {
            Unit::Seconds => ("seconds", "median, in seconds"),
            Unit::PerDay => ("per_day", "a day"),
            Unit::Ratio => ("ratio", "0 to 1"),
            Unit::Count => ("count", "a number"),
        };
        let help = format!(
            "{} ({of}) of the time before now; none where nothing is known.",
            key.title()
        );
        families.begin(&format!("pelorus_{name}_{unit}"), "gauge", &help);
        write_column(&answers, name, families);
        let help = format!("How many values {} rests on.", key.title().to_lowercase());
        families.begin(&format!("pelorus_{name}_n"), "gauge", &help);
        write_column(&answers, &format!("{name}_n"), families);
    }
    families.begin(
        "pelorus_coverage_ratio",
        "gauge",
        "Share of the time before now that the sources concerned have answered for, 0 to 1.",
    );
    for (window, numbers) in &answers {
        for (row, measure) in numbers.measures.iter().enumerate() {
            sample(numbers, row, window, measure.covered_ratio, families);
        }
    }
    Ok(())
}

fn write_column(answers: &[(&str, Numbers)], name: &str, families: &mut Families) {
    for (window, numbers) in answers {
        let column = numbers.columns.iter().find(|column| column.name == name);
        for (row, value) in column
            .iter()
            .flat_map(|column| column.values.iter().enumerate())
        {
            if let Some(value) = value {
                sample(numbers, row, window, *value, families);
            }
        }
    }
}

fn sample(numbers: &Numbers, row: usize, window: &str, value: f64, families: &mut Families) {
    let group = |at: usize| {
        let group = numbers
            .groups
            .get(row)
            .and_then(|group| group.get(at)?.as_deref());
        group.unwrap_or_default()
    };
    let labels = [
        ("application", group(0)),
        ("environment", group(1)),
        ("window", window),
    ];
    families.sample(&labels, &value.to_string());
}
