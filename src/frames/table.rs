//! `table`: rows for people.

use super::build::{Shared, flags, numbers, texts, times};
use super::config::Config;
use super::frame::{Field, FieldValues, Frame, FrameType};
use super::links;
use crate::dora::{Column, Table, Values};

/// The column that holds the page of a row's event.
const URL: &str = "url";

/// The columns as they are, the `url` column as links; a table without rows keeps its columns.
pub(super) fn frame(shared: &Shared, answer: &Table) -> Frame {
    let rows = answer.columns.first().map_or(0, length);
    Frame {
        name: shared.kind.into(),
        ref_id: shared.ref_id.clone(),
        meta: shared.meta(FrameType::Table, None),
        fields: answer
            .columns
            .iter()
            .map(|column| Field {
                name: column.name.as_str().into(),
                labels: None,
                config: config(column),
                values: values(column, rows),
            })
            .collect(),
    }
}

fn config(column: &Column) -> Config {
    let mut config = column.unit.map_or_else(Config::default, Config::of_unit);
    if column.name == URL {
        config.links = vec![links::to_page()];
    }
    config
}

fn length(column: &Column) -> usize {
    match &column.values {
        Values::Text(values) => values.len(),
        Values::Number(values) => values.len(),
        Values::Time(values) => values.len(),
        Values::Flag(values) => values.len(),
    }
}

/// Exactly `rows` values: columns of unequal length would fail the answers of all queries.
fn values(column: &Column, rows: usize) -> FieldValues {
    match &column.values {
        Values::Text(values) => texts((0..rows).map(|row| values.get(row)?.as_deref())),
        Values::Number(values) => numbers((0..rows).map(|row| *values.get(row)?)),
        Values::Time(values) => times((0..rows).map(|row| *values.get(row)?)),
        Values::Flag(values) => flags((0..rows).map(|row| *values.get(row)?)),
    }
}
