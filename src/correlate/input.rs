//! What correlation is given beside the rules.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{History, References};
use crate::model::{Application, Cluster, Coverage, Environment, Origin, Rules, SourceName};

/// What correlation knows of one application.
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The application.
    pub application: &'a Application,
    /// All events of its subjects.
    pub history: &'a History,
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

impl From<Origin> for SourceFacts {
    fn from(origin: Origin) -> Self {
        Self {
            coverage: origin.coverage(),
            name: origin.source,
            rank: origin.rank,
            environment: origin.environment,
            cluster: origin.cluster,
        }
    }
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

/// An instant in columns, or none, in eight bytes; none comes before all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(i64);

impl Moment {
    /// The moment of an instant.
    pub(super) fn of(instant: Option<DateTime<Utc>>) -> Self {
        Self(instant.map_or(i64::MIN, millis))
    }

    /// Milliseconds since 1970.
    pub(super) fn known(self) -> Option<i64> {
        (self.0 != i64::MIN).then_some(self.0)
    }
}
