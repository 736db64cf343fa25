//! Settings for a command: from a file, or made for one repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde_json::json;

use super::bounded;
use super::exit::Failure;
use crate::config::{Access, Process, Settings};
use crate::ledger::Location;

/// The settings file where none is named.
const DEFAULT_FILE: &str = "pelorus.yaml";

/// The largest settings file that is read: far more than any needs.
const LARGEST_FILE_MEBIBYTES: usize = 16;

/// A version tag, for repositories without settings.
const VERSION_TAG: &str = r"^v?\d+(\.\d+)+$";

/// The settings of a file; paths in it start at its folder.
///
/// # Errors
/// A file that cannot be read, or settings with faults: both are the user's to mend.
pub(super) fn from_file(file: Option<&Path>) -> Result<Settings, Failure> {
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let text = std::fs::File::open(path)
        .and_then(|file| bounded::read(file, LARGEST_FILE_MEBIBYTES))
        .map_err(|error| {
            let is_none_here = file.is_none() && error.kind() == std::io::ErrorKind::NotFound;
            anyhow::Error::new(error).context(if is_none_here {
                format!("no --config and no {DEFAULT_FILE} here: name a settings file, or try `pelorus query --repo .`")
            } else {
                format!("cannot read the settings file {}", path.display())
            })
        })
        .map_err(Failure::unusable)?;
    let folder = std::path::absolute(path)
        .ok()
        .and_then(|path| path.parent().map(Path::to_owned))
        // A path without a folder stands in the current one.
        .unwrap_or_else(|| PathBuf::from("."));
    let settings = Settings::from_yaml(&text, &Process, &folder).map_err(|error| {
        let faults: Vec<String> = error
            .faults
            .iter()
            .map(|fault| format!("  {fault}"))
            .collect();
        Failure::unusable(anyhow!(
            "the settings in {} have faults:\n{}",
            path.display(),
            faults.join("\n")
        ))
    })?;
    if settings.sources.is_empty() {
        return Err(Failure::unusable(anyhow!(
            "the settings in {} name no source: `pelorus providers` lists the kinds there are",
            path.display()
        )));
    }
    Ok(settings)
}

/// Settings that read one repository and take its version tags for deployments.
///
/// # Errors
/// A path that is no folder.
pub(super) fn for_repository(path: &Path) -> Result<Settings, Failure> {
    let whole = path
        .canonicalize()
        .with_context(|| format!("cannot find the repository {}", path.display()))
        .map_err(Failure::unusable)?;
    let json = json!({
        "people": "hidden",
        "sources": [{ "name": source_name(&whole), "kind": "git", "path": whole.to_string_lossy() }],
        "deployments": [{ "from": "tag", "match": VERSION_TAG, "environment": "production" }],
    });
    Settings::from_json(&json, &HashMap::new(), &Access::Everything).map_err(Failure::unusable)
}

/// A source's name made of the folder's: what does not fit becomes `-`.
fn source_name(path: &Path) -> String {
    let folder = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let fitting = folder.trim_end_matches(".git").chars().map(|letter| {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            letter
        } else {
            '-'
        }
    });
    let name: String = fitting
        .skip_while(|letter| *letter == '-')
        .take(40)
        .collect();
    if name.is_empty() {
        "repository".to_owned()
    } else {
        name
    }
}

/// Where the ledger of the settings lives; without one it is gone with the command.
pub(super) fn location(settings: &Settings) -> Location {
    match &settings.ledger {
        Some(path) => Location::File(path.clone()),
        None => Location::Memory,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_after_its_folder() {
        let name = |path: &str| source_name(Path::new(path));
        assert_eq!(name("/srv/Shop.Front.git"), "shop-front");
        assert_eq!(name("/srv/--x"), "x");
        assert_eq!(name("/"), "repository");
        assert_eq!(name("/srv/日本"), "repository");
        assert_eq!(name(&format!("/{}", "a".repeat(60))).len(), 40);
    }
}
