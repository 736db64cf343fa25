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
    let part = Part::of(column);
    config.display_name = Some(part.display_name(column));
    if !part.is_of_metric {
        return config;
    }
    config.description = Some(column.metric.help());
    let range = if part.is_previous {
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

/// What a column's name says: `<metric>[_<part>][_previous]`, or something over several metrics (a score).
struct Part<'a> {
    is_of_metric: bool,
    is_previous: bool,
    /// The statistic, `n` or `band`; the whole name where it is of no metric.
    name: &'a str,
}

impl<'a> Part<'a> {
    fn of(column: &'a NumberColumn) -> Self {
        let current = column.name.strip_suffix("_previous");
        let name = current.unwrap_or(&column.name);
        let of_metric = name.strip_prefix(column.metric.as_str());
        Self {
            is_of_metric: of_metric.is_some(),
            is_previous: current.is_some(),
            name: of_metric.unwrap_or(name).trim_start_matches('_'),
        }
    }

    fn display_name(&self, column: &NumberColumn) -> Text {
        let words = self.name.replace('_', " ");
        let mut text = if self.is_of_metric {
            let title = column.metric.title();
            match self.name {
                "" | "value" | "count" => title.to_owned(),
                _ => format!("{title} ({words})"),
            }
        } else {
            let mut characters = words.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters).collect()
        };
        if self.is_previous {
            text.push_str(" (previous period)");
        }
        text.into()
    }
}
