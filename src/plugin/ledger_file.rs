//! Where a data source's ledger is, and whose it is.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::administration::Administration;
use super::caller::DataSourceKey;
use super::failure::Failure;
use crate::ledger::Location;

/// Where a ledger is, and why nowhere better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Where it is.
    pub(super) location: Location,
    /// What the reader must know about it.
    pub(super) notice: Option<String>,
}

/// The place of a data source's ledger: where its settings say, else in Grafana's data folder, else in memory.
pub(super) fn place(
    administration: &Administration,
    key: &DataSourceKey,
    set: Option<&Path>,
) -> Place {
    if let Some(path) = set {
        return Place {
            location: Location::File(real_path(path)),
            notice: None,
        };
    }
    let in_memory = |reason: String| Place {
        location: Location::Memory,
        notice: Some(format!(
            "The ledger is in memory, so that everything is read again after a restart: {reason}."
        )),
    };
    let Some(folder) = &administration.ledger_folder else {
        return in_memory(
            "Grafana passes no data folder (`GF_PATHS_DATA`) and the settings have no `ledger`"
                .to_owned(),
        );
    };
    match make_writable(folder) {
        Ok(()) => Place {
            location: Location::File(real_path(&folder.join(file_name(key)))),
            notice: None,
        },
        Err(error) => in_memory(format!("{} cannot be written ({error})", folder.display())),
    }
}

/// Makes the data source the owner of a ledger's file for good, or refuses where another one owns it.
///
/// Without this an editor of one organisation could name the ledger of another one and read it. The owner stands
/// beside the ledger, in `<file>.owner`.
///
/// # Errors
/// A failure that says what to do.
pub(super) fn own(file: &Path, key: &DataSourceKey) -> Result<(), Failure> {
    let mut owner_file = file.as_os_str().to_owned();
    owner_file.push(".owner");
    let owner_file = PathBuf::from(owner_file);
    let owner = format!("{key}\n");
    let made = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&owner_file)
        .and_then(|mut opened| opened.write_all(owner.as_bytes()));
    match made {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            match fs::read_to_string(&owner_file) {
                // An empty file is what a crash between creating and writing leaves.
                Ok(known) if known == owner || known.is_empty() => Ok(()),
                Ok(_) | Err(_) => Err(belongs_to_another(file)),
            }
        }
        // A folder that only the administrator can write, as that of an export loop's ledger: who may read
        // it stands in `allowed_paths`.
        Err(_) => Ok(()),
    }
}

/// The refusal of a ledger that another data source uses.
pub(super) fn belongs_to_another(file: &Path) -> Failure {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Failure::unusable(format!(
        "the ledger {name} belongs to another data source: give each data source a `ledger` of its own, or leave \
         it out (an administrator can remove {name}.owner to hand it over)"
    ))
}

/// `<tenant>-<uid>.db`, whatever characters both have.
fn file_name(key: &DataSourceKey) -> String {
    let plain = format!("{}-{}", key.tenant.as_str(), key.uid);
    let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if plain.chars().all(is_safe) && plain.len() <= 120 {
        return format!("{plain}.db");
    }
    let safe: String = plain
        .chars()
        .take(100)
        .map(|c| if is_safe(c) { c } else { '_' })
        .collect();
    let digest = hex::encode(Sha256::digest(plain.as_bytes()));
    format!("{safe}-{}.db", &digest[..16])
}

fn make_writable(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    let probe = folder.join(format!(".write-{}", std::process::id()));
    fs::write(&probe, b"")?;
    fs::remove_file(&probe)
}

/// The path without symbolic links, so that two spellings of one file are one file.
fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    // The ledger may not exist yet; then its folder decides. A folder that does not exist is the ledger's to report.
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        (Some(Err(_)) | None, _) | (_, None) => path.to_owned(),
    }
}
