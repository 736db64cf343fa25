//! Labels of events: names with values, in order.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Text;

/// Labels of an event; a bare name has the value `true`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(pub BTreeMap<Text, Text>);

impl Labels {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a label.
    pub fn value(&self, name: &str) -> Option<&Text> {
        self.0.get(name)
    }

    /// Labels that are only names.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(
            names
                .into_iter()
                .map(|name| (name.into(), "true".into()))
                .collect(),
        )
    }
}
