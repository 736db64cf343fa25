//! Sources as samples, beside the events that they told.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{FAMILY, Labels, NAME, Sample, text};
use crate::model::Origin;

/// The `type` of samples that tell of a source.
pub const SOURCE: &str = "source";

/// The sample that tells of a source at a moment; the latest counts.
pub fn sample_of_origin(origin: &Origin, at: DateTime<Utc>) -> Sample {
    let milliseconds = at.timestamp_millis();
    let mut labels: Labels = vec![
        (NAME.into(), FAMILY.to_owned()),
        ("id".into(), text::write(origin.source.as_str())),
        ("revision".into(), milliseconds.to_string()),
        ("type".into(), SOURCE.to_owned()),
    ];
    let fields = serde_json::to_value(origin).expect("keys are texts, and no number is unwritable");
    for (name, value) in fields.as_object().into_iter().flatten() {
        let written = match value {
            Value::String(value) => text::write(value),
            Value::Array(items) => text::write_list(items.iter().filter_map(Value::as_str)),
            value => value.to_string(),
        };
        if name != "source" {
            labels.push((format!("event_{name}").into(), written));
        }
    }
    Sample::of_time(labels, milliseconds)
}

/// What the labels of such a sample tell, with its revision; `None` where they were not written by us.
pub fn origin_of<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Option<(Origin, i64)> {
    let mut revision = None;
    let mut fields = Map::new();
    for (name, value) in labels {
        match name {
            "id" => {
                fields.insert("source".to_owned(), text::read(value)?.into());
            }
            "revision" => revision = value.parse().ok(),
            "event_rank" => {
                let rank: u8 = value.parse().ok()?;
                fields.insert("rank".to_owned(), rank.into());
            }
            "event_yields" => {
                fields.insert("yields".to_owned(), text::read_list(value)?.into());
            }
            name => {
                if let Some(field) = name.strip_prefix("event_") {
                    fields.insert(field.to_owned(), text::read(value)?.into());
                }
            }
        }
    }
    let origin = serde_json::from_value(Value::Object(fields)).ok()?;
    Some((origin, revision?))
}
