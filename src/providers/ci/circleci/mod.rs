//! CircleCI: the workflows of pipelines.
//!
//! Source: the OpenAPI document of API v2 (circleci.com and CircleCI Server 4; read November 2026). Its successor, v3, is not
//! there on Server.

mod events;
mod json;
mod lists;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use url::Url;

use self::lists::{AT_ONCE, List, Lists};
use super::globs;
use crate::config::{Fault, Field, FieldType, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::http::{
    Api, CONNECTION_FIELDS, Credential, HttpError, Limits, Network, Profile, connection_fields,
    secret, text, text_list,
};
use crate::providers::scope::{SCOPE_FIELDS, Scope};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// CircleCI (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "circleci",
    group: "ci",
    title: "CircleCI",
    help: "Reads the workflows of CircleCI's pipelines, in the cloud or on a server.",
    fields: &FIELDS,
    yields: EventKinds::of(&[EventKind::Build]),
    rank: 8,
    connect,
};

const OWN: usize = 8;
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: false,
        default: Some("https://circleci.com"),
        help: "Address of the CircleCI Server, where it is one's own.",
        placeholder: "https://circleci.acme.example",
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: true,
        default: None,
        help: "A personal API token: CircleCI's API takes no other.",
        placeholder: "",
    },
    Field {
        key: "organizations",
        title: "Organisations",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Slugs of organisations whose pipelines are read: gh/<name>, bb/<name>, or circleci/<id> as Organization Settings show it.",
        placeholder: "gh/acme",
    },
    Field {
        key: "projects",
        title: "Projects",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Slugs of projects that are read beside those of the organisations.",
        placeholder: "gh/acme/shop",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    Field {
        key: "workflows",
        title: "Workflows",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the names of workflows that are builds; all without it.",
        placeholder: "build*",
    },
    Field {
        key: "branches",
        title: "Branches",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Globs of the branches and tags whose pipelines are read; all without it.",
        placeholder: "main",
    },
]);

/// The vendor names no number and asks by 429 and Retry-After to slow down.
const PROFILE: Profile = Profile {
    accept: "application/json",
    headers: &[],
    limits: Limits {
        concurrency: AT_ONCE,
        per_minute: None,
        per_hour: None,
    },
};

/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

/// A connected CircleCI.
struct CircleCi(Lists);

fn fault(key: &str, message: &str) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    }
}

/// The slugs of a setting, each of so many parts.
fn slugs(source: &SourceSettings, key: &str, parts: usize) -> Result<Vec<String>, SettingsError> {
    let slugs = text_list(source, key);
    let is_slug = |slug: &String| {
        slug.split('/').filter(|part| !part.is_empty()).count() == parts
            && slug.split('/').count() == parts
    };
    match slugs.iter().position(|slug| !is_slug(slug)) {
        None => Ok(slugs),
        Some(at) => {
            let example = ["", "", "gh/acme", "gh/acme/shop"][parts];
            Err(fault(
                &format!("{key}[{at}]"),
                &format!("takes a slug like {example}"),
            ))
        }
    }
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let written = text(source, "url").unwrap_or_else(|| "https://circleci.com".to_owned());
    let mut base = Url::parse(&written)
        .map_err(|_| fault("url", "takes an address like https://circleci.com"))?;
    if base.host_str() == Some("app.circleci.com") {
        return Err(fault(
            "url",
            "takes the API's address, https://circleci.com: that of the pages answers nothing",
        ));
    }
    let path = base
        .path()
        .trim_end_matches('/')
        .trim_end_matches("/api/v2")
        .to_owned();
    base.set_path(&format!("{path}/api/v2/"));
    let token = secret(source, "token")
        .ok_or_else(|| fault("token", "is missing: give a personal API token"))?;
    let credential = Credential::Header {
        name: "circle-token",
        token,
    };
    let organizations = slugs(source, "organizations", 2)?;
    let projects = slugs(source, "projects", 3)?;
    if organizations.is_empty() && projects.is_empty() {
        return Err(fault(
            "organizations",
            "is missing: name organisations here, or projects in `projects`",
        ));
    }
    let organizations = organizations.into_iter().map(List::Organization);
    Ok(Box::new(CircleCi(Lists {
        api: Api::connect(network, source, base, PROFILE, credential)?,
        lists: organizations
            .chain(projects.into_iter().map(List::Project))
            .collect(),
        scope: Scope::of(source)?,
        workflows: globs(source, "workflows")?,
        branches: globs(source, "branches")?,
    })))
}

impl Provider for CircleCi {
    fn pages(&self, request: PageRequest) -> BoxStream<'_, Result<Page, FetchError>> {
        walk::pages(&self.0, request)
    }

    fn check(&self, now: DateTime<Utc>) -> BoxFuture<'_, Result<CheckReport, FetchError>> {
        Box::pin(check(&self.0, now))
    }

    fn reach(&self) -> Reach {
        Reach::Walk
    }
}

/// Reads a page of pipelines of the first organisation or project.
async fn check(lists: &Lists, now: DateTime<Utc>) -> Result<CheckReport, FetchError> {
    let first = &lists.lists[0];
    let answer = match lists.pipelines(&lists.api, first, None).await {
        Ok(answer) => answer,
        // It answers the same for what is not there and for what its user may not see.
        Err(HttpError::NotFound { what }) => {
            let name = first.slug();
            let needs = format!(
                "its user must be a member of {name}, and the slug be written as CircleCI shows it"
            );
            return Err(FetchError::Unauthorized {
                what,
                needs: Some(needs),
            });
        }
        Err(error) => return Err(error.into()),
    };
    let told: json::Items<json::Pipeline> = answer.json()?;
    let read: Vec<_> = told.items.iter().filter(|told| lists.reads(told)).collect();
    let message = match read.first().and_then(|told| events::repository(told)) {
        Some(repository) => format!(
            "Sees pipelines of {}; one of the newest ran for {repository}.",
            first.slug()
        ),
        None => format!("Sees {}, and no pipeline of it that is read.", first.slug()),
    };
    let skew = answer.served_at().map(|served_at| served_at - now);
    let advice = skew.filter(|skew| skew.abs() > SKEW).map(|skew| {
        let way = if skew > TimeDelta::zero() { "ahead of" } else { "behind" };
        let seconds = skew.num_seconds().abs();
        format!("The server's clock is {seconds} s {way} this machine's: set both by NTP, or lead times are off by that.")
    });
    Ok(CheckReport { message, advice })
}
