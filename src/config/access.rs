//! Whose files settings may name.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Which files settings may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whatever the user can read (command line, export). `${ENV}` and `file:` work in settings files.
    Everything,
    /// Only what lies in these folders, symbolic links followed (plugin). `${ENV}` and `file:` mean nothing.
    AllowedPaths(Vec<PathBuf>),
}

impl Access {
    /// The path as it may be opened: absolute or relative to `base`, `..` resolved, and where only some folders are
    /// allowed free of symbolic links.
    ///
    /// A glob is checked up to its first `*`, `?` or `[`.
    ///
    /// # Errors
    /// A sentence part that says what is wrong, without the path.
    pub(super) fn admit(&self, written: &str, base: Option<&Path>) -> Result<PathBuf, String> {
        let path = Path::new(written);
        let allowed = match self {
            Self::Everything => {
                return Ok(match base {
                    Some(base) if path.is_relative() => base.join(path),
                    Some(_) | None => path.to_owned(),
                });
            }
            Self::AllowedPaths(allowed) => allowed,
        };
        if path.is_relative() {
            return Err("takes an absolute path here".to_owned());
        }
        let (fixed, rest) = part_at_glob(&without_dots(path));
        if rest.components().any(|part| part == Component::ParentDir) {
            return Err("may not hold `..` after a wildcard".to_owned());
        }
        let real = without_links(&fixed).map_err(|_| "cannot be resolved".to_owned())?;
        let inside = allowed.iter().any(|folder| {
            // A folder that does not exist yet is compared as written.
            let folder = without_links(&without_dots(folder)).unwrap_or_else(|_| folder.clone());
            folder.is_absolute() && real.starts_with(&folder)
        });
        if !inside {
            return Err(
                "lies outside the folders that the administrator allows: `allowed_paths` in \
                 `[plugin.pelorus-dora-datasource]` of Grafana's configuration"
                    .to_owned(),
            );
        }
        Ok(if rest.as_os_str().is_empty() {
            real
        } else {
            real.join(rest)
        })
    }
}

/// The path with `.` and `..` resolved by their letters alone.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// The folders before the first wildcard, and what follows.
fn part_at_glob(path: &Path) -> (PathBuf, PathBuf) {
    let is_glob =
        |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let parts: Vec<_> = path.components().collect();
    let at = parts.iter().position(is_glob).unwrap_or(parts.len());
    (parts[..at].iter().collect(), parts[at..].iter().collect())
}

/// The path with symbolic links followed as far as it exists; what does not exist yet is appended.
fn without_links(path: &Path) -> io::Result<PathBuf> {
    let mut missing: Vec<OsString> = Vec::new();
    let mut at = path;
    loop {
        match at.canonicalize() {
            Ok(mut real) => {
                real.extend(missing.iter().rev());
                return Ok(real);
            }
            // A dangling link could later point anywhere, so only a name that is not there at all may be missing.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && at.symlink_metadata().is_err() =>
            {
                let (Some(parent), Some(name)) = (at.parent(), at.file_name()) else {
                    return Err(error);
                };
                missing.push(name.to_owned());
                at = parent;
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(allowed: &Path, written: &Path) -> Result<PathBuf, String> {
        Access::AllowedPaths(vec![allowed.to_owned()]).admit(&written.to_string_lossy(), None)
    }

    #[test]
    fn a_path_in_an_allowed_folder_passes_whether_it_exists_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        assert_eq!(
            admit(&real, &real.join("new/ledger.db")),
            Ok(real.join("new/ledger.db"))
        );
        assert_eq!(
            admit(&real, &real.join("events/*.jsonl")),
            Ok(real.join("events/*.jsonl"))
        );
        assert_eq!(admit(&real, &real.join("a/../b")), Ok(real.join("b")));
    }

    #[test]
    fn dots_links_and_neighbours_do_not_lead_out_of_the_allowed_folder() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().canonicalize().unwrap();
        let allowed = real.join("allowed");
        std::fs::create_dir_all(real.join("allowed-not")).unwrap();
        std::fs::create_dir_all(&allowed).unwrap();
        std::os::unix::fs::symlink(&real, allowed.join("out")).unwrap();
        std::os::unix::fs::symlink(real.join("nowhere"), allowed.join("dangling")).unwrap();
        for path in [
            "../secret",
            "../allowed-not/x",
            "out/secret",
            "out/allowed-not/*.jsonl",
            "dangling",
            "dangling/x",
            "*/../../secret",
        ] {
            assert!(admit(&allowed, &allowed.join(path)).is_err(), "{path}");
        }
        assert!(admit(&allowed, Path::new("relative")).is_err());
        assert!(admit(Path::new(""), Path::new("/etc/passwd")).is_err());
    }

    #[test]
    fn the_command_line_reads_relative_to_the_settings_file() {
        let everything = Access::Everything;
        assert_eq!(
            everything.admit("data/shop.git", Some(Path::new("/etc/pelorus"))),
            Ok(PathBuf::from("/etc/pelorus/data/shop.git"))
        );
        assert_eq!(
            everything.admit("/srv/shop.git", Some(Path::new("/etc/pelorus"))),
            Ok(PathBuf::from("/srv/shop.git"))
        );
    }
}
