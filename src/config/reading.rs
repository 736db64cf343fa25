//! Reads described fields out of JSON, collecting every fault on the way.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::surroundings::Surroundings;
use super::{Access, Fault, Field, FieldType, FieldValue, closest, scalars};
use crate::model::{Glob, Pattern};
use crate::providers::ProviderKind;

/// What reading needs to know, and the faults found so far.
pub(super) struct Reading<'a> {
    pub access: &'a Access,
    /// The folder that relative paths start from.
    pub base: Option<&'a Path>,
    /// Where `${ENV}` and `file:` are looked up; `None`: they are plain text.
    pub surroundings: Option<&'a dyn Surroundings>,
    /// Secrets by `<source name>__<field>`.
    pub secrets: &'a HashMap<String, SecretString>,
    pub kinds: &'a [&'static ProviderKind],
    pub faults: Vec<Fault>,
}

/// The values of described fields, by key.
pub(super) type Values = BTreeMap<&'static str, FieldValue>;

impl Reading<'_> {
    pub(super) fn fault(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.faults.push(Fault {
            key: key.into(),
            message: message.into(),
        });
    }

    /// The value as an object; anything else but nothing is a fault.
    pub(super) fn object<'v>(
        &mut self,
        value: Option<&'v Value>,
        key: &str,
    ) -> Option<&'v Map<String, Value>> {
        match value {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            Some(_) => {
                self.fault(key, "takes an object");
                None
            }
        }
    }

    /// The objects of a list, each with its path; anything else but nothing is a fault.
    pub(super) fn objects<'v>(
        &mut self,
        value: Option<&'v Value>,
        key: &str,
    ) -> Vec<(String, &'v Map<String, Value>)> {
        let list = match value {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.fault(key, "takes a list of objects");
                return Vec::new();
            }
        };
        let paths = list
            .iter()
            .enumerate()
            .map(|(at, item)| (format!("{key}[{at}]"), item));
        let mut objects = Vec::new();
        for (path, item) in paths {
            match item {
                Value::Object(map) => objects.push((path, map)),
                _ => self.fault(path, "takes an object"),
            }
        }
        objects
    }

    /// Names every key of the object that no field has.
    pub(super) fn refuse_unknown(
        &mut self,
        map: &Map<String, Value>,
        path: &str,
        allowed: &[&str],
    ) {
        for key in map.keys().filter(|key| !allowed.contains(&key.as_str())) {
            // A key is not secret, but a mistake may have put anything there.
            let shown: String = key.chars().take(60).collect();
            let advice = closest::advice(key, "known keys", allowed);
            self.fault(join(path, &shown), format!("is unknown; {advice}"));
        }
    }

    /// The values of these fields, defaults filled in; secrets are left out.
    pub(super) fn fields(
        &mut self,
        map: &Map<String, Value>,
        path: &str,
        fields: &[Field],
    ) -> Values {
        let mut values = Values::new();
        for field in fields
            .iter()
            .filter(|field| field.takes != FieldType::Secret)
        {
            let key = join(path, field.key);
            let before = self.faults.len();
            let mut value = map
                .get(field.key)
                .and_then(|written| self.value(written, &key, field.takes));
            if self.faults.len() > before {
                continue;
            }
            if value.is_none() {
                value = field.default.and_then(|default| {
                    self.value(&default_json(field, default), &key, field.takes)
                });
            }
            match value {
                Some(value) => {
                    values.insert(field.key, value);
                }
                None if field.required => self.fault(key, missing(field)),
                None => {}
            }
        }
        values
    }

    /// Text in which `${ENV}` is filled in, where that is allowed.
    pub(super) fn text(&mut self, written: &Value, key: &str) -> Option<String> {
        let text = match scalars::text(written) {
            Ok(text) => text?,
            Err(expected) => {
                self.fault(key, expected);
                return None;
            }
        };
        let Some(surroundings) = self.surroundings else {
            return Some(text);
        };
        match surroundings.fill_in(&text) {
            Ok(filled) => Some(filled).filter(|filled| !filled.is_empty()),
            Err(reason) => {
                self.fault(key, reason);
                None
            }
        }
    }

    fn texts(&mut self, written: &Value, key: &str) -> Option<Vec<String>> {
        match written {
            Value::Array(items) => Some(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(at, item)| self.text(item, &format!("{key}[{at}]")))
                    .collect(),
            ),
            // Labels may be written as an object.
            Value::Object(map) => {
                let mut pairs = Vec::new();
                for (name, values) in map {
                    let values = self.texts(values, &join(key, name)).unwrap_or_default();
                    pairs.extend(values.into_iter().map(|value| format!("{name}={value}")));
                }
                Some(pairs)
            }
            _ => {
                let text = self.text(written, key)?;
                let parts = text.split([',', '\n']).map(str::trim);
                Some(
                    parts
                        .filter(|part| !part.is_empty())
                        .map(str::to_owned)
                        .collect(),
                )
            }
        }
    }

    fn value(&mut self, written: &Value, key: &str, takes: FieldType) -> Option<FieldValue> {
        let parsed = match takes {
            FieldType::TextList => return self.texts(written, key).map(FieldValue::TextList),
            FieldType::PathList => {
                let paths = match written {
                    Value::Array(_) => self.texts(written, key)?,
                    // A path may hold a comma, so a single text is a single path.
                    _ => vec![self.text(written, key)?],
                };
                let paths = paths
                    .iter()
                    .filter_map(|path| self.path(path, key))
                    .collect();
                return Some(FieldValue::TextList(paths));
            }
            FieldType::Text | FieldType::Secret => Ok(FieldValue::Text(self.text(written, key)?)),
            FieldType::Path => {
                let path = self.text(written, key)?;
                return self.path(&path, key).map(FieldValue::Text);
            }
            FieldType::Integer => {
                scalars::integer(&self.text(written, key)?).map(FieldValue::Integer)
            }
            FieldType::Duration => {
                scalars::duration(&self.text(written, key)?).map(FieldValue::Duration)
            }
            FieldType::Boolean => {
                scalars::boolean(&self.text(written, key)?).map(FieldValue::Boolean)
            }
            FieldType::Choice(words) => {
                let word = self.text(written, key)?;
                let plain = word.to_ascii_lowercase();
                if words.contains(&plain.as_str()) {
                    return Some(FieldValue::Text(plain));
                }
                let advice = closest::advice(&word, "allowed", words);
                self.fault(key, format!("takes one of a few words; {advice}"));
                return None;
            }
        };
        match parsed {
            Ok(value) => Some(value),
            Err(expected) => {
                self.fault(key, expected);
                None
            }
        }
    }

    fn path(&mut self, written: &str, key: &str) -> Option<String> {
        match self.access.admit(written, self.base) {
            Ok(path) => match path.into_os_string().into_string() {
                Ok(path) => Some(path),
                Err(_) => {
                    self.fault(key, "leads to a path that is no UTF-8");
                    None
                }
            },
            Err(reason) => {
                self.fault(key, reason);
                None
            }
        }
    }

    /// The globs of a list.
    pub(super) fn globs(&mut self, values: &mut Values, path: &str, field: &str) -> Vec<Glob> {
        let texts = texts_of(values, field);
        let mut globs = Vec::with_capacity(texts.len());
        for (at, text) in texts.iter().enumerate() {
            match Glob::new(text) {
                Ok(glob) => globs.push(glob),
                Err(error) => self.fault(
                    format!("{}[{at}]", join(path, field)),
                    format!("is no usable glob: {}", plain_reason(&error.reason)),
                ),
            }
        }
        globs
    }

    /// The expression of a field.
    pub(super) fn pattern(
        &mut self,
        values: &mut Values,
        path: &str,
        field: &str,
    ) -> Option<Pattern> {
        match Pattern::new(&text_of(values, field)?) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.fault(
                    join(path, field),
                    format!(
                        "is no usable regular expression: {}",
                        plain_reason(&error.reason)
                    ),
                );
                None
            }
        }
    }
}

