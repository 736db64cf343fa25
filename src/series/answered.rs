//! What `/api/v1/query` answers.

use std::collections::BTreeMap;

use serde::Deserialize;

/// An answer to an instant query; on errors the status of the response says it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Answered {
    data: Data,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
struct Data {
    #[serde(default)]
    result: Vec<AnsweredSeries>,
}

/// One series of an answer.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AnsweredSeries {
    /// Its labels.
    pub metric: BTreeMap<String, String>,
    /// Time in seconds and value, where the query was for a vector.
    #[serde(default)]
    value: Option<(f64, String)>,
    /// Times in seconds and values, where it was for a range.
    #[serde(default)]
    values: Vec<(f64, String)>,
}

impl Answered {
    /// The series.
    pub fn series(&self) -> &[AnsweredSeries] {
        &self.data.result
    }

    /// Thanos: what could not be asked. Prometheus: oddities of remote reads.
    pub fn warnings(&self) -> &[String] {
        self.warnings.as_deref().unwrap_or_default()
    }
}

impl AnsweredSeries {
    /// Names and values of its labels.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metric
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first of these labels that it has; empty where it has none.
    pub fn label(&self, names: &[&str]) -> &str {
        let found = names.iter().find_map(|name| self.metric.get(*name));
        found.map_or("", String::as_str)
    }

    /// Its samples: time in milliseconds, value; a value that is no number is left out.
    pub fn samples(&self) -> impl Iterator<Item = (i64, f64)> {
        let samples = self.value.iter().chain(&self.values);
        samples.filter_map(|(at, value)| Some(((at * 1_000.0).round() as i64, value.parse().ok()?)))
    }
}
