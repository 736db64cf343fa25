//! The cursor: how far each file was read; and the files that paths and globs name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::model::{Body, Cursor, Notice, TimeRange};
use crate::providers::FetchError;

/// Bumped when what is read of a line changes, so that everything is read anew.
const VERSION: u32 = 1;

/// So many bytes from the start, and before the place reached, tell whether a file is the one that was read.
const SAMPLE_BYTES: u64 = 4 << 10;

/// How far each file was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Places {
    version: u32,
    /// Whether deployments could do without environment.
    has_environment: bool,
    pub(super) files: BTreeMap<String, Place>,
    /// Time of the earliest event, in milliseconds since 1970.
    pub(super) earliest_ms: Option<i64>,
}

/// How far one file was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Bytes read; of a compressed file 0.
    pub(super) offset: u64,
    /// Lines read.
    pub(super) lines: u64,
    /// Hash of samples of what was read; empty for a compressed file.
    pub(super) sample: String,
    /// Its size when read.
    pub(super) size: u64,
    /// When a compressed file was changed, in milliseconds since 1970.
    pub(super) changed_ms: Option<i64>,
    /// Why a compressed file ended early.
    pub(super) fault: Option<String>,
}

impl Places {
    /// Notes when an event was, to know from when on the files answer.
    pub(super) fn note_time(&mut self, body: &Body) {
        let time = body.time();
        // A pull request, or a release, without any time says nothing of when.
        if time != DateTime::<Utc>::UNIX_EPOCH {
            let at = time.timestamp_millis();
            self.earliest_ms = Some(self.earliest_ms.map_or(at, |known| known.min(at)));
        }
    }

    /// Files answer from their earliest event on; `sync` ends the range at the moment the reading began.
    pub(super) fn covered(&self) -> Option<TimeRange> {
        let start = DateTime::from_timestamp_millis(self.earliest_ms?)?;
        Some(TimeRange::new(start, DateTime::<Utc>::MAX_UTC))
    }

    pub(super) fn none(has_environment: bool) -> Self {
        Self {
            version: VERSION,
            has_environment,
            files: BTreeMap::new(),
            earliest_ms: None,
        }
    }

    /// What a cursor says; `None` for one of another format.
    pub(super) fn parse(cursor: &Cursor) -> Option<Self> {
        // What cannot be read is no cursor of ours: the caller starts anew.
        serde_json::from_str(&cursor.0).ok()
    }

    /// Whether lines are read now as they were then.
    pub(super) fn goes_on_from(&self, earlier: &Self) -> bool {
        (self.version, self.has_environment) == (earlier.version, earlier.has_environment)
    }

    /// The cursor that says so.
    pub(super) fn to_cursor(&self) -> Option<Cursor> {
        // Maps of strings always have a JSON form; without a cursor the worst is a second reading.
        serde_json::to_string(self).ok().map(Cursor)
    }
}

/// A file that the settings name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The files that paths and globs name, each once, by name.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) files: Vec<Named>,
    pub(super) notices: Vec<Notice>,
    /// Why a file that is named cannot be read.
    pub(super) failures: Vec<FetchError>,
}

impl Selection {
    pub(super) fn of(paths: &[String]) -> Self {
        let mut selection = Self::default();
        let mut found = BTreeSet::new();
        for path in paths {
            let is_glob = path.contains(['*', '?', '[']) && !Path::new(path).exists();
            if !is_glob {
                found.insert(PathBuf::from(path));
                continue;
            }
            let before = found.len();
            // `connect` refused globs that make no sense.
            for entry in glob::glob(path).into_iter().flatten() {
                match entry {
                    Ok(path) if path.is_dir() => {}
                    Ok(path) => {
                        found.insert(path);
                    }
                    Err(error) => {
                        let path = error.path().to_owned();
                        selection.failures.push(unavailable(&path, error.into()));
                    }
                }
            }
            if found.len() == before {
                selection
                    .notices
                    .push(Notice::warning(format!("No file matches {path} yet.")));
            }
        }
        for path in found {
            match std::fs::metadata(&path) {
                Ok(metadata) if metadata.is_file() => {
                    selection.files.push(Named {
                        path,
                        bytes: metadata.len(),
                    });
                }
                Ok(metadata) => selection.failures.push(no_file(&path, &metadata)),
                Err(error) => selection.failures.push(unavailable(&path, error)),
            }
        }
        selection
    }
}

/// A hash of what a plain file has at its start and before the offset.
pub(super) fn sample(file: &mut File, offset: u64) -> io::Result<String> {
    let length = offset.min(SAMPLE_BYTES);
    let mut bytes = Vec::new();
    for start in [0, offset - length] {
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(length).read_to_end(&mut bytes)?;
    }
    Ok(format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&bytes)))
}

/// How errors name a file.
pub(super) fn what(path: &Path) -> String {
    format!("the events file {}", path.display())
}

/// A file that cannot be read now.
pub(super) fn unavailable(path: &Path, error: io::Error) -> FetchError {
    FetchError::Unavailable {
        what: what(path),
        source: error.into(),
    }
}

fn no_file(path: &Path, metadata: &Metadata) -> FetchError {
    let source = if metadata.is_dir() {
        anyhow::anyhow!(
            "it is a folder: name its files by a glob such as {}/*.jsonl",
            path.display()
        )
    } else {
        anyhow::anyhow!("it is no plain file")
    };
    FetchError::Malformed {
        what: what(path),
        source,
    }
}
