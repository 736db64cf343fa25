//! Gitea and Forgejo: commits, pull requests with their reviews, tags and releases of many repositories.
//!
//! Source: the API's own description, `/swagger.v1.json` of a Gitea 1.24 (Forgejo 11 serves the same paths).

mod check;
mod events;
mod history;
mod json;
mod lists;
mod pieces;
mod requests;

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

/// Gitea and Forgejo (design, section 5).
pub static KIND: ProviderKind = ProviderKind {
    name: "gitea",
    group: "git",
    title: "Gitea or Forgejo",
    help: "Reads commits, pull requests, reviews, tags and releases of a Gitea or Forgejo.",
    fields: &FIELDS,
    yields: EventKinds::of(&[
        EventKind::Commit,
        EventKind::PullRequest,
        EventKind::Release,
    ]),
    rank: 9,
    connect,
};

const OWN: usize = 4 + SCOPE_FIELDS.len();
static FIELDS: [Field; OWN + CONNECTION_FIELDS.len()] = connection_fields::<OWN, _>([
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: true,
        default: None,
        help: "Address of the server, as the browser has it.",
        placeholder: "https://git.acme.example",
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: false,
        default: None,
        help: "An access token with read:repository, read:organization, read:issue and read:user; without it only what is public is read.",
        placeholder: "",
    },
    Field {
        key: "owners",
        title: "Owners",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Organisations and users whose repositories are read.",
        placeholder: "acme",
    },
    Field {
        key: "repositories",
        title: "Repositories",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Repositories that are read beside those of the owners, as owner/name.",
        placeholder: "acme/shop",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[2],
    SCOPE_FIELDS[3],
]);

/// Gitea documents no limit; four at a time leave it to its people.
const PROFILE: Profile = Profile {
    accept: "application/json",
    headers: &[],
    limits: Limits {
        concurrency: 4,
        per_minute: None,
        per_hour: None,
    },
};

/// A connected Gitea.
struct Gitea {
    lists: Lists,
}

fn connect(source: &SourceSettings, network: &Network) -> Result<Box<dyn Provider>, SettingsError> {
    let fault = |key: &str, message: &str| SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    };
    let written = text(source, "url")
        .ok_or_else(|| fault("url", "is missing: give the address of the server"))?;
    let mut base = Url::parse(&written)
        .map_err(|_| fault("url", "takes an address like https://git.acme.example"))?;
    if let Ok(mut segments) = base.path_segments_mut() {
        // People paste the API's address as often as the server's.
        segments.pop_if_empty();
    }
    let path = base
        .path()
        .trim_end_matches('/')
        .trim_end_matches("/api/v1")
        .to_owned();
    base.set_path(&format!("{path}/api/v1/"));
    let owners = text_list(source, "owners");
    let repositories = text_list(source, "repositories");
    if owners.is_empty() && repositories.is_empty() {
        return Err(fault(
            "owners",
            "is missing: name organisations or users here, or repositories in `repositories`",
        ));
    }
    if let Some(odd) = repositories
        .iter()
        .position(|name| name.split('/').filter(|part| !part.is_empty()).count() != 2)
    {
        return Err(fault(&format!("repositories[{odd}]"), "takes owner/name"));
    }
    let credential = match secret(source, "token") {
        Some(token) => Credential::Token {
            scheme: "token",
            token,
        },
        None => Credential::None,
    };
    Ok(Box::new(Gitea {
        lists: Lists {
            api: Api::connect(network, source, base, PROFILE, credential)?,
            owners,
            repositories,
            scope: Scope::of(source)?,
        },
    }))
}

impl Provider for Gitea {
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
