//! Bitbucket Cloud: commits, pull requests with their reviews and merges, and tags of many repositories.
//!
//! Source: the API's own OpenAPI document (2.0, read November 2026).

mod check;
mod events;
mod history;
mod json;
mod lists;
mod log;
mod pieces;
mod requests;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::lists::Lists;
use crate::config::{Field, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::bitbucket_cloud::{CLOUD_FIELDS, Cloud, OWN};
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// Bitbucket Cloud (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "bitbucket",
    group: "git",
    title: "Bitbucket Cloud",
    help: "Reads commits, pull requests, reviews and tags of Bitbucket Cloud.",
    fields: &FIELDS,
    yields: EventKinds::of(&[
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Release,
    ]),
    rank: 9,
    connect,
};

static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>(CLOUD_FIELDS);

/// A connected Bitbucket Cloud.
struct Bitbucket(Lists);

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    Ok(Box::new(Bitbucket(Lists(Cloud::connect(source, network)?))))
}

impl Provider for Bitbucket {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(&self.0, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(check::check(&self.0.0, now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}
