//! Settings: read from a data source's jsonData and secureJsonData, and from a YAML file of the same keys.
//!
//! Every field is described once (`fields`, and the kinds' own), for reading, validation, editors and documentation.
//! Validation reports every fault at once, by key, never by value. Questions are read here too.

mod access;
mod closest;
mod describe;
mod export;
mod fields;
mod filters;
mod key_reader;
mod question;
mod read;
mod reading;
mod rules;
mod scalars;
mod sources;
mod surroundings;
mod words;
mod yaml;

#[cfg(test)]
mod export_tests;
#[cfg(test)]
mod question_tests;
#[cfg(test)]
mod tests;

pub use access::Access;
pub use describe::{describe_kinds, describe_metrics};
pub use export::{Backfill, DESTINATION_FIELDS, Destination, EXPORT_FIELDS, Export, RemoteWrite};
pub use fields::{
    APPLICATION_FIELDS, DEPLOYMENT_FIELDS, ENVIRONMENT_FIELDS, EVIDENCE_FIELDS, FIELDS,
    SOURCE_FIELDS,
};
pub use question::{QuestionError, parse_question, parse_question_for};
pub(crate) use read::zone;
pub use surroundings::{Process, Surroundings};
pub use words::{describe, question_json};

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::TimeDelta;
use secrecy::SecretString;

use crate::model::{BandsYear, Cluster, Environment, Rules, SourceName, WeekStart};

/// Everything that a user can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The ledger's file; `None`: the plugin's folder, or memory.
    pub ledger: Option<PathBuf>,
    /// The zone of calendar buckets where neither question nor dashboard names one; `None` is UTC.
    pub timezone: Option<chrono_tz::Tz>,
    #[allow(missing_docs)]
    pub week_start: WeekStart,
    #[allow(missing_docs)]
    pub bands_year: BandsYear,
    /// The sources, in their order; names are unique.
    pub sources: Vec<SourceSettings>,
    /// Applications, deployments, environments and evidence.
    pub rules: Rules,
    /// What becomes of people's names, before the ledger.
    pub people: People,
    /// How old data may be before a question asks the source again. Default 15 min.
    pub freshness: TimeDelta,
    /// How long syncing goes on after the last question. Default 24 h.
    pub keep_syncing: TimeDelta,
    /// How far before a range deployments, incidents and verdicts are read. Default 400 d.
    pub lookback: TimeDelta,
    /// How long events are kept; `None`: for ever.
    pub retention: Option<TimeDelta>,
    /// How long a question of the plugin waits for sources. Default 20 s.
    pub deadline: TimeDelta,
    /// What `pelorus export` does; `None`: it is not set up.
    pub export: Option<Export>,
}

/// What becomes of people's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum People {
    #[default]
    Hidden,
    /// A stable name, keyed by a secret of the ledger.
    Pseudonym,
    Shown,
}

/// One configured source.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Its name.
    pub name: SourceName,
    /// Its kind's name (`git`).
    pub kind: &'static str,
    /// The environment of its deployments that name none.
    pub environment: Option<Environment>,
    /// The cluster of its deployments that name none.
    pub cluster: Option<Cluster>,
    /// The kind's own fields, checked against their descriptions, defaults filled in.
    pub fields: BTreeMap<&'static str, FieldValue>,
    /// The kind's secret fields.
    pub secrets: BTreeMap<&'static str, SecretString>,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum FieldValue {
    Text(String),
    Integer(i64),
    Duration(TimeDelta),
    Boolean(bool),
    TextList(Vec<String>),
}

/// A field of the settings, described once.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Its key in jsonData and YAML (secrets: in secureJsonData `<source name>__<key>`).
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it takes.
    pub takes: FieldType,
    /// Whether settings without it are refused.
    pub required: bool,
    /// The default, as YAML; `None`: nothing.
    pub default: Option<&'static str>,
    /// One sentence: what it means, and what its absence means.
    pub help: &'static str,
    /// An example.
    pub placeholder: &'static str,
}

impl Field {
    /// A field that may be absent, without default, help and example.
    pub const fn named(key: &'static str, title: &'static str, takes: FieldType) -> Self {
        Self {
            key,
            title,
            takes,
            required: false,
            default: None,
            help: "",
            placeholder: "",
        }
    }
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FieldType {
    Text,
    Secret,
    Integer,
    Duration,
    Boolean,
    /// One of these words.
    Choice(&'static [&'static str]),
    TextList,
    /// A path of a file, checked against `allowed_paths` in the plugin.
    Path,
    /// Paths or globs of files, likewise.
    PathList,
}

/// All faults of some settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the settings have {} {}: {}", faults.len(), if faults.len() == 1 { "fault" } else { "faults" }, faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct SettingsError {
    /// Each fault.
    pub faults: Vec<Fault>,
}

/// One fault: which key, and what to do; never the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the key (`sources[2].path`).
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "`{}` {}", self.key, self.message)
    }
}
