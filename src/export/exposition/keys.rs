//! The five keys of every application and environment, over windows that end now.

use chrono::{DateTime, TimeDelta, Utc};

use super::answer;
use crate::app::{App, QueryError};
use crate::dora::{Answer, Measure, Numbers};
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

/// Writes three families for each key: its value, its n, its coverage. What is not known has no sample.
pub(super) async fn write(
    app: &App,
    now: DateTime<Utc>,
    families: &mut Families,
) -> Result<(), QueryError> {
    for key in KEYS {
        let mut answers = Vec::with_capacity(WINDOWS.len());
        for (window, days) in WINDOWS {
            let question = Question {
                metric: key,
                statistic: key.default_statistic(),
                group_by: vec![GroupKey::Application, GroupKey::Environment],
                bucket: Bucket::None,
                limit: MOST,
                ..Question::of(Kind::Metric)
            };
            let answer = answer(app, question, TimeDelta::days(days), now).await?;
            if let Answer::Numbers(numbers) = answer {
                answers.push((window, numbers));
            }
        }
        let name = key.as_str();
        let title = key.title();
        let (unit, of) = match key.unit() {
            Unit::Seconds => ("seconds", "median, in seconds"),
            Unit::PerDay => ("per_day", "a day"),
            Unit::Ratio => ("ratio", "0 to 1"),
            Unit::Count => ("count", "a number"),
        };
        let help = format!("{title} ({of}) of the time before now; none where nothing is known.");
        family(
            &format!("{name}_{unit}"),
            &help,
            &answers,
            |of| of.value,
            families,
        );
        let title = title.to_lowercase();
        let help = format!("How many values {title} rests on.");
        family(
            &format!("{name}_n"),
            &help,
            &answers,
            |of| Some(of.n as f64),
            families,
        );
        let help = format!(
            "Share of the time before now that the sources of {title} have answered for, 0 to 1."
        );
        let coverage = |of: &Measure| Some(of.covered_ratio);
        family(
            &format!("{name}_coverage_ratio"),
            &help,
            &answers,
            coverage,
            families,
        );
    }
    Ok(())
}

fn family(
    name: &str,
    help: &str,
    answers: &[(&str, Numbers)],
    number: impl Fn(&Measure) -> Option<f64>,
    families: &mut Families,
) {
    families.begin(&format!("pelorus_{name}"), "gauge", help);
    for (window, numbers) in answers {
        for (measure, group) in numbers.measures.iter().zip(&numbers.groups) {
            let Some(value) = number(measure) else {
                continue;
            };
            let named = |at: usize| group.get(at).and_then(Option::as_deref).unwrap_or_default();
            let labels = [
                ("application", named(0)),
                ("environment", named(1)),
                ("window", *window),
            ];
            families.sample(&labels, &value.to_string());
        }
    }
}
