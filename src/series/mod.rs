//! Events as samples of Prometheus' data model, and back, losing nothing.
//!
//! The lossless family: one series an event version, named `pelorus_event_timestamp_seconds`. Value and sample time are the
//! event's main time (seconds, milliseconds); labels hold the rest. A value survives what destroys sample times (lookback,
//! downsampling), and a sample time makes ranges cheap, so both are there.
//!
//! | label | holds |
//! |---|---|
//! | `type`, `id`, `revision` | the event's kind and id, and the ledger's time of this version in milliseconds: the highest is the newest |
//! | `event_<field>` | the field of that name in an events file; `event_source` and `event_url` stand beside them |
//! | `type="source"` | such a series tells of a source (`id`): the rank, environment and cluster of its events, and since when it was read |
//! | `part`, `parts` | where labels would grow past 2,000 bytes, the version goes on in further series, counted from 0 |
//!
//! Fields have a prefix because Prometheus and Thanos lay their external labels (`cluster`, `environment`) over ours.

mod answered;
mod families;
mod openmetrics;
mod origin;
mod range;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod write;

pub use answered::{Answered, AnsweredSeries};
pub use families::{Families, escaped};
pub use openmetrics::{HEADER, TRAILER, line};
pub use origin::{SOURCE, origin_of, sample_of_origin};
pub use range::{range_query, selector_query};
pub use read::{Assembler, Unreadable, Version};
pub use write::{Unwritable, samples_of};

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The name of the lossless family.
pub const FAMILY: &str = "pelorus_event_timestamp_seconds";

/// The most bytes of a label's value: what servers with limits allow at least.
pub const LONGEST: usize = 2_000;

/// The label that Prometheus keeps a series' name in.
pub const NAME: &str = "__name__";

/// Names with values.
pub type Labels = Vec<(Cow<'static, str>, String)>;

/// One sample of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The series: names with values, sorted by name, `__name__` among them; no value is empty.
    pub labels: Labels,
    /// Sample time in milliseconds since 1970 UTC.
    pub at: i64,
    /// Its value.
    pub value: f64,
}

impl Sample {
    /// A sample whose value is its own time, in seconds: exact for 285,000 years around 1970.
    pub fn of_time(mut labels: Labels, at: i64) -> Self {
        labels.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Self {
            labels,
            at,
            value: at as f64 / 1_000.0,
        }
    }

    /// A label's value; empty where the series lacks it, as Prometheus has it.
    pub fn label(&self, name: &str) -> &str {
        self.labels
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// Adds labels that tell exporters apart; those that the series has of its own stay.
    pub fn add_labels(&mut self, labels: &BTreeMap<String, String>) {
        for (name, value) in labels {
            let at = self
                .labels
                .binary_search_by(|(known, _)| known.as_ref().cmp(name));
            if let Err(at) = at {
                self.labels.insert(at, (name.clone().into(), value.clone()));
            }
        }
    }
}

/// How a field of an event stands in a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Text,
    Number,
    Truth,
    List,
    Map,
}

/// The shape of a field of that kind of event. A field that is not named here is a text.
fn shape(kind: &str, field: &str) -> Shape {
    match (kind, field) {
        ("pull_request", "reverts" | "number") | ("commit", "pull_request") => Shape::Number,
        (_, "default_branch" | "bot" | "rollback" | "user_facing" | "prerelease") => Shape::Truth,
        (_, "parents" | "reverts" | "paths" | "commits" | "images" | "tags" | "components") => {
            Shape::List
        }
        (_, "labels") => Shape::Map,
        _ => Shape::Text,
    }
}
