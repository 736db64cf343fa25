//! Rows for people: events, distributions, values, quality.

use chrono_tz::Tz;
use comfy_table::{Cell, Table as Drawn};

use super::{Looks, capitalised, right};
use crate::cli::humanise;
use crate::dora::{Column, Table, Values};

/// Digits of a commit hash that people need.
const HASH_DIGITS: usize = 10;

/// The columns that hold anything; `None` without a row.
pub(super) fn draw(table: &Table, zone: Tz, looks: Looks) -> Option<Drawn> {
    let columns: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| holds_any(column))
        .collect();
    let rows = columns.iter().map(|column| length(column)).max()?;
    let titles: Vec<String> = columns
        .iter()
        .map(|column| capitalised(&column.name))
        .collect();
    let mut drawn = looks.table(titles.iter().map(String::as_str));
    for row in 0..rows {
        let cells = columns.iter().map(|column| cell(column, row, zone));
        drawn.add_row(cells.collect::<Vec<_>>());
    }
    Some(drawn)
}

fn length(column: &Column) -> usize {
    match &column.values {
        Values::Text(values) => values.len(),
        Values::Number(values) => values.len(),
        Values::Time(values) => values.len(),
        Values::Flag(values) => values.len(),
    }
}

fn holds_any(column: &Column) -> bool {
    match &column.values {
        Values::Text(values) => values.iter().flatten().any(|text| !text.is_empty()),
        Values::Number(values) => values.iter().any(Option::is_some),
        Values::Time(values) => values.iter().any(Option::is_some),
        Values::Flag(values) => values.iter().flatten().any(|truth| *truth),
    }
}

fn cell(column: &Column, row: usize, zone: Tz) -> Cell {
    match &column.values {
        Values::Text(values) => {
            let text = values.get(row).cloned().flatten();
            Cell::new(text.map_or_else(String::new, |text| shortened(&text)))
        }
        Values::Number(values) => {
            let value = values.get(row).copied().flatten();
            right(value.map_or_else(String::new, |value| {
                humanise::value(Some(value), column.unit)
            }))
        }
        Values::Time(values) => {
            let time = values.get(row).copied().flatten();
            Cell::new(time.map_or_else(String::new, |time| {
                time.with_timezone(&zone)
                    .format("%Y-%m-%d %H:%M")
                    .to_string()
            }))
        }
        Values::Flag(values) => {
            let truth = values.get(row).copied().flatten().unwrap_or(false);
            Cell::new(if truth { "yes" } else { "" })
        }
    }
}

/// A whole commit hash is cut; everything else stands as it is.
fn shortened(text: &str) -> String {
    let is_hash =
        matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash {
        text[..HASH_DIGITS].to_owned()
    } else {
        text.to_owned()
    }
}
