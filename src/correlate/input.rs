//! What correlation is given beside the rules.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::References;
use crate::model::{Application, Cluster, Coverage, Environment, Event, Rules, SourceName};

/// What correlation knows of one application.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The application.
    pub application: &'a Application,
    /// All events of its subjects, in any order; duplicates are harmless.
    pub events: &'a [Event],
    /// What all of the world says about other events.
    pub references: &'a References,
    /// The rules of the settings.
    pub rules: &'a Rules,
    /// The sources of the settings.
    pub sources: &'a Sources,
}

/// What correlation must know of a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceFacts {
    /// Its name.
    pub name: SourceName,
    /// Rank of its kind among those that report deployments, 0 the first (definitions, section 1, "One truth").
    pub rank: u8,
    /// The environment of its deployments that name none.
    pub environment: Option<Environment>,
    /// The cluster of its deployments that name none.
    pub cluster: Option<Cluster>,
    /// The ranges it answered for.
    pub coverage: Coverage,
}

/// Facts of all sources, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources(BTreeMap<SourceName, SourceFacts>);

impl Sources {
    /// The facts of a source; `None` where the settings no longer hold it: it then ranks last.
    pub fn facts(&self, source: &SourceName) -> Option<&SourceFacts> {
        self.0.get(source)
    }
}

impl FromIterator<SourceFacts> for Sources {
    fn from_iter<I: IntoIterator<Item = SourceFacts>>(facts: I) -> Self {
        let by_name = facts.into_iter().map(|facts| (facts.name.clone(), facts));
        Self(by_name.collect())
    }
}

/// Milliseconds since 1970, the form of instants in columns.
pub(super) fn millis(instant: DateTime<Utc>) -> i64 {
    instant.timestamp_millis()
}
