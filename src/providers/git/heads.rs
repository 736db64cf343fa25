//! The cursor: the heads of a repository that were read.

use std::collections::{BTreeMap, BTreeSet};

use gix::ObjectId;
use serde::{Deserialize, Serialize};

use super::repository::Opened;
use crate::model::Cursor;

/// Bumped when what is read of a commit changes, so that everything is read anew.
const VERSION: u32 = 1;

/// How far a repository was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Heads {
    version: u32,
    repository: String,
    paths: bool,
    /// The cut of a shallow clone: when it moves, history appears behind the heads.
    boundary: String,
    /// Head of the default branch.
    pub(super) default: Option<ObjectName>,
    /// Tags, each with what it pointed at.
    pub(super) tags: BTreeMap<String, ObjectName>,
    /// Time of the earliest commit, in milliseconds since 1970.
    pub(super) earliest_ms: Option<i64>,
    /// Commits that could not be read, to be tried again: of the default branch, and of tags.
    pub(super) unread: BTreeSet<ObjectName>,
    pub(super) unread_of_tags: BTreeSet<ObjectName>,
}

/// An object's name, in JSON as hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ObjectName(pub(super) ObjectId);

impl Heads {
    /// Nothing read yet of this repository.
    pub(super) fn none(opened: &Opened, reads_paths: bool) -> Self {
        let boundary: Vec<u8> = opened
            .boundary
            .iter()
            .flat_map(|id| id.as_slice())
            .copied()
            .collect();
        Self {
            version: VERSION,
            repository: opened.name.to_string(),
            paths: reads_paths,
            boundary: if boundary.is_empty() {
                String::new()
            } else {
                format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&boundary))
            },
            ..Self::default()
        }
    }

    /// What a cursor says; `None` for one of another format.
    pub(super) fn parse(cursor: &Cursor) -> Option<Self> {
        // What cannot be read is no cursor of ours: the caller starts anew.
        serde_json::from_str(&cursor.0).ok()
    }

    /// Whether both speak of one repository, read in one way.
    pub(super) fn goes_on_from(&self, earlier: &Self) -> bool {
        self.version == earlier.version
            && self.repository == earlier.repository
            && self.paths == earlier.paths
            && self.boundary == earlier.boundary
    }

    /// The cursor that says so.
    pub(super) fn to_cursor(&self) -> Option<Cursor> {
        // Maps of strings always have a JSON form; without a cursor the worst is a second reading.
        serde_json::to_string(self).ok().map(Cursor)
    }
}

impl Serialize for ObjectName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.to_hex())
    }
}

impl<'de> Deserialize<'de> for ObjectName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        ObjectId::from_hex(digits.as_bytes())
            .map(Self)
            .map_err(|_| serde::de::Error::custom("no object name"))
    }
}
