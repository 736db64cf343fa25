//! `numeric-long`: one row a group.

use super::build::{Shared, numbers, rests, texts};
use super::config::Config;
use super::frame::{Field, Frame, FrameType};
use super::links::{self, Bound};
use crate::app::Answered;
use crate::dora::{NumberColumn, Numbers};
use crate::model::{GroupKey, Text};

/// A string column per `groupBy` key, then the number columns.
pub(super) fn frame(answered: &Answered, shared: &Shared, answer: &Numbers) -> Frame {
    if answer.groups.is_empty() {
        return shared.without_fields(FrameType::NumericLong);
    }
    let rows = answer.groups.len();
    let keys = answer.keys.iter().enumerate().map(|(at, key)| Field {
        name: key.word().into(),
        labels: None,
        config: Config::default(),
        values: texts(answer.groups.iter().map(|group| group.get(at)?.as_deref())),
    });
    let columns = answer.columns.iter().map(|column| Field {
        name: column.name.as_str().into(),
        labels: None,
        config: config(answered, column, &answer.keys),
        values: numbers((0..rows).map(|row| column.values.get(row).copied().flatten())),
    });
    let name: Text = answer
        .columns
        .first()
        .filter(|_| answer.columns.len() == 1)
        .map_or(shared.kind, |column| column.metric.title())
        .into();
    Frame {
        name,
        ref_id: shared.ref_id.clone(),
        meta: shared.meta(FrameType::NumericLong, Some(rests(answer.measures.iter()))),
        fields: keys.chain(columns).collect(),
    }
}

fn config(answered: &Answered, column: &NumberColumn, keys: &[GroupKey]) -> Config {
    let mut config = if column.is_band {
        Config::of_bands()
    } else {
        Config::of_unit(column.unit)
    };
    config.display_name = Some(display_name(column));
    config.description = Some(column.metric.help());
    let range = if part_of(column) == Some("previous") {
        answered.range.previous()
    } else {
        answered.range
    };
    let group: Vec<_> = keys.iter().map(|key| (key, Bound::ToColumn)).collect();
    config.links = vec![links::to_events(
        &answered.question,
        column.metric,
        range,
        &group,
    )];
    config
}

/// What stands behind the metric's name in the column's (`p50`, `previous`, `n`, `band`).
fn part_of(column: &NumberColumn) -> Option<&str> {
    column
        .name
        .strip_prefix(column.metric.as_str())?
        .strip_prefix('_')
}

fn display_name(column: &NumberColumn) -> Text {
    let title = column.metric.title();
    match part_of(column) {
        None | Some("value" | "count") => title.into(),
        Some("previous") => format!("{title} (previous period)").into(),
        Some(part) => format!("{title} ({})", part.replace('_', " ")).into(),
    }
}
