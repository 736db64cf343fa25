//! Bitbucket Cloud: its address, credentials, limits and pages, shared by its repositories and its pipelines.
//!
//! Source: the API's own OpenAPI document (2.0, read November 2026), "API request limits" of support.atlassian.com.

mod fields;
mod look;
mod pages;

use url::Url;

pub(crate) use self::fields::{CLOUD_FIELDS, OWN};
pub(crate) use self::pages::{
    Links, Named, PAGE, REPOSITORY_FIELDS, ToldRepository, Values, all, of_values, page, shown_at,
};
use super::http::{Api, Credential, Limits, Network, Profile, secret, text, text_list};
use super::scope::Scope;
use crate::config::{Fault, FieldValue, SettingsError, SourceSettings};

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
