//! GitLab CI/CD: pipelines, deployments and the tiers of environments of the projects of groups.
//!
//! Source: "GraphQL API resources" and "Deployments API" of the documentation of GitLab 18.

mod deployments;
mod events;
mod json;
mod lists;
mod pieces;
mod pipelines;
mod queries;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::lists::Lists;
use crate::config::{Fault, Field, FieldType, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds, Glob};
use crate::providers::git::gitlab::server::{self, SERVER_FIELDS};
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields, text_list};
use crate::providers::scope::{SCOPE_FIELDS, Scope};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// GitLab CI/CD (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "gitlab_ci",
    group: "ci",
    title: "GitLab CI/CD",
    help: "Reads pipelines, environments and deployments of GitLab groups.",
    fields: &FIELDS,
    yields: EventKinds::of(&[EventKind::Build, EventKind::Deployment]),
    rank: 8,
    connect,
};

const OWN: usize = 2 + SERVER_FIELDS.len() + SCOPE_FIELDS.len();
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    SERVER_FIELDS[0],
    SERVER_FIELDS[1],
    SERVER_FIELDS[2],
    SERVER_FIELDS[3],
    Field {
        key: "refs",
        title: "Branches and tags",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the branches and tags whose pipelines are read; all without it.",
        placeholder: "main",
    },
    Field {
        key: "startedBy",
        title: "Started by",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "What starts the pipelines that are read (push, web, schedule, merge_request_event, …); anything without it.",
        placeholder: "push",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[2],
    SCOPE_FIELDS[3],
]);

/// A connected GitLab.
struct GitLabCi {
    lists: Lists,
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let refs = text_list(source, "refs");
    let globs: Result<Vec<Glob>, _> = refs.iter().map(|text| Glob::new(text)).collect();
    let globs = globs.map_err(|error| SettingsError {
        faults: vec![Fault {
            key: "refs".to_owned(),
            message: format!("has no usable glob: {error}"),
        }],
    })?;
    Ok(Box::new(GitLabCi {
        lists: Lists {
            server: server::connect(source, network)?,
            scope: Scope::of(source)?,
            only_ref: lists::plain(&refs),
            refs: globs,
            started_by: text_list(source, "startedBy")
                .iter()
                .map(|source| source.to_lowercase())
                .collect(),
        },
    }))
}

impl Provider for GitLabCi {
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
