//! What of Azure Pipelines is still to be read, and what is known of its projects.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::events::Made;
use crate::providers::walk::Known;

/// What runs were made of is carried for so many; the others are asked for by number.
const MOST_RUNS: usize = 50_000;

/// A project that is being read.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Project {
    pub(super) id: String,
    pub(super) name: String,
    /// From when on.
    pub(super) since: DateTime<Utc>,
    /// Whether it was never read that far back.
    pub(super) is_new: bool,
    /// What the runs were made of that were met in this reading.
    pub(super) runs: BTreeMap<u64, Made>,
}

impl Project {
    /// Takes a run in; of too many the oldest go.
    pub(super) fn meet(&mut self, run: u64, made: Made) {
        self.runs.insert(run, made);
        if self.runs.len() > MOST_RUNS {
            self.runs.pop_first();
        }
    }
}

/// What is known for good of a project, by its id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct KnownProject {
    pub(super) name: String,
    /// How far back it was read.
    pub(super) from: DateTime<Utc>,
    /// Until when.
    pub(super) until: DateTime<Utc>,
}

impl KnownProject {
    pub(super) fn of(known: &Known, id: &str) -> Option<Self> {
        // What another version wrote differently is read again.
        serde_json::from_str(known.get(&project_key(id))?).ok()
    }

    pub(super) fn learnt(&self, id: &str) -> (String, Option<String>) {
        let text = serde_json::to_string(self).expect("plain data with text keys");
        (project_key(id), Some(text))
    }
}

fn project_key(id: &str) -> String {
    format!("project/{id}")
}

/// The name under which a repository's first name is kept, by its id.
pub(super) fn repository_key(id: &str) -> String {
    format!("repository/{id}")
}

/// An environment of a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) id: u64,
    pub(super) name: String,
}

/// One page that is still to be read. What of a project follows on what is one chain, so that the project is known to be
/// read when its last link is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Piece {
    Projects {
        next: Option<String>,
        count: usize,
    },
    Named {
        name: String,
    },
    Runs {
        project: Project,
        next: Option<String>,
    },
    /// Runs that had not ended when they were last met.
    Unfinished {
        project: Project,
        ids: Vec<u64>,
    },
    Environments {
        project: Project,
        next: Option<String>,
        found: Vec<Place>,
    },
    /// Deployments into the first of these environments.
    Records {
        project: Project,
        places: Vec<Place>,
        next: Option<String>,
    },
    Releases {
        project: Project,
        next: Option<String>,
    },
}

impl Piece {
    /// What it reads, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Projects { .. } => "the projects".to_owned(),
            Self::Named { name } => name.clone(),
            Self::Runs { project, .. } | Self::Unfinished { project, .. } => {
                format!("runs of {}", project.name)
            }
            Self::Environments { project, .. } => format!("environments of {}", project.name),
            Self::Records {
                project, places, ..
            } => {
                let place = places.first().map(|place| place.name.as_str());
                format!("{} of {}", place.unwrap_or("environments"), project.name)
            }
            Self::Releases { project, .. } => format!("releases of {}", project.name),
        }
    }
}
