//! `github_actions`: workflow runs as builds, and GitHub's Deployments with their statuses.

mod events;
mod json;
mod pieces;
mod reading;
mod repositories;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::reading::Actions;
use super::globs;
use crate::config::{Field, FieldType, FieldValue, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::git::github::check;
use crate::providers::git::github::connection::{self, GITHUB_FIELDS, Named};
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields, text_list};
use crate::providers::scope::Scope;
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// GitHub as a CI system (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "github_actions",
    group: "ci",
    title: "GitHub Actions",
    help: "Reads workflow runs and Deployments with their statuses from github.com, Enterprise Cloud or Enterprise Server.",
    fields: &FIELDS,
    yields: EventKinds::of(&[EventKind::Build, EventKind::Deployment]),
    rank: 8,
    connect,
};

const OWN: [Field; 3] = [
    Field {
        key: "workflows",
        title: "Workflows",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the names of workflows whose runs are builds; all without it.",
        placeholder: "build*",
    },
    Field {
        key: "branches",
        title: "Branches",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the branches whose runs are builds; all without it.",
        placeholder: "main",
    },
    Field {
        key: "jobs",
        title: "Jobs",
        takes: FieldType::Boolean,
        required: false,
        default: Some("false"),
        help: "Read each run's jobs as builds too: one request more a run.",
        placeholder: "",
    },
];

const BOTH: [Field; GITHUB_FIELDS.len() + OWN.len()] = {
    let mut both = [OWN[0]; GITHUB_FIELDS.len() + OWN.len()];
    let mut at = 0;
    while at < both.len() {
        both[at] = if at < GITHUB_FIELDS.len() {
            GITHUB_FIELDS[at]
        } else {
            OWN[at - GITHUB_FIELDS.len()]
        };
        at += 1;
    }
    both
};

static FIELDS: [Field; BOTH.len() + CONNECTION_FIELDS.len()] = connection_fields(BOTH);

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let is_on = |key| source.fields.get(key) == Some(&FieldValue::Boolean(true));
    let branches = text_list(source, "branches");
    let only_branch = match &branches[..] {
        [branch] if !branch.contains(['*', '?', '[', '{']) => Some(branch.clone()),
        _ => None,
    };
    Ok(Box::new(Actions {
        source: source.name.clone(),
        named: Named::of(source)?,
        scope: Scope::of(source)?,
        with_archived: is_on("archived"),
        with_forks: is_on("forks"),
        workflows: globs(source, "workflows")?,
        branches: globs(source, "branches")?,
        only_branch,
        with_jobs: is_on("jobs"),
        github: connection::connect(source, network)?,
    }))
}

impl Provider for Actions {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(self, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        check::check(&self.github, &self.named, now).boxed()
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}
