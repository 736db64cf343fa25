//! A metric over time, or as one number a group.

use chrono::{DateTime, TimeDelta, Utc};

use crate::model::{Bucket, Metric, Notice, Question, Statistic, TimeRange};

use super::answer::{Answer, Measure, NumberColumn, Numbers, Period, Point, Series};
use super::buckets::Buckets;
use super::calendar::instant;
use super::evaluate::Collected;
use super::groups::{GroupValues, Registry, kept};
use super::scope::{Asked, Links, Scope, collect, collect_one};
use super::{Context, notices};

/// Points of all series together: beyond it groups are left out, since no browser draws more.
const POINTS_OF_ALL_SERIES: usize = 1_000_000;

/// The equally long range before; `None` where time does not reach back so far.
pub(super) fn previous(range: TimeRange) -> Option<TimeRange> {
    let start = range.start.checked_sub_signed(range.length())?;
    Some(TimeRange::new(start, range.start))
}

/// The one bucket of a range.
pub(super) fn whole(scope: &Scope<'_, '_>, range: TimeRange) -> Buckets {
    let (context, question) = (scope.context, scope.question);
    let now = context.now.timestamp_millis();
    Buckets::new(
        Bucket::None,
        question.week_start,
        range,
        now,
        context.timezone,
    )
}

/// Groups of several sheets under the same numbers, and which of them are kept.
pub(super) struct Groups {
    pub kept: Vec<GroupValues>,
    /// How many there were.
    pub all: usize,
}

