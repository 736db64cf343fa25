//! Reads the configured sources.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::fields::SOURCE_FIELDS;
use super::reading::{Reading, Values, join, missing, text_of};
use super::{Field, FieldType, FieldValue, SourceSettings, closest};
use crate::model::{Cluster, Environment, SourceName};
use crate::providers::ProviderKind;

/// The longest name of a source.
const LONGEST_NAME: usize = 40;

/// Reads the list `sources`.
pub(super) fn read(reading: &mut Reading<'_>, value: Option<&Value>) -> Vec<SourceSettings> {
    let mut sources: Vec<SourceSettings> = Vec::new();
    for (path, map) in reading.objects(value, "sources") {
        if let Some(source) = read_one(reading, &path, map) {
            if sources.iter().any(|known| known.name == source.name) {
                reading.fault(join(&path, "name"), "is the name of an earlier source too");
            }
            sources.push(source);
        }
    }
    sources
}

fn read_one(
    reading: &mut Reading<'_>,
    path: &str,
    map: &Map<String, Value>,
) -> Option<SourceSettings> {
    let mut common = reading.fields(map, path, SOURCE_FIELDS);
    let name = name(reading, path, &mut common);
    let kind = kind_of(reading, path, text_of(&mut common, "kind"));
    let kind = kind?;
    let allowed: Vec<&str> = SOURCE_FIELDS
        .iter()
        .chain(kind.fields)
        .map(|field| field.key)
        .collect();
    reading.refuse_unknown(map, path, &allowed);
    let mut fields = reading.fields(map, path, kind.fields);
    // `serde_json` keeps an empty list; a required list must hold something.
    for field in kind.fields.iter().filter(|field| field.required) {
        if fields.get(field.key) == Some(&FieldValue::TextList(Vec::new())) {
            fields.remove(field.key);
            reading.fault(join(path, field.key), missing(field));
        }
    }
    let secrets = secrets_of(reading, path, map, kind.fields, name.as_deref());
    Some(SourceSettings {
        name: SourceName::from(name?),
        kind: kind.name,
        environment: text_of(&mut common, "environment").map(Environment::from),
        cluster: text_of(&mut common, "cluster").map(Cluster::from),
        fields,
        secrets,
    })
}

/// The name of a source or a destination; one that does not fit is a fault.
pub(super) fn name(reading: &mut Reading<'_>, path: &str, values: &mut Values) -> Option<String> {
    text_of(values, "name").filter(|name| {
        let fits = is_name(name);
        if !fits {
            reading.fault(
                join(path, "name"),
                "takes 1 to 40 characters of a-z, 0-9 and `-`, and does not start with `-`",
            );
        }
        fits
    })
}

fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= LONGEST_NAME
        && name.bytes().next().is_some_and(is_letter)
        && name.bytes().all(|byte| is_letter(byte) || byte == b'-')
}

fn kind_of(
    reading: &mut Reading<'_>,
    path: &str,
    written: Option<String>,
) -> Option<&'static ProviderKind> {
    let written = written?;
    let found = reading
        .kinds
        .iter()
        .copied()
        .find(|kind| kind.name == written);
    if found.is_none() {
        let names: Vec<_> = reading.kinds.iter().map(|kind| kind.name).collect();
        let advice = closest::advice(&written, "known kinds", &names);
        reading.fault(join(path, "kind"), format!("is no known kind; {advice}"));
    }
    found
}

/// The secrets of a source: from the secret settings, else (in a settings file) from beside its other fields.
pub(super) fn secrets_of(
    reading: &mut Reading<'_>,
    path: &str,
    map: &Map<String, Value>,
    fields: &[Field],
    name: Option<&str>,
) -> BTreeMap<&'static str, SecretString> {
    let mut secrets = BTreeMap::new();
    for field in fields
        .iter()
        .filter(|field| field.takes == FieldType::Secret)
    {
        let before = reading.faults.len();
        if let Some(secret) = secret(reading, path, map, field, name) {
            secrets.insert(field.key, secret);
        } else if field.required && reading.faults.len() == before {
            reading.fault(join(path, field.key), missing(field));
        }
    }
    secrets
}

fn secret(
    reading: &mut Reading<'_>,
    path: &str,
    map: &Map<String, Value>,
    field: &Field,
    name: Option<&str>,
) -> Option<SecretString> {
    let secure_key = format!("{}__{}", name.unwrap_or_default(), field.key);
    let kept = reading.secrets.get(&secure_key);
    if let Some(secret) = kept.filter(|secret| !secret.expose_secret().is_empty()) {
        return Some(secret.clone());
    }
    let written = map.get(field.key).filter(|written| !written.is_null())?;
    let key = join(path, field.key);
    if matches!(reading.access, super::Access::AllowedPaths(_)) {
        reading.fault(
            key,
            format!(
                "is a secret and belongs into secureJsonData under `<source name>__{}`",
                field.key
            ),
        );
        return None;
    }
    let (surroundings, base) = (reading.surroundings, reading.base);
    let text = reading.text(written, &key)?;
    match surroundings {
        None => Some(text.into()),
        Some(surroundings) => match surroundings.secret(text, base) {
            Ok(secret) => Some(secret.into()),
            Err(reason) => {
                reading.fault(key, reason);
                None
            }
        },
    }
}
