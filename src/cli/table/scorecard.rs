//! The scorecard: the five keys of each group with band, trend and n.

use comfy_table::{Attribute, Cell, Color, Table};

use super::{Looks, group_text, group_titles, right, shortfall};
use crate::cli::humanise;
use crate::dora::{NumberColumn, Numbers};
use crate::model::{Metric, Unit};

/// Names and colours of bands, 0 to 6.
const BANDS: [(&str, Color); 7] = [
    ("low", Color::Red),
    ("low–medium", Color::DarkYellow),
    ("medium", Color::Yellow),
    ("medium–high", Color::Yellow),
    ("high", Color::Green),
    ("high–elite", Color::Cyan),
    ("elite", Color::Cyan),
];

/// A change smaller than this share of the previous value is none.
const STEADY: f64 = 0.05;

/// Five rows a group; `None` without a group.
pub(super) fn draw(numbers: &Numbers, looks: Looks) -> Option<Table> {
    if numbers.groups.is_empty() {
        return None;
    }
    let groups = group_titles(numbers.keys.iter().cloned());
    let fixed = ["Key", "Value", "Band", "", "Trend", "n", ""];
    let mut table = looks.table(groups.iter().map(String::as_str).chain(fixed));
    for (row, group) in numbers.groups.iter().enumerate() {
        if row > 0 {
            table.add_row(vec![Cell::new("")]);
        }
        for (at, metric) in Metric::KEYS.into_iter().enumerate() {
            let mut cells: Vec<Cell> = group
                .iter()
                .map(|value| {
                    let text = if at == 0 {
                        group_text(value.as_ref())
                    } else {
                        String::new()
                    };
                    Cell::new(text).add_attribute(Attribute::Bold)
                })
                .collect();
            cells.extend(key_cells(numbers, row, metric, looks));
            cells.push(if at == 0 {
                notes(numbers, row)
            } else {
                Cell::new("")
            });
            table.add_row(cells);
        }
    }
    Some(table)
}

fn key_cells(numbers: &Numbers, row: usize, metric: Metric, looks: Looks) -> Vec<Cell> {
    let find = |suffix: &str| {
        let name = format!("{}{suffix}", metric.as_str());
        column(numbers, &name).and_then(|column| column.values.get(row).copied().flatten())
    };
    let (value, previous) = (find(""), find("_previous"));
    let band = find("_band").filter(|band| (0.0..=6.0).contains(band));
    let (name, bar) = match band {
        Some(band) => {
            let (name, colour) = BANDS[band as usize];
            let bar = humanise::bar(Some(band + 1.0), 7.0, 7);
            (
                looks.coloured(Cell::new(name), colour),
                looks.coloured(Cell::new(bar), colour),
            )
        }
        None => (Cell::new(""), Cell::new("")),
    };
    vec![
        Cell::new(metric.title()),
        right(humanise::value(value, Some(metric.unit()))),
        name,
        bar,
        trend(metric, value, previous, looks),
        right(find("_n").map_or_else(String::new, |n| humanise::value(Some(n), Some(Unit::Count)))),
    ]
}

fn column<'a>(numbers: &'a Numbers, name: &str) -> Option<&'a NumberColumn> {
    numbers.columns.iter().find(|column| column.name == name)
}

/// Which way the key went since the period before, green where that is better.
fn trend(metric: Metric, value: Option<f64>, previous: Option<f64>, looks: Looks) -> Cell {
    let (Some(value), Some(previous)) = (value, previous) else {
        return Cell::new("");
    };
    let change = value - previous;
    if change.abs() <= STEADY * previous.abs() {
        return Cell::new("→");
    }
    let arrow = if change > 0.0 { "↑" } else { "↓" };
    let text = if metric.unit() == Unit::Ratio {
        // Percent of a percentage misleads: rates differ in points.
        format!("{arrow} {} pt", humanise::decimal(change.abs() * 100.0, 1))
    } else if previous == 0.0 {
        arrow.to_owned()
    } else {
        format!(
            "{arrow} {} %",
            humanise::decimal((change / previous).abs() * 100.0, 0)
        )
    };
    let is_more_better = metric == Metric::DeploymentFrequency;
    let colour = if (change > 0.0) == is_more_better {
        Color::Green
    } else {
        Color::Red
    };
    looks.coloured(Cell::new(text), colour)
}

/// What the numbers of a row lack.
fn notes(numbers: &Numbers, row: usize) -> Cell {
    let Some(measure) = numbers.measures.get(row) else {
        return Cell::new("");
    };
    let linked = measure
        .linked_ratio
        .and_then(|ratio| shortfall(ratio, "linked"));
    let covered = shortfall(measure.covered_ratio, "covered");
    let notes: Vec<String> = covered.into_iter().chain(linked).collect();
    super::dim(notes.join(", "))
}
