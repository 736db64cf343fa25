//! `github`: commits, pull requests, releases and tags from GitHub, whichever of its three forms.

mod app;
mod branches;
mod changed;
pub(crate) mod check;
mod commits;
pub(crate) mod connection;
pub(crate) mod documents;
pub(crate) mod graphql;
pub(crate) mod json;
mod lists;
pub(crate) mod memory;
mod pieces;
mod pull_requests;
mod reading;
mod releases;
mod repositories;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::connection::{GITHUB_FIELDS, Named};
use self::reading::GitHub;
use crate::config::{Field, FieldValue, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields};
use crate::providers::scope::Scope;
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// GitHub as a Git host (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "github",
    group: "git",
    title: "GitHub",
    help: "Reads commits, pull requests with reviews, releases and tags from github.com, Enterprise Cloud or Enterprise Server.",
    fields: &FIELDS,
    yields: EventKinds::of(&[
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Release,
    ]),
    rank: 9,
    connect,
};

static FIELDS: [Field; GITHUB_FIELDS.len() + CONNECTION_FIELDS.len()] =
    connection_fields(GITHUB_FIELDS);

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let is_on = |key| source.fields.get(key) == Some(&FieldValue::Boolean(true));
    Ok(Box::new(GitHub {
        source: source.name.clone(),
        named: Named::of(source)?,
        scope: Scope::of(source)?,
        with_archived: is_on("archived"),
        with_forks: is_on("forks"),
        github: connection::connect(source, network)?,
    }))
}

impl Provider for GitHub {
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
