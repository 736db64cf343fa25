//! A local repository or clone as a source: commits, tags, and the pull requests that messages name.

use std::path::PathBuf;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::{self, BoxFuture, FutureExt};
use futures::stream::{self, BoxStream, StreamExt};

use super::commits::Commits;
use super::reading::Reading;
use super::repository::Opened;
use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds, Repository, SourceName};
use crate::providers::http::Network;
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, repository_name,
};

/// A local Git repository (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "git",
    group: "git",
    title: "Git repository",
    help: "Reads commits and tags of a repository or clone on this machine.",
    fields: FIELDS,
    yields: EventKinds::of(&[
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Release,
    ]),
    rank: 9,
    connect,
};

const FIELDS: &[Field] = &[
    Field {
        key: "path",
        title: "Path",
        takes: FieldType::Path,
        required: true,
        default: None,
        help: "Folder of a bare repository, a clone or a linked worktree.",
        placeholder: "/srv/git/shop.git",
    },
    Field {
        key: "repository",
        title: "Repository",
        takes: FieldType::Text,
        required: false,
        default: None,
        help: "Name as host/owner/name; without it origin's URL names the repository, else local/<folder>.",
        placeholder: "github.com/acme/shop",
    },
    Field {
        key: "branch",
        title: "Default branch",
        takes: FieldType::Text,
        required: false,
        default: None,
        help: "The branch that counts as the default one; without it HEAD's, else origin/HEAD's, else main or master.",
        placeholder: "main",
    },
    Field {
        key: "paths",
        title: "Read paths",
        takes: FieldType::Boolean,
        required: false,
        default: Some("false"),
        help: "Read the paths each commit touches; only needed for monorepo rules, and slow.",
        placeholder: "",
    },
];

/// What the settings of a `git` source say.
#[derive(Clone, Debug)]
pub(super) struct GitSettings {
    /// The source's name.
    pub(super) source: SourceName,
    /// Where the repository is.
    pub(super) path: PathBuf,
    /// Its name, where the settings give one.
    pub(super) repository: Option<Repository>,
    /// The default branch, where the settings name one.
    pub(super) branch: Option<String>,
    /// Whether the paths that commits touch are read.
    pub(super) reads_paths: bool,
}

struct LocalRepository {
    settings: GitSettings,
}

fn connect(source: &SourceSettings, _: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let text = |key| match source.fields.get(key) {
        Some(FieldValue::Text(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    };
    let Some(path) = text("path") else {
        return Err(SettingsError {
            faults: vec![Fault {
                key: "path".to_owned(),
                message: "is missing: give the folder of the repository".to_owned(),
            }],
        });
    };
    Ok(Box::new(LocalRepository {
        settings: GitSettings {
            source: source.name.clone(),
            path: path.into(),
            repository: text("repository").map(|name| repository_name::of_text(&name)),
            branch: text("branch"),
            reads_paths: source.fields.get("paths") == Some(&FieldValue::Boolean(true)),
        },
    }))
}

impl Provider for LocalRepository {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        stream::iter(Pages::Closed {
            settings: self.settings.clone(),
            request,
        })
        .boxed()
    }

    fn check(&self, _now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        future::lazy(|_| check(&self.settings)).boxed()
    }

    fn reach(&self) -> Reach {
        Reach::Whole
    }
}

/// The pages of one reading, made as they are asked for.
///
/// Blocks while it reads: `sync` polls it where that is allowed.
enum Pages {
    Closed {
        settings: GitSettings,
        request: PageRequest,
    },
    Open(Box<Reading>),
    Over,
}

impl Iterator for Pages {
    type Item = Result<Page, FetchError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut reading = match std::mem::replace(self, Self::Over) {
            Self::Over => return None,
            Self::Open(reading) => reading,
            Self::Closed { settings, request } => match Reading::start(settings, request) {
                Ok(reading) => Box::new(reading),
                Err(error) => return Some(Err(error)),
            },
        };
        let page = reading.page();
        if page.is_ok() && !reading.is_over() {
            *self = Self::Open(reading);
        }
        Some(page)
    }
}

fn check(settings: &GitSettings) -> Result<CheckReport, FetchError> {
    let opened = Opened::open(settings)?;
    let branches = counted(opened.count_branches()?, "branch", "branches");
    let tags = counted(opened.tags.len(), "tag", "tags");
    let name = opened.name.clone();
    let mut advice = opened.is_shallow().then(|| {
        "This clone is shallow: run `git fetch --unshallow` for its whole history.".into()
    });
    let message = match &opened.default {
        None if opened.tags.is_empty() => {
            format!("{name} is empty: it has no branch and no tag yet.")
        }
        None => format!("Sees {branches} and {tags} of {name}; no default branch."),
        Some(head) => {
            let branch = head.branch.clone();
            let tip = head.commit;
            let newest = Commits::new(settings, opened)
                .newest(tip)
                .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
                .unwrap_or_else(|| "an unknown time".to_owned());
            if branch.is_none() && advice.is_none() {
                advice = Some("HEAD is detached: name the default branch in `branch`.".to_owned());
            }
            format!(
                "Sees {branches} and {tags} of {name}; default branch {}, newest commit at {newest}.",
                branch.as_deref().unwrap_or("unknown (HEAD is detached)"),
            )
        }
    };
    Ok(CheckReport { message, advice })
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
