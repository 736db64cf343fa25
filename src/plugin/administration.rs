//! What Grafana's administrator says about the plugin, by the environment that Grafana passes.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::app::Addresses;
use crate::config::Access;

/// What only the administrator decides: no data source's editor can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Administration {
    /// Where ledgers live that no settings place elsewhere; `None`: Grafana passes no data folder.
    ///
    /// Read from `GF_PATHS_DATA`: its subfolder `pelorus`.
    pub(super) ledger_folder: Option<PathBuf>,
    /// Folders in which settings may name files. Default: the ledger folder alone.
    ///
    /// Read from `allowed_paths` in `[plugin.pelorus-dora-datasource]`, separated by `:` or `,`; Grafana passes it as
    /// `GF_PLUGIN_ALLOWED_PATHS`.
    pub(super) allowed_paths: Vec<PathBuf>,
    /// Whether sources may have loopback, link-local and metadata addresses. Default: no.
    ///
    /// Read from `allow_loopback` in the same section, passed as `GF_PLUGIN_ALLOW_LOOPBACK`.
    pub(super) allow_loopback: bool,
}

impl Administration {
    /// Reads variables of the environment.
    pub(super) fn read(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let ledger_folder = given("GF_PATHS_DATA").map(|data| PathBuf::from(data).join("pelorus"));
        let allowed_paths = match given("GF_PLUGIN_ALLOWED_PATHS") {
            Some(paths) => paths
                .to_string_lossy()
                .split([':', ','])
                .map(str::trim)
                .filter(|path| !path.is_empty())
                .map(PathBuf::from)
                .collect(),
            None => ledger_folder.iter().cloned().collect(),
        };
        Self {
            ledger_folder,
            allowed_paths,
            allow_loopback: given("GF_PLUGIN_ALLOW_LOOPBACK").is_some_and(|value| {
                let value = value.to_string_lossy().trim().to_ascii_lowercase();
                ["true", "1", "yes", "on"].contains(&value.as_str())
            }),
        }
    }

    /// Which addresses sources may ask.
    pub(super) fn addresses(&self) -> Addresses {
        if self.allow_loopback {
            Addresses::All
        } else {
            Addresses::Remote
        }
    }

    /// Which files settings may name.
    pub(super) fn access(&self) -> Access {
        Access::AllowedPaths(self.allowed_paths.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Administration {
        Administration::read(|name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some(value.into())
        })
    }

    #[test]
    fn an_empty_environment_allows_nothing() {
        let administration = read(&[]);
        assert_eq!(administration.ledger_folder, None);
        assert_eq!(administration.access(), Access::AllowedPaths(Vec::new()));
        assert!(!administration.allow_loopback);
    }

    #[test]
    fn the_ledger_folder_is_allowed_unless_the_administrator_names_others() {
        let folder = PathBuf::from("/var/lib/grafana/pelorus");
        let data = ("GF_PATHS_DATA", "/var/lib/grafana");
        assert_eq!(read(&[data]).allowed_paths, [folder]);
        let named = read(&[
            data,
            ("GF_PLUGIN_ALLOWED_PATHS", "/srv/git, /srv/events:/x,"),
        ]);
        assert_eq!(
            named.allowed_paths,
            ["/srv/git", "/srv/events", "/x"].map(PathBuf::from)
        );
    }

    #[test]
    fn loopback_is_allowed_by_a_word_of_consent_only() {
        assert!(read(&[("GF_PLUGIN_ALLOW_LOOPBACK", "True")]).allow_loopback);
        assert!(!read(&[("GF_PLUGIN_ALLOW_LOOPBACK", "false")]).allow_loopback);
        assert!(!read(&[("GF_PLUGIN_ALLOW_LOOPBACK", "")]).allow_loopback);
    }
}
