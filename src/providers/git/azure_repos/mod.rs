//! Azure Repos: commits, pull requests with their reviews, and tags of many repositories.
//!
//! Source: the OpenAPI document `git` 7.1 of Azure DevOps (Services, and Server 2022.1 or later).

mod check;
mod events;
mod graph;
mod history;
mod json;
mod lists;
mod pieces;
mod requests;
mod reviews;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::lists::Lists;
use crate::config::{Field, FieldType, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::azure_devops::{self, fault};
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields, text_list};
use crate::providers::scope::{SCOPE_FIELDS, Scope};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// Azure Repos (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "azure_repos",
    group: "git",
    title: "Azure Repos",
    help: "Reads commits, pull requests, reviews and tags of Azure DevOps Services or Server.",
    fields: &FIELDS,
    yields: EventKinds::of(&[
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Release,
    ]),
    rank: 9,
    connect,
};

const OWN: usize = 8;
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    azure_devops::FIELDS[0],
    azure_devops::FIELDS[1],
    azure_devops::FIELDS[2],
    Field {
        key: "projects",
        title: "Projects",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Projects whose repositories are read; all of the organisation when neither these nor repositories are named.",
        placeholder: "Shop",
    },
    Field {
        key: "repositories",
        title: "Repositories",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Repositories that are read beside those of the projects, as project/name.",
        placeholder: "Shop/api",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[3],
]);

/// A connected Azure Repos.
struct AzureRepos {
    lists: Lists,
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let api = azure_devops::api(source, network)?;
    let mut repositories = Vec::new();
    for (at, written) in text_list(source, "repositories").iter().enumerate() {
        match written.split('/').collect::<Vec<_>>()[..] {
            [project, name] if !project.is_empty() && !name.is_empty() => {
                repositories.push((project.to_owned(), name.to_owned()));
            }
            _ => return Err(fault(&format!("repositories[{at}]"), "takes project/name")),
        }
    }
    Ok(Box::new(AzureRepos {
        lists: Lists {
            api,
            projects: text_list(source, "projects"),
            repositories,
            scope: Scope::of(source)?,
        },
    }))
}

impl Provider for AzureRepos {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(&self.lists, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(self.lists.check(now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}
