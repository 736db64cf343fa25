//! What a data frame is made of.

use std::sync::Arc;

use arrow_array::{Array, BooleanArray, Float64Array, StringArray, TimestampNanosecondArray};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

use super::config::Config;
use super::links;
use crate::model::{Notice, Text};

/// A data frame: columns of equal length with what Grafana must know to show them.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Its name for people.
    pub name: Text,
    /// The query it answers; Grafana does not fill it in.
    pub ref_id: Text,
    /// What it is, what it rests on, and what is to be said about it.
    pub meta: Meta,
    /// The columns; none at all means "no data" in the data plane contract.
    pub fields: Vec<Field>,
}

impl Frame {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.fields
            .first()
            .map_or(0, |field| field.values.as_array().len())
    }

    /// Lets the links to the *Explain* dashboard open it with this data source.
    pub fn link_to_data_source(&mut self, uid: &str) {
        for link in self
            .fields
            .iter_mut()
            .flat_map(|field| &mut field.config.links)
        {
            links::choose_data_source(link, uid);
        }
    }
}

/// The metadata of a frame, in Grafana's own JSON form.
///
/// Source: `data/frame_meta.go` of grafana-plugin-sdk-go.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Which shape of the data plane contract it has.
    #[serde(rename = "type")]
    pub frame_type: FrameType,
    /// The version of that contract: `[0,1]`.
    pub type_version: [u16; 2],
    /// What the numbers rest on.
    pub custom: Custom,
    /// What the reader must know, at most one of a severity: Grafana shows only the last of each.
    #[serde(skip_serializing_if = "no_notices")]
    pub notices: Arc<[Notice]>,
    /// The question in one readable line.
    pub executed_query_string: Text,
    /// How Explore shows it.
    pub preferred_visualisation_type: Visualisation,
}

fn no_notices(notices: &Arc<[Notice]>) -> bool {
    notices.is_empty()
}

/// The shapes of the data plane contract that we answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrameType {
    /// One series a frame: `time` and one number with labels.
    TimeseriesMulti,
    /// One row a group: string columns as labels, then numbers.
    NumericLong,
    /// Rows for people.
    Table,
}

/// How Explore shows a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Visualisation {
    Graph,
    Table,
}

/// What the numbers of a frame rest on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Custom {
    /// The kind of the question.
    pub kind: &'static str,
    /// What the numbers mean.
    pub definition: Text,
    /// One value a point or row each; nothing for tables.
    #[serde(flatten)]
    pub rests: Option<Rests>,
    /// Whether each point's bucket is cut by the range or by now; only for series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partial: Option<Vec<bool>>,
    /// The start of the first bucket that evidence may still change.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc_3339")]
    pub provisional_from: Option<DateTime<Utc>>,
}

fn rfc_3339<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true)),
        None => serializer.serialize_none(),
    }
}

/// What each point or row rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rests {
    /// How many values, or for rates how many in the denominator.
    pub n: Vec<u64>,
    /// Covered ÷ asked time of the sources concerned, 0 to 1.
    pub covered: Vec<f64>,
    /// Linked ÷ all deployments, 0 to 1; null without a deployment.
    pub linked: Vec<Option<f64>>,
}

/// A column of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name, the same for all series of a metric.
    pub name: Text,
    /// What tells it from the other series of its name; `None` where labels mean nothing.
    pub labels: Option<Vec<(String, Text)>>,
    /// How it is shown.
    pub config: Config,
    /// Its values; every field can hold null.
    pub values: FieldValues,
}

/// The values of a column: the few Arrow types that Grafana's decoder takes.
///
/// One column of another type (`LargeUtf8`, a dictionary, a date) would fail the answers of *all* queries of a request.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum FieldValues {
    Text(StringArray),
    Number(Float64Array),
    /// Nanoseconds: Grafana reads any other unit as nanoseconds too.
    Time(TimestampNanosecondArray),
    Flag(BooleanArray),
}

impl FieldValues {
    /// The values as Arrow sees them.
    pub fn as_array(&self) -> &dyn Array {
        match self {
            Self::Text(values) => values,
            Self::Number(values) => values,
            Self::Time(values) => values,
            Self::Flag(values) => values,
        }
    }
}
