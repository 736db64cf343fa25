//! Bitbucket Data Center: commits, pull requests with their activities, and tags of many repositories.
//!
//! Source: the API's own OpenAPI document, version 9.4.

mod check;
mod events;
mod history;
mod json;
mod lists;
mod pieces;
mod requests;

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use url::Url;

use self::lists::Lists;
use crate::config::{Fault, Field, FieldType, SettingsError, SourceSettings};
use crate::model::{EventKind, EventKinds};
use crate::providers::http::{
    Api, CONNECTION_FIELDS, Credential, Limits, Network, Profile, connection_fields, secret, text,
    text_list,
};
use crate::providers::scope::{SCOPE_FIELDS, Scope};
use crate::providers::{
    CheckReport, FetchError, Page, PageRequest, Provider, ProviderKind, Reach, walk,
};

/// Bitbucket Data Center (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "bitbucket_server",
    group: "git",
    title: "Bitbucket Data Center",
    help: "Reads commits, pull requests, reviews and tags of a Bitbucket Data Center or Server.",
    fields: &FIELDS,
    yields: EventKinds::of(&[
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Release,
    ]),
    rank: 9,
    connect,
};

const OWN: usize = 5 + SCOPE_FIELDS.len();
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: true,
        default: None,
        help: "Address of the server, as the browser has it.",
        placeholder: "https://bitbucket.acme.example",
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: false,
        default: None,
        help: "An HTTP access token with Project read and Repository read; without it only what is public is read.",
        placeholder: "",
    },
    Field {
        key: "user",
        title: "User",
        takes: FieldType::Text,
        required: false,
        default: None,
        help: "The user whose password `token` is, where the server has no access tokens.",
        placeholder: "pelorus",
    },
    Field {
        key: "projects",
        title: "Projects",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Keys of the projects whose repositories are read; `~name` for a person's.",
        placeholder: "SHOP",
    },
    Field {
        key: "repositories",
        title: "Repositories",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Repositories that are read beside those of the projects, as PROJECT/name.",
        placeholder: "SHOP/api",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[2],
    SCOPE_FIELDS[3],
]);

/// A server has no limit unless its administrator sets one, which its headers tell.
const PROFILE: Profile = Profile {
    accept: "application/json",
    headers: &[],
    limits: Limits {
        concurrency: 4,
        per_minute: None,
        per_hour: None,
    },
};

/// A connected Bitbucket Data Center.
struct BitbucketServer(Lists);

fn fault(key: &str, message: &str) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    }
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let written = text(source, "url")
        .ok_or_else(|| fault("url", "is missing: give the address of the server"))?;
    let mut base = Url::parse(&written).map_err(|_| {
        fault(
            "url",
            "takes an address like https://bitbucket.acme.example",
        )
    })?;
    // People paste the API's address as often as the server's.
    let path = base.path();
    let path = path.find("/rest/api").map_or(path, |at| &path[..at]);
    let path = format!("{}/rest/api/latest/", path.trim_end_matches('/'));
    base.set_path(&path);
    let projects = text_list(source, "projects");
    let repositories = text_list(source, "repositories");
    if projects.is_empty() && repositories.is_empty() {
        return Err(fault(
            "projects",
            "is missing: name projects here, or repositories in `repositories`",
        ));
    }
    if let Some(odd) = repositories
        .iter()
        .position(|name| name.split('/').filter(|part| !part.is_empty()).count() != 2)
    {
        return Err(fault(&format!("repositories[{odd}]"), "takes PROJECT/name"));
    }
    let credential = match (secret(source, "token"), text(source, "user")) {
        (Some(password), Some(user)) => Credential::Basic { user, password },
        (Some(token), None) => Credential::Token {
            scheme: "Bearer",
            token,
        },
        (None, Some(_)) => return Err(fault("token", "is missing: a user alone opens nothing")),
        (None, None) => Credential::None,
    };
    Ok(Box::new(BitbucketServer(Lists {
        api: Api::connect(network, source, base, PROFILE, credential)?,
        projects,
        repositories,
        scope: Scope::of(source)?,
    })))
}

impl Provider for BitbucketServer {
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
