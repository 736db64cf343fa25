//! A metric over time: one row a bucket, with a bar.

use comfy_table::{Cell, Color, Table};

use super::{Looks, bucket_text, dim, group_text, group_titles, right, shortfall};
use crate::cli::humanise;
use crate::dora::{Period, Point, Series};
use crate::model::{Metric, Question, Statistic, Unit};

/// Cells of the longest bar.
const BAR_CELLS: usize = 24;

/// Rows of every series, one below the other; `None` without a point.
pub(super) fn draw(
    question: &Question,
    metric: Metric,
    statistic: Statistic,
    series: &[Series],
    looks: Looks,
) -> Option<Table> {
    let points = || series.iter().flat_map(|series| &series.points);
    points().next()?;
    let unit = if statistic == Statistic::Count {
        Unit::Count
    } else {
        metric.unit()
    };
    let largest = points()
        .filter_map(|point| point.measure.value)
        .fold(0.0, f64::max);
    let groups = series.first()?.group.iter().map(|(key, _)| key.clone());
    let is_compared = series
        .iter()
        .any(|series| series.period == Period::Previous);

    let mut header = group_titles(groups);
    if is_compared {
        header.push("Period".to_owned());
    }
    header.extend(["Start", "Value", "", "n", ""].map(str::to_owned));
    let mut table = looks.table(header.iter().map(String::as_str));
    for (at, series) in series.iter().enumerate() {
        if at > 0 && !series.group.is_empty() {
            table.add_row(vec![Cell::new("")]);
        }
        for (row, point) in series.points.iter().enumerate() {
            let is_first = row == 0;
            let once = |text: String| Cell::new(if is_first { text } else { String::new() });
            let mut cells: Vec<Cell> = series
                .group
                .iter()
                .map(|(_, value)| once(group_text(value.as_ref())))
                .collect();
            if is_compared {
                cells.push(once(period_text(series.period).to_owned()));
            }
            let bar = humanise::bar(point.measure.value, largest, BAR_CELLS);
            cells.extend([
                Cell::new(bucket_text(point.start, question, question.bucket)),
                right(humanise::value(point.measure.value, Some(unit))),
                looks.coloured(Cell::new(bar), colour(series.period)),
                right(point.measure.n),
                dim(notes(point)),
            ]);
            table.add_row(cells);
        }
    }
    Some(table)
}

fn period_text(period: Period) -> &'static str {
    match period {
        Period::Current => "this",
        Period::Previous => "previous",
    }
}

fn colour(period: Period) -> Color {
    match period {
        Period::Current => Color::Blue,
        Period::Previous => Color::DarkGrey,
    }
}

/// What a point lacks, or may still become.
fn notes(point: &Point) -> String {
    let partial = point.partial.then(|| "partial".to_owned());
    let provisional = point.provisional.then(|| "provisional".to_owned());
    let covered = shortfall(point.measure.covered_ratio, "covered");
    let notes: Vec<String> = [partial, provisional, covered]
        .into_iter()
        .flatten()
        .collect();
    notes.join(", ")
}
