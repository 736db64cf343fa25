//! An event version → its series.

use std::borrow::Cow;

use serde_json::Value;

use super::{FAMILY, LONGEST, Labels, NAME, Sample, Shape, shape, text};
use crate::model::Event;

/// Why an event version cannot stand in the lossless family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The id names the series, so it cannot be split.
    #[error("its id is longer than {LONGEST} bytes once it is a label")]
    LongId,
}

/// The samples of an event version, one a part; `revision` is the ledger's time of it in milliseconds.
///
/// # Errors
/// See `Unwritable`.
pub fn samples_of(event: &Event, revision: i64) -> Result<Vec<Sample>, Unwritable> {
    let id = text::write(event.id.as_str());
    if id.len() > LONGEST {
        return Err(Unwritable::LongId);
    }
    let fields = fields_of(event);
    let parts = fields
        .iter()
        .map(|(_, value)| pieces(value).count())
        .max()
        .unwrap_or(1);
    let at = event.body.time().timestamp_millis();
    let samples = (0..parts).map(|part| {
        let mut labels: Labels = vec![
            (NAME.into(), FAMILY.to_owned()),
            ("id".into(), id.clone()),
            ("revision".into(), revision.to_string()),
            ("type".into(), event.body.kind().as_str().to_owned()),
        ];
        if parts > 1 {
            labels.push(("part".into(), part.to_string()));
            labels.push(("parts".into(), parts.to_string()));
        }
        for (name, value) in &fields {
            if let Some(piece) = pieces(value).nth(part) {
                labels.push((name.clone(), piece.to_owned()));
            }
        }
        Sample::of_time(labels, at)
    });
    Ok(samples.collect())
}

fn fields_of(event: &Event) -> Labels {
    let mut fields = vec![(
        Cow::from("event_source"),
        text::write(event.source.as_str()),
    )];
    if let Some(url) = &event.url {
        fields.push(("event_url".into(), text::write(url)));
    }
    let body =
        serde_json::to_value(&event.body).expect("keys are texts, and no number is unwritable");
    let Value::Object(body) = body else {
        return fields;
    };
    for (field, value) in &body {
        if field == "type" {
            continue;
        }
        let written = written(shape(event.body.kind().as_str(), field), value);
        if !written.is_empty() {
            fields.push((format!("event_{field}").into(), written));
        }
    }
    fields
}

fn written(shape: Shape, value: &Value) -> String {
    match (shape, value) {
        (Shape::List, Value::Array(items)) => {
            text::write_list(items.iter().filter_map(Value::as_str))
        }
        (Shape::Map, Value::Object(pairs)) => text::write_map(
            pairs
                .iter()
                .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))),
        ),
        (_, Value::String(value)) => text::write(value),
        (_, value) => value.to_string(),
    }
}

/// The pieces of a value, none longer than a label may be, cut between letters.
fn pieces(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = rest.len().min(LONGEST);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece)
    })
}
