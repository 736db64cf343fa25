//! Bitbucket Cloud: its address, credentials, limits and pages, shared by its repositories and its pipelines.
//!
//! Source: the API's own OpenAPI document (2.0, read November 2026), "API request limits" of support.atlassian.com.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use url::Url;

use super::http::{Api, Credential, HttpError, Limits, Network, Profile, secret, text, text_list};
use super::scope::{SCOPE_FIELDS, Scope, Standing};
use super::{FetchError, repository_name};
use crate::config::{Fault, Field, FieldType, FieldValue, SettingsError, SourceSettings};
use crate::model::Repository;

/// How many fields `CLOUD_FIELDS` has.
pub(crate) const OWN: usize = 9;

/// The settings of a source in Bitbucket Cloud.
pub(crate) const CLOUD_FIELDS: [Field; OWN] = [
    Field {
        key: "url",
        title: "URL",
        takes: FieldType::Text,
        required: false,
        default: Some("https://api.bitbucket.org"),
        help: "Address of the API, where it is reached through another one.",
        placeholder: "https://api.bitbucket.org",
    },
    Field {
        key: "token",
        title: "Token",
        takes: FieldType::Secret,
        required: false,
        default: None,
        help: "An access token of a workspace, project or repository, or, with `user`, an API token; without it only what is public is read.",
        placeholder: "",
    },
    Field {
        key: "user",
        title: "User",
        takes: FieldType::Text,
        required: false,
        default: None,
        help: "The e-mail address that an API token belongs to (the user name for an app password); leave it out for an access token.",
        placeholder: "bot@acme.example",
    },
    Field {
        key: "workspaces",
        title: "Workspaces",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Workspaces whose repositories are read.",
        placeholder: "acme",
    },
    Field {
        key: "repositories",
        title: "Repositories",
        takes: FieldType::TextList,
        required: false,
        default: None,
        help: "Repositories that are read beside those of the workspaces, as workspace/name.",
        placeholder: "acme/shop",
    },
    Field {
        key: "requestsPerHour",
        title: "Requests an hour",
        takes: FieldType::Integer,
        required: false,
        default: Some("1000"),
        help: "What Bitbucket allows this credential within an hour: more than 1000 only for access tokens of large workspaces.",
        placeholder: "1000",
    },
    SCOPE_FIELDS[0],
    SCOPE_FIELDS[1],
    SCOPE_FIELDS[3],
];

/// Requests within any hour that every credential has, and that nobody has.
const PER_HOUR: u32 = 1_000;
const ANONYMOUS_PER_HOUR: u32 = 60;
/// More than this is given to no workspace.
const MOST_PER_HOUR: i64 = 10_000;

/// What of Bitbucket Cloud a source reads.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) api: Api,
    pub(crate) workspaces: Vec<String>,
    pub(crate) repositories: Vec<String>,
    pub(crate) scope: Scope,
}

fn fault(key: &str, message: &str) -> SettingsError {
    SettingsError {
        faults: vec![Fault {
            key: key.to_owned(),
            message: message.to_owned(),
        }],
    }
}