impl Groups {
    /// Joins the sheets' groups; the first sheet's volumes decide which are kept.
    pub fn of(sheets: &[&Collected<'_>], limit: usize) -> Self {
        if let [only] = sheets {
            return Self::kept_of(&only.sheet.registry.values, &only.volumes(), limit);
        }
        let mut registry = Registry::default();
        for sheet in sheets {
            for values in &sheet.sheet.registry.values {
                registry.number(values.clone());
            }
        }
        let mut volumes = vec![0; registry.values.len()];
        if let Some(first) = sheets.first() {
            for (values, volume) in first.sheet.registry.values.iter().zip(first.volumes()) {
                if let Some(number) = registry.find(values) {
                    volumes[number as usize] = volume;
                }
            }
        }
        Self::kept_of(&registry.values, &volumes, limit)
    }

    fn kept_of(groups: &[GroupValues], volumes: &[u64], limit: usize) -> Self {
        let kept = kept(groups, volumes, limit);
        Self {
            all: groups.len(),
            kept: kept
                .into_iter()
                .map(|number| groups[number].clone())
                .collect(),
        }
    }
}

/// Whether evidence may still change the metric of a bucket that ended lately.
fn rests_on_evidence(metric: Metric) -> bool {
    matches!(
        metric,
        Metric::ChangeFailRate
            | Metric::DeploymentReworkRate
            | Metric::FailedDeploymentRecoveryTime
    )
}

/// A metric over time: one series a group, and one more for the previous period where asked.
pub(super) fn over_time(scope: &Scope<'_, '_>, bucket: Bucket) -> Answer {
    let (context, question) = (scope.context, scope.question);
    let (metric, statistic) = (question.metric, question.statistic);
    let now = context.now.timestamp_millis();
    let buckets = |range| Buckets::new(bucket, question.week_start, range, now, context.timezone);
    let asked = Asked {
        metric,
        statistic,
        links: Links::Count,
    };
    let found = |range| collect_one(scope, asked, &buckets(range));
    let current = found(context.range);
    let before = previous(context.range)
        .filter(|_| question.compare)
        .map(found);
    let sheets: Vec<&Collected<'_>> = [Some(&current), before.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    let points: usize = sheets.iter().map(|sheet| sheet.buckets.points.len()).sum();
    let limit = question
        .limit
        .min((POINTS_OF_ALL_SERIES / points.max(1)).max(1));
    let groups = Groups::of(&sheets, limit);
    let shift = context.range.length();
    let mut series = Vec::with_capacity(groups.kept.len() * sheets.len());
    for values in &groups.kept {
        series.push(one_series(
            context,
            question,
            &current,
            values,
            Period::Current,
            TimeDelta::zero(),
        ));
        if let Some(before) = &before {
            series.push(one_series(
                context,
                question,
                before,
                values,
                Period::Previous,
                shift,
            ));
        }
    }
    let mut said = notices::of_applications(&scope.blocks);
    said.extend(notices::of_metric(
        context, question, metric, statistic, &current,
    ));
    said.extend(notices::of_grouping(question));
    said.extend(notices::of_limit(groups.kept.len(), groups.all));
    Answer::Series {
        metric,
        statistic,
        series,
        notices: notices::settled(said),
    }
}

fn one_series(
    context: &Context<'_>,
    question: &Question,
    found: &Collected<'_>,
    values: &GroupValues,
    period: Period,
    shift: TimeDelta,
) -> Series {
    let settled = context
        .now
        .checked_sub_signed(context.evidence.largest_age())
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
        .timestamp_millis();
    let provisional = rests_on_evidence(question.metric);
    let measures = found.measures(found.sheet.registry.find(values));
    let points = found.buckets.points.iter().zip(measures);
    Series {
        group: question
            .group_by
            .iter()
            .cloned()
            .zip(values.iter().cloned())
            .collect(),
        period,
        points: points
            .map(|(span, measure)| Point {
                start: instant(span.start)
                    .checked_add_signed(shift)
                    .unwrap_or(instant(span.start)),
                measure,
                partial: span.partial,
                provisional: provisional && span.asked.end > settled,
            })
            .collect(),
    }
}

/// A number column that is asked for.
pub(super) struct AskedColumn {
    pub name: String,
    pub metric: Metric,
    pub statistic: Statistic,
}

/// Metrics over the whole range as tables of measures: `current[metric][group]`, and the same for the previous period.
pub(super) struct Measured {
    pub groups: Groups,
    pub current: Vec<Vec<Measure>>,
    pub previous: Option<Vec<Vec<Measure>>>,
    pub notices: Vec<Notice>,
}

/// Answers several metrics over the whole range, and over the range before it where asked.
pub(super) fn measured(scope: &Scope<'_, '_>, asked: &[AskedColumn], compare: bool) -> Measured {
    let (context, question) = (scope.context, scope.question);
    let found = |range, linked: Links| {
        // A row's linked share is that of its first metric.
        let links = |number| if number == 0 { linked } else { Links::Skip };
        let columns: Vec<Asked> = asked
            .iter()
            .enumerate()
            .map(|(number, of)| Asked {
                metric: of.metric,
                statistic: of.statistic,
                links: links(number),
            })
            .collect();
        collect(scope, &columns, &whole(scope, range))
    };
    let current = found(context.range, Links::Count);
    let before = previous(context.range).filter(|_| compare);
    let before = before.map(|range| found(range, Links::Skip));
    let sheets: Vec<&Collected<'_>> = current.iter().chain(before.iter().flatten()).collect();
    let groups = Groups::of(&sheets, question.limit);
    let measure = |sheets: &[Collected<'_>]| -> Vec<Vec<Measure>> {
        sheets
            .iter()
            .map(|sheet| measures_of(sheet, &groups.kept))
            .collect()
    };
    let mut said = notices::of_applications(&scope.blocks);
    for (column, sheet) in asked.iter().zip(&current) {
        said.extend(notices::of_metric(
            context,
            question,
            column.metric,
            column.statistic,
            sheet,
        ));
    }
    said.extend(notices::of_grouping(question));
    said.extend(notices::of_limit(groups.kept.len(), groups.all));
    Measured {
        current: measure(&current),
        previous: before.as_deref().map(measure),
        notices: said,
        groups,
    }
}

/// The one measure of each group; many groups are shared between the threads.
fn measures_of(sheet: &Collected<'_>, groups: &[GroupValues]) -> Vec<Measure> {
    use rayon::prelude::*;
    let one = |values: &GroupValues| {
        let measures = sheet.measures(sheet.sheet.registry.find(values));
        measures.into_iter().next().unwrap_or_default()
    };
    if groups.len() < 64 {
        return groups.iter().map(one).collect();
    }
    super::scope::on_two_threads(|| groups.par_iter().with_min_len(16).map(one).collect())
}

/// A metric as one number a group: `<metric>_<statistic>`, and `…_previous` where the previous period is asked for.
pub(super) fn as_numbers(scope: &Scope<'_, '_>) -> Answer {
    let question = scope.question;
    let asked = [AskedColumn {
        name: format!(
            "{}_{}",
            question.metric.as_str(),
            question.statistic.as_str()
        ),
        metric: question.metric,
        statistic: question.statistic,
    }];
    Answer::Numbers(numbers(scope, &asked))
}

/// Number columns, one a metric asked for, and its previous one behind it where asked.
pub(super) fn numbers(scope: &Scope<'_, '_>, asked: &[AskedColumn]) -> Numbers {
    let question = scope.question;
    let measured = measured(scope, asked, question.compare);
    let mut columns = Vec::new();
    for (number, of) in asked.iter().enumerate() {
        let column = |name: String, measures: &[Measure]| NumberColumn {
            name,
            metric: of.metric,
            unit: unit_of(of.metric, of.statistic),
            is_band: false,
            values: measures.iter().map(|measure| measure.value).collect(),
        };
        columns.push(column(of.name.clone(), &measured.current[number]));
        if let Some(before) = &measured.previous {
            columns.push(column(format!("{}_previous", of.name), &before[number]));
        }
    }
    Numbers {
        keys: question.group_by.clone(),
        groups: measured
            .groups
            .kept
            .iter()
            .map(|values| values.to_vec())
            .collect(),
        columns,
        measures: measured.current.into_iter().next().unwrap_or_default(),
        notices: notices::settled(measured.notices),
    }
}

/// The unit of a metric's statistic: counts of durations are counts.
pub(super) fn unit_of(metric: Metric, statistic: Statistic) -> crate::model::Unit {
    if statistic == Statistic::Count {
        crate::model::Unit::Count
    } else {
        metric.unit()
    }
}
