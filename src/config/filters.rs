//! Reads the filters of a question, those of Grafana's ad hoc variables included.

use serde_json::{Map, Value};

use super::closest;
use super::key_reader::{KeyReader, shorten, unknown_value};
use super::question::group_key;
use super::reading::{join, plain_reason};
use crate::model::{Filter, FilterKey, GroupKey, Operator, Pattern, Text};

/// The keys of a filter.
const FILTER_KEYS: &[&str] = &["key", "operator", "value", "values"];

/// As many as an answer has groups at most.
const MOST_VALUES: usize = crate::model::Question::LARGEST_LIMIT;

/// What Grafana itself writes into an ad hoc filter.
const GRAFANA_FILTER_KEYS: &[&str] = &[
    "condition",
    "forceEdit",
    "hidden",
    "keyLabel",
    "matchAllFilter",
    "nonApplicable",
    "nonApplicableReason",
    "origin",
    "restorable",
    "valueLabels",
];

const TIERS: &[&str] = &["production", "staging", "testing", "development", "none"];

impl KeyReader {
    pub(super) fn filters(&mut self, map: &Map<String, Value>) -> Vec<Filter> {
        let mut filters = Vec::new();
        for (path, item) in self.items(map, "filters") {
            match item {
                Value::Object(filter) => filters.extend(self.filter(&filter, &path)),
                _ => self.fault(path, "takes an object of key, operator and value"),
            }
        }
        filters
    }

    fn filter(&mut self, map: &Map<String, Value>, path: &str) -> Option<Filter> {
        for key in map.keys().map(String::as_str) {
            if !FILTER_KEYS.contains(&key) && !GRAFANA_FILTER_KEYS.contains(&key) {
                let advice = closest::advice(key, "known keys", FILTER_KEYS);
                self.fault(join(path, &shorten(key)), format!("is unknown; {advice}"));
            }
        }
        let key_path = join(path, "key");
        let key = match self.text(map, "key", &key_path) {
            None => {
                self.fault(&key_path, format!("is missing; {}", filter_keys()));
                None
            }
            Some(written) => match filter_key(&written) {
                Ok(key) => Some(key),
                Err(advice) => {
                    self.fault(&key_path, unknown_value(&written, &advice));
                    None
                }
            },
        };
        let operator_path = join(path, "operator");
        let operator = match self.text(map, "operator", &operator_path) {
            None => Operator::Equal,
            Some(written) => match Operator::named(&written) {
                Some(operator) => operator,
                None => {
                    let advice = format!("operators: {}", Operator::WORDS.join(" "));
                    self.fault(operator_path, unknown_value(&written, &advice));
                    return None;
                }
            },
        };
        let values = self.filter_values(map, operator, path);
        let mut pattern = None;
        if matches!(operator, Operator::Matches | Operator::NotMatches) {
            match Pattern::whole(values.first().map_or("", |value| value)) {
                Ok(compiled) => pattern = Some(compiled),
                Err(error) => self.fault(
                    join(path, "value"),
                    format!(
                        "is no usable regular expression: {}",
                        plain_reason(&error.reason)
                    ),
                ),
            }
        } else if key == Some(FilterKey::Tier) {
            for value in &values {
                if !TIERS.contains(&&**value) {
                    let advice = closest::advice(value, "tiers", TIERS);
                    self.fault(join(path, "value"), unknown_value(value, &advice));
                }
            }
        }
        Some(Filter {
            key: key?,
            operator,
            values,
            pattern,
        })
    }

    fn filter_values(
        &mut self,
        map: &Map<String, Value>,
        operator: Operator,
        path: &str,
    ) -> Vec<Text> {
        let takes_many = matches!(operator, Operator::OneOf | Operator::NoneOf);
        let mut many = Vec::new();
        for (item_path, item) in self.items_at(map, "values", &join(path, "values")) {
            many.extend(self.whole_text(&item, &item_path).map(Text::from));
        }
        // Ad hoc filters of many values repeat the first one as `value`.
        let one = map.get("value").filter(|value| !value.is_null());
        if many.len() > MOST_VALUES {
            self.fault(
                join(path, "values"),
                format!("takes at most {MOST_VALUES} values"),
            );
            return Vec::new();
        }
        if takes_many && !many.is_empty() {
            return many;
        }
        let repeats = |value: &Value| many.len() == 1 && value.as_str() == Some(&*many[0]);
        if !takes_many && !many.is_empty() && !one.is_some_and(repeats) {
            self.fault(
                join(path, "values"),
                format!(
                    "goes with the operators =| and !=| only; `{}` takes one `value`",
                    operator.as_str()
                ),
            );
            return Vec::new();
        }
        match one {
            Some(value) => self
                .whole_text(value, &join(path, "value"))
                .map(Text::from)
                .into_iter()
                .collect(),
            None => {
                let key = if takes_many { "values" } else { "value" };
                self.fault(join(path, key), "is missing");
                Vec::new()
            }
        }
    }
}

/// The key that is spelt so.
///
/// # Errors
/// The keys there are.
pub(super) fn filter_key(written: &str) -> Result<FilterKey, String> {
    Ok(match written {
        "tier" => FilterKey::Tier,
        "severity" => FilterKey::Severity,
        "outcome" => FilterKey::Outcome,
        "rule" => FilterKey::Rule,
        _ => {
            return group_key(written).map(FilterKey::Group).map_err(|_| {
                let words = [GroupKey::WORDS, FilterKey::WORDS, &["label:<name>"]].concat();
                closest::advice(written, "keys", &words)
            });
        }
    })
}

fn filter_keys() -> String {
    let words = [GroupKey::WORDS, FilterKey::WORDS, &["label:<name>"]].concat();
    format!("keys: {}", words.join(", "))
}