impl Cloud {
    /// Puts it together; does no I/O.
    ///
    /// # Errors
    /// What the settings lack.
    pub(crate) fn connect(
        source: &SourceSettings,
        network: &Network,
    ) -> Result<Self, SettingsError> {
        let written = text(source, "url").unwrap_or_else(|| "https://api.bitbucket.org".to_owned());
        let mut base = Url::parse(&written)
            .map_err(|_| fault("url", "takes an address like https://api.bitbucket.org"))?;
        if base.host_str() == Some("bitbucket.org") {
            return Err(fault(
                "url",
                "takes the API's address, https://api.bitbucket.org: that of the pages answers nothing",
            ));
        }
        let path = base
            .path()
            .trim_end_matches('/')
            .trim_end_matches("/2.0")
            .to_owned();
        base.set_path(&format!("{path}/2.0/"));
        let workspaces = text_list(source, "workspaces");
        let repositories = text_list(source, "repositories");
        if workspaces.is_empty() && repositories.is_empty() {
            return Err(fault(
                "workspaces",
                "is missing: name workspaces here, or repositories in `repositories`",
            ));
        }
        if let Some(odd) = repositories
            .iter()
            .position(|name| name.split('/').filter(|part| !part.is_empty()).count() != 2)
        {
            return Err(fault(
                &format!("repositories[{odd}]"),
                "takes workspace/name",
            ));
        }
        let credential = match (secret(source, "token"), text(source, "user")) {
            (Some(password), Some(user)) => Credential::Basic { user, password },
            (Some(token), None) => Credential::Token {
                scheme: "Bearer",
                token,
            },
            (None, Some(_)) => {
                return Err(fault("token", "is missing: a user alone opens nothing"));
            }
            (None, None) => Credential::None,
        };
        let is_anonymous = matches!(credential, Credential::None);
        let per_hour = match source.fields.get("requestsPerHour") {
            Some(FieldValue::Integer(number)) if (1..=MOST_PER_HOUR).contains(number) => {
                *number as u32
            }
            Some(FieldValue::Integer(_)) => {
                return Err(fault("requestsPerHour", "takes a number from 1 to 10000"));
            }
            _ if is_anonymous => ANONYMOUS_PER_HOUR,
            _ => PER_HOUR,
        };
        let profile = Profile {
            accept: "application/json",
            headers: &[],
            limits: Limits {
                concurrency: 4,
                per_minute: None,
                per_hour: Some(per_hour),
            },
        };
        Ok(Self {
            api: Api::connect(network, source, base, profile, credential)?,
            workspaces,
            repositories,
            scope: Scope::of(source)?,
        })
    }
}

/// One page of a list.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
pub(crate) struct Values<T> {
    #[serde(default = "Vec::new")]
    pub(crate) values: Vec<T>,
    /// Address of the next page.
    pub(crate) next: Option<String>,
    /// How many there are in all, where the list says.
    pub(crate) size: Option<usize>,
}

/// Reads a page of a list: the one at `next`, or the first.
pub(crate) async fn page<T: DeserializeOwned>(
    api: &Api,
    path: &[&str],
    query: &[(&str, &str)],
    next: Option<&str>,
) -> Result<Values<T>, HttpError> {
    let call = match next.map(Url::parse) {
        Some(Ok(url)) => api.get_url(url),
        Some(Err(error)) => return Err(circular(api, path, anyhow::Error::new(error))),
        None => query
            .iter()
            .fold(api.get(path), |call, (key, value)| call.query(key, value)),
    };
    let page: Values<T> = call.send().await?.json()?;
    if page.next.is_some() && page.next.as_deref() == next {
        return Err(circular(
            api,
            path,
            anyhow::anyhow!("its list repeats a page"),
        ));
    }
    Ok(page)
}

/// Reads every page of a short list.
pub(crate) async fn all<T: DeserializeOwned>(
    api: &Api,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Vec<T>, HttpError> {
    let mut values = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next: Option<String> = None;
    loop {
        let told: Values<T> = page(api, path, query, next.as_deref()).await?;
        values.extend(told.values);
        next = told.next;
        let Some(url) = &next else {
            return Ok(values);
        };
        if !seen.insert(url.clone()) {
            return Err(circular(
                api,
                path,
                anyhow::anyhow!("its list repeats a page"),
            ));
        }
    }
}

fn circular(api: &Api, path: &[&str], source: anyhow::Error) -> HttpError {
    HttpError::Malformed {
        what: api.url(path).to_string(),
        source,
    }
}

/// Repositories a page, and commits, tags, pipelines: the cap of most lists.
pub(crate) const PAGE: &str = "100";

/// What is asked of a repository.
pub(crate) const REPOSITORY_FIELDS: &str =
    "uuid,full_name,updated_on,mainbranch.name,parent.uuid,links.html.href";

/// The names of fields below each value of a list, and the address of the next page.
pub(crate) fn of_values(fields: &str) -> String {
    let mut all: String = fields
        .split(',')
        .map(|field| format!("values.{field},"))
        .collect();
    all.push_str("next,size");
    all
}

/// A repository, as Bitbucket Cloud tells it.
#[derive(Debug, Deserialize)]
pub(crate) struct ToldRepository {
    /// It stays when the repository is renamed or moved.
    pub(crate) uuid: String,
    pub(crate) full_name: String,
    pub(crate) mainbranch: Option<Named>,
    pub(crate) parent: Option<IgnoredAny>,
    pub(crate) links: Option<Links>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) name: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Links {
    pub(crate) html: Option<Link>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Link {
    pub(crate) href: Option<String>,
}

/// The page that shows something.
pub(crate) fn shown_at(links: Option<&Links>) -> Option<&str> {
    links?.html.as_ref()?.href.as_deref()
}

impl ToldRepository {
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            is_archived: false,
            is_fork: self.parent.is_some(),
        }
    }

    /// As events name it: by its page's host, not the API's.
    pub(crate) fn repository(&self) -> Repository {
        shown_at(self.links.as_ref())
            .and_then(repository_name::of_url)
            .unwrap_or_else(|| {
                repository_name::of_text(&format!("bitbucket.org/{}", self.full_name))
            })
    }
}

