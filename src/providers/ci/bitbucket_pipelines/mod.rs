//! Bitbucket Pipelines: runs and deployments of many repositories of Bitbucket Cloud.
//!
//! Source: the API's own OpenAPI document (2.0, read November 2026).

mod events;
mod json;
mod lists;
mod pieces;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use self::lists::Lists;
use crate::config::{Field, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::bitbucket_cloud::{CLOUD_FIELDS, Cloud, OWN, Values};
use crate::providers::http::{CONNECTION_FIELDS, Network, connection_fields};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// Bitbucket Pipelines (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "bitbucket_pipelines",
    group: "ci",
    title: "Bitbucket Pipelines",
    help: "Reads pipeline runs and deployments of Bitbucket Cloud.",
    fields: &FIELDS,
    yields: EventKinds::of(&[EventKind::Build, EventKind::Deployment]),
    rank: 8,
    connect,
};

static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>(CLOUD_FIELDS);

/// Connected pipelines.
struct BitbucketPipelines(Lists);

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let cloud = Cloud::connect(source, network)?;
    Ok(Box::new(BitbucketPipelines(Lists(cloud))))
}

impl Provider for BitbucketPipelines {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(&self.0, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(check(&self.0.0, now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}

/// Reads a page of repositories, and one run of the first: a token may lack the right to those.
async fn check(cloud: &Cloud, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
    let seen = cloud.sees(now).await?;
    let mut advice = seen.advice;
    if let Some(name) = &seen.first {
        let (workspace, short) = name.split_once('/').unwrap_or((name, ""));
        let call = cloud
            .api
            .get(&["repositories", workspace, short, "pipelines"]);
        let asked = call
            .query("sort", "-created_on")
            .query("pagelen", 1)
            .query("fields", json::RUN_FIELDS)
            .send()
            .await;
        match asked {
            Ok(answer) => drop(answer.json::<Values<json::Run>>()?),
            Err(error) if error.is_not_found() => {
                advice.push(format!("{name} has no pipelines."));
            }
            Err(error) if error.concerns_one_thing() => advice.push(format!(
                "Pipelines of {name} cannot be read: the token needs `read:pipeline:bitbucket` (an access token: Pipelines, Read)."
            )),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(CheckReport {
        message: seen.message,
        advice: (!advice.is_empty()).then(|| advice.join(" ")),
    })
}
