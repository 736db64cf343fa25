//! `timeseries-multi`: one frame a series.

use super::build::{Shared, numbers, rests, times};
use super::config::Config;
use super::frame::{Field, Frame, FrameType};
use super::links;
use crate::app::Answered;
use crate::dora::{Period, Series};
use crate::model::{Metric, Statistic, Text, Unit};

/// The label that tells the previous period's series from the current one's.
const PERIOD: &str = "period";

/// One frame a series: `time` (bucket start) and `<metric>_<statistic>` with the group's labels.
pub(super) fn frames(
    answered: &Answered,
    shared: &Shared,
    metric: Metric,
    statistic: Statistic,
    series: &[Series],
) -> Vec<Frame> {
    if series.is_empty() {
        return vec![shared.without_fields(FrameType::TimeseriesMulti)];
    }
    let field_name: Text = format!("{}_{}", metric.as_str(), statistic.as_str()).into();
    let config = Config::of_unit(unit_of(metric, statistic));
    let name: Text = metric.title().into();
    series
        .iter()
        .map(|one| {
            let range = match one.period {
                Period::Current => answered.range,
                Period::Previous => answered.range.previous(),
            };
            let group = links::bound(&one.group);
            let mut meta = shared.meta(
                FrameType::TimeseriesMulti,
                Some(rests(one.points.iter().map(|point| &point.measure))),
            );
            meta.custom.partial = Some(one.points.iter().map(|point| point.partial).collect());
            meta.custom.provisional_from = one
                .points
                .iter()
                .find(|point| point.provisional)
                .map(|point| point.start);
            Frame {
                name: name.clone(),
                ref_id: shared.ref_id.clone(),
                meta,
                fields: vec![
                    Field {
                        name: "time".into(),
                        labels: None,
                        config: Config::default(),
                        values: times(one.points.iter().map(|point| Some(point.start))),
                    },
                    Field {
                        name: field_name.clone(),
                        labels: Some(labels(one)),
                        config: Config {
                            display_name: Some(display_name(metric, statistic, one)),
                            links: vec![links::to_events(
                                &answered.question,
                                metric,
                                range,
                                &group,
                            )],
                            ..config.clone()
                        },
                        values: numbers(one.points.iter().map(|point| point.measure.value)),
                    },
                ],
            }
        })
        .collect()
}

/// The unit of a statistic: how many there are is a count, whatever they measure.
pub(super) fn unit_of(metric: Metric, statistic: Statistic) -> Unit {
    match statistic {
        Statistic::Count => Unit::Count,
        Statistic::P50
        | Statistic::P75
        | Statistic::P90
        | Statistic::P95
        | Statistic::Mean
        | Statistic::Min
        | Statistic::Max
        | Statistic::Sum
        | Statistic::Value => metric.unit(),
    }
}

/// A thing without a value of the key has no such label, as Prometheus has it.
fn labels(series: &Series) -> Vec<(String, Text)> {
    let mut labels: Vec<(String, Text)> = series
        .group
        .iter()
        .filter_map(|(key, value)| Some((key.word(), value.clone()?)))
        .collect();
    match series.period {
        Period::Current => {}
        Period::Previous => labels.push((PERIOD.to_owned(), "previous".into())),
    }
    labels
}

/// The legend: the group where there is one, else the metric; the statistic where it is not the usual one.
fn display_name(metric: Metric, statistic: Statistic, series: &Series) -> Text {
    let mut name = if series.group.is_empty() {
        metric.title().to_owned()
    } else {
        series
            .group
            .iter()
            .map(|(key, value)| match value {
                Some(value) => value.to_string(),
                None => format!("(no {})", key.word()),
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    if statistic != metric.default_statistic() {
        name.push(' ');
        name.push_str(statistic.as_str());
    }
    match series.period {
        Period::Current => {}
        Period::Previous => name.push_str(" (previous period)"),
    }
    name.into()
}