/// What a first look saw.
pub(crate) struct Seen {
    /// One sentence.
    pub(crate) message: String,
    /// The full name of a repository that is there.
    pub(crate) first: Option<String>,
    pub(crate) advice: Vec<String>,
}

/// Clocks that differ less are alike.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl Cloud {
    /// Reads a page of repositories of the first workspace, or the first repository that is named.
    pub(crate) async fn sees(&self, now: DateTime<Utc>) -> Result<Seen, FetchError> {
        let answer = match (self.workspaces.first(), self.repositories.first()) {
            (Some(workspace), _) => {
                let call = self.api.get(&["repositories", workspace]);
                let call = call.query("sort", "-updated_on").query("pagelen", PAGE);
                call.query("fields", "values.full_name,size,next")
            }
            (None, Some(name)) => {
                let (workspace, short) = name.split_once('/').unwrap_or((name, ""));
                let call = self.api.get(&["repositories", workspace, short]);
                call.query("fields", "full_name")
            }
            (None, None) => unreachable!("connecting demands one of the two"),
        };
        let answer = answer.send().await.map_err(needs)?;
        let (message, first) = match self.workspaces.first() {
            Some(workspace) => {
                let found: Values<FullName> = answer.json()?;
                let names: Vec<String> = found
                    .values
                    .into_iter()
                    .map(|told| told.full_name)
                    .collect();
                let count = found.size.unwrap_or(names.len());
                let more = if names.len() > 3 { ", …" } else { "" };
                let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
                let message = format!("Sees {count} repositories of {workspace} ({shown}{more}).");
                (message, names.into_iter().next())
            }
            None => {
                let told: FullName = answer.json()?;
                (format!("Sees {}.", told.full_name), Some(told.full_name))
            }
        };
        let mut advice = Vec::new();
        if let Some(limit) = answer.header("x-ratelimit-limit") {
            advice.push(format!("Bitbucket allows this token {limit} requests an hour; `requestsPerHour` may say so."));
        }
        if let Some(skew) = answer.served_at().map(|served_at| served_at - now)
            && skew.abs() > SKEW
        {
            let seconds = skew.num_seconds();
            let way = if seconds > 0 { "ahead of" } else { "behind" };
            advice.push(format!("The server's clock is {} s {way} this machine's: set both by NTP, or lead times are off by that.", seconds.abs()));
        }
        Ok(Seen {
            message,
            first,
            advice,
        })
    }
}

#[derive(Deserialize)]
struct FullName {
    full_name: String,
}

/// Names the permission that listing repositories takes.
fn needs(error: HttpError) -> FetchError {
    match error {
        HttpError::Forbidden { what, .. } => FetchError::Unauthorized {
            what,
            needs: Some(
                "`read:repository:bitbucket` (an access token: Repositories, Read)".to_owned(),
            ),
        },
        other => other.into(),
    }
}
