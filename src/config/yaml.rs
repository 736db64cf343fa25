//! YAML as JSON in which every value is the text that was written.
//!
//! YAML takes `007`, `1.10`, `no` and `12e03` for numbers and truths, and a token or a version would come out
//! changed. Every field knows what it takes and reads it from text, so nothing is guessed here.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::{Error, NonFiniteFloatPolicy};

/// The document as JSON of objects, lists, texts and nulls.
///
/// # Errors
/// What the parser says; its own `Display` shows the lines around, secrets included.
pub(super) fn read(text: &str) -> Result<Value, Error> {
    // The first reading finds out what is a list, an object or nothing; the second one takes the texts.
    let options = serde_saphyr::options! {
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    };
    let shape: Value = serde_saphyr::from_str_with_options(text, options.clone())?;
    if shape.is_null() {
        return Ok(shape);
    }
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
        AsWritten(&shape).deserialize(deserializer)
    })
}

/// Reads a node of that shape.
struct AsWritten<'a>(&'a Value);

impl<'de> DeserializeSeed<'de> for AsWritten<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0 {
            Value::Object(_) => deserializer.deserialize_map(self),
            Value::Array(_) => deserializer.deserialize_seq(self),
            Value::Null => deserializer
                .deserialize_ignored_any(IgnoredAny)
                .map(|_| Value::Null),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                deserializer.deserialize_string(self)
            }
        }
    }
}

impl<'de> Visitor<'de> for AsWritten<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object, a list or a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let shape = self.0.get(&key).unwrap_or(&Value::Null);
            let value = access.next_value_seed(AsWritten(shape))?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let shape = self.0.get(items.len()).unwrap_or(&Value::Null);
            match access.next_element_seed(AsWritten(shape))? {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_the_texts_that_were_written() {
        let written = "a: [007, 1.10, no, 12e03, 1e999, '  x ', \"y\\n\", true, ~]\nb: { c: 0x10, d: , e: |\n  }\n";
        assert!(read(written).is_err());
        let written = "a: [007, 1.10, no, 12e03, 1e999, ' x', \"y\\n\", true, ~]\nb: { c: 0x10, d: }\ne: |\n  two\n  lines\n";
        assert_eq!(
            read(written).unwrap(),
            json!({
                "a": ["007", "1.10", "no", "12e03", "1e999", " x", "y\n", "true", null],
                "b": {"c": "0x10", "d": null},
                "e": "two\nlines\n"
            })
        );
    }

    #[test]
    fn anchors_and_merged_keys_are_followed() {
        let written =
            "base: &base { kind: git, depth: 01 }\nshop: { <<: *base, path: 1.0 }\nsame: *base\n";
        assert_eq!(
            read(written).unwrap(),
            json!({
                "base": {"kind": "git", "depth": "01"},
                "shop": {"kind": "git", "depth": "01", "path": "1.0"},
                "same": {"kind": "git", "depth": "01"}
            })
        );
    }

    #[test]
    fn an_empty_document_is_nothing() {
        assert_eq!(read("").unwrap(), Value::Null);
        assert_eq!(read("# only a remark\n").unwrap(), Value::Null);
    }
}