/// `path.key`, or the key alone at the top.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Takes a text out of the values.
pub(super) fn text_of(values: &mut Values, key: &str) -> Option<String> {
    match values.remove(key) {
        Some(FieldValue::Text(text)) => Some(text),
        _ => None,
    }
}

/// Takes a list out of the values.
pub(super) fn texts_of(values: &mut Values, key: &str) -> Vec<String> {
    match values.remove(key) {
        Some(FieldValue::TextList(texts)) => texts,
        _ => Vec::new(),
    }
}

/// Takes a span of time out of the values.
pub(super) fn span_of(values: &mut Values, key: &str) -> Option<chrono::TimeDelta> {
    match values.remove(key) {
        Some(FieldValue::Duration(span)) => Some(span),
        _ => None,
    }
}

/// The message for a required field that is absent.
pub(super) fn missing(field: &Field) -> String {
    format!("is missing: {}", field.help)
}

/// A field's default as JSON: lists are written as JSON, everything else as its text.
pub(super) fn default_json(field: &Field, default: &str) -> Value {
    match field.takes {
        FieldType::TextList | FieldType::PathList => serde_json::from_str(default)
            // A single name is a list of one.
            .unwrap_or_else(|_| Value::String(default.to_owned())),
        _ => Value::String(default.to_owned()),
    }
}

/// A pattern's fault without the word that introduces it.
pub(super) fn plain_reason(reason: &str) -> &str {
    reason.trim_start_matches("error: ")
}
