//! Reads the keys of a question leniently, collecting every fault on the way.

use serde_json::{Map, Value};

use super::{Fault, closest, scalars};

/// Reads keys, and keeps what was wrong.
#[derive(Default)]
pub(super) struct KeyReader {
    faults: Vec<Fault>,
    /// Faults beyond those that are kept.
    more: usize,
}

/// Faults that are told one by one: a question can have as many as it has bytes.
const MOST_FAULTS: usize = 50;

impl KeyReader {
    pub(super) fn fault(&mut self, key: impl Into<String>, message: impl Into<String>) {
        if self.faults.len() == MOST_FAULTS {
            self.more += 1;
            return;
        }
        self.faults.push(Fault {
            key: key.into(),
            message: message.into(),
        });
    }

    /// Every fault, the last one saying how many more there are.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        if self.more > 0 {
            self.faults.push(Fault {
                key: "pelorus".to_owned(),
                message: format!("has {} more faults", self.more),
            });
        }
        self.faults
    }

    pub(super) fn word<T>(
        &mut self,
        map: &Map<String, Value>,
        key: &str,
        words: &[&str],
        named: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let written = self.text(map, key, key)?;
        let found = named(&written);
        if found.is_none() {
            let advice = closest::advice(&written, "allowed", words);
            self.fault(key, unknown_value(&written, &advice));
        }
        found
    }

    pub(super) fn truth(&mut self, map: &Map<String, Value>, key: &str) -> bool {
        let Some(written) = self.text(map, key, key) else {
            return false;
        };
        scalars::boolean(&written).unwrap_or_else(|expected| {
            self.fault(key, expected);
            false
        })
    }

    pub(super) fn integer(&mut self, map: &Map<String, Value>, key: &str) -> Option<i64> {
        let written = self.text(map, key, key)?;
        match scalars::integer(&written) {
            Ok(number) => Some(number),
            Err(expected) => {
                self.fault(key, expected);
                None
            }
        }
    }

    pub(super) fn text(
        &mut self,
        map: &Map<String, Value>,
        key: &str,
        path: &str,
    ) -> Option<String> {
        let value = map.get(key)?;
        self.scalar(value, path)
    }

    pub(super) fn scalar(&mut self, value: &Value, path: &str) -> Option<String> {
        match scalars::text(value) {
            Ok(text) => text,
            Err(expected) => {
                self.fault(path, expected);
                None
            }
        }
    }

    /// Text with its spaces: a label's value may have some, or be empty.
    pub(super) fn whole_text(&mut self, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::String(text) => Some(text.clone()),
            other => self.scalar(other, path),
        }
    }

    pub(super) fn items(&mut self, map: &Map<String, Value>, key: &str) -> Vec<(String, Value)> {
        self.items_at(map, key, key)
    }

    /// The items of a list, each with its path; one item alone is a list of one.
    pub(super) fn items_at(
        &mut self,
        map: &Map<String, Value>,
        key: &str,
        path: &str,
    ) -> Vec<(String, Value)> {
        match map.get(key) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(at, item)| (format!("{path}[{at}]"), item.clone()))
                .collect(),
            Some(Value::String(text)) if text.trim().is_empty() => Vec::new(),
            Some(one) => vec![(path.to_owned(), one.clone())],
        }
    }
}

/// What to say of a value that is none of those allowed.
pub(super) fn unknown_value(written: &str, advice: &str) -> String {
    format!("does not know `{}`; {advice}", shorten(written))
}

/// At most sixty characters of what somebody wrote.
pub(super) fn shorten(text: &str) -> String {
    text.chars().take(60).collect()
}
