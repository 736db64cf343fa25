//! Azure Pipelines: runs of YAML and classic pipelines, deployments into environments, and classic releases.
//!
//! Source: the OpenAPI documents `build`, `release`, `core` and `environments` 7.1 of Azure DevOps (Services, and Server
//! 2022.1 or later).

mod check;
mod deployments;
mod events;
mod json;
mod lists;
mod pieces;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use url::Url;

use self::lists::Lists;
use super::globs;
use crate::config::{Field, FieldType, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::azure_devops;
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields, text_list};
use crate::providers::scope::{SCOPE_FIELDS, Scope};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// Azure Pipelines (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "azure_pipelines",
    group: "ci",
    title: "Azure Pipelines",
    help: "Reads pipeline runs, deployments into environments and classic releases of Azure DevOps Services or Server.",
    fields: &FIELDS,
    yields: EventKinds::of(&[EventKind::Build, EventKind::Deployment]),
    rank: 8,
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
        help: "Projects that are read; all of the organisation without any.",
        placeholder: "Shop",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    Field {
        key: "pipelines",
        title: "Pipelines",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the names of pipelines whose runs are builds; all without it.",
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
]);

/// Connected pipelines.
struct AzurePipelines(Lists);

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let api = azure_devops::api(source, network)?;
    let releases = match release_address(api.base()) {
        Some(base) => api.behind(base),
        None => api.clone(),
    };
    Ok(Box::new(AzurePipelines(Lists {
        api,
        releases,
        projects: text_list(source, "projects"),
        scope: Scope::of(source)?,
        pipelines: globs(source, "pipelines")?,
        branches: globs(source, "branches")?,
    })))
}

/// Where releases are, beside the rest: Services has a host of its own for them, a Server has none.
fn release_address(base: &Url) -> Option<Url> {
    let host = match base.host_str()? {
        "dev.azure.com" => "vsrm.dev.azure.com".to_owned(),
        host => {
            let organisation = host.strip_suffix(".visualstudio.com")?;
            format!("{organisation}.vsrm.visualstudio.com")
        }
    };
    let mut releases = base.clone();
    // A name that was made of a host's name is one.
    releases.set_host(Some(&host)).ok()?;
    Some(releases)
}

impl Provider for AzurePipelines {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(&self.0, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(self.0.check(now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}
