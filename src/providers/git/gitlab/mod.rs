//! GitLab: commits, merge requests with their reviews, releases and tags of the projects of groups.
//!
//! Source: "REST API" and "GraphQL API" of the documentation of GitLab 18.

mod check;
mod events;
mod history;
mod json;
mod known;
mod lists;
mod pieces;
mod queries;
mod requests;
pub(in crate::providers) mod server;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::lists::Lists;
use self::server::SERVER_FIELDS;
use crate::config::{Field, FieldValue, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields};
use crate::providers::scope::{SCOPE_FIELDS, Scope};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// GitLab (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "gitlab",
    group: "git",
    title: "GitLab",
    help: "Reads commits, merge requests, reviews, tags and releases of GitLab groups.",
    fields: &FIELDS,
    yields: EventKinds::of(&[
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Release,
    ]),
    rank: 9,
    connect,
};

const OWN: usize = SERVER_FIELDS.len() + SCOPE_FIELDS.len();
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    SERVER_FIELDS[0],
    SERVER_FIELDS[1],
    SERVER_FIELDS[2],
    SERVER_FIELDS[3],
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[2],
    SCOPE_FIELDS[3],
]);

/// A connected GitLab.
struct GitLab {
    lists: Lists,
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    Ok(Box::new(GitLab {
        lists: Lists {
            server: server::connect(source, network)?,
            scope: Scope::of(source)?,
            with_archived: source.fields.get("archived") == Some(&FieldValue::Boolean(true)),
        },
    }))
}

impl Provider for GitLab {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(&self.lists, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(self.lists.server.check(now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}
