//! A histogram of a metric's values.

use crate::model::{Metric, MetricShape, Notice, Question, Statistic, Text, Unit};

use super::answer::{Answer, Column, Table, Values};
use super::notices;
use super::scope::{Asked, Links, Scope, collect_one, on_two_threads};
use super::series::{Groups, whole};

/// Upper bounds in seconds that people think in; lead times spread over five orders of magnitude, so steps grow.
const SECONDS: [u64; 27] = [
    60,
    300,
    900,
    1_800,
    3_600,
    7_200,
    14_400,
    28_800,
    43_200,
    86_400,
    172_800,
    259_200,
    604_800,
    1_209_600,
    1_814_400,
    2_630_016,
    5_260_032,
    7_890_048,
    15_780_096,
    31_557_600,
    63_115_200,
    126_230_400,
    252_460_800,
    504_921_600,
    1_009_843_200,
    2_019_686_400,
    4_039_372_800,
];
/// Upper bounds of counts.
const COUNTS: [u64; 20] = [
    1,
    2,
    3,
    4,
    6,
    9,
    14,
    21,
    34,
    55,
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    100_000,
    1_000_000,
    4_294_967_296,
];

/// How many values lie between bounds.
///
/// Shape: `bucket_min` (included), `bucket_max` (excluded), `count`, then one text column a `groupBy` key; rows by
/// group, then bound. All groups have the same bounds, from the least value's to the greatest one's, without gaps.
/// Counts, rates and frequencies have no values of their own: the table is empty and a notice says so.
pub(super) fn answer(scope: &Scope<'_, '_>) -> Answer {
    let question = scope.question;
    let metric = question.metric;
    let (steps, unit): (&[u64], Unit) = match metric.shape() {
        MetricShape::Duration => (&SECONDS, Unit::Seconds),
        MetricShape::Distribution => (&COUNTS, Unit::Count),
        MetricShape::Count | MetricShape::Value => {
            return Answer::Table(without_values(metric, question));
        }
    };
    let asked = Asked {
        metric,
        statistic: Statistic::P50,
        links: Links::Skip,
    };
    let buckets = whole(scope, scope.context.range);
    let found = collect_one(scope, asked, &buckets);
    let groups = Groups::of(&[&found], question.limit);
    let histogram = |values: &super::groups::GroupValues| {
        let (narrow, wide) = found.columns(found.sheet.registry.find(values));
        let mut counts = vec![0_u64; steps.len() + 1];
        for value in narrow.iter().flat_map(|column| column.values.iter()) {
            counts[steps.partition_point(|step| *step <= u64::from(*value))] += 1;
        }
        for value in wide.iter().flat_map(|column| column.values.iter()) {
            counts[steps.partition_point(|step| *step * 1000 <= *value)] += 1;
        }
        counts
    };
    let histograms: Vec<Vec<u64>> = on_two_threads(|| {
        use rayon::prelude::*;
        groups.kept.par_iter().map(histogram).collect()
    });
    let filled = |step: &usize| histograms.iter().any(|counts| counts[*step] > 0);
    let first = (0..=steps.len()).find(filled).unwrap_or(0);
    let past = (0..=steps.len())
        .rev()
        .find(filled)
        .map_or(first, |last| last + 1);
    let bound = |step: usize| {
        let at = |step: usize| steps.get(step).map(|bound| *bound as f64);
        (step.checked_sub(1).map_or(Some(0.0), at), at(step))
    };
    let rows = || {
        groups
            .kept
            .iter()
            .zip(&histograms)
            .flat_map(|row| (first..past).map(move |step| (row, step)))
    };
    let number = |name: &str, unit, values| Column {
        name: name.to_owned(),
        unit: Some(unit),
        values: Values::Number(values),
    };
    let mut columns = vec![
        number(
            "bucket_min",
            unit,
            rows().map(|(_, step)| bound(step).0).collect(),
        ),
        number(
            "bucket_max",
            unit,
            rows().map(|(_, step)| bound(step).1).collect(),
        ),
        number(
            "count",
            Unit::Count,
            rows()
                .map(|((_, counts), step)| Some(counts[step] as f64))
                .collect(),
        ),
    ];
    for (place, key) in question.group_by.iter().enumerate() {
        let values: Vec<Option<Text>> = rows()
            .map(|((values, _), _)| values[place].clone())
            .collect();
        columns.push(Column {
            name: key.word(),
            unit: None,
            values: Values::Text(values),
        });
    }
    let mut said = notices::of_applications(&scope.blocks);
    said.extend(notices::of_metric(
        scope.context,
        question,
        metric,
        Statistic::Count,
        &found,
    ));
    said.extend(notices::of_grouping(question));
    said.extend(notices::of_limit(groups.kept.len(), groups.all));
    Answer::Table(Table {
        columns,
        notices: notices::settled(said),
    })
}

fn without_values(metric: Metric, question: &Question) -> Table {
    let number = |name: &str| Column {
        name: name.to_owned(),
        unit: Some(metric.unit()),
        values: Values::Number(Vec::new()),
    };
    let mut columns = vec![number("bucket_min"), number("bucket_max"), number("count")];
    columns.extend(question.group_by.iter().map(|key| Column {
        name: key.word(),
        unit: None,
        values: Values::Text(Vec::new()),
    }));
    Table {
        columns,
        notices: vec![Notice::warning(format!(
            "`{}` is one number, not many values: it has no distribution.",
            metric.as_str()
        ))],
    }
}
