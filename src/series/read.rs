//! Series of the lossless family → event versions.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Shape, shape, text};
use crate::model::{Body, Event};

/// An event version, read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The event, with the source that first reported it.
    pub event: Event,
    /// The exporting ledger's time of this version, in milliseconds.
    pub revision: i64,
}

/// Why a series is no event version of ours.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A label that every version has is missing, or is no number where it should be.
    #[error("the label {0} is missing or no number")]
    Label(&'static str),
    /// A label was not written by us.
    #[error("the label event_{field} of {id} is not as Pelorus writes it")]
    Field {
        #[allow(missing_docs)]
        id: String,
        #[allow(missing_docs)]
        field: String,
    },
    /// The labels together make no event.
    #[error("the labels of {id} make no event: {reason}")]
    Event {
        #[allow(missing_docs)]
        id: String,
        #[allow(missing_docs)]
        reason: String,
    },
}

/// Puts versions together from their series, which may come in any order and more than once.
#[derive(Debug, Default)]
pub struct Assembler {
    parts: HashMap<(String, String, String), Parts>,
}

/// The parts of one version that have come; `None` for those to come.
#[derive(Debug)]
struct Parts(Vec<Option<Vec<(String, String)>>>);

/// More parts than any event has: a number beyond is damage, and no reason to make room for it.
const MOST_PARTS: usize = 10_000;

impl Assembler {
    /// Takes the labels of a series; gives the version once all its parts are there. Labels that are not ours (a
    /// cluster's, a replica's) are passed over.
    ///
    /// # Errors
    /// See `Unreadable`; the series is then left out, and what came before stays.
    pub fn add<'l>(
        &mut self,
        labels: impl Iterator<Item = (&'l str, &'l str)>,
    ) -> Result<Option<Version>, Unreadable> {
        let (mut id, mut kind, mut revision, mut part, mut parts) = (None, None, None, "0", "1");
        let mut fields = Vec::new();
        for (name, value) in labels {
            match name {
                "id" => id = Some(value),
                "type" => kind = Some(value),
                "revision" => revision = Some(value),
                "part" => part = value,
                "parts" => parts = value,
                name => {
                    if let Some(field) = name.strip_prefix("event_") {
                        fields.push((field.to_owned(), value.to_owned()));
                    }
                }
            }
        }
        let id = id.ok_or(Unreadable::Label("id"))?;
        let kind = kind.ok_or(Unreadable::Label("type"))?;
        let revision = revision.ok_or(Unreadable::Label("revision"))?;
        let number = |text: &str, name| {
            text.parse()
                .ok()
                .filter(|number: &usize| *number <= MOST_PARTS)
                .ok_or(Unreadable::Label(name))
        };
        let (part, parts) = (number(part, "part")?, number(parts, "parts")?);
        if part >= parts {
            return Err(Unreadable::Label("part"));
        }
        if parts == 1 {
            return version(id, kind, revision, fields).map(Some);
        }
        let key = (kind.to_owned(), id.to_owned(), revision.to_owned());
        let known = self
            .parts
            .entry(key.clone())
            .or_insert_with(|| Parts(vec![None; parts]));
        match known.0.get_mut(part) {
            Some(place) => *place = Some(fields),
            None => return Err(Unreadable::Label("parts")),
        }
        if known.0.iter().any(Option::is_none) {
            return Ok(None);
        }
        let mut whole: Vec<(String, String)> = Vec::new();
        let parts = self
            .parts
            .remove(&key)
            .map_or_else(Vec::new, |parts| parts.0);
        for (field, piece) in parts.into_iter().flatten().flatten() {
            match whole.iter_mut().find(|(known, _)| *known == field) {
                Some((_, value)) => value.push_str(&piece),
                None => whole.push((field, piece)),
            }
        }
        version(id, kind, revision, whole).map(Some)
    }

    /// Ids of the versions of which parts are still missing, sorted.
    pub fn incomplete(&self) -> Vec<&str> {
        let mut ids: Vec<_> = self.parts.keys().map(|(_, id, _)| id.as_str()).collect();
        ids.sort_unstable();
        ids
    }
}

fn version(
    id: &str,
    kind: &str,
    revision: &str,
    fields: Vec<(String, String)>,
) -> Result<Version, Unreadable> {
    let revision = revision
        .parse()
        .map_err(|_| Unreadable::Label("revision"))?;
    let id = text::read(id).ok_or(Unreadable::Label("id"))?;
    let (mut source, mut url) = (None, None);
    let mut body = Map::with_capacity(fields.len() + 1);
    body.insert("type".to_owned(), kind.into());
    for (field, value) in fields {
        let Some(value) = value_of(shape(kind, &field), &value) else {
            return Err(Unreadable::Field { id, field });
        };
        match (field.as_str(), value) {
            ("source", Value::String(value)) => source = Some(value),
            ("url", Value::String(value)) => url = Some(value),
            (_, value) => {
                body.insert(field, value);
            }
        }
    }
    let body: Body = match serde_json::from_value(Value::Object(body)) {
        Ok(body) => body,
        Err(error) => {
            let reason = error.to_string();
            return Err(Unreadable::Event { id, reason });
        }
    };
    Ok(Version {
        event: Event {
            id: id.into(),
            source: source.ok_or(Unreadable::Label("event_source"))?.into(),
            url: url.map(Into::into),
            body,
        },
        revision,
    })
}

fn value_of(shape: Shape, written: &str) -> Option<Value> {
    Some(match shape {
        Shape::Text => Value::String(text::read(written)?),
        Shape::Number => Value::from(written.parse::<u64>().ok()?),
        Shape::Truth => Value::Bool(written.parse().ok()?),
        Shape::List => text::read_list(written)?.into(),
        Shape::Map => Value::Object(
            text::read_map(written)?
                .into_iter()
                .map(|(name, value)| (name, Value::String(value)))
                .collect(),
        ),
    })
}
