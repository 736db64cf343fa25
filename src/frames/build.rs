//! An answer as frames: which shape it takes, and what all its frames share.

use std::sync::Arc;

use arrow_array::{BooleanArray, Float64Array, StringArray, TimestampNanosecondArray};
use chrono::{DateTime, Utc};

use super::definition::definition;
use super::frame::{Custom, FieldValues, Frame, FrameType, Meta, Rests, Visualisation};
use super::{numbers, series, table};
use crate::app::Answered;
use crate::dora::{Answer, Measure};
use crate::model::{Notice, Severity, Text};

/// The frames of an answer, for the query of that reference.
///
/// Shape: one frame a series (`timeseries-multi`), else one frame (`numeric-long`, `table`). An answer without any
/// series or group is one typed frame without fields, which the data plane contract reads as "no data".
/// Times that nanoseconds cannot hold (before 1677, after 2262) and numbers that are not finite become null.
pub fn frames(answered: &Answered, ref_id: &str) -> Vec<Frame> {
    let shared = Shared::of(answered, ref_id);
    match &answered.answer {
        Answer::Series {
            metric,
            statistic,
            series,
            ..
        } => series::frames(answered, &shared, *metric, *statistic, series),
        Answer::Numbers(numbers) => vec![numbers::frame(answered, &shared, numbers)],
        Answer::Table(table) => vec![table::frame(&shared, table)],
        // `App` fills events into a table before it answers; without that there is nothing to show.
        Answer::Events { .. } | Answer::Quality { .. } => {
            vec![shared.without_fields(FrameType::Table)]
        }
    }
}

/// What all frames of an answer have in common, made once.
pub(super) struct Shared {
    pub(super) ref_id: Text,
    pub(super) kind: &'static str,
    pub(super) definition: Text,
    pub(super) notices: Arc<[Notice]>,
    pub(super) explained: Text,
}

impl Shared {
    fn of(answered: &Answered, ref_id: &str) -> Self {
        Self {
            ref_id: ref_id.into(),
            kind: answered.question.kind.as_str(),
            definition: definition(&answered.question),
            notices: one_of_a_severity(answered).into(),
            explained: answered.explained.as_str().into(),
        }
    }

    /// The metadata of one frame.
    pub(super) fn meta(&self, frame_type: FrameType, rests: Option<Rests>) -> Meta {
        Meta {
            frame_type,
            type_version: [0, 1],
            custom: Custom {
                kind: self.kind,
                definition: self.definition.clone(),
                rests,
                partial: None,
                provisional_from: None,
            },
            notices: self.notices.clone(),
            executed_query_string: self.explained.clone(),
            preferred_visualisation_type: match frame_type {
                FrameType::TimeseriesMulti => Visualisation::Graph,
                FrameType::NumericLong | FrameType::Table => Visualisation::Table,
            },
        }
    }

    /// The frame that means "no data".
    pub(super) fn without_fields(&self, frame_type: FrameType) -> Frame {
        Frame {
            name: self.kind.into(),
            ref_id: self.ref_id.clone(),
            meta: self.meta(frame_type, None),
            fields: Vec::new(),
        }
    }
}

/// Joins the notices of a severity: of several Grafana shows only the last.
fn one_of_a_severity(answered: &Answered) -> Vec<Notice> {
    let of_answer = match &answered.answer {
        Answer::Series { notices, .. } | Answer::Events { notices, .. } => notices,
        Answer::Numbers(numbers) => &numbers.notices,
        Answer::Table(table) | Answer::Quality { table, .. } => &table.notices,
    };
    [Severity::Error, Severity::Warning, Severity::Info]
        .into_iter()
        .filter_map(|severity| {
            let mut texts: Vec<&str> = Vec::new();
            for notice in answered.notices.iter().chain(of_answer) {
                if notice.severity == severity && !texts.contains(&notice.text.as_str()) {
                    texts.push(&notice.text);
                }
            }
            (!texts.is_empty()).then(|| Notice {
                severity,
                text: texts.join(" · "),
            })
        })
        .collect()
}

/// What rows or points rest on, column by column.
pub(super) fn rests<'a>(measures: impl Iterator<Item = &'a Measure> + Clone) -> Rests {
    Rests {
        n: measures.clone().map(|measure| measure.n).collect(),
        covered: measures
            .clone()
            .map(|measure| measure.covered_ratio)
            .collect(),
        linked: measures.map(|measure| measure.linked_ratio).collect(),
    }
}

/// A column of numbers.
pub(super) fn numbers(values: impl Iterator<Item = Option<f64>>) -> FieldValues {
    // JSON has no form for what is not finite, and Grafana's alerting takes it for a value.
    let finite = values.map(|value| value.filter(|number| number.is_finite()));
    FieldValues::Number(Float64Array::from_iter(finite))
}

/// A column of times.
pub(super) fn times(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> FieldValues {
    FieldValues::Time(TimestampNanosecondArray::from_iter(
        values.map(|time| time.and_then(|time| time.timestamp_nanos_opt())),
    ))
}

/// A column of texts.
pub(super) fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> FieldValues {
    FieldValues::Text(StringArray::from_iter(values))
}

/// A column of flags.
pub(super) fn flags(values: impl Iterator<Item = Option<bool>>) -> FieldValues {
    FieldValues::Flag(BooleanArray::from_iter(values))
}
